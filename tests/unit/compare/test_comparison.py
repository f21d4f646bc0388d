"""Two runs: what is paired, what is refused, what each of the four verdicts needs."""

import json

import numpy as np
import pytest
from compare_toys import make_run, noisy

from egobench.compare.comparison import compare_sides
from egobench.compare.losses import worst_clips
from egobench.compare.records import comparison_record
from egobench.compare.run_side import run_side
from egobench.compare.verdict import Tolerance
from egobench.errors import BadInputError, NotComparableError, UnknownNameError


@pytest.fixture
def sides(tmp_path):
    """Two sides of runs with these scores."""

    def make(first, second, **options):
        both = []
        for name, scores in (("a", first), ("b", second)):
            own = {key[2:]: value for key, value in options.items() if key.startswith(f"{name}_")}
            common = {key: value for key, value in options.items() if key[1] != "_"}
            scores = scores if isinstance(scores, dict) else {"toy-err": scores}
            both.append(run_side(make_run(tmp_path / name, scores, **common, **own)))
        return both

    return make


def row_of(sides, absolute=0.0, metric="toy-err", **options):
    return compare_sides(*sides, tolerance_of=lambda _: Tolerance(absolute), **options).row(metric)


def test_two_recordings_worked_out_by_hand(sides):
    row = row_of(sides([1, 2, 3, 4], [2, 3, 5, 6]))
    assert (row.difference.first, row.difference.second, row.difference.value) == (2.5, 4.0, 1.5)
    # the recordings lose 1 and 2 a clip: error 1/2, t₁ = 12.706; of four swaps two are as large
    assert row.difference.ci95 == pytest.approx((1.5 - 6.3531, 1.5 + 6.3531), abs=1e-3)
    assert (row.difference.p, row.verdict, row.trend) == (0.5, "inconclusive", "")


def test_a_run_against_itself_is_exactly_nothing_and_equivalent(sides):
    comparison = compare_sides(*sides(noisy(0), noisy(0)))
    row = comparison.row("toy-err")
    assert (row.difference.value, row.difference.ci95, row.difference.p) == (0, (0, 0), 1)
    assert row.verdict == "equivalent"
    assert worst_clips(comparison) == []


def test_another_seed_of_the_same_model_is_equivalent(sides):
    assert row_of(sides(noisy(0), noisy(1)), 0.1).verdict == "equivalent"


def test_a_spoilt_run_is_regressed_and_a_mended_one_improved(sides):
    first = noisy(0)
    pair = sides(first, [value + 0.5 for value in noisy(1)])
    assert row_of(pair, 0.1).verdict == "regressed"
    assert row_of(pair[::-1], 0.1).verdict == "improved"


def test_a_higher_number_is_better_where_the_metric_says_so(sides):
    pair = sides({"toy-hit": noisy(0)}, {"toy-hit": [value + 0.5 for value in noisy(1)]})
    assert row_of(pair, 0.1, "toy-hit").verdict == "improved"


def test_a_certain_difference_about_as_large_as_the_tolerance_is_inconclusive_and_leans(sides):
    row = row_of(sides(noisy(0), [value + 0.2 for value in noisy(1)]), 0.2)
    assert (row.verdict, row.trend) == ("inconclusive", "worse")


def test_many_metrics_make_a_lone_p_of_four_per_cent_inconclusive(sides):
    change = np.random.default_rng(3).normal(size=48)
    change += 2.2 * change.std(ddof=1) / np.sqrt(48) - change.mean()  # 2.2 standard errors from nothing
    first = noisy(0)
    both = {"toy-err": first, "toy-hit": first}, {"toy-err": (np.array(first) + change).tolist(), "toy-hit": noisy(1)}
    pair = sides(*both, windows=1)
    alone, together = row_of(pair, metrics=["toy-err"]), row_of(pair)
    assert (alone.verdict, together.verdict) == ("regressed", "inconclusive")
    assert together.p_holm == pytest.approx(2 * alone.p_holm)
    assert row_of(pair, family=["toy-err"]).verdict == "regressed"


def test_rows_without_a_number_leave_the_pair_out_and_are_counted_by_side(sides):
    first, second = noisy(0), noisy(1)
    first[0] = "it stands still"
    second[1] = second[2] = "it stands still"
    first[3] = second[3] = "it stands still"
    row = row_of(sides(first, second))
    assert vars(row.pairs) == {
        **{"planned": 48, "paired": 44, "only_first": 2, "only_second": 1, "neither": 1, "failed": 0},
        "reasons": {"second: undefined: it stands still": 3, "first: undefined: it stands still": 2},
    }
    assert row.difference.first == pytest.approx(np.mean([v for k, v in enumerate(first) if k > 3]))


