"""A number made of failures looks like one, in every format; intact runs say nothing of it."""

import json

import numpy as np
import pytest

from egobench.audit.verify import verify_run
from egobench.compare.baseline import baseline_document, baseline_side, write_baseline
from egobench.compare.comparison import compare_sides
from egobench.compare.gate import gate
from egobench.compare.policy import Policy, Rule
from egobench.compare.run_side import run_side
from egobench.compare.unmeasured import unmeasured_share
from egobench.data.open import open_split
from egobench.errors import IncompleteRunError, NotComparableError
from egobench.pictures.report import make_report
from egobench.run.report import load_run
from egobench.run.run import RunRequest, start_run
from egobench.scoring.measured import coverage_of
from egobench.store.tables import ScoreRow
from egobench.tables.measured import MARK, measured_text
from egobench.tables.render import csv_text, json_text, latex, markdown, terminal
from egobench.tables.table import read_metrics, run_grid

SPLIT = "egomini-smoke"
CLIPS = [info.clip_id for info in open_split(SPLIT).infos()][:4]


def write_paths(folder, wrong):
    """TUM files of a camera that moves ahead; the first `wrong` of them have seven columns."""
    folder.mkdir()
    facts = open_split(SPLIT).facts
    for place, clip in enumerate(CLIPS):
        tail = "0 0 0 1" if place >= wrong else "0 0 1"
        times = np.arange(facts["num_video_frames"]) / facts["fps_video"]
        lines = [f"{time:.6f} {0.1 * time:.6f} 0 0 {tail}" for time in times]
        (folder / f"{clip}.txt").write_text("\n".join(lines))
    return str(folder)


def run(tmp_path, patch, wrong, allowed=4):
    patch.setenv("EGOBENCH_CACHE", str(tmp_path / "cache"))
    patch.setenv("EGOBENCH_PATHS", write_paths(tmp_path / "paths-a", wrong))
    request = RunRequest(
        model="reference",
        split=SPLIT,
        metrics="trans-err:path-file",
        draws=20,
        engine="inline",
        out=str(tmp_path / "runs-a"),
        limit=4,
        allow_failed=allowed,
    )
    return start_run(request)


@pytest.fixture(scope="module")
def lost(tmp_path_factory):
    """All four files are wrong."""
    with pytest.MonkeyPatch.context() as patch:
        yield run(tmp_path_factory.mktemp("lost"), patch, 4)


@pytest.fixture(scope="module")
def partly(tmp_path_factory):
    """One of four is wrong."""
    with pytest.MonkeyPatch.context() as patch:
        yield run(tmp_path_factory.mktemp("partly"), patch, 1)


def test_coverage_counts_what_was_seen_and_floor_and_chance_are_not_the_runs_own(lost, partly):
    found = lost.results["trans-err"]
    assert found.value > 0  # the cost of a camera that never moves
    assert found.coverage == 0.0
    assert (found.floor, found.chance) == (None, None)
    assert "path-file" in found.detail["yardstick"]["floor"]
    assert partly.results["trans-err"].coverage == 3 / 4
    reasons = found.detail["not_measured"]
    assert sum(reasons.values()) == 4
    assert all(reason.startswith("failed: ") and "7 columns; 8 are right" in reason for reason in reasons)


def test_a_run_of_failures_is_incomplete_beyond_what_is_allowed(tmp_path, monkeypatch):
    with pytest.raises(IncompleteRunError, match=r"2 of 4 were not measured .*1 are allowed") as caught:
        run(tmp_path, monkeypatch, 2, allowed=1)
    report = load_run(caught.value.path)
    assert (report.failed, report.unmeasured) == (0, 2)


def test_every_format_marks_the_value_and_says_so_below(lost, tmp_path):
    from io import StringIO

    from rich.console import Console

    grids = [run_grid(read_metrics(lost.path))]
    said = "0 of 4 clips measured"
    screen = StringIO()
    terminal(grids, Console(file=screen, width=200))
    for text in (screen.getvalue(), markdown(grids)):
        assert f" {MARK}" in text
        assert said in text
    assert r"$^\dagger$" in latex(grids)
    assert said in latex(grids)
    (row,) = json.loads(json_text(grids))["blocks"][0]["rows"]
    assert row["status"] == "not measured"
    assert said in row["note"]
    assert row["coverage"] == 0
    assert "not measured" in csv_text(grids)
    assert said in csv_text(grids)
    page = make_report(lost.path, tmp_path / "page", clips=0).index.read_text()
    assert f" {MARK}" in page
    assert said in page


