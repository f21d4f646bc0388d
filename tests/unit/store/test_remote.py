"""Objects under a URL: what is put is got again, what is not there is None, and errors are one line."""

import subprocess
import sys
from pathlib import Path

import pytest

from egobench.errors import BadInputError, StorageError, UnusablePlaceError
from egobench.store import remote
from egobench.store.remote import RemoteFolder, url_of

pytest.importorskip("fsspec")


@pytest.fixture(params=["memory", "file"])
def folder(request, tmp_path):
    return RemoteFolder(f"{request.param}://{tmp_path}/top")


@pytest.mark.parametrize(
    ("place", "url"),
    [
        ("s3://bucket/runs/", "s3://bucket/runs"),
        (Path("s3://bucket/runs"), "s3://bucket/runs"),
        (Path("file:///data/runs"), "file:///data/runs"),
        ("file:///data/runs", "file:///data/runs"),
        ("runs", ""),
        ("/data/runs", ""),
        ("C:/runs", ""),
        ("a:b", ""),
    ],
)
def test_a_url_is_known_also_where_it_came_as_a_path(place, url):
    assert url_of(place) == url


def test_what_is_put_is_got_listed_and_removed(folder):
    assert folder.get("a/b") is None
    assert folder.names() == folder.folders() == []
    folder.put("a/b", b"1")
    folder.put("a/c/d", b"2")
    folder.put("a/b", b"3")
    assert (folder.get("a/b"), folder.get("a/c/d")) == (b"3", b"2")
    assert folder.names() == ["a/b", "a/c/d"]
    assert folder.names("a/c") == ["a/c/d"]
    assert folder.folders() == ["a"]
    folder.remove("a/b")
    assert folder.names() == ["a/c/d"]


def test_a_probe_leaves_nothing(folder):
    folder.check_writable()
    assert folder.names() == []


def test_storage_that_refuses_is_bad_input_in_one_line(tmp_path, monkeypatch):
    folder = RemoteFolder(f"memory://{tmp_path}/top")

    def refuse(*_, **__):
        raise PermissionError("403\nForbidden")

    monkeypatch.setattr(type(folder._files), "pipe_file", refuse)
    with pytest.raises(
        UnusablePlaceError, match=r"could not write memory://.*: PermissionError: 403 Forbidden"
    ) as refusal:
        folder.check_writable()
    assert refusal.value.exit_code == 2
    with pytest.raises(StorageError) as stopped:
        folder.put("a", b"")
    assert stopped.value.exit_code == 130


def test_a_kind_of_storage_that_is_not_known_is_refused():
    with pytest.raises(BadInputError, match=r"nothing://bucket cannot be used: .*nothing") as refusal:
        RemoteFolder("nothing://bucket").get("a")
    assert refusal.value.code == "storage-kind"


def test_without_fsspec_a_url_is_refused_with_what_to_install(monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(remote, "import_module", absent)
    with pytest.raises(BadInputError, match=r"pip install 'egobench\[cloud\]'"):
        RemoteFolder("s3://bucket").get("a")


def test_paths_of_this_machine_import_no_fsspec(tmp_path):
    code = (
        "import sys; from egobench.store.cache import open_cache; from egobench.store.folder import create_run;"
        f"open_cache().get('a'); create_run(__import__('pathlib').Path({str(tmp_path)!r}), 'm', 's');"
        "sys.exit('fsspec' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
