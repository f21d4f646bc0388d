"""Journal, cache, tables, manifest, folder: what survives a crash, a flipped bit, a second process, a newer version."""

import contextlib
import errno
import json
import os
import re
import secrets
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from egobench.errors import BadInputError, StorageError, UnusablePlaceError
from egobench.files.atomic import write_bytes
from egobench.store.cache import Cache, cache_home, cache_key
from egobench.store.folder import RunFolder, RunLockedError, create_run, open_run
from egobench.store.journal import Journal, read_events
from egobench.store.manifest import SCHEMA, checkout, environment, read_manifest, write_manifest
from egobench.store.seal import SEALED, seal_flaws, sealed
from egobench.store.staging import is_pending, replace_files, take_up
from egobench.store.tables import ItemRow, ScoreRow, read_items, read_scores, write_items, write_scores


def code_of(call, *arguments):
    with pytest.raises(BadInputError) as caught:
        call(*arguments)
    return caught.value.code


def test_a_torn_last_line_is_ignored_and_cut_off(tmp_path):
    path = tmp_path / "events.jsonl"
    with Journal(path) as journal:
        journal.append({"n": 1})
        journal.append({"n": 2})
    with path.open("ab") as file:
        file.write(b'{"n": 3')
    assert read_events(path) == [{"n": 1}, {"n": 2}]
    with Journal(path) as journal:
        journal.append({"n": 4})
    assert read_events(path) == [{"n": 1}, {"n": 2}, {"n": 4}]


@pytest.mark.parametrize("cut", range(1, 10))
def test_whatever_byte_a_crash_stops_at_the_earlier_events_are_read(tmp_path, cut):
    path = tmp_path / "events.jsonl"
    with Journal(path) as journal:
        journal.append({"n": 1})
        journal.append({"n": 2})
    path.write_bytes(path.read_bytes()[:-cut])
    assert read_events(path) == [{"n": 1}]


def test_a_damaged_line_in_the_middle_is_refused(tmp_path):
    (tmp_path / "events.jsonl").write_bytes(b'{"n": 1}\n{"n"\n{"n": 3}\n')
    assert code_of(read_events, tmp_path / "events.jsonl") == "journal-damaged"


def test_no_journal_is_no_events(tmp_path):
    assert read_events(tmp_path / "none") == []


def test_a_full_disk_stops_the_journal_in_one_line(tmp_path, monkeypatch):
    def refuse(_):
        raise OSError(errno.ENOSPC, "full")

    with Journal(tmp_path / "events.jsonl") as journal:
        monkeypatch.setattr(os, "fsync", refuse)
        with pytest.raises(StorageError, match="disk is full"):
            journal.append({"n": 1})


def test_the_cache_gives_back_what_was_put(tmp_path):
    cache, key = Cache(tmp_path), cache_key(a=1, b="x")
    assert cache.get(key) is None
    cache.put(key, {"x": np.arange(3.0), "note": np.array("hello")})
    back = cache.get(key)
    assert back is not None
    np.testing.assert_array_equal(back["x"], np.arange(3.0))
    assert str(back["note"]) == "hello"


def test_any_flipped_bit_of_an_entry_is_a_miss(tmp_path):
    cache, key = Cache(tmp_path), cache_key(a=1)
    cache.put(key, {"x": np.arange(100.0)})
    good = cache.entry(key).read_bytes()
    for place in np.random.default_rng(0).integers(0, len(good), 60):
        bad = bytearray(good)
        bad[place] ^= 1 << int(place) % 8
        cache.entry(key).write_bytes(bad)
        assert cache.get(key) is None
    cache.entry(key).write_bytes(good[:-1])
    assert cache.get(key) is None
    cache.put(key, {"x": np.arange(100.0)})
    assert cache.entry(key).read_bytes() == good


def test_an_entry_under_another_entrys_name_is_a_miss(tmp_path):
    cache, keys = Cache(tmp_path), [cache_key(a=1), cache_key(a=2)]
    for number, key in enumerate(keys):
        cache.put(key, {"x": np.full(3, number)})
    assert [cache.state(key) for key in keys] == ["whole", "whole"]
    cache.entry(keys[0]).write_bytes(cache.entry(keys[1]).read_bytes())
    assert cache.get(keys[0]) is None
    assert [cache.state(key) for key in [*keys, cache_key(a=3)]] == ["damaged", "whole", "absent"]
    cache.entry(keys[0]).write_bytes(b"egobench-cache-1\n" + b"0" * 80)
    assert cache.state(keys[0]) == "absent", "an entry of an older version is no damage"


def test_what_killed_writers_left_in_the_cache_goes_after_a_day_and_what_may_still_be_written_stays(tmp_path):
    cache, key = Cache(tmp_path), cache_key(a=1)
    folder = cache.entry(key).parent
    folder.mkdir()
    old, young = folder / ".x.1.00.part", folder / ".x.2.00.part"
    for path in (old, young, folder / "x"):
        path.write_bytes(b"half")
    for path in (old, folder / "x"):
        os.utime(path, (0, 0))
    cache.put(key, {"x": np.arange(3.0)})
    assert sorted(path.name for path in folder.iterdir()) == sorted([young.name, "x", key])


