"""kill -9 at random instants, Ctrl-C, a full disk: the run resumes and ends with the same bytes."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from family import all_end, children_of
from pipeline_toys import METRICS, make_split

from egobench.errors import StorageError
from egobench.run.run import RunRequest, resume_run, start_run
from egobench.store.folder import RunLockedError
from egobench.store.tables import read_items, read_scores

DRIVER = """
import json, sys
from egobench.run.run import RunRequest, resume_run, start_run

class Print:
    def stage(self, name, total): print(name, flush=True)
    def advance(self, n=1, failed=0): print("+", flush=True)
    def done(self): print("done", flush=True)

if sys.argv[1] == "start":
    start_run(RunRequest(**json.loads(sys.argv[2])), Print())
else:
    resume_run(sys.argv[2], Print())
"""


def wait_for_samples(process, number):
    """Until the run samples, and so many samples are made; the split's content is checked before."""
    assert process.stdout
    while (line := process.stdout.readline().strip()) != b"generate":
        assert line, "the run ended before it sampled"
    for _ in range(number):
        process.stdout.readline()


@pytest.fixture(scope="module")
def toy_split(tmp_path_factory):
    return str(make_split(tmp_path_factory.mktemp("toy") / "split"))


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def expected(toy_split, tmp_path_factory):
    """What the run that `ask` asks for comes to, undisturbed."""
    folder = tmp_path_factory.mktemp("calm")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EGOBENCH_CACHE", str(folder / "cache"))
        return content(start_run(request_for(toy_split, folder)).path)


@pytest.fixture
def ask(toy_split, tmp_path):
    return lambda **changes: request_for(toy_split, **{"out": tmp_path / "runs", **changes})


def request_for(split, out, **changes):
    options = {"model": "pipeline_toys:ToyModel", "split": split, "metrics": METRICS, "draws": 50, "out": str(out)}
    return RunRequest(**{**options, "model_options": {"sleep": "0.02"}, **changes})


def launch(verb, argument):
    path = os.pathsep.join([str(Path(__file__).parents[1] / "toys"), *filter(None, sys.path)])
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, verb, argument],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=hear_ctrl_c,
    )


def hear_ctrl_c():
    """As at a terminal: a shell's background job ignores Ctrl-C, and its children would."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run_folders(out):
    return [path for path in Path(out).glob("*") if (path / "manifest.json").is_file()]


def content(path):
    items = [{**asdict(row), "seconds": 0} for row in read_items(path / "items.parquet")]
    return (path / "metrics.json").read_bytes(), items, read_scores(path / "scores.parquet")


def test_killed_at_twenty_random_instants_the_results_are_the_same_to_the_byte(ask, tmp_path, monkeypatch, expected):
    rng, kills = np.random.default_rng(0), 0
    for number in range(20):  # how many runs it takes depends on how often a process is done before it is killed
        monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path / f"cache{number}"))
        out = str(tmp_path / f"run{number}")
        request = json.dumps(asdict(ask(out=out, workers=1 + number % 2)))
        for _ in range(5):
            known = run_folders(out)
            process = launch("resume", str(known[0])) if known else launch("start", request)
            assert process.stdout
            for _ in range(rng.integers(0, 12)):  # so many signs of life, then a few milliseconds
                process.stdout.readline()
            time.sleep(rng.uniform(0, 0.08))
            process.kill()
            process.communicate()
            if process.returncode == 0:
                break
            assert process.returncode == -signal.SIGKILL
            kills += 1
        (folder,) = run_folders(out)
        assert content(resume_run(folder).path) == expected
        assert not list(folder.rglob("*.part"))
        if kills >= 20:
            return
    pytest.fail(f"only {kills} processes could be killed before they were done")


def test_workers_do_not_outlive_a_killed_parent(ask, tmp_path):
    process = launch("start", json.dumps(asdict(ask(workers=2, model_options={"sleep": "0.5"}))))
    wait_for_samples(process, 2)
    workers = children_of(process)
    assert len(workers) >= 2
    process.kill()
    process.communicate()
    assert all_end(workers)


def test_ctrl_c_leaves_a_run_that_resumes(ask, tmp_path, expected):
    process = launch("start", json.dumps(asdict(ask(workers=2))))
    wait_for_samples(process, 3)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == -signal.SIGINT
    (folder,) = run_folders(tmp_path / "runs")
    assert json.loads((folder / "manifest.json").read_text())["status"] == "started"
    assert content(resume_run(folder).path) == expected


def test_a_disk_that_is_full_in_a_worker_stops_the_run_and_not_the_item(ask, tmp_path, monkeypatch):
    options = {"fail": "toy-04=full"}
    flag = tmp_path / "full"
    monkeypatch.setenv("TOY_FULL", str(flag))
    expected = content(start_run(ask(out=str(tmp_path / "calm"), model_options=options)).path)
    flag.touch()
    with pytest.raises(StorageError, match=r"disk is full.*egobench resume") as caught:
        start_run(ask(model_options=options))
    assert caught.value.exit_code == 130
    flag.unlink()
    (folder,) = run_folders(tmp_path / "runs")
    assert content(resume_run(folder).path) == expected


@pytest.mark.parametrize("call", range(1, 22, 4))
def test_a_disk_that_is_full_in_the_parent_at_any_write_is_resumable(ask, tmp_path, monkeypatch, call, expected):
    sync, count = os.fsync, 0

    def refuse(handle):
        nonlocal count
        count += 1
        if count >= call:
            raise OSError(errno.ENOSPC, "full")
        sync(handle)

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageError, match="disk is full"):
        start_run(ask())
    monkeypatch.setattr(os, "fsync", sync)
    known = run_folders(tmp_path / "runs")
    report = resume_run(known[0]) if known else start_run(ask())
    assert content(report.path) == expected


def test_a_read_only_folder_is_refused_in_one_line(ask, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, "read-only")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(StorageError, match="read-only") as caught:
        start_run(ask())
    assert "\n" not in str(caught.value)


def test_two_writers_of_one_run_are_refused(ask, tmp_path):
    process = launch("start", json.dumps(asdict(ask(model_options={"sleep": "1"}))))
    wait_for_samples(process, 0)
    (folder,) = run_folders(tmp_path / "runs")
    with pytest.raises(RunLockedError):
        resume_run(folder)
    process.kill()
    process.communicate()


def test_a_journal_with_a_torn_line_is_taken_up(ask, expected):
    report = start_run(ask())
    journal = report.path / "events.jsonl"
    journal.write_bytes(journal.read_bytes()[:-20])
    manifest = json.loads((report.path / "manifest.json").read_text())
    (report.path / "manifest.json").write_text(json.dumps({**manifest, "status": "started"}))
    (report.path / "metrics.json").unlink()
    assert content(resume_run(report.path).path) == expected


def test_two_processes_may_share_a_cache(ask, tmp_path, expected):
    both = [launch("start", json.dumps(asdict(ask(out=str(tmp_path / name))))) for name in ("a", "b")]
    for process, name in zip(both, ("a", "b"), strict=True):
        process.communicate()
        assert process.returncode == 0
        (folder,) = run_folders(tmp_path / name)
        assert content(folder) == expected
