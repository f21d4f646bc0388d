"""A full disk, a read-only one, flipped bits, a newer version: the same bytes, or one line; never a wrong number."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pipeline_toys import METRICS, make_split

from egobench.cli.main import main
from egobench.run.run import RunRequest, resume_run, start_run
from egobench.store.manifest import SCHEMA
from egobench.store.tables import read_scores

NO_MOUNT = "needs the right to mount a small file system"
GOLDEN = Path(__file__).parents[1] / "golden" / "run-schema-1"


@pytest.fixture(scope="module")
def toy_split(tmp_path_factory):
    return str(make_split(tmp_path_factory.mktemp("toy") / "split", sequences=2, windows=1))


@pytest.fixture(scope="module")
def finished(toy_split, tmp_path_factory):
    """A run and the cache that it filled."""
    place = tmp_path_factory.mktemp("calm")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EGOBENCH_CACHE", str(place / "cache"))
        return start_run(request_for(toy_split, place / "runs")).path, place / "cache"


@pytest.fixture
def mounted(tmp_path):
    """A function that mounts a tmpfs with options; everything is unmounted again."""
    places = []

    def mount(*options):
        place = tmp_path / f"disk{len(places)}"
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "egobench-test", str(place)]
        if not shutil.which("mount") or os.name == "nt" or subprocess.run(command, capture_output=True).returncode:
            pytest.skip(NO_MOUNT)
        places.append(place)
        return place

    yield mount
    for place in places:
        subprocess.run(["umount", "-l", str(place)], check=True)


def remount(place, *options):
    subprocess.run(["mount", "-o", ",".join(["remount", *options]), str(place)], check=True)


def request_for(split, out, **changes):
    options = {"model": "pipeline_toys:ToyModel", "split": split, "metrics": METRICS, "draws": 20, "out": str(out)}
    return RunRequest(**{**options, **changes})


def only_run(out):
    (run,) = [path for path in out.iterdir() if (path / "manifest.json").is_file()]
    return run


def one_line(capsys, arguments, code):
    """What a command says on stderr, which must be one line and no traceback."""
    assert main([*arguments, "--quiet"]) == code
    said = capsys.readouterr().err
    assert said.startswith("egobench: ")
    assert said.count("\n") == 1, said
    return said


def test_a_disk_that_fills_up_stops_the_run_in_one_line_and_more_room_finishes_it(
    finished, toy_split, mounted, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path / "cache"))
    shutil.copytree(finished[1], tmp_path / "cache")
    disk = mounted("size=32k")
    words = ["run", "--model", "pipeline_toys:ToyModel", "--split", toy_split, "--metrics", METRICS, "--draws", "20"]
    said = one_line(capsys, [*words, "--out", str(disk)], 130)
    assert "the disk is full; free some space" in said
    assert "egobench resume" in said
    remount(disk, "size=16m")
    run = only_run(disk)
    assert resume_run(run).path == run
    assert (run / "metrics.json").read_bytes() == (finished[0] / "metrics.json").read_bytes()


def test_a_cache_on_a_full_disk_is_one_line_and_the_run_goes_on_elsewhere(
    finished, toy_split, mounted, tmp_path, monkeypatch, capsys
):
    disk = mounted("size=16k")
    monkeypatch.setenv("EGOBENCH_CACHE", str(disk))
    words = ["run", "--model", "pipeline_toys:ToyModel", "--split", toy_split, "--metrics", METRICS, "--draws", "20"]
    assert "the disk is full" in one_line(capsys, [*words, "--out", str(tmp_path / "runs")], 130)
    monkeypatch.setenv("EGOBENCH_CACHE", str(finished[1]))
    run = resume_run(only_run(tmp_path / "runs")).path
    assert (run / "metrics.json").read_bytes() == (finished[0] / "metrics.json").read_bytes()


def test_on_a_read_only_disk_a_run_is_read_and_verified_and_nothing_more(finished, mounted, monkeypatch, capsys):
    monkeypatch.setenv("EGOBENCH_CACHE", str(finished[1]))
    disk = mounted("size=16m")
    run = str(shutil.copytree(finished[0], disk / "run"))
    remount(disk, "ro")
    for words in (["resume"], ["table"], ["verify", "--share", "0"], ["cite"], ["runs", "show"]):
        assert main([*words, run, "--quiet"]) == 0, words
    assert main(["runs", "list", str(disk)]) == 0
    capsys.readouterr()
    for words in (["rescore", "--metrics", "pipeline_toys:Deed"], ["report"]):
        assert "read-only" in one_line(capsys, [*words, run], 130)
    asked = ["run", "--model", "static", "--split", "egomini-smoke", "--out", run]
    assert "choose a folder that can be written" in one_line(capsys, asked, 2)  # nothing has begun that could go on


def test_one_flipped_bit_in_every_cache_entry_changes_no_byte_of_the_next_run(
    finished, toy_split, tmp_path, monkeypatch
):
    monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path / "cache"))
    shutil.copytree(finished[1], tmp_path / "cache")
    entries = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    good = {path: path.read_bytes() for path in entries}
    for number, path in enumerate(entries):
        data = bytearray(good[path])
        data[(number * 7919) % len(data)] ^= 1 << number % 8
        path.write_bytes(data)
    run = start_run(request_for(toy_split, tmp_path / "runs")).path
    assert (run / "metrics.json").read_bytes() == (finished[0] / "metrics.json").read_bytes()
    made = [path for path in entries if "stamps" not in path.parts]  # stamps say when a file was seen, and grow
    assert {path: path.read_bytes() for path in made} == {path: good[path] for path in made}, (
        "every entry was made again"
    )


def test_a_sample_that_is_edited_before_it_is_scored_is_made_again(finished, toy_split, tmp_path, monkeypatch):
    monkeypatch.setenv("EGOBENCH_CACHE", str(finished[1]))
    run = Path(shutil.copytree(finished[0], tmp_path / "run"))
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps({**manifest, "status": "started"}))
    sample = run / "samples/toy-00/0/video.mp4"
    sample.write_bytes(sample.read_bytes()[:-1] + b"x")
    assert resume_run(run).path == run
    assert sample.read_bytes() == (finished[0] / "samples/toy-00/0/video.mp4").read_bytes()
    assert (run / "metrics.json").read_bytes() == (finished[0] / "metrics.json").read_bytes()


def test_a_run_of_a_newer_version_is_one_line_for_every_verb(finished, tmp_path, capsys):
    run = Path(shutil.copytree(finished[0], tmp_path / "run"))
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps({**manifest, "schema": SCHEMA + 1}))
    verbs = (["resume"], ["verify"], ["report"], ["cite"], ["table"], ["runs", "show"], ["runs", "export"])
    for words in (*verbs, ["rescore", "--metrics", "pipeline_toys:Deed"]):
        said = one_line(capsys, [*words, str(run)], 2)
        assert f"has schema {SCHEMA + 1}, this version reads up to {SCHEMA}; update egobench" in said
    assert "unreadable" in (main(["runs", "list", str(tmp_path), "--quiet"]) or capsys.readouterr().out)


def test_a_run_of_the_first_schema_is_read_by_every_verb(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = str(shutil.copytree(GOLDEN, tmp_path / "runs" / "old"))
    for words in (["resume"], ["table"], ["cite"], ["runs", "show"], ["report", "--clips", "0"], ["runs", "export"]):
        assert main([*words, run, "--json", "--quiet"]) == 0, words
        json.loads(capsys.readouterr().out)


def test_times_that_run_backwards_change_no_number(finished, toy_split, tmp_path, monkeypatch):
    monkeypatch.setenv("EGOBENCH_CACHE", str(finished[1]))
    times = iter(f"2026-11-25T{hour:02d}:00:00Z" for hour in range(23, 0, -1))
    monkeypatch.setattr("egobench.run.run.now", lambda: next(times))
    run = start_run(request_for(toy_split, tmp_path / "runs")).path
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["started"] > manifest["finished"]
    assert (run / "metrics.json").read_bytes() == (finished[0] / "metrics.json").read_bytes()
    assert read_scores(run / "scores.parquet") == read_scores(finished[0] / "scores.parquet")
    assert main(["verify", str(run), "--share", "0", "--quiet"]) == 0


def test_a_rescoring_that_is_killed_anywhere_leaves_a_run_that_is_whole(finished, tmp_path):
    """A few of the many kills of benchmarks/checks/kills.py."""
    code = (
        "import os, sys, signal\n"
        "left = int(sys.argv[3])\n"
        "def shot(call):\n"
        "    def wrapped(*words):\n"
        "        global left\n"
        "        left -= 1\n"
        "        if left == 0: os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return call(*words)\n"
        "    return wrapped\n"
        "os.fsync, os.replace = shot(os.fsync), shot(os.replace)\n"
        "from egobench.audit.rescore import rescore_run\n"
        "rescore_run(sys.argv[1], sys.argv[2])\n"
    )
    environment = {**os.environ, "EGOBENCH_CACHE": str(finished[1]), "PYTHONPATH": os.pathsep.join(sys.path)}
    old = (finished[0] / "metrics.json").read_bytes()
    deaths = 0
    for count in (2, 14, 19):
        run = Path(shutil.copytree(finished[0], tmp_path / f"run{count}"))
        command = [sys.executable, "-c", code, str(run), "pipeline_toys:Speed", str(count)]
        deaths += subprocess.run(command, env=environment, capture_output=True).returncode == -9
        resume_run(run)
        assert (run / "metrics.json").read_bytes() == old
        assert main(["verify", str(run), "--share", "0", "--quiet"]) == 0
    assert deaths >= 2
