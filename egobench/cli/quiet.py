"""`--quiet` and `--debug`, which every verb takes: no progress and no notes on stderr, where data and errors are
printed all the same; and the traceback of every error."""

import sys

_state = {"quiet": False, "debug": False}


def take_quiet(arguments: list[str]) -> list[str]:
    """Notes whether `--quiet` stands there, before any `--`, and returns the other words."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    _state["quiet"] = "--quiet" in arguments[:end]
    return [word for place, word in enumerate(arguments) if place >= end or word != "--quiet"]


def hush_matplotlib() -> None:
    """No notes of matplotlib's own on stderr, such as of the font cache that it builds on its first day."""
    import logging

    logging.getLogger("matplotlib").setLevel(logging.ERROR)


def take_debug(arguments: list[str]) -> list[str]:
    """Notes whether `--debug` stands there, before any `--`, and returns the other words."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    _state["debug"] = "--debug" in arguments[:end]
    return [word for place, word in enumerate(arguments) if place >= end or word != "--debug"]


def is_debug() -> bool:
    """Whether the command line said so."""
    return _state["debug"]


def is_quiet() -> bool:
    """Whether the command line said so."""
    return _state["quiet"]


def note(line: str) -> None:
    """A line for people on stderr: worth knowing, no error."""
    if not is_quiet():
        print(line, file=sys.stderr)
