"""`--quiet`, which every verb takes: no progress and no notes on stderr. Data and errors are printed all the same."""

import sys

_state = {"quiet": False}


def take_quiet(arguments: list[str]) -> list[str]:
    """Notes whether `--quiet` stands there, before any `--`, and returns the other words."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    _state["quiet"] = "--quiet" in arguments[:end]
    return [word for place, word in enumerate(arguments) if place >= end or word != "--quiet"]


def hush_matplotlib() -> None:
    """No notes of matplotlib's own on stderr, such as of the font cache that it builds on its first day."""
    import logging

    logging.getLogger("matplotlib").setLevel(logging.ERROR)


def is_quiet() -> bool:
    """Whether the command line said so."""
    return _state["quiet"]


def note(line: str) -> None:
    """A line for people on stderr: worth knowing, no error."""
    if not is_quiet():
        print(line, file=sys.stderr)
