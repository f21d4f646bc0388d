"""Runs under a URL: the bytes of a run here, resumed and read where no copy is, and found out when edited."""

import json
import shutil
from pathlib import Path

import pytest
from pipeline_toys import METRICS, make_split

from egobench.audit.verify import verify_run
from egobench.cli.main import main
from egobench.errors import BadInputError, UnusablePlaceError
from egobench.files.cache_home import cache_home
from egobench.progress import Quiet
from egobench.run.run import RunRequest, resume_run, start_run
from egobench.store import journal
from egobench.store.folder import open_run
from egobench.store.journal import read_events
from egobench.store.remote import RemoteFolder

pytest.importorskip("fsspec")


@pytest.fixture
def split(tmp_path, monkeypatch):
    monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path / "cache"))
    return str(make_split(tmp_path / "split"))


@pytest.fixture
def out(request, tmp_path):
    """A folder of runs: storage that only this process sees, or, on request, one of all processes."""
    everywhere = getattr(request, "param", "") == "file"
    return f"file://{tmp_path}/away" if everywhere else f"memory://{tmp_path.name}/runs"


def ask(split, out, **changes):
    workers = 0 if str(out).startswith("memory") else 2
    options = {"metrics": METRICS, "draws": 20, "out": Path(out), "workers": workers, **changes}
    return RunRequest("pipeline_toys:ToyModel", split, **options)


def metrics(path):
    return (Path(path) / "metrics.json").read_bytes()


def only_run(out):
    (name,) = RemoteFolder(out).folders()
    return f"{out}/{name}"


def forget_copies():
    """As on another machine: no copy of a run is here."""
    shutil.rmtree(cache_home() / "mirrors")


class Stop(Quiet):
    """Ctrl-C after so many samples."""

    def __init__(self, samples):
        self.left, self.name = samples, ""

    def stage(self, name, total):
        self.name = name

    def advance(self, n=1, failed=0):
        self.left -= n if self.name == "generate" else 0
        if self.name == "generate" and self.left <= 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("out", ["memory", "file"], indirect=True)
def test_a_run_under_a_url_has_the_bytes_of_one_here_and_opens_where_no_copy_is(split, out, tmp_path):
    here = start_run(ask(split, tmp_path / "runs", workers=0))
    start_run(ask(split, out))
    url = only_run(out)
    names = RemoteFolder(url).names()
    assert {name.partition("/")[0] for name in names} == {
        *("manifest.json", "metrics.json", "items.parquet", "scores.parquet", "events", "samples")
    }
    forget_copies()
    copy = open_run(url)
    assert metrics(copy.path) == metrics(here.path)
    assert copy.shown == copy.place == url
    assert not copy.samples.exists()
    found = verify_run(url, share=0.5)
    assert not found.flaws
    assert found.derived


def test_an_interrupted_run_is_finished_on_another_machine_without_doing_anything_twice(split, out, tmp_path):
    here = start_run(ask(split, tmp_path / "runs", workers=0))
    with pytest.raises(KeyboardInterrupt, match=f"egobench resume {out}/"):
        start_run(ask(split, out), Stop(3))
    url = only_run(out)
    forget_copies()
    report = resume_run(url)
    assert metrics(report.path) == metrics(here.path)
    clips = [event["clip"] for event in read_events(report.path / "events.jsonl") if event["event"] == "item"]
    assert len(clips) == len(set(clips)) == report.planned
    assert len(RemoteFolder(url).names("events")) == 2
    forget_copies()
    assert metrics(open_run(url).path) == metrics(here.path)


def test_what_a_killed_process_had_not_put_yet_is_put_when_it_is_resumed_here(split, out, tmp_path):
    here = start_run(ask(split, tmp_path / "runs", workers=0))
    start_run(ask(split, out))
    url = only_run(out)
    (piece,) = RemoteFolder(url).names("events")
    whole = RemoteFolder(url).get(piece)
    kept = whole[: whole.index(b"\n") + 1]
    RemoteFolder(url).remove(piece)
    RemoteFolder(url).put(f"events/{0:015d}-{len(kept):015d}.jsonl", kept)
    manifest = json.loads(RemoteFolder(url).get("manifest.json"))
    RemoteFolder(url).put("manifest.json", json.dumps({**manifest, "status": "started"}).encode())
    assert metrics(resume_run(url).path) == metrics(here.path)
    pieces = RemoteFolder(url).names("events")
    assert b"".join(RemoteFolder(url).get(name) for name in pieces) == whole


