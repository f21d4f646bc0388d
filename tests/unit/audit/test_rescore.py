"""`rescore` ends where a run with all the metrics would have ended, and touches nothing that it was not asked for."""

import errno
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from pipeline_toys import make_split

from egobench.audit.rescore import Kept, _differs_by_rounding, rescore_run
from egobench.audit.verify import verify_run
from egobench.errors import BadInputError, NotComparableError, StorageError, UnknownNameError
from egobench.files import atomic
from egobench.run.report import load_run
from egobench.run.run import RunRequest, resume_run, start_run
from egobench.scoring.column import ScoreColumn
from egobench.store.journal import read_events
from egobench.store.tables import SET_CLIP, SET_SEED, ScoreRow, read_scores

SPEED, GAP, COLOUR = "pipeline_toys:Speed", "pipeline_toys:Gap", "pipeline_toys:MeanColour"
DEED = "pipeline_toys:Deed"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("rescore")


@pytest.fixture(scope="module")
def split(place):
    return str(make_split(place / "split", sequences=2, windows=1))


@pytest.fixture(scope="module")
def runs(place, split):
    """A run with one metric and one with all three, of the same model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EGOBENCH_CACHE", str(place / "cache"))
        ask = RunRequest(
            "pipeline_toys:ToyModel", split, metrics=SPEED, engine="inline", draws=20, out=str(place / "one")
        )
        one = start_run(ask).path
        every = start_run(replace(ask, metrics=f"{SPEED},{GAP},{COLOUR}", out=str(place / "all"))).path
    return one, every


@pytest.fixture
def run(runs, place, tmp_path, monkeypatch):
    monkeypatch.setenv("EGOBENCH_CACHE", str(place / "cache"))
    return Path(shutil.copytree(runs[0], tmp_path / "run"))


def files(run):
    names = ("manifest.json", "metrics.json", "scores.parquet", "items.parquet", "events.jsonl")
    return {name: (run / name).read_bytes() for name in names}


def test_metrics_added_later_give_the_bytes_of_a_run_that_had_them_from_the_start(run, runs):
    old = json.loads((run / "metrics.json").read_text())["metrics"]["toy-speed"]
    report = rescore_run(run, f"{GAP},{COLOUR}")
    assert set(report.results) == {"toy-speed", "toy-gap", "toy-colour"}
    assert files(run)["metrics.json"] == files(runs[1])["metrics.json"]
    assert read_scores(run / "scores.parquet") == read_scores(runs[1] / "scores.parquet")
    assert json.loads((run / "metrics.json").read_text())["metrics"]["toy-speed"] == old
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["request"]["metrics"] == f"{SPEED},{GAP},{COLOUR}"
    assert manifest["rescored"][0]["metrics"] == ["toy-colour", "toy-gap"]
    event = read_events(run / "events.jsonl")[-1]
    assert (event["event"], event["metrics"]) == ("rescored", ["toy-colour", "toy-gap"])
    assert verify_run(run, share=1).flaws == []
    assert load_run(run) == report == resume_run(run)


def test_computing_a_metric_again_changes_no_byte_of_its_results(run):
    before = files(run)
    rescore_run(run, SPEED)
    after = files(run)
    assert {name for name in before if before[name] != after[name]} == {"manifest.json", "events.jsonl"}


def test_a_second_preset_takes_both_by_their_full_names(run, monkeypatch):
    rescore_run(run, DEED)
    value = load_run(run).results["toy-deed"].value
    monkeypatch.setattr("pipeline_toys.Other", __import__("pipeline_toys").ToyEvaluator, raising=False)
    results = rescore_run(run, f"{DEED}:pipeline_toys:Other").results
    assert set(results) == {"toy-speed", "toy-deed:pipeline_toys:ToyEvaluator", "toy-deed:pipeline_toys:Other"}
    assert results["toy-deed:pipeline_toys:ToyEvaluator"].value == value
    assert {row.metric for row in read_scores(run / "scores.parquet")} == set(results)


def test_other_weights_replace_the_number_and_keep_the_others(run, monkeypatch):
    rescore_run(run, DEED)
    speed = json.loads((run / "metrics.json").read_text())["metrics"]["toy-speed"]
    before = load_run(run).results["toy-deed"].protocol
    monkeypatch.setenv("TOY_WEIGHTS", "1" * 64)
    after = rescore_run(run, DEED).results["toy-deed"].protocol
    assert after != before
    document = json.loads((run / "metrics.json").read_text())["metrics"]
    assert document["toy-speed"] == speed
    manifest = json.loads((run / "manifest.json").read_text())
    assert set(manifest["protocols"]) == {document["toy-speed"]["protocol"], after}
    assert manifest["weights"] == {"pipeline_toys:ToyEvaluator": "1" * 64}


def test_the_model_need_not_be_there(run, monkeypatch):
    monkeypatch.delattr("pipeline_toys.ToyModel")
    assert "toy-gap" in rescore_run(run, GAP).results


def test_what_was_edited_is_not_sealed_anew(run):
    sample = run / "samples/toy-00/0/motion.npz"
    sample.write_bytes(sample.read_bytes() + b"x")
    before = files(run)
    with pytest.raises(BadInputError, match="sample toy-00/0") as caught:
        rescore_run(run, GAP)
    assert caught.value.code == "run-changed"
    metrics = run / "metrics.json"
    metrics.write_bytes(metrics.read_bytes().replace(b'"n": 2', b'"n": 3'))
    with pytest.raises(BadInputError, match=r"file-changed: metrics.json.*egobench verify"):
        rescore_run(run, GAP)
    assert {**files(run), "metrics.json": before["metrics.json"]} == before


def test_a_number_that_does_not_come_out_again_is_refused_and_nothing_is_changed(run, monkeypatch):
    before = files(run)
    original = __import__("pipeline_toys").Speed.__call__
    monkeypatch.setattr("pipeline_toys.Speed.__call__", lambda self, motion: 2 * original(self, motion))
    with pytest.raises(BadInputError, match="does not come out again") as caught:
        rescore_run(run, SPEED)
    assert caught.value.code == "rescore-differs"
    assert files(run) == before


@pytest.mark.parametrize("call", range(1, 14))
def test_a_disk_that_is_full_at_any_write_leaves_the_old_run_or_the_new_one(run, runs, tmp_path, monkeypatch, call):
    monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path / "cache"))
    shutil.copytree(Path(runs[0]).parents[1] / "cache", tmp_path / "cache")
    old, sync, count = files(run), atomic.os.fsync, 0

    def refuse(handle):
        nonlocal count
        count += 1
        if count == call:
            raise OSError(errno.ENOSPC, "full")
        sync(handle)

    monkeypatch.setattr(atomic.os, "fsync", refuse)
    with pytest.raises(StorageError, match=r"disk is full.*egobench resume") as caught:
        rescore_run(run, f"{GAP},{COLOUR}")
    assert "\n" not in str(caught.value)
    monkeypatch.setattr(atomic.os, "fsync", sync)
    resume_run(run)
    found = files(run)
    assert found == old or found["metrics.json"] == files(runs[1])["metrics.json"]
    assert verify_run(run, share=0).flaws == []
    rescore_run(run, f"{GAP},{COLOUR}")
    assert files(run)["metrics.json"] == files(runs[1])["metrics.json"]
    assert sorted(path.name for path in run.iterdir() if path.name.startswith(".")) in ([], [".lock"])


def test_what_cannot_be_rescored_is_refused_in_one_line(run, split, tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean 'jerk'"):
        rescore_run(run, "jrek")
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps({**manifest, "status": "started"}))
    with pytest.raises(BadInputError, match="egobench resume") as caught:
        rescore_run(run, GAP)
    assert caught.value.code == "run-unfinished"
    other = str(make_split(tmp_path / "other", sequences=3, windows=1))
    changed = {**manifest, "request": {**manifest["request"], "split": other}}
    (run / "manifest.json").write_text(json.dumps(changed))
    with pytest.raises(NotComparableError, match="can only be taken up"):
        rescore_run(run, GAP)


@pytest.mark.parametrize(
    ("items", "value", "outcome"),
    [(513, 2.0 + 1e-12, True), (513, 2.0, False), (512, 2.0 + 1e-12, "refused"), (513, 2.0 + 1e-7, "refused")],
)
def test_only_a_large_set_may_come_out_again_but_for_rounding(tmp_path, items, value, outcome):
    def kept(number):
        record = {"protocol": "p", "value": number, "n": 9, "detail": {"kid": 0.1 * number, "influence": [["a", 1.0]]}}
        row = ScoreRow(SET_CLIP, SET_SEED, "fvd", number, "ok", "")
        return Kept(record, ScoreColumn.of("fvd", [row], tmp_path), {"items": items})

    if outcome == "refused":
        with pytest.raises(BadInputError, match="does not come out again"):
            _differs_by_rounding(("fvd", ""), kept(2.0), kept(value))
    else:
        assert _differs_by_rounding(("fvd", ""), kept(2.0), kept(value)) is outcome
