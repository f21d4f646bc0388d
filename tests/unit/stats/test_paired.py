"""Paired differences: by hand, by theory, against scipy; nothing depends on the order of rows."""

import numpy as np
import pytest
import scipy.stats

from egobench.errors import BadInputError
from egobench.stats.frechet import frechet_distance
from egobench.stats.paired import (
    ClusterSums,
    detectable_effect,
    holm,
    jackknife_blocks,
    left_out_sums,
    paired_differences,
    row_sums,
)
from egobench.stats.weighted_frechet import SequenceFrechet


def of_rows(first, second, groups, **options):
    """Difference of two means over rows."""
    above = np.stack([first, second]).astype(float)
    table = row_sums(above, np.ones_like(above), groups)
    return paired_differences([table], [(float(above[0].mean()), float(above[1].mean()))], **options)[0]


def skewed(rng, sequences=30):
    """Paired rows of unequal sequences; the second run is not better or worse."""
    groups = np.repeat(np.arange(sequences), 1 + np.arange(sequences) % 4)
    effect = rng.gamma(2.0, 1.0, sequences)[groups]
    return effect + rng.gamma(1.0, 1.0, len(groups)), effect + rng.gamma(1.0, 1.0, len(groups)), groups


def test_two_recordings_worked_out_by_hand():
    # s1 loses 1 and 3, s2 loses 2: the mean is 2; without s1 it is 2, without s2 it is 2, so the error is 0 and only
    # the four swaps are left: ±2 by all or none, (4 - 2) / 3 = ±2/3 by one of them; two of four are as large as 2.
    found = of_rows([5, 5, 5], [6, 8, 7], ["s1", "s1", "s2"])
    assert (found.first, found.second, found.value, found.groups) == (5, 7, 2, 2)
    assert found.error == pytest.approx(0, abs=1e-15)
    assert found.p == 0.5
    # s1 loses 1, s2 loses 3: the values without one are 3 and 1, so the error is √(1/2 · 2) = 1 and t₁ is 12.706.
    found = of_rows([0, 0], [1, 3], ["s1", "s2"])
    assert found.error == pytest.approx(1)
    assert found.ci95 == pytest.approx((2 - 12.7062, 2 + 12.7062), abs=1e-3)
    assert found.detectable == pytest.approx(12.7062 + 1.3764, abs=1e-3)
    assert found.method == "jackknife"


def test_a_ratio_of_sums_worked_out_by_hand():
    # hits over asked, in two recordings: 1/2 + 1/2 against 2/2 + 1/4; 0.5 against 3/6.
    table = row_sums(np.array([[1, 1], [2, 1]]), np.array([[2, 2], [2, 4]]), ["a", "b"])
    (found,) = paired_differences([table], [(2 / 4, 3 / 6)])
    assert found.value == 0
    # without a: 1/2 → 1/4, without b: 1/2 → 1; the differences -1/4 and 1/2 give √(1/2 · 2 · (3/8)²) = 3/8.
    assert found.error == pytest.approx(3 / 8)


def test_a_block_left_out_adds_what_it_added_to_a_mean():
    first, second = np.array([1.0, 2.0, 6.0]), np.array([2.0, 5.0, 6.0])
    without = [np.array([np.delete(side, k).mean() for k in range(3)]) for side in (first, second)]
    table = left_out_sums((first.mean(), second.mean()), *without)
    assert table.above[1] - table.above[0] == pytest.approx(second - first)
    (found,) = paired_differences([table], [(first.mean(), second.mean())])
    rows = of_rows(first, second, ["a", "b", "c"])
    assert (found.value, found.error, found.p) == pytest.approx((rows.value, rows.error, rows.p))


def test_identical_runs_differ_by_exactly_nothing():
    values, _, groups = skewed(np.random.default_rng(0))
    found = of_rows(values, values, groups)
    assert (found.value, found.ci95, found.error, found.p, found.detectable) == (0, (0, 0), 0, 1, 0)


def test_second_against_first_is_the_mirror_of_first_against_second():
    first, second, groups = skewed(np.random.default_rng(1))
    ours, theirs = of_rows(first, second, groups), of_rows(second, first, groups)
    assert ours.value == -theirs.value
    assert ours.ci95 == pytest.approx((-theirs.ci95[1], -theirs.ci95[0]), abs=1e-12)
    assert (ours.error, ours.detectable) == pytest.approx((theirs.error, theirs.detectable))
    assert ours.p == theirs.p


@pytest.mark.parametrize("sequences", [6, 30])
def test_the_order_of_rows_changes_nothing(sequences):
    rng = np.random.default_rng(2)
    first, second, groups = skewed(rng, sequences)
    order = rng.permutation(len(groups))
    ours, theirs = of_rows(first, second, groups), of_rows(first[order], second[order], groups[order])
    assert ours.ci95 == pytest.approx(theirs.ci95, rel=1e-9)
    assert (ours.p, ours.error) == pytest.approx((theirs.p, theirs.error), rel=1e-9)


def test_metrics_compared_together_are_what_they_are_alone():
    first, second, groups = skewed(np.random.default_rng(3))
    above = np.stack([first, second])
    tables = [row_sums(above, np.ones_like(above), groups), row_sums(3 * above, np.ones_like(above), groups)]
    tables.append(row_sums(above[:, :8], np.ones((2, 8)), groups[:8]))
    values = [(float(first.mean()), float(second.mean()))] * 3
    together = paired_differences(tables, values, draws=500)
    alone = [paired_differences([table], [pair], draws=500)[0] for table, pair in zip(tables, values, strict=True)]
    assert [each.ci95 for each in together] == [pytest.approx(each.ci95, rel=1e-12) for each in alone]
    assert [each.p for each in together] == [each.p for each in alone]


