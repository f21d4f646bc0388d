"""Calibration cards below tables and on the terminal."""

import pytest
from board_fixtures import document, result

from egobench.tables.card_text import calibration_lines, card_text, percent, short
from egobench.tables.render import latex, markdown
from egobench.tables.table import ModelRow, models_grid, run_grid

NOTE = {"card": "1a2b3c4d" + "0" * 56, "split": "egomini-test", "floor": 1.94, "chance": 26.2, "unit": "deg"}
NOTE |= {"failure_rate": 0.0, "n": 256, "of": 256}
LINE = "rot-err by egomini-odometry (card 1a2b3c4d: floor 1.9°, chance 26°, failures 0 %, egomini-test)"


def seen(note, estimator="egomini-odometry"):
    return result(5.0, unit="deg", detail={"calibration": {estimator: note}})


def test_a_line_says_card_floor_chance_failures_and_split():
    assert calibration_lines({"rot-err": seen(NOTE), "jerk": result(1.0)}) == [LINE]


def test_a_card_of_a_part_says_so_and_one_without_figures_leaves_them_out():
    part = {**NOTE, "n": 64}
    assert calibration_lines({"rot-err": seen(part)})[0].endswith("failures 0 %, egomini-test (64 of 256 clips))")
    bare = {key: NOTE[key] for key in ("card", "split", "failure_rate", "n", "of")}
    assert calibration_lines({"rot-err": seen(bare)}) == [
        "rot-err by egomini-odometry (card 1a2b3c4d: failures 0 %, egomini-test)"
    ]


def test_an_estimator_without_a_card_is_named_with_the_command_that_makes_one():
    assert calibration_lines({"rot-err": seen({"card": None, "split": "mine"}, "eyes")}) == [
        "rot-err by eyes (not calibrated; `egobench calibrate eyes --split mine` does it)"
    ]


def test_it_stands_once_below_tables_of_one_run_and_of_many():
    assert LINE in run_grid(document(rot_err=seen(NOTE))).notes
    rows = [ModelRow(name, {"rot-err": seen(NOTE)}) for name in ("a", "b")]
    grid = models_grid("title", ["rot-err"], rows)
    assert grid.notes.count(LINE) == 1
    assert "floor 1.9°" in markdown([grid])
    assert r"floor 1.9$^\circ$" in latex([grid])


def test_a_column_that_is_not_shown_has_no_line():
    assert LINE not in models_grid("title", ["jerk"], [ModelRow("a", {"rot-err": seen(NOTE)})]).notes


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (0.004, "0.4 %"), (0.123, "12 %"), (0.996, "99.6 %"), (1.0, "100 %"), (None, "–")],
)
def test_shares_are_short_and_small_ones_are_not_zero(share, text):
    assert percent(share) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(0.03149, "m", "0.031 m"), (26.2, "deg", "26°"), (None, "m", "–"), (0.5, "F1", "0.50 F1")],
)
def test_numbers_of_a_line_have_two_digits_and_their_unit(value, unit, text):
    assert short(value, unit) == text


def test_a_card_is_readable_in_full():
    figures = {"n": 2, "mean": 1.9, "mean_ci95": [1.7, 2.1], "median": 1.8, "median_ci95": None, "p90": 3.0}
    card = {
        **{"estimator": "eyes", "digest": NOTE["card"], "failure_rate": 0.25, "coverage": 0.75},
        **{"split": {"name": "toy", "width": 64, "height": 48}, "clips": {"n": 4, "of": 8}},
        **{"statuses": {"ok": 3, "failed": 1}, "positions": "metres"},
        "metrics": {
            "rot-err": {
                **{"unit": "deg", "all": figures, "by": {"stratum": {"walk": figures}}},
                "chance": {"n": 0, "undefined": {"too few recordings": 1}},
            }
        },
        "metrics_without_value": {"fov-drift": "the focal length is not refined"},
        "seeds": {"note": "deterministic, no seed", "seen_twice": 4, "identical": 4},
        "seconds_per_clip": {"camera-path": {"median": 0.25, "p90": 0.5, "clips": 4}},
        "machine": {"processor": "x86_64", "cores": 2, "load": 4.5, "processes": 1},
    }
    text = card_text(card)
    assert text[0] == "eyes on toy (4 of 8 clips, 64x48), card 1a2b3c4d"
    assert text[1] == "  failures 25 %, coverage 75 % (3 ok, 1 failed), positions: metres"
    assert any(line.split()[:4] == ["all", "1.90", "±", "0.20"] for line in text)
    assert any(line.split()[:2] == ["stratum", "walk"] for line in text)
    assert any(line.split() == ["chance", "–", "too", "few", "recordings"] for line in text)
    assert "\n  fov-drift: the focal length is not refined" in text
    assert text[-2:] == [
        "  seeds: deterministic, no seed (4 of 4 clips identical when seen twice)",
        "  seconds per clip: 0.25 (p90 0.5) on x86_64, 1 processes of one thread on 2 cores, load 4.5",
    ]
    spread = {"mean_by_seed": [1.0], "range_of_means": 0.0, "range_of_a_clip": {"median": 0.0}, "unit": "deg"}
    one_seed = {**card, "seeds": {"seeds": [0], "clips": 4, "rot-err": spread}}
    assert card_text(one_seed)[-2] == "  seeds: one, so nothing is compared"