def test_keys_depend_on_every_part():
    assert len({cache_key(a=1), cache_key(a=2), cache_key(b=1), cache_key(a=1, b=None)}) == 4


def test_the_cache_lies_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path / "here"))
    assert cache_home() == tmp_path / "here"
    monkeypatch.delenv("EGOBENCH_CACHE")
    assert cache_home().name == "egobench"


def item(clip, seed=0, **changes):
    row = {"status": "ok", "code": "", "reason": "", "attempts": 1, "seconds": 0.5, "video": "ab", "motion": ""}
    known = {"clip_digest": "d", "sequence": "s", "participant": "p", "stratum": "walk"}
    return ItemRow(clip=clip, seed=seed, **{**row, **known, **changes})


def test_tables_come_back_sorted(tmp_path):
    items = [item("b"), item("a", 1), item("a", 0, status="failed", code="x", reason="why")]
    write_items(tmp_path / "i", items)
    assert read_items(tmp_path / "i") == [items[2], items[1], items[0]]
    scores = [ScoreRow("b", 0, "m", 1.5, "ok", ""), ScoreRow("a", 0, "m", None, "undefined", "why")]
    write_scores(tmp_path / "s", scores)
    assert read_scores(tmp_path / "s") == scores[::-1]
    write_scores(tmp_path / "none", [])
    assert read_scores(tmp_path / "none") == []


def test_damaged_tables_are_refused(tmp_path):
    write_scores(tmp_path / "s", [ScoreRow("a", 0, "m", 1.0, "ok", "")])
    (tmp_path / "cut").write_bytes((tmp_path / "s").read_bytes()[:-9])
    for path in ("cut", "absent"):
        assert code_of(read_scores, tmp_path / path) == "table-unreadable"
    assert code_of(read_items, tmp_path / "s") == "table-unreadable"


def test_run_folders_have_distinct_safe_names(tmp_path):
    runs = [create_run(tmp_path / "runs", "my_pkg.mod:Some Model", "/data/My Split") for _ in range(3)]
    assert len({run.run_id for run in runs}) == 3
    stamp, model, split, tail = runs[0].run_id.split("_")
    assert (model, split, len(tail), len(stamp)) == ("some-model", "my-split", 4, 15)


@pytest.mark.parametrize("clip_id", ["", ".", "..", "../x", "a/b", "a\\b", "-x", "a\0", "ä", "x" * 129])
def test_clip_ids_that_could_leave_the_folder_are_refused(tmp_path, clip_id):
    assert code_of(RunFolder(tmp_path).sample, clip_id, 0) == "clip-id"


def test_what_is_no_run_is_refused(tmp_path):
    assert code_of(open_run, tmp_path) == "run-missing"
    assert code_of(open_run, tmp_path / "none") == "run-missing"
    (tmp_path / "picture.png").touch()
    with pytest.raises(BadInputError, match="not a run folder: it is a file"):
        open_run(tmp_path / "picture.png")


def test_a_folder_of_runs_in_place_of_a_run_names_the_newest_ones(tmp_path):
    for number in range(7):
        (tmp_path / f"2026110{number}_x").mkdir()
        (tmp_path / f"2026110{number}_x" / "manifest.json").write_text("{}", encoding="utf-8")
    (tmp_path / "notes").mkdir()
    with pytest.raises(BadInputError, match="it holds 7 runs, give one of them: ") as caught:
        open_run(tmp_path)
    named = [name for number in range(7) if (name := f"2026110{number}_x") in str(caught.value)]
    assert named == [f"2026110{number}_x" for number in range(2, 7)]
    assert str(caught.value).endswith("and 2 older ones")


def test_a_second_process_is_refused_until_the_first_is_gone(tmp_path):
    hold = "import sys, pathlib; from egobench.store.folder import RunFolder\n"
    hold += "with RunFolder(pathlib.Path(sys.argv[1])).lock(): print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", hold, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdout.readline() == b"held\n"
        named = rf"another process \(process {other.pid} on {re.escape(socket.gethostname())}, since 20\d\d-"
        with pytest.raises(RunLockedError, match=named) as caught, RunFolder(tmp_path).lock():
            pass
        assert caught.value.exit_code == 2
        assert "\n" not in str(caught.value)
        assert RunFolder(tmp_path).is_locked()
        other.kill()
    assert not RunFolder(tmp_path).is_locked()
    with RunFolder(tmp_path).lock():
        pass
    assert not (tmp_path / ".writer").exists()


