"""Metrics of consistency have the reference at its floor and the controls far from it: on the board, and in runs now.

The board's entries say so of all 256 clips. That the code still does is shown on four clips of egomini-smoke.
"""

import json
from pathlib import Path

import pytest

from egobench.cli.main import main

ENTRIES = Path(__file__).parents[3] / "leaderboards" / "egomini" / "entries"
CONTROLS = ("reference", "shuffled", "static", "nearest", "noise")
APART = {
    # metric → controls that must be worse than the reference, intervals apart. sync-lag needs a moment, which `static`
    # and `noise` have not.
    "trans-err": ("shuffled", "static", "noise"),
    "rot-err": ("shuffled", "static", "noise"),
    "hand-score": ("shuffled", "static", "noise"),
    "sync-lag": ("shuffled",),
}


@pytest.fixture(scope="module")
def controls():
    """Control → its metrics."""
    found = {}
    for path in ENTRIES.glob("*.json"):
        entry = json.loads(path.read_text(encoding="utf-8"))
        if entry["split"] == "egomini-test" and entry["model"] in CONTROLS:
            found[entry["model"]] = entry["metrics"]
    return found


@pytest.mark.parametrize("metric", APART)
def test_the_reference_scores_its_floor(controls, metric):
    reference = controls["reference"][metric]
    assert reference["value"] == pytest.approx(reference["floor"], rel=1e-9)


@pytest.mark.parametrize(("metric", "control"), [(metric, name) for metric, names in APART.items() for name in names])
def test_a_control_is_worse_than_the_reference_and_their_intervals_are_apart(controls, metric, control):
    ours, theirs = controls["reference"][metric], controls[control][metric]
    sign = 1 if ours["better"] == "lower" else -1
    worst_of_ours = max(sign * end for end in ours["ci95"])
    best_of_theirs = min(sign * end for end in theirs["ci95"])
    assert worst_of_ours < best_of_theirs


@pytest.mark.parametrize("control", ["static", "noise"])
def test_where_nothing_turns_there_is_no_lag_to_tell(controls, control):
    found = controls[control]["sync-lag"]
    assert (found["value"], found["n"], found["n_undefined"]) == (None, 0, 256)


def test_all_five_controls_are_there_and_scored_on_every_clip(controls):
    assert set(controls) == set(CONTROLS)
    for metrics in controls.values():
        assert all(metrics[name]["coverage"] == 1.0 for name in APART)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Control → its metrics on the first four clips of egomini-smoke, computed now with an empty cache."""
    pytest.importorskip("torch", reason="extra 'torch'")
    found = {}
    common = ["--split", "egomini-smoke", "--limit", "4", "--metrics", ",".join(APART), "--draws", "200"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EGOBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        for control in ("reference", "shuffled", "static"):
            out = tmp_path_factory.mktemp(control)
            assert main(["run", "--model", control, *common, "--engine", "inline", "--out", str(out), "--quiet"]) == 0
            (path,) = out.glob("*/metrics.json")
            found[control] = json.loads(path.read_text(encoding="utf-8"))["metrics"]
    return found


@pytest.mark.parametrize("metric", APART)
def test_a_run_of_the_reference_scores_its_floor(small, metric):
    reference = small["reference"][metric]
    assert reference["value"] == pytest.approx(reference["floor"], rel=1e-9)


@pytest.mark.parametrize("metric", ["trans-err", "rot-err", "hand-score"])
def test_a_run_of_strangers_scores_chance(small, metric):
    shuffled = small["shuffled"][metric]
    assert shuffled["value"] == pytest.approx(shuffled["chance"], rel=1e-9)
    assert shuffled["chance"] == small["reference"][metric]["chance"]


@pytest.mark.parametrize("control", ["shuffled", "static"])
@pytest.mark.parametrize("metric", ["trans-err", "rot-err", "hand-score"])
def test_a_run_of_a_control_is_far_from_the_reference(small, metric, control):
    ours, theirs = small["reference"][metric], small[control][metric]
    sign = 1 if ours["better"] == "lower" else -1
    way = (theirs["value"] - ours["value"]) / (ours["chance"] - ours["value"])
    assert sign * (theirs["value"] - ours["value"]) > 0
    assert way > 0.2


def test_a_run_that_stands_still_has_no_lag(small):
    found = small["static"]["sync-lag"]
    assert (found["value"], found["n"], found["n_undefined"]) == (None, 0, 4)


def test_the_board_s_protocols_are_those_of_the_code(controls, capsys):
    assert main(["run", "--model", "static", "--split", "egomini-test", "--dry-run", "--json"]) == 0
    now = json.loads(capsys.readouterr().out)["protocols"]
    for control, metrics in controls.items():
        assert {name: row["protocol"] for name, row in metrics.items()} == now, control
