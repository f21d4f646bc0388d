"""The alarm that a model beats the reference."""

import pytest

from egobench.errors import BadInputError
from egobench.stats.alarm import beats_reference


@pytest.mark.parametrize(
    ("sample", "better", "alarm"),
    [
        ((0.96, 0.99), "higher", True),
        ((0.94, 0.99), "higher", False),
        ((0.10, 0.20), "higher", False),
        ((0.10, 0.20), "lower", True),
        ((0.96, 0.99), "lower", False),
    ],
)
def test_only_an_interval_wholly_on_the_better_side_is_an_alarm(sample, better, alarm):
    assert beats_reference(sample, (0.90, 0.95), better) is alarm


def test_the_reference_does_not_beat_itself():
    assert not beats_reference((0.9, 0.95), (0.9, 0.95), "higher")
    assert not beats_reference((0.9, 0.9), (0.9, 0.9), "lower")


@pytest.mark.parametrize("interval", [(0.5, 0.4), (float("nan"), 0.4)])
def test_swapped_ends_and_nan_are_refused(interval):
    with pytest.raises(BadInputError, match="low end comes first"):
        beats_reference(interval, (0.1, 0.2), "higher")