def test_failed_rows_beyond_one_per_cent_are_refused_unless_the_rest_is_asked_for(sides):
    pair = sides(noisy(0), noisy(1), b_failed=(4,))
    with pytest.raises(NotComparableError, match="1 of 48 rows failed on some side"):
        compare_sides(*pair)
    row = compare_sides(*pair, allow_partial=True).row("toy-err")
    assert (row.pairs.paired, row.pairs.failed, row.pairs.only_first) == (47, 1, 1)


def test_a_metric_without_any_number_is_not_compared_and_says_why(sides):
    row = row_of(
        sides({"toy-err": noisy(0), "toy-hit": ["no"] * 48}, {"toy-err": noisy(1), "toy-hit": noisy(2)}),
        metric="toy-hit",
    )
    assert (row.verdict, row.difference, row.pairs.neither) == ("not compared", None, 48)
    assert "no row of a has a number: no" in row.reason


def test_seeds_are_paired_with_seeds(sides):
    first = np.arange(16.0)
    row = row_of(sides(first.tolist(), (first + 1).tolist(), seeds=2))
    assert (row.pairs.paired, row.difference.value, row.difference.error) == (16, 1.0, pytest.approx(0, abs=1e-12))


def test_one_recording_is_inconclusive(sides):
    row = row_of(sides([1, 2], [5, 6]))
    assert (row.verdict, row.reason) == ("inconclusive", "1 sequence: differences cannot be told from chance")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"b_version": 2}, "every metric: metric.version differ"),
        ({"b_split": "6" * 64}, "every metric: split.digest differ"),
        ({"b_changed_clip": 3}, "c003 has another content"),
    ],
)
def test_another_protocol_split_or_clip_is_refused_by_name(sides, options, message):
    with pytest.raises(NotComparableError, match=message):
        compare_sides(*sides(noisy(0), noisy(1), **options))


def test_other_seeds_and_missing_clips_are_refused_by_name(sides, tmp_path):
    pair = sides(noisy(0), noisy(1), b_seeds=2)
    with pytest.raises(NotComparableError, match="clips, seeds differ"):
        compare_sides(*pair)
    short = run_side(make_run(tmp_path / "short", {"toy-err": noisy(1)[:40]}))
    with pytest.raises(NotComparableError, match="clips, items differ"):
        compare_sides(pair[0], short)


def test_metrics_that_only_one_run_has_are_named(sides):
    pair = sides({"toy-err": noisy(0), "toy-hit": noisy(0)}, {"toy-err": noisy(1)})
    assert compare_sides(*pair).only_first == ("toy-hit",)
    with pytest.raises(NotComparableError, match="toy-hit was scored in a and not in b"):
        compare_sides(*pair, ["toy-hit"])
    with pytest.raises(UnknownNameError, match="did you mean 'toy-err'"):
        compare_sides(*pair, ["toy-er"])


def test_runs_without_a_common_metric_are_refused(sides):
    with pytest.raises(NotComparableError, match="no metric in common"):
        compare_sides(*sides({"toy-err": noisy(0)}, {"toy-hit": noisy(0)}))


def test_an_unfinished_run_is_refused(tmp_path):
    with pytest.raises(BadInputError, match="egobench resume"):
        run_side(make_run(tmp_path / "a", {"toy-err": noisy(0)}, status="started"))


def test_a_run_whose_protocol_is_not_what_its_digest_says_is_refused(tmp_path):
    run = make_run(tmp_path / "a", {"toy-err": noisy(0)})
    manifest = json.loads((run / "manifest.json").read_text())
    next(iter(manifest["protocols"].values()))["clips"] = 7
    (run / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BadInputError, match="the protocol of toy-err has digest") as error:
        run_side(run)
    assert error.value.code == "manifest-damaged"


def test_the_clips_that_lost_most_stand_in_order_of_their_loss(sides):
    first, second = noisy(0), noisy(0)
    for row, harm in ((30, 3.0), (7, 2.0), (11, 1.0)):
        second[row] += harm
    second[12] -= 5.0
    found = worst_clips(
        compare_sides(*sides({"toy-err": first, "toy-hit": first}, {"toy-err": second, "toy-hit": first}))
    )
    assert [loss.clip for loss in found] == ["c030", "c007", "c011"]
    assert (found[0].metric, found[0].sequence) == ("toy-err", "s015")
    assert found[0].second - found[0].first == pytest.approx(3)
    assert found[0].loss == pytest.approx(1.5 * found[1].loss)


def test_the_record_is_json_and_the_same_whatever_the_order_of_rows_in_the_tables(sides):
    pair = sides(noisy(0), noisy(1))
    record = json.dumps(comparison_record(compare_sides(*pair)), sort_keys=True, allow_nan=False)
    assert record == json.dumps(comparison_record(compare_sides(*pair)), sort_keys=True, allow_nan=False)
    assert json.loads(record)["metrics"]["toy-err"]["verdict"] in ("inconclusive", "equivalent")
