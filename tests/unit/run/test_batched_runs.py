"""Runs in batches: the same bytes whoever works and whenever it was interrupted; a failure stays with its clip."""

import json
import shutil
from dataclasses import replace

import pytest

from egobench.cli.main import main
from egobench.errors import BadInputError, IncompleteRunError
from egobench.plan.batching import batch_sizes
from egobench.plan.devices import resolve_devices
from egobench.plan.request import RunRequest
from egobench.run.run import resume_run, start_run
from egobench.run.watch import Watch, time_line
from egobench.store.tables import read_items

MODEL, EYES = "toy_batches:BatchModel", "i-fid:toy_batches:BatchExtractor"


@pytest.fixture
def log(tmp_path, monkeypatch):
    """What the toys tell: the clips, or the number of videos, of each batch."""
    monkeypatch.setenv("TOY_BATCH_LOG", str(tmp_path / "log"))

    def lines():
        text = (tmp_path / "log").read_text().splitlines() if (tmp_path / "log").exists() else []
        (tmp_path / "log").unlink(missing_ok=True)
        return text

    return lines


def content(report):
    samples = sorted((report.path / "samples").rglob("*.*"))
    parts = {str(path.relative_to(report.path)): path.read_bytes() for path in samples}
    return (report.path / "metrics.json").read_bytes(), parts


def batches(text):
    return sorted([name[4:6] for name in line.split()] for line in text)


def test_batches_follow_the_plan_whoever_works_and_whenever_it_was_interrupted(ask, log):
    whole = start_run(ask(model=MODEL, batch_size=3))
    assert batches(log()) == [["00", "01", "02"], ["03", "04", "05"], ["06", "07"]]
    assert content(start_run(ask(model=MODEL, batch_size=3, workers=2))) == content(whole)
    assert content(start_run(ask(model=MODEL, batch_size=4))) != content(whole)
    log()
    before = content(whole)
    events = (whole.path / "events.jsonl").read_text().splitlines(keepends=True)
    (whole.path / "events.jsonl").write_text("".join(events[:4]))
    manifest = json.loads((whole.path / "manifest.json").read_text())
    assert manifest["batches"] == {"generate": 3, "extract": 3}
    (whole.path / "manifest.json").write_text(json.dumps({**manifest, "status": "started"}))
    kept = [whole.path / "samples" / f"toy-{clip:02d}" / "0" / "video.mp4" for clip in range(4)]
    times = [path.stat().st_mtime_ns for path in kept]
    assert content(resume_run(whole.path)) == before
    assert batches(log()) == [["03", "04", "05"], ["06", "07"]]
    assert [path.stat().st_mtime_ns for path in kept] == times


def test_what_kills_a_batch_fails_alone(ask, log):
    for how, code in (("raise", "model-raised"), ("die", "worker-died")):
        options = {"bad": f"toy-02:{how}"}
        changes = {"workers": 2} if how == "die" else {}
        report = start_run(ask(model=MODEL, batch_size=4, model_options=options, allow_failed=8, **changes))
        rows = read_items(report.path / "items.parquet")
        assert [(row.clip, row.code) for row in rows if row.status == "failed"] == [("toy-02", code)]
    assert ["04", "05", "06", "07"] in batches(log())  # the other batch stayed whole


def test_a_batch_too_large_is_halved_and_the_run_says_so(ask, log, capsys):
    report = start_run(ask(model=MODEL, batch_size=8, model_options={"most": "3"}))
    assert sorted(map(len, batches(log()))) == [2, 2, 2, 2, 4, 8]
    notes = json.loads((report.path / "manifest.json").read_text())["notes"]
    assert notes[0] == "a batch of 8 does not fit into memory; 4 are tried from now on; a batch of 4 does not fit " \
        "into memory; 2 are tried from now on"  # fmt: skip


def test_a_model_that_returns_too_few_samples_is_told(ask):
    with pytest.raises(BadInputError, match="sample_batch returned 0 samples for 1 conditions"):
        start_run(ask(model=MODEL, model_options={"few": "true"}))
    with pytest.raises(IncompleteRunError, match="8 of 8"):
        start_run(ask(model=MODEL, model_options={"few": "true"}, keep_going=True))


def test_extractors_see_lists_and_give_what_they_give_singly(ask, log, own_cache):
    request = ask(metrics=EYES)
    singly = start_run(request)
    assert set(log()) == {"1"}
    shutil.rmtree(own_cache)
    together = start_run(replace(request, batch_size=5))
    assert log() == ["5", "5", "5", "1"]
    assert (together.path / "metrics.json").read_bytes() == (singly.path / "metrics.json").read_bytes()


def test_auto_takes_what_the_model_names_and_leaves_four_batches_of_a_small_plan():
    from toy_batches import BatchModel

    request = RunRequest("m", "s")
    assert [batch_sizes(request, BatchModel(), "cpu", n).generate for n in (1, 4, 5, 12, 13, 99)] == [1, 1, 2, 3, 4, 4]
    assert batch_sizes(request, object(), "cpu", 99).generate == 1
    assert batch_sizes(request, object(), "cuda", 99).extract > batch_sizes(request, object(), "cpu", 99).extract == 1
    assert batch_sizes(replace(request, batch_size=7), BatchModel(), "cuda:1", 99).generate == 7


@pytest.mark.parametrize(
    ("devices", "device", "reason"),
    [
        ("0", "cpu", "--device cpu has chosen already"),
        ("0,x", "auto", "auto, or different numbers as in 0,1"),
        ("1,1", "auto", "auto, or different numbers as in 0,1"),
        ("0,5", "cuda", "no GPU 5; torch finds 2 here, numbered from 0"),
    ],
)
def test_gpus_that_are_not_there_are_refused_in_one_line(devices, device, reason, monkeypatch):
    monkeypatch.setattr("egobench.plan.devices._gpus", lambda: 2)
    with pytest.raises(BadInputError, match=reason):
        resolve_devices(devices, device)


def test_numbers_of_gpus_count_within_those_that_the_environment_shows(monkeypatch):
    monkeypatch.setattr("egobench.plan.devices._gpus", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert resolve_devices("auto", "auto") == ("0", "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,GPU-7")
    assert resolve_devices("1,0", "cuda") == ("GPU-7", "4")
    assert resolve_devices("", "cuda") == ()


@pytest.mark.parametrize("words", [["--batch-size", "0"], ["--batch-size", "-1"], ["--devices", "31"]])
def test_bad_sizes_and_devices_are_one_line_on_the_command_line(words, toy_split, tmp_path, capsys):
    asked = ["run", "--model", MODEL, "--split", str(toy_split), "--metrics", "jerk", "--out", str(tmp_path / "runs")]
    assert main([*asked, *words]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_a_run_says_where_its_time_went():
    manifest = {
        "seconds": {"extract": 50.0, "generate": 40.0, "score": 3.25},
        "busy": {"generate": 38.0, "extract": 0.0},
    }
    assert time_line(manifest) == "generate 40.0 s, 95 % of it the model; extract 50.0 s; score 3.2 s"
    assert time_line({**manifest, "seconds": {"generate": 4.0}}) == ""
    assert time_line({"seconds": manifest["seconds"]}) == ""
    assert Watch().busy == 0