def test_a_clock_that_was_set_back_gives_no_name_twice_and_no_wrong_order(tmp_path, monkeypatch):
    tokens = iter(["aaaa", "aaaa", "bbbb", "aaaa", "bbbb", "cccc"])
    monkeypatch.setattr(secrets, "token_hex", lambda size: next(tokens))
    noon = datetime(2026, 11, 25, 12, tzinfo=UTC)
    times = [noon, noon, noon]  # the same second, three times over
    names = [create_run(tmp_path, "m", "s", now=time).run_id for time in times]
    assert [name[-4:] for name in names] == ["aaaa", "bbbb", "cccc"]
    with Journal(tmp_path / "events.jsonl") as journal:
        journal.append({"at": "2026-11-25T12:00:00Z"})
        journal.append({"at": "2026-11-25T11:00:00Z"})
    assert [event["at"][11:13] for event in read_events(tmp_path / "events.jsonl")] == ["12", "11"]


def test_a_new_state_is_moved_in_whole_wherever_the_process_dies(tmp_path, monkeypatch):
    class Died(BaseException):
        pass

    replace, new = os.replace, {"metrics.json": b"new metrics", "scores.parquet": b"new scores"}

    def prepare(run):
        run.mkdir()
        for name in SEALED:
            (run / name).write_bytes(b"old")
        required = ("run", "started", "request", "split", "protocols", "items")
        manifest = {**dict.fromkeys(required, ""), "schema": SCHEMA, "status": "done"}
        write_manifest(RunFolder(run), sealed(manifest, RunFolder(run)))
        return RunFolder(run), manifest

    def writers():
        return {name: lambda path, data=data: write_bytes(path, data) for name, data in new.items()}

    for death in range(1, 9):
        folder, manifest = prepare(tmp_path / f"run{death}")
        left = [death]

        def die(source, target, left=left):
            left[0] -= 1
            if left[0] == 0:
                raise Died
            replace(source, target)

        monkeypatch.setattr(os, "replace", die)
        with contextlib.suppress(Died):
            replace_files(folder, writers(), {**manifest, "note": "new"})
        monkeypatch.setattr(os, "replace", replace)
        was_pending = is_pending(folder)
        take_up(folder)
        take_up(folder)
        found = read_manifest(folder)
        assert found["status"] == "done"
        assert seal_flaws(folder, found) == []
        states = {found.get("note"), *((folder.path / name).read_bytes().decode().split()[0] for name in new)}
        assert states in ({"new"}, {None, "old"})
        assert states == {"new"} or not was_pending
        assert not (folder.path / ".next").exists()
    assert left[0] > 0, "the last round lived through all of it"


def test_leftovers_are_removed_and_nothing_else(tmp_path):
    sample = RunFolder(tmp_path).sample("a", 0)
    sample.mkdir(parents=True)
    for name in (".video.mp4.12.abcd.part", "video.mp4", ".hidden"):
        (sample / name).touch()
    RunFolder(tmp_path).remove_leftovers()
    assert sorted(path.name for path in sample.iterdir()) == [".hidden", "video.mp4"]


def test_a_newer_manifest_is_refused_in_one_line(tmp_path):
    folder = RunFolder(tmp_path)
    manifest = dict.fromkeys(("run", "status", "started", "request", "split", "protocols", "items"), "")
    write_manifest(folder, {**manifest, "schema": SCHEMA})
    assert read_manifest(folder)["schema"] == SCHEMA
    write_manifest(folder, {**manifest, "schema": SCHEMA + 1})
    with pytest.raises(BadInputError, match="update egobench") as caught:
        read_manifest(folder)
    assert caught.value.code == "manifest-schema"
    assert "\n" not in str(caught.value)
    for damaged in ({}, {"schema": SCHEMA}, {"schema": "1"}, []):
        folder.manifest.write_text(json.dumps(damaged))
        assert code_of(read_manifest, folder) == "manifest-damaged"


def test_the_environment_is_plain_json():
    facts = environment()
    assert json.loads(json.dumps(facts)) == facts
    assert "numpy" in facts["packages"]


def test_a_folder_that_looks_like_a_column_or_a_protocol_holds_tables_like_any_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [ScoreRow("a", 3, "jerk", 1.0, "ok", "")]
    for name in ("seed=7", "metric=x", "value=2.5", "x:y", "per%20cent"):
        Path(name).mkdir()
        write_scores(Path(name) / "scores.parquet", rows)
        assert read_scores(Path(name) / "scores.parquet") == rows


def test_the_commit_is_that_of_the_suite_inside_a_hook_of_another_repository_too(tmp_path, monkeypatch):
    before = checkout()
    if before[0] is None:
        pytest.skip("egobench is not run from a git checkout")
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    assert checkout()[0] == before[0]


@pytest.mark.skipif(os.name == "nt", reason="locks of Unix")
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_told_in_a_line(tmp_path, monkeypatch, number):
    def flock(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(UnusablePlaceError, match="gives no locks"), create_run(tmp_path, "m", "s").lock():
        pass
