"""Whole or not at all; stable JSON; the disk's refusals in one line."""

import errno
import os

import pytest

from egobench.errors import BadInputError, StorageError, UnusablePlaceError
from egobench.files.atomic import atomic_path, read_json, storage_errors, write_bytes, write_json


def test_an_error_in_the_middle_leaves_the_old_file_and_nothing_else(tmp_path):
    def fail_halfway(path):
        with atomic_path(path) as temporary:
            temporary.write_bytes(b"half")
            raise RuntimeError

    write_bytes(tmp_path / "a", b"old")
    with pytest.raises(RuntimeError):
        fail_halfway(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_json_has_stable_bytes(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1, "a": [0.1, None, "ü"]})
    text = '{\n  "a": [\n    0.1,\n    null,\n    "ü"\n  ],\n  "b": 1\n}\n'
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == text
    assert read_json(tmp_path / "a.json") == {"a": [0.1, None, "ü"], "b": 1}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object()])
def test_what_json_cannot_say_is_refused(tmp_path, value):
    with pytest.raises(BadInputError) as caught:
        write_json(tmp_path / "a.json", {"x": value})
    assert caught.value.code == "json-value"
    assert not list(tmp_path.iterdir())


def test_bad_json_is_refused_by_code(tmp_path):
    for content, code in {
        b"{": "json-unreadable",
        b'{"x": NaN}': "json-unreadable",
        b"\xff\xfe": "json-unreadable",
        b"[" * 100_000: "json-unreadable",
        b" " * 200_000: "json-too-large",
    }.items():
        (tmp_path / "a").write_bytes(content)
        with pytest.raises(BadInputError) as caught:
            read_json(tmp_path / "a", max_bytes=150_000)
        assert caught.value.code == code
    with pytest.raises(BadInputError, match="no such file"):
        read_json(tmp_path / "none")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_what_the_disk_refuses_is_one_line_and_leaves_nothing(tmp_path, monkeypatch, code, call):
    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(StorageError) as caught:
        write_bytes(tmp_path / "a", b"data")
    assert str(tmp_path / "a") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_file_in_a_folder_that_is_not_there_is_refused_as_a_place(tmp_path):
    with pytest.raises(UnusablePlaceError, match="no such folder; choose another place"):
        write_bytes(tmp_path / "no" / "a", b"")


def test_other_errors_keep_their_type(tmp_path):
    with pytest.raises(OSError, match="odd") as caught, storage_errors(tmp_path):
        raise OSError(errno.EINVAL, "odd")
    assert not isinstance(caught.value, StorageError)
