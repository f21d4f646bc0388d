"""The board of egomini-test: metrics of consistency have the reference at its floor and the controls far from it."""

import json
from pathlib import Path

import pytest

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
