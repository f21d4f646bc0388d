"""Many runs in a folder: found, filtered, deleted, packed, by their manifests alone."""

import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from egobench.errors import BadInputError
from egobench.store.folder import RunFolder, RunLockedError
from egobench.store.listing import (
    Filter,
    delete_run,
    export_run,
    labels_of,
    list_runs,
    parse_time,
    read_facts,
    remove_trash,
)
from egobench.store.manifest import SCHEMA, read_manifest, write_manifest
from egobench.store.seal import SEALED, seal_flaws, sealed


def make_run(out, name, *, status="done", model="static", split="toy", started="2026-11-25T12:00:00Z", **more):
    folder = RunFolder(out / name)
    sample = folder.sample("clip-0", 0)
    sample.mkdir(parents=True)
    (sample / "video.mp4").write_bytes(name.encode())
    for file in SEALED:
        (folder.path / file).write_bytes(file.encode())
    manifest = {
        **{"schema": SCHEMA, "run": name, "status": status, "started": started, "request": {}, "protocols": {}},
        **{"split": {"name": split, "digest": "0" * 64}, "items": {"planned": 8, "failed": 1}, "task": "t2vm"},
        **{
            "model": {"name": model, "settings": {}} if isinstance(model, str) else model,
            "seeds": [0, 1],
            "metrics": ["a", "b"],
            **more,
        },
    }
    write_manifest(folder, sealed(manifest, folder) if status == "done" else manifest)
    return folder


@pytest.fixture
def runs(tmp_path):
    out = tmp_path / "runs"
    make_run(out, "c", model="pkg.mod:Mine", started="2026-11-24T23:59:59Z")
    make_run(out, "a", status="started", split="/data/other")
    make_run(out, "b", status="failed", error="no such weights")
    (out / "no-run").mkdir()
    (out / "file").touch()
    return out


def names(found):
    return [run.path.name for run in found]


def test_runs_are_listed_oldest_first_and_what_is_no_run_is_passed_over(runs):
    found = list_runs(runs)
    assert [(run.path.name, run.status) for run in found] == [("c", "done"), ("a", "started"), ("b", "failed")]
    assert (found[0].model, found[0].seeds, found[0].planned, found[0].failed) == ("pkg.mod:Mine", 2, 8, 1)
    assert found[2].reason == "no such weights"


def test_three_checkpoints_are_three_labels_and_a_name_is_found_as_a_model_is(tmp_path):
    for step in (10, 20):
        make_run(tmp_path, f"r{step}", model={"name": "twin", "settings": {"steps": step, "seed": 0}})
    make_run(
        tmp_path, "r30", model={"name": "twin", "settings": {"steps": 30, "seed": 0}}, request={"name": "best one"}
    )
    assert labels_of(list_runs(tmp_path)) == ["twin steps=10", "twin steps=20", "best one"]
    assert names(list_runs(tmp_path, Filter(model="best one"))) == ["r30"]
    assert names(list_runs(tmp_path, Filter(model="twin"))) == ["r10", "r20", "r30"]


def test_no_table_is_opened_to_list(runs, monkeypatch):
    monkeypatch.setattr("egobench.store.tables._read", lambda *_: pytest.fail("a table was read"))
    for run in ("a", "b", "c"):
        (runs / run / "items.parquet").write_bytes(b"not parquet")
    assert len(list_runs(runs)) == 3


@pytest.mark.parametrize(
    ("only", "left"),
    [
        ({"model": "Mine"}, ["c"]),
        ({"model": "pkg.mod:Mine"}, ["c"]),
        ({"model": "static", "status": "failed"}, ["b"]),
        ({"split": "other"}, ["a"]),
        ({"since": "2026-11-25"}, ["a", "b"]),
        ({"until": "2026-11-24"}, ["c"]),
        ({"until": "2026-11-25"}, ["c", "a", "b"]),
        ({"since": "2026-11-25T12:00", "until": "2026-11-25T12:00:01"}, ["a", "b"]),
        ({"since": "2026-11-25T13:00+01:00"}, ["a", "b"]),
        ({"until": "2026-11-25T12:00"}, ["c"]),
    ],
)
def test_filters_choose_by_model_split_status_and_time(runs, only, left):
    assert names(list_runs(runs, Filter(**only))) == left


