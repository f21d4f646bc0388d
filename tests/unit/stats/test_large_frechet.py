"""Large sets: sums over blocks give what all rows at once give, to 1e-9 of the distance."""

import numpy as np
import pytest

from egobench.errors import BadInputError
from egobench.stats import kernel, large_frechet
from egobench.stats.frechet import frechet_distance, frechet_interval, frechet_limit
from egobench.stats.influence import frechet_influence
from egobench.stats.kernel import kernel_distance, large_kernel_distance
from egobench.stats.large_frechet import LargeFrechet
from egobench.stats.moments import Moments, distance_of_moments
from egobench.stats.weighted_frechet import SequenceFrechet

D, ENTRIES, ITEMS = 6, 90, 3


class Blocks:
    """Entries in memory, given in blocks of some entries."""

    def __init__(self, entries, size=7):
        self.entries, self.size, self.width = entries, size, entries[0].shape[1]
        self.counts = np.array([len(entry) for entry in entries])

    def blocks(self):
        for start in range(0, len(self.entries), self.size):
            yield start, np.concatenate(self.entries[start : start + self.size])


def entries(seed, shift=0.0):
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(9).normal(size=(D, D))
    return [(rng.normal(size=(ITEMS, D)) + shift + 0.3 * rng.normal(size=D)) @ mixing for _ in range(ENTRIES)]


REFERENCE, SAMPLE = entries(0), entries(1, 0.3)
GROUPS = np.random.default_rng(2).permutation(np.arange(ENTRIES) // 5)
VALUE = frechet_distance(np.concatenate(REFERENCE), np.concatenate(SAMPLE))


@pytest.fixture(params=[2**20, 50])
def large(request, monkeypatch):
    """All draws in one pass, and two in each; groups all at once, and some."""
    monkeypatch.setattr(large_frechet, "MATRIX_NUMBERS", request.param)
    monkeypatch.setattr(large_frechet, "GROUPS_AT_ONCE", 128 if request.param > 50 else 2)
    return LargeFrechet(Blocks(REFERENCE), Blocks(SAMPLE))


def close(value, scale=VALUE):
    return pytest.approx(value, rel=1e-9, abs=1e-9 * scale)


def test_the_distance_is_that_of_all_rows(large):
    assert large.value == close(VALUE)
    assert not large.has_few


def test_the_interval_is_that_of_all_rows(large):
    assert large.interval(GROUPS, 40, 3) == close(frechet_interval(REFERENCE, SAMPLE, GROUPS, 40, 3))
    assert large.interval(np.zeros(ENTRIES, int), 40, 3) is None


def test_the_limit_is_that_of_all_rows(large):
    assert large.limit(GROUPS, 3) == close(frechet_limit(REFERENCE, SAMPLE, GROUPS, 3))
    assert large.limit(GROUPS % 3, 3) is frechet_limit(REFERENCE, SAMPLE, GROUPS % 3, 3) is None


def test_what_is_left_without_a_block_is_that_of_all_rows(large):
    distances = SequenceFrechet.of(REFERENCE, SAMPLE, GROUPS)
    assert large.left_out(GROUPS) == close(distances(1 - np.eye(distances.num_groups, dtype=np.int64)))


def test_the_same_clips_raise_the_distance_by_as_much(large):
    clips = np.arange(ENTRIES) // 2
    found, wanted = large.influence(clips, top=5), frechet_influence(REFERENCE, SAMPLE, clips, top=5)
    assert [each.group for each in found] == [each.group for each in wanted]
    assert [each.change for each in found] == close([each.change for each in wanted])


def test_parts_merge_into_the_whole_in_any_order():
    parts = [Moments.of(np.concatenate(SAMPLE[start : start + 30])) for start in (60, 0, 30)]
    whole = Moments.of(np.concatenate(SAMPLE))
    merged = parts[0].merged(parts[1]).merged(parts[2])
    assert (merged.count, merged.rows_hash) == (whole.count, whole.rows_hash)
    assert merged.mean == pytest.approx(whole.mean, rel=1e-12, abs=1e-12)
    assert merged.factor.T @ merged.factor == pytest.approx(whole.factor.T @ whole.factor, rel=1e-12, abs=1e-10)


def test_equal_sets_in_another_order_are_exactly_zero_apart():
    turned = [entry[::-1] for entry in SAMPLE[::-1]]
    other_order, same = LargeFrechet(Blocks(turned), Blocks(SAMPLE)), LargeFrechet(Blocks(SAMPLE), Blocks(SAMPLE))
    assert (other_order.value, same.value) == (0.0, 0.0)
    assert same.interval(GROUPS, 10, 0) == (0.0, 0.0)
    assert other_order.interval(GROUPS, 10, 0) == close(frechet_interval(turned, SAMPLE, GROUPS, 10, 0))


@pytest.mark.parametrize("by_sums", [True, False])
def test_the_kernel_distance_is_that_of_all_rows(monkeypatch, by_sums):
    monkeypatch.setattr(kernel, "MOST_FEATURES", 256 if by_sums else 1)
    wanted = kernel_distance(np.concatenate(REFERENCE), np.concatenate(SAMPLE))
    found = large_kernel_distance(
        *(lambda side=side: (b for _, b in Blocks(side).blocks()) for side in (REFERENCE, SAMPLE))
    )
    assert found == close(wanted, 1.0)


def test_what_no_distance_can_be_made_of_is_refused():
    constant = Moments.of(np.ones((4, 2)))
    for wrong, code in (
        (lambda: distance_of_moments(constant, Moments.of(np.full((3, 2), 2.0))), "features-constant"),
        (lambda: distance_of_moments(constant, Moments.of(np.ones((1, 2)))), "features-few"),
        (lambda: distance_of_moments(constant, Moments.of(np.eye(3))), "features-dimension"),
        (lambda: Moments.of(np.array([[1.0, np.nan]])), "features-nonfinite"),
        (lambda: Moments.of_blocks([]), "features-few"),
        (lambda: large_kernel_distance(lambda: [np.ones((1, 2))], lambda: [np.ones((3, 2))]), "features-few"),
    ):
        with pytest.raises(BadInputError) as error:
            wrong()
        assert error.value.code == code
