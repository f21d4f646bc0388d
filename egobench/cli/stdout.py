"""Stdout is for data: whatever else prints there, a model, its child process or native code, is sent to stderr.

The file descriptor 1 becomes a second stderr, for this process and all that it starts; what the verbs print goes to
a copy of the old one, by `print` of this module.
"""

import contextlib
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # see egobench.registry
    from collections.abc import Iterator
    from typing import Any, TextIO

_state: "dict[str, TextIO | None]" = {"data": None}
_print = print


def keep_for_data() -> None:
    """From here on only what is printed by this module reaches the old stdout; once a process, before anything runs."""
    if _state["data"] is not None:
        return
    if sys.stdout is None:  # it was closed by the caller, who wants no data
        _state["data"] = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        return
    try:
        sys.stdout.flush()
        data = os.dup(1)
        os.dup2(2, 1)
    except OSError:  # one of the two is closed
        return
    old = sys.stdout
    _state["data"] = open(data, "w", encoding=old.encoding, errors=old.errors)  # noqa: SIM115  (lives as long as we)
    reconfigure = getattr(old, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(line_buffering=True)  # in step with what is printed to stderr


def data_stream() -> "TextIO":
    """Where data go: the old stdout, or what stands for `sys.stdout` where nothing was moved."""
    return _state["data"] or sys.stdout


def print(*values: object, file: "Any" = None, **how: "Any") -> None:
    """As Python's, but to the stream for data where no file is given."""
    _print(*values, file=data_stream() if file is None else file, **how)


@contextlib.contextmanager
def as_stdout() -> "Iterator[None]":
    """Inside the block `sys.stdout` is the stream for data, for libraries that print for us, as `--help` does."""
    with contextlib.redirect_stdout(data_stream()):
        yield


def columns() -> int:
    """Width of the terminal that data go to; 80 where it does not say."""
    with contextlib.suppress(OSError, ValueError):
        return int(os.environ.get("COLUMNS") or os.get_terminal_size(data_stream().fileno()).columns)
    return 80


def give_up() -> None:
    """The reader has gone: what is still to be written to it is lost without a word."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), data_stream().fileno())