def test_under_exchangeable_runs_p_is_uniform():
    rng = np.random.default_rng(4)
    p_values = [of_rows(*skewed(rng), draws=300, seed=seed).p for seed in range(200)]
    assert scipy.stats.kstest(p_values, "uniform").pvalue > 0.01
    assert np.mean(np.array(p_values) <= 0.05) < 0.1


def test_intervals_of_unequal_skewed_recordings_hold_the_truth():
    rng = np.random.default_rng(5)
    held = [low <= 0 <= high for low, high in (of_rows(*skewed(rng), draws=400, seed=s).ci95 for s in range(200))]
    assert 0.9 <= np.mean(held) <= 0.99


def test_intervals_of_a_difference_of_frechet_distances_hold_the_truth():
    rng = np.random.default_rng(6)

    def world():
        effect = 0.6 * rng.standard_normal((40, 1, 6))
        sides = [effect + rng.standard_normal((40, 6, 6)) for _ in range(3)]
        return sides[0], 1.2 * sides[1] + 0.2, 1.2 * sides[2] + 0.3

    def distances(sides):
        reference, *samples = (np.concatenate(side) for side in sides)
        return tuple(frechet_distance(reference, sample) for sample in samples)

    truth = np.mean([second - first for first, second in (distances(world()) for _ in range(200))])
    held = []
    for _ in range(40):
        sides = world()
        engines = [SequenceFrechet.of(list(sides[0]), list(side), np.arange(40)) for side in sides[1:]]
        without = 1 - np.eye(40, dtype=np.int64)
        values = distances(sides)
        table = left_out_sums(values, *(engine(without) for engine in engines))
        (found,) = paired_differences([table], [values], draws=50)
        held.append(found.ci95[0] <= truth <= found.ci95[1])
    assert np.mean(held) >= 0.85


def test_the_smallest_detectable_effect_is_detected_four_times_in_five():
    # 20 sequences of one row each; the standard error is 1/√20.
    effect, rng = detectable_effect(1 / np.sqrt(20), 20), np.random.default_rng(7)
    change = effect + rng.standard_normal((1000, 20))
    found = np.abs(scipy.stats.ttest_1samp(change, 0, axis=1).pvalue) <= 0.05
    assert np.mean(found) == pytest.approx(0.8, abs=0.04)


def test_all_sign_flips_agree_with_scipy():
    first, second = np.random.default_rng(8).normal(size=(2, 9))
    found = of_rows(first, second, np.arange(9))
    theirs = scipy.stats.permutation_test(
        (second, first), lambda a, b: np.mean(a) - np.mean(b), permutation_type="samples", n_resamples=np.inf
    )
    assert found.p == pytest.approx(theirs.pvalue)


def test_the_bootstrap_agrees_with_scipy():
    rng = np.random.default_rng(9)
    first, second = rng.normal(size=(2, 40))
    found = of_rows(first, second, np.arange(40))
    theirs = scipy.stats.bootstrap(
        (second - first,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    assert found.ci95 == pytest.approx(theirs, abs=0.02)
    assert found.error == pytest.approx(scipy.stats.sem(second - first))


def test_holm_by_hand():
    # 0.01 · 4, 0.02 · 3, 0.03 · 2 and 0.04 · 1, each at least as large as the one before; None was not tested.
    assert holm([0.03, 0.01, None, 0.04, 0.02]) == pytest.approx([0.06, 0.04, None, 0.06, 0.06], nan_ok=True)
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_blocks_keep_a_recording_together_and_are_of_nearly_equal_size():
    names = [f"s{number}" for number in range(150) for _ in range(3)]
    blocks = jackknife_blocks(names)
    assert len({(name, block) for name, block in zip(names, blocks.tolist(), strict=True)}) == 150
    assert set(np.bincount(blocks).tolist()) == {6, 9}
    assert jackknife_blocks(names[::-1])[::-1].tolist() == blocks.tolist()


def test_one_recording_has_no_interval():
    found = of_rows([1, 2], [2, 3], ["s", "s"])
    assert (found.value, found.ci95, found.p, found.detectable, found.method) == (1, None, None, None, "none")
    (found,) = paired_differences([left_out_sums((1.0, 3.0), np.zeros(0), np.zeros(0))], [(1.0, 3.0)])
    assert (found.value, found.ci95, found.p) == (2, None, None)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: row_sums(np.ones((2, 3)), np.ones((2, 2)), ["a"] * 3), "paired-shape"),
        (lambda: row_sums(np.ones((2, 3)), np.ones((2, 3)), ["a"] * 2), "paired-shape"),
        (lambda: row_sums(np.full((2, 1), np.nan), np.ones((2, 1)), ["a"]), "paired-nonfinite"),
        (lambda: left_out_sums((0.0, 0.0), np.zeros(3), np.zeros(4)), "paired-shape"),
        (lambda: paired_differences([ClusterSums(*np.ones((2, 2, 2)))], [(1.0, 1.0)], draws=0), "bootstrap-draws"),
    ],
)
def test_what_cannot_be_paired_is_refused(call, code):
    with pytest.raises(BadInputError) as caught:
        call()
    assert caught.value.code == code
