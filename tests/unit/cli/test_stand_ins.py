"""Terminals and files that are not in Unicode."""

import io
import os
import subprocess
import sys

import pytest

from egobench.cli import stand_ins


def printed(text: str, encoding: str, monkeypatch) -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    stand_ins.use_stand_ins()
    print(text, end="")
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)  # pyright: ignore[reportAttributeAccessIssue]


def test_by_hand_signs_that_an_encoding_has_stay_and_others_get_a_stand_in(monkeypatch):
    text = "1.5 ± 0.2 ↓ − ≈ 0 … 木"
    assert printed(text, "utf-8", monkeypatch) == text
    assert printed(text, "ascii", monkeypatch) == "1.5 +- 0.2 v - ~ 0 ... ?"
    assert printed(text, "cp1252", monkeypatch) == "1.5 ± 0.2 v - ~ 0 … ?"
    assert printed(text, "gbk", monkeypatch) == "1.5 ± 0.2 ↓ - ≈ 0 … 木"


def test_every_stand_in_is_ascii_itself():
    assert all(sign.isascii() is False and stand_in.isascii() for sign, stand_in in stand_ins.STAND_INS.items())


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gbk", "latin-1"])
@pytest.mark.parametrize("verb", [["list"], ["describe", "rot-err"], ["--help"], ["schema"]])
def test_a_verb_prints_wherever_it_is_sent(encoding, verb):
    settings = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-m", "egobench", *verb], capture_output=True, env=settings, timeout=120)
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout.decode(encoding)
