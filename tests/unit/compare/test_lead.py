"""Who is ahead, and what another training seed would change: by hand."""

import pytest
from compare_toys import make_run, noisy

from egobench.compare.lead import lead_of, training_noise
from egobench.compare.run_side import run_side
from egobench.errors import BadInputError, NotComparableError
from egobench.stats.paired import Difference


def difference(value, p=0.001):
    """Second minus first."""
    return Difference(1.0, 1.0 + value, value, (value - 0.1, value + 0.1), 0.05, p, 0.1, 24, "bootstrap")


@pytest.fixture
def seeds(tmp_path):
    """Sides of runs with these scores, one a training seed."""

    def make(label, *runs, **options):
        named = [scores if isinstance(scores, dict) else {"toy-err": scores} for scores in runs]
        return tuple(run_side(make_run(tmp_path / f"{label}{k}", scores, **options)) for k, scores in enumerate(named))

    return make


@pytest.mark.parametrize(
    ("value", "better", "lead"), [(0.5, "lower", "first"), (-0.5, "lower", "second"), (0.5, "higher", "second")]
)
def test_the_better_side_leads_whichever_way_the_metric_points(value, better, lead):
    assert lead_of(difference(value), better, 0.049, 0.4) == (lead, "")


@pytest.mark.parametrize(
    ("p_holm", "noise", "reason"),
    [
        (0.05, 0.4, "p after Holm is 0.05"),
        (0.04, 0.5, "the difference is not larger than the training noise"),
        (0.3, 0.6, "p after Holm is 0.3; the difference is not larger than the training noise"),
        (0.05, None, "p after Holm is 0.05"),
    ],
)
def test_a_large_p_or_a_difference_within_the_noise_leaves_it_undecided(p_holm, noise, reason):
    for value in (0.5, -0.5):
        assert lead_of(difference(value), "lower", p_holm, noise) == ("undecided", reason)


def test_without_a_second_seed_p_alone_decides():
    assert lead_of(difference(0.001), "lower", 0.04, None) == ("first", "")


def test_one_recording_is_undecided():
    alone = Difference(1.0, 2.0, 1.0, None, None, None, None, 1, "none")
    assert lead_of(alone, "lower", None, 0.1) == ("undecided", "1 recording: a difference cannot be told from chance")


def test_no_pair_of_rows_with_a_number_is_undecided():
    assert lead_of(None, "lower", None, None) == ("undecided", "no pair of rows has a number")


def test_noise_is_the_largest_difference_between_any_two_seeds_of_any_row(seeds):
    rows = {
        "a": seeds("a", [1, 2, 3, 4], [2, 3, 4, 5], [0, 1, 2, 3]),  # means 2.5, 3.5, 1.5
        "b": seeds("b", [1, 2, 3, 4], [1, 2, 3, 5]),  # 2.5, 2.75
        "alone": seeds("alone", [100, 100, 100, 100]),
    }
    noise = training_noise(rows, ["toy-err", "toy-hit"])
    assert list(noise) == ["toy-err"]
    assert (noise["toy-err"].value, noise["toy-err"].row) == (2.0, "a")
    assert noise["toy-err"].seeds == {"a": 3, "b": 2}


def test_seeds_are_compared_over_the_rows_that_both_have(seeds):
    rows = {"a": seeds("a", [1, 2, 3, "it stands still"], [1, 2, 6, 90])}
    assert training_noise(rows, ["toy-err"])["toy-err"].value == 1.0


def test_a_metric_without_a_number_in_one_seed_has_no_noise(seeds):
    rows = {"a": seeds("a", {"toy-err": [1, 2], "toy-hit": ["no", "no"]}, {"toy-err": [1, 3], "toy-hit": [1, 1]})}
    assert list(training_noise(rows, ["toy-err", "toy-hit"])) == ["toy-err"]
    assert training_noise(rows, ["toy-hit"]) == {}


def test_the_same_samples_twice_are_no_second_seed(seeds):
    with pytest.raises(BadInputError, match="a0 and a1, both 'a', agree in every number"):
        training_noise({"a": seeds("a", noisy(1), noisy(1))}, ["toy-err"])


def test_equal_means_of_different_samples_are_a_second_seed(seeds):
    assert training_noise({"a": seeds("a", [1, 2], [2, 1])}, ["toy-err"])["toy-err"].value == 0


def test_seeds_under_two_protocols_are_refused(seeds, tmp_path):
    other = run_side(make_run(tmp_path / "other", {"toy-err": noisy(2)}, version=2))
    with pytest.raises(NotComparableError, match=r"metric\.version differ"):
        training_noise({"a": (*seeds("a", noisy(1)), other)}, ["toy-err"])