def test_the_journal_is_put_in_pieces_that_are_never_written_again(split, tmp_path, monkeypatch):
    out, seen = f"memory://{tmp_path.name}/runs", []
    put = RemoteFolder.put
    monkeypatch.setattr(RemoteFolder, "put", lambda self, name, data: (seen.append(name), put(self, name, data))[1])
    monkeypatch.setattr(journal, "PIECE_S", -1.0)
    start_run(ask(split, out))
    pieces = [name for name in seen if name.startswith("events/")]
    assert len(pieces) == len(set(pieces)) > 4
    last = max(place for place, name in enumerate(seen) if name.startswith("samples/"))
    assert seen[-1] == "manifest.json"
    assert last < len(seen) - 4


def test_a_missing_piece_of_the_journal_is_told(split, tmp_path, monkeypatch):
    out = f"memory://{tmp_path.name}/runs"
    monkeypatch.setattr(journal, "PIECE_S", -1.0)
    start_run(ask(split, out))
    url = only_run(out)
    RemoteFolder(url).remove(RemoteFolder(url).names("events")[1])
    with pytest.raises(BadInputError, match="the piece before it is missing") as refusal:
        open_run(url)
    assert refusal.value.code == "journal-damaged"


def test_an_edit_under_the_url_is_found(split, out):
    start_run(ask(split, out))
    url = only_run(out)
    name = next(name for name in RemoteFolder(url).names("samples") if name.endswith(".npz"))
    RemoteFolder(url).put(name, b"edited")
    codes = {flaw.code for flaw in verify_run(url, share=0).flaws}
    assert codes == {"sample-changed"}


def test_a_folder_that_names_a_url_and_is_no_copy_of_it_is_of_this_machine_alone(split, out, tmp_path):
    start_run(ask(split, out))
    url = only_run(out)
    stray = Path(shutil.copytree(open_run(url).path, tmp_path / "stray"))
    assert (stray / ".url").read_text() == url
    assert open_run(url).remote is not None
    assert open_run(stray).remote is None
    assert open_run(stray).path == stray.resolve()


@pytest.mark.parametrize("name", ["../outside.txt", "samples/../../outside.txt", "/outside.txt"])
def test_an_object_whose_name_leads_out_of_the_run_is_refused(split, out, name):
    start_run(ask(split, out))
    with pytest.raises(BadInputError, match="leads out of the run") as refusal:
        open_run(only_run(out)).pull(name)
    assert refusal.value.code == "storage-name"


def test_the_command_line_prints_the_url_and_other_verbs_take_it(split, tmp_path, capsys):
    out = f"memory://{tmp_path.name}/runs"
    options = ["--model", "pipeline_toys:ToyModel", "--split", split, "--metrics", METRICS, "--draws", "20"]
    assert main(["run", *options, "--workers", "0", "--out", out]) == 0
    url = only_run(out)
    assert capsys.readouterr().out.splitlines()[-1] == url
    for verb in (["runs", "show", url], ["table", url], ["compare", url, url], ["resume", url], ["verify", url]):
        forget_copies()
        assert main(verb) == 0, verb
    assert main(["runs", "export", url, "--out", str(tmp_path / "run.zip")]) == 0
    assert (tmp_path / "run.zip").stat().st_size > 1000


def test_a_url_without_a_run_and_storage_that_refuses_are_one_line(split, tmp_path, monkeypatch):
    out = f"memory://{tmp_path.name}/runs"
    with pytest.raises(BadInputError, match="not a run folder"):
        open_run(f"{out}/nothing")

    def refuse(*_, **__):
        raise PermissionError("403 Forbidden")

    monkeypatch.setattr(type(RemoteFolder(out)._files), "pipe_file", refuse)
    with pytest.raises(UnusablePlaceError, match="403 Forbidden") as refusal:
        start_run(ask(split, out))
    assert refusal.value.exit_code == 2
    with pytest.raises(BadInputError, match="seen by one process alone"):
        start_run(ask(split, out, workers=2))
