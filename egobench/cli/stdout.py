"""Keeps stdout for data. Output of a model, of its child processes or of native code goes to stderr.

The file descriptor 1 becomes a second stderr, for this process and its child processes. The verbs print with `print` of
this module, which writes to a copy of the old stdout.
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
    """After this call, only `print` of this module reaches the old stdout. Call it once per process, at the start."""
    if _state["data"] is not None:
        return
    if sys.stdout is None:  # the caller closed it, because it needs no data
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
        reconfigure(line_buffering=True)  # so that the order with output on stderr is kept


def data_stream() -> "TextIO":
    """The stream for data: the old stdout, or `sys.stdout` if nothing was moved."""
    return _state["data"] or sys.stdout


def print(*values: object, file: "Any" = None, **how: "Any") -> None:
    """Works like Python's `print`, but without `file` it prints to the stream for data."""
    _print(*values, file=data_stream() if file is None else file, **how)


@contextlib.contextmanager
def as_stdout() -> "Iterator[None]":
    """Inside the block `sys.stdout` is the stream for data. It is for libraries that print data, as for `--help`."""
    with contextlib.redirect_stdout(data_stream()):
        yield


def columns() -> int:
    """Width of the terminal that shows the data; 80 if it is not known."""
    with contextlib.suppress(OSError, ValueError):
        return int(os.environ.get("COLUMNS") or os.get_terminal_size(data_stream().fileno()).columns)
    return 80


def give_up() -> None:
    """Discards the rest of the output without an error, because the reader has closed the pipe."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), data_stream().fileno())
