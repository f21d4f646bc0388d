"""How long `egobench --help`, `list` and `describe` take beside `python -c pass`."""

import subprocess
import sys
from typing import Any

import pytest
from facts import Facts

CALL = "from egobench.cli.main import console; console()"
COMMANDS: dict[str, tuple[str, ...]] = {
    "--help": ("--help",),
    "list models": ("list", "models"),
    "list": ("list",),
    "describe i-fid": ("describe", "i-fid"),
    "describe egomini-test": ("describe", "egomini-test"),
}
NOTHING = "python -c pass"
BARS = {"--help": 1.5}
OTHERS = 3.0
"""Largest ratio to `python -c pass`, by command, and of all others."""


@pytest.mark.benchmark(group="start of a command")
@pytest.mark.parametrize("by", [NOTHING, *COMMANDS])
def bench_startup(benchmark: Any, facts: Facts, by: str) -> None:
    code = ["pass"] if by == NOTHING else [CALL, *COMMANDS[by]]
    if by == NOTHING:
        facts.peer()
    else:
        facts.bar("as_long", at_most=BARS.get(by, OTHERS))
    command = [sys.executable, "-c", *code]
    benchmark.pedantic(
        lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True), rounds=21, warmup_rounds=2
    )