def test_a_time_that_is_none_is_refused():
    with pytest.raises(BadInputError, match="2026-11-25 or") as caught:
        Filter(since="yesterday")
    assert caught.value.code == "time"
    assert parse_time("2026-11-25", end=True) > parse_time("2026-11-25T23:59", end=False)


def test_a_run_that_cannot_be_read_is_a_row_with_a_reason(runs):
    (runs / "a" / "manifest.json").write_text("{")
    newer = json.loads((runs / "b" / "manifest.json").read_text())
    (runs / "b" / "manifest.json").write_text(json.dumps({**newer, "schema": SCHEMA + 1}))
    found = {run.path.name: run for run in list_runs(runs)}
    assert {name: run.status for name, run in found.items()} == {"a": "unreadable", "b": "unreadable", "c": "done"}
    assert "update egobench" in found["b"].reason
    assert "\n" not in found["a"].reason + found["b"].reason


def test_a_clock_that_was_set_back_does_not_shuffle_the_list(runs):
    make_run(runs, "d", started="2026-11-25T12:00:00Z")
    assert names(list_runs(runs)) == names(list_runs(runs)) == ["c", "a", "b", "d"]


def test_a_deleted_run_is_gone_and_an_interrupted_deletion_is_finished(runs):
    delete_run(read_facts(runs / "b"))
    assert names(list_runs(runs)) == ["c", "a"]
    (runs / "a").rename(runs / ".deleted-a")
    remove_trash(runs)
    assert sorted(path.name for path in runs.iterdir()) == ["c", "file", "no-run"]


def test_a_run_that_is_written_to_is_running_and_not_deleted(runs):
    with RunFolder(runs / "a").lock():
        run = read_facts(runs / "a")
        assert run.status == "running"
        with pytest.raises(RunLockedError, match="being written by another process"):
            delete_run(run)
    assert (runs / "a" / "manifest.json").is_file()


def test_a_link_to_a_run_elsewhere_is_not_followed(runs, tmp_path):
    elsewhere = make_run(tmp_path, "elsewhere", status="started")
    (runs / "link").symlink_to(elsewhere.path)
    with pytest.raises(BadInputError, match="is a link"):
        delete_run(read_facts(runs / "link"))
    assert elsewhere.manifest.is_file()


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_an_archive_has_the_same_bytes_wherever_it_is_packed_and_unpacks_to_the_run(runs, tmp_path, suffix):
    import shutil

    run = runs / "c"
    for extra in (".lock", ".writer", "report"):
        (run / extra).write_text("not packed")
    (run / "samples/clip-0/0/.video.mp4.1.ab.part").touch()
    copy = Path(shutil.copytree(run, tmp_path / "elsewhere" / "c"))
    (copy / "metrics.json").touch()
    (copy / "metrics.json").chmod(0o600)
    archives = [tmp_path / f"{name}{suffix}" for name in "xy"]
    counts = [export_run(path, archive) for path, archive in zip((run, copy), archives, strict=True)]
    assert counts == [6, 6]
    assert archives[0].read_bytes() == archives[1].read_bytes()
    unpack = zipfile.ZipFile if suffix == ".zip" else tarfile.open
    with unpack(archives[0]) as archive:
        archive.extractall(tmp_path / "out")
    folder = RunFolder(tmp_path / "out" / "c")
    assert seal_flaws(folder, read_manifest(folder)) == []
    assert (folder.sample("clip-0", 0) / "video.mp4").read_bytes() == b"c"
    assert sorted(path.name for path in folder.path.iterdir()) == sorted(["manifest.json", *SEALED, "samples"])


def test_what_must_not_be_packed_is_refused_in_one_line(runs, tmp_path):
    def code(run, name="x.zip"):
        with pytest.raises(BadInputError) as caught:
            export_run(runs / run, tmp_path / name)
        assert "\n" not in str(caught.value)
        assert not (tmp_path / name).exists()
        return caught.value.code

    assert code("c", "x.rar") == "archive-form"
    assert code("a") == "run-unfinished"
    (runs / "c/samples/clip-1").symlink_to("/etc")
    assert code("c") == "run-link"
    (runs / "c/samples/clip-1").unlink()
    (runs / "c/metrics.json").write_text("edited")
    assert code("c") == "run-changed"
