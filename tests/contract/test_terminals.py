"""Readable wherever it is printed: narrow terminals, NO_COLOR, pipes, CI without a terminal, --quiet."""

import json
import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from egobench.cli.main import VERBS, main
from egobench.cli.words import candidates

GOLDEN = Path(__file__).parents[1] / "golden" / "run-schema-1"
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x9b]")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
ANY_CODE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
PROGRESS = (
    "from egobench.cli.progress import progress; import time\n"
    "p = progress(); p.stage('generate', 25600); p.advance(3, 1); time.sleep(0.15); p.advance(12000); p.done()"
)
ACTIONS = [
    [verb, *action]
    for verb in VERBS
    for action in (
        [[]]
        + [
            [a]
            for a in candidates([verb, ""])
            if a
            in (
                "make",
                "verify",
                "list",
                "view",
                "sheet",
                "convert",
                "add",
                "build",
                "pull",
                "export",
                "check",
                "show",
                "prune",
            )
        ]
    )
]


def clean(**changes):
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **changes}


def at_terminal(command, columns, **environment):
    """What a command prints on a terminal of so many columns."""
    pty, fcntl, termios = (pytest.importorskip(name) for name in ("pty", "fcntl", "termios"))
    import struct

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=clean(**environment))
    os.close(theirs)
    pieces = []
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(ours)
    assert process.wait() == 0
    return b"".join(pieces).decode()


def columns_of(line):
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in line)


def test_a_table_on_forty_columns_is_whole_and_no_line_is_longer():
    said = at_terminal([sys.executable, "-m", "egobench", "resume", str(GOLDEN)], 40, NO_COLOR="1", TERM="xterm")
    assert not COLOUR.search(said)
    lines = ANY_CODE.sub("\n", COLOUR.sub("", said)).splitlines()
    table = lines[: next(k for k, line in enumerate(lines) if line.startswith("Protocols"))]
    assert max(map(columns_of, table)) <= 40
    for wanted in ("toy-speed (m/s) ↓", "value ± 95 %  0.2481", "undef.        2", "cover.        66.6 %"):
        assert any(wanted in line for line in table), wanted


def test_a_table_at_a_wide_terminal_has_a_row_for_each_metric_and_no_colour_where_none_is_wanted():
    said = at_terminal([sys.executable, "-m", "egobench", "table", str(GOLDEN)], 160, NO_COLOR="1", TERM="xterm")
    (row,) = [line for line in said.splitlines() if "ToyModel" in line and "0.2481" in line]
    assert "19.54 ± 0.13" in row
    assert not re.search(r"\x1b\[[0-9;]*(3[0-7]|9[0-7]|38)", said)


@pytest.mark.parametrize("columns", [40, 100])
def test_progress_fits_the_terminal_and_says_how_many_of_how_many(columns):
    said = at_terminal([sys.executable, "-c", PROGRESS], columns, TERM="xterm")
    lines = [line for line in ANY_CODE.sub("\n", COLOUR.sub("", said)).splitlines() if line.strip()]
    assert max(map(columns_of, lines)) <= columns
    assert any("12003/25600" in line and "1 failed" in line for line in lines)


@pytest.mark.parametrize("command", [["-m", "egobench", "table", str(GOLDEN)], ["-c", PROGRESS]], ids=["table", "bar"])
def test_ci_without_a_terminal_gets_lines_without_control_codes(command):
    environment = clean(CI="true", GITHUB_ACTIONS="true", TERM="xterm-256color")
    done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, check=True)
    assert not CONTROL.search(done.stdout + done.stderr)
    if "-c" in command:
        assert not done.stdout
        assert re.search(r"generate: 12003/25600, .*/s, 0:00, done, 1 failed", done.stderr)
    else:
        assert any("ToyModel" in line and "0.2481" in line for line in done.stdout.splitlines()), "rows stay whole"


@pytest.mark.parametrize("words", ACTIONS, ids=" ".join)
def test_every_verb_takes_json_and_quiet(capsys, words):
    assert main([*words, "--quiet", "--help"]) == 0
    said = capsys.readouterr()
    has_actions = "ACTION" in said.out.splitlines()[0]
    assert has_actions or "--json" in said.out
    assert not said.err
    assert not CONTROL.search(said.out)


def test_quiet_leaves_data_and_errors_and_takes_everything_else(capsys, tmp_path):
    run = str(GOLDEN)
    assert main(["verify", run, "--share", "0"]) == 2
    loud = capsys.readouterr()
    assert main(["verify", "--quiet", run, "--share", "0"]) == 2
    quiet = capsys.readouterr()
    assert loud.out == quiet.out
    assert "not checked:" in loud.err
    assert "not checked:" not in quiet.err
    assert main(["--quiet", "runs", "list", str(tmp_path)]) == 0
    assert main(["resume", "--quiet", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("egobench: ")
    assert main(["list", "engines"]) == 0, "the next command is not quiet"


def test_a_verb_in_json_is_one_document_on_stdout(capsys, tmp_path):
    commands = (
        ["runs", "list", str(GOLDEN.parent)],
        ["runs", "show", str(GOLDEN)],
        ["runs", "prune", str(GOLDEN.parent)],
        ["runs", "export", str(GOLDEN), "--out", str(tmp_path / "run.zip")],
        ["report", str(GOLDEN), "--out", str(tmp_path / "report")],
        ["cite", str(GOLDEN)],
        ["completion", "bash"],
        ["table", str(GOLDEN)],
        ["list"],
        ["describe", "i-fid"],
    )
    for words in commands:
        assert main([*words, "--json"]) == 0, words
        json.loads(capsys.readouterr().out)
