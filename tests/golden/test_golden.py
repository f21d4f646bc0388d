"""Old formats must still load: each schema keeps a frozen run folder that no later version may fail to read."""

import shutil
from pathlib import Path

import pytest

from egobench.audit.verify import verify_run
from egobench.files.motion import read_motion
from egobench.files.video import read_video
from egobench.run.report import load_run
from egobench.run.run import resume_run
from egobench.store.folder import open_run
from egobench.store.journal import read_events
from egobench.store.manifest import read_manifest
from egobench.store.seal import seal_flaws
from egobench.store.tables import read_items, read_scores

FOLDER = Path(__file__).parent / "run-schema-1"
SEALED = Path(__file__).parent / "run-schema-2"
"""Of the same request, rescored once: a manifest with a seal, a journal with an event of another kind."""


def test_the_results_of_schema_1_are_read():
    report = load_run(FOLDER)
    assert (report.planned, report.failed) == (6, 2)
    speed = report.results["toy-speed"]
    assert (speed.n, speed.n_undefined, speed.coverage, speed.better) == (2, 2, 4 / 6, "lower")
    assert speed.value == pytest.approx(0.24808172127360967, rel=1e-12)
    assert speed.detail["undefined"] == {"the pelvis does not move": 2}
    assert read_manifest(open_run(FOLDER))["protocols"][speed.protocol]["metric"]["metric"] == "toy-speed"


def test_the_tables_and_the_journal_of_schema_1_are_read():
    items, scores = read_items(FOLDER / "items.parquet"), read_scores(FOLDER / "scores.parquet")
    assert [(row.clip, row.seed, row.status) for row in items][1:3] == [("toy-00", 1, "ok"), ("toy-01", 0, "failed")]
    statuses = [row.status for row in scores if row.metric == "toy-speed"]
    assert statuses == ["ok", "ok", "failed", "failed", "undefined", "undefined"]
    assert len(read_events(FOLDER / "events.jsonl")) == 6


def test_the_samples_of_schema_1_are_read():
    sample = FOLDER / "samples" / "toy-00" / "0"
    assert read_video(sample / "video.mp4", fps=8, frames=9).frames.shape == (9, 16, 32, 3)
    assert read_motion(sample / "motion.npz", fps=16, skeleton="xsens23").positions.shape == (17, 23, 3)


def test_a_done_run_of_schema_1_resumes_to_itself(tmp_path):
    # `allow_failed` of this run is 2, so that its two failures are no error.
    copy = Path(shutil.copytree(FOLDER, tmp_path / "run"))
    assert resume_run(copy).results == load_run(FOLDER).results


def test_the_results_and_the_seal_of_schema_2_are_read():
    new, old = (load_run(folder).results["toy-speed"] for folder in (SEALED, FOLDER))
    assert (new.value, new.ci95, new.protocol, new.n) == (old.value, old.ci95, old.protocol, old.n)
    manifest = read_manifest(open_run(SEALED))
    assert manifest["schema"] == 2
    assert manifest["rescored"][0]["metrics"] == ["toy-gap"]
    assert seal_flaws(open_run(SEALED), manifest) == []


def test_the_tables_and_the_journal_of_schema_2_are_read():
    assert len(read_items(SEALED / "items.parquet")) == 6
    assert {row.metric for row in read_scores(SEALED / "scores.parquet")} == {"toy-speed", "toy-gap", "toy-colour"}
    assert [event["event"] for event in read_events(SEALED / "events.jsonl")] == [*["item"] * 6, "rescored"]


def test_a_done_run_of_schema_2_resumes_to_itself_and_is_whole(tmp_path):
    copy = Path(shutil.copytree(SEALED, tmp_path / "run"))
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    assert resume_run(copy).results == load_run(SEALED).results
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before
    assert verify_run(copy, share=0).flaws == []