def test_an_intact_run_is_not_marked(tmp_path, monkeypatch):
    report = run(tmp_path, monkeypatch, 0, allowed=0)
    assert report.results["trans-err"].coverage == 1.0
    grid = run_grid(read_metrics(report.path))
    assert MARK not in markdown([grid])
    assert grid.records[0]["status"] == "measured"
    assert "not_measured" not in report.results["trans-err"].detail


def test_a_run_of_failures_is_whole(lost, monkeypatch):
    monkeypatch.setenv("EGOBENCH_PATHS", str(lost.path.parents[1] / "paths-a"))
    assert not verify_run(lost.path).flaws


def test_compare_refuses_what_was_not_measured_until_it_is_asked_to(lost, partly):
    sides = run_side(lost.path), run_side(lost.path)
    with pytest.raises(NotComparableError, match=r"100\.0% of .* was not measured .* 10 % is allowed"):
        compare_sides(*sides, draws=50)
    row = compare_sides(*sides, draws=50, allow_partial=True).row("trans-err")
    assert row.unmeasured
    assert row.unmeasured in row.reason
    assert unmeasured_share(run_side(partly.path), "trans-err") == 1 / 4


def test_the_gate_is_incomplete_where_nothing_was_measured(lost, tmp_path):
    side = run_side(lost.path)
    path = tmp_path / "baseline.json"
    write_baseline(path, baseline_document(side, samples="0" * 64, reason="first of all", date="2026-01-01T00:00:00Z"))
    policy = Policy(defaults=Rule(severity="gate"), allow_failed=4)
    assert unmeasured_share(baseline_side(path), "trans-err") == 1.0
    report = gate(side, baseline_side(path), policy, draws=50)
    assert report.exit_code == 4
    assert report.rows[0].outcome == "incomplete"
    assert "was not measured" in report.headline


def test_hands_that_were_found_in_few_clips_are_counted(tmp_path, monkeypatch):
    monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("EGOBENCH_HANDS", str(tmp_path / "hands"))
    (tmp_path / "hands").mkdir()
    for clip in CLIPS[:3]:
        lines = [f"{frame},left,0.9,," for frame in range(8)]
        (tmp_path / "hands" / f"{clip}.csv").write_text("\n".join(["frame,side,score,x,y", *lines]))
    request = RunRequest(
        model="reference",
        split=SPLIT,
        metrics="hand-score:hands-file",
        engine="inline",
        draws=20,
        limit=4,
        out=str(tmp_path / "runs"),
    )
    with pytest.raises(IncompleteRunError, match="1 of 4 were not measured") as caught:
        start_run(request)
    report = load_run(caught.value.path)
    found = report.results["hand-score"]
    assert (found.n, found.coverage, found.floor, found.chance) == (3, 3 / 4, None, None)
    text = run_grid(read_metrics(report.path)).notes[0]
    assert "3 of 4 clips measured: hands-file-missing" in text
    assert not verify_run(report.path).flaws


def test_coverage_of_a_clip_is_the_share_of_its_frames_that_were_seen():
    def row(clip, status="ok", **detail):
        return ScoreRow(clip, 0, "trans-err", 1.0, status, "", json.dumps(detail) if detail else "")

    rows = [row("a", counted="measured", coverage=0.25), row("b", counted="null", coverage=1.0), row("c")]
    assert coverage_of(rows) == pytest.approx(1.25 / 3)
    assert coverage_of([*rows, row("d", "failed"), row("e", "undefined")]) == pytest.approx(2.25 / 5)
    assert coverage_of([]) == 0.0


def test_only_rotations_are_told_with_their_status_and_standing_still_once_it_is_frequent():
    reasons = {"detail": {"counted": {"null": 3}, "not_measured": {"rotation_only: no depth": 3}}}
    assert measured_text(reasons) == (
        "0 of 3 clips measured: 3 without a path cost what a camera that never moves would: rotation_only: no depth (3)"
    )
    old = {"detail": {"counted": {"null": 3}, "statuses": {"rotation_only": {"n": 3}, "ok": {"n": 0}}}}
    assert measured_text(old).endswith("rotation_only (3)")
    assert measured_text({"detail": {"counted": {"measured": 95, "still": 5}}}) == ""
    still = measured_text({"detail": {"counted": {"measured": 8, "still": 2}}})
    assert still == "8 of 10 clips measured: 2 stand still where the reference moves, and cost that movement"
