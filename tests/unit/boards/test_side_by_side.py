"""Runs side by side: in the order given, and never two protocols in one column."""

import json

import pytest
from board_fixtures import PROTOCOL_A, PROTOCOL_B, document, result

from egobench.boards.side_by_side import runs_grid
from egobench.errors import BadInputError, NotComparableError, UnknownNameError


def _run(folder, model, *, frames=8, protocol=PROTOCOL_A, status="done", **changed):
    path = folder / model
    path.mkdir()
    record = {"metric": "i-fid", "frames": frames}
    manifest = {
        **{"status": status, "run": path.name, "split": {"digest": "5" * 64}, "started": "2026-01-01T00:00:00Z"},
        **{"commit": "c0ffee", "dirty": False, "protocols": {protocol: record}},
    }
    content = {**document(model, i_fid=result(3.0, protocol=protocol)), **changed}
    (path / "metrics.json").write_text(json.dumps(content))
    (path / "manifest.json").write_text(json.dumps(manifest))
    return path


def test_rows_stand_in_the_order_given_under_floor_and_chance(tmp_path):
    grid = runs_grid([_run(tmp_path, name) for name in ("walker", "static", "runner")])
    labels = [row.cells[1] for row in grid.rows]
    assert labels == ["floor", "chance", "walker", "static (control)", "runner"]


def test_columns_stand_as_asked_for_or_else_as_the_catalogue_has_them(tmp_path):
    run = _run(tmp_path, "walker")
    content = json.loads((run / "metrics.json").read_text())
    every = {name: content["metrics"]["i-fid"] for name in ("toy", "fvd", "jerk", "i-fid:other", "i-fid")}
    (run / "metrics.json").write_text(json.dumps({**content, "metrics": every}))

    def heads(*columns):
        return [cell.partition(" ")[0] for cell in runs_grid([run], columns).header[2:]]

    assert heads() == ["i-fid", "i-fid:other", "fvd", "jerk", "toy"]
    assert heads("jerk", "i-fid") == ["jerk", "i-fid"]
    with pytest.raises(UnknownNameError, match="did you mean 'fvd'"):
        heads("fdv")


def test_another_protocol_is_refused_with_the_field_that_differs(tmp_path):
    runs = [_run(tmp_path, "walker"), _run(tmp_path, "runner", frames=9, protocol=PROTOCOL_B)]
    with pytest.raises(NotComparableError, match="measured differently: frames differ"):
        runs_grid(runs)


def test_another_split_is_refused_and_so_is_a_run_that_is_not_done(tmp_path):
    first = _run(tmp_path, "walker")
    with pytest.raises(NotComparableError, match="split"):
        runs_grid([first, _run(tmp_path, "runner", split="other")])
    with pytest.raises(BadInputError, match="only a run that is done"):
        runs_grid([first, _run(tmp_path, "stroller", status="started")])
