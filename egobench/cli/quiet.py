"""The options `--quiet` and `--debug`, which every verb takes. With `--quiet` there are no progress and no notes on
stderr, but data and errors are still printed. With `--debug` every error has a traceback."""

import sys

_state = {"quiet": False, "debug": False}


def take_quiet(arguments: list[str]) -> list[str]:
    """Records whether `--quiet` is among the words before any `--`, and returns the other words."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    _state["quiet"] = "--quiet" in arguments[:end]
    return [word for place, word in enumerate(arguments) if place >= end or word != "--quiet"]


def hush_matplotlib() -> None:
    """Hides matplotlib's own notes on stderr, such as the note about its font cache at the first use."""
    import logging

    logging.getLogger("matplotlib").setLevel(logging.ERROR)


def take_debug(arguments: list[str]) -> list[str]:
    """Records whether `--debug` is among the words before any `--`, and returns the other words."""
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
    """Prints a line for the user on stderr that is useful to know but is no error."""
    if not is_quiet():
        print(line, file=sys.stderr)
