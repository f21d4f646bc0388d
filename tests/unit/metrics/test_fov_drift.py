"""`fov-drift`: by hand, symmetric, silent where the estimator is."""

from dataclasses import replace

import numpy as np
import pytest
from path_toys import nothing_seen, standing_still

from egobench.errors import BadInputError, Undefined
from egobench.metrics.fov_drift import FovDrift

PATH = standing_still()


@pytest.mark.parametrize(("ratio", "percent"), [(1.0, 0.0), (1.01, 0.995), (2.0, 69.315), (0.5, 69.315)])
def test_the_declared_focal_length_costs_nothing_and_twice_as_much_as_half(ratio, percent):
    found = FovDrift()(replace(PATH, focal_ratio=ratio))
    assert found.value == pytest.approx(percent, abs=1e-3)
    assert found.detail["focal_ratio"] == ratio


def test_an_estimator_that_cannot_tell_gives_no_number():
    with pytest.raises(Undefined, match="does not refine"):
        FovDrift()(PATH)
    with pytest.raises(Undefined, match="lost the clip"):
        FovDrift()(replace(nothing_seen(), focal_ratio=1.0))


@pytest.mark.parametrize("ratio", [0.0, -1.0, float("nan"), float("inf")])
def test_a_ratio_that_is_no_length_is_refused(ratio):
    with pytest.raises(BadInputError, match="focal ratio"):
        FovDrift()(replace(PATH, focal_ratio=ratio))


def test_the_summary_says_which_way_it_is_off():
    rows = [FovDrift()(replace(PATH, focal_ratio=ratio)) for ratio in (0.8, 0.9, 1.3)]
    assert FovDrift().summary(rows, None)["focal_ratio"] == {"median": 0.9, "mean": pytest.approx(1.0), "n": 3}
    assert np.isclose(rows[0].value, 100 * np.log(1 / 0.8))
