"""Command lines of the verbs that import no package: `list`, `describe`, `schema`, `completion` and `doctor`.

The import of tyro takes 3.4 times as long as the start of Python, argparse a tenth. Also, `doctor` must work without
tyro.
"""

import argparse
from dataclasses import dataclass

from egobench.cli.stdout import print
from egobench.errors import BadInputError, UnknownNameError
from egobench.registry import unknown


@dataclass(frozen=True)
class PlainOptions:
    """What was typed."""

    word: str | None
    """The one positional argument."""
    kind: str | None
    """Value of `--kind`."""
    json: bool
    preset: str | None = None
    """Value of `--preset`."""


def parse_plain(usage: str, arguments: list[str], known: tuple[str, ...]) -> PlainOptions:
    """Reads at most one word, and the options in `known` (of `--kind VALUE`, `--preset VALUE` and `--json`).

    Raises:
        SystemExit: 0 after printing `usage` for `--help`.
        UnknownNameError: an option is not in `known`.
        BadInputError: there is a second word, or an option has no value.
    """
    parser = argparse.ArgumentParser(
        formatter_class=_no_shutil, add_help=False, allow_abbrev=False, exit_on_error=False
    )
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("words", nargs="*")
    for option in known:
        parser.add_argument(option, action="store_true" if option == "--json" else "store")
    try:
        found, others = parser.parse_known_intermixed_args(arguments)
    except argparse.ArgumentError as error:
        raise BadInputError(f"{error.argument_name} needs a value", code="option-form") from None
    if found.help:
        print(usage)
        raise SystemExit(0)
    if others:
        raise UnknownNameError(unknown("options", others[0], list(known)))
    words = found.words
    if len(words) > 1:
        raise BadInputError(f"one name is taken, found {len(words)}: {' '.join(words)}", code="option-form")
    named = vars(found)
    return PlainOptions(words[0] if words else None, named.get("kind"), named.get("json", False), named.get("preset"))


def _no_shutil(prog: str) -> argparse.HelpFormatter:
    """A formatter that does not read the terminal's width, since argparse would import shutil for it."""
    return argparse.HelpFormatter(prog, width=80)
