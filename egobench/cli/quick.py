"""Command lines of `list` and `describe`: a flag, an option and one word, without the cost of a parser's import.

`argparse` alone takes as long to import as Python takes to start; these verbs are held to five such times.
"""

from dataclasses import dataclass

from egobench.cli.stdout import print
from egobench.errors import BadInputError, UnknownNameError
from egobench.registry import unknown


@dataclass(frozen=True)
class QuickOptions:
    """What was typed."""

    word: str | None
    """The one positional argument."""
    kind: str | None
    """Value of `--kind`."""
    json: bool
    preset: str | None = None
    """Value of `--preset`."""


def parse_quick(usage: str, arguments: list[str], known: tuple[str, ...]) -> QuickOptions:
    """Reads at most one word, and the options in `known` (of `--kind VALUE`, `--preset VALUE` and `--json`).

    Raises:
        SystemExit: 0 after printing `usage` for `--help`.
        UnknownNameError: an option that is not in `known`.
        BadInputError: a second word, or an option without its value.
    """
    words: list[str] = []
    found: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument in ("-h", "--help"):
            print(usage)
            raise SystemExit(0)
        if not argument.startswith("-"):
            words.append(argument)
            continue
        name, equals, value = argument.partition("=")
        if name not in known or (equals and name == "--json"):
            raise UnknownNameError(unknown("options", argument, list(known)))
        if name != "--json" and not equals:
            if not rest:
                raise BadInputError(f"{name} needs a value", code="option-form")
            value = rest.pop(0)
        found[name] = value
    if len(words) > 1:
        raise BadInputError(f"one name is taken, found {len(words)}: {' '.join(words)}", code="option-form")
    return QuickOptions(words[0] if words else None, found.get("--kind"), "--json" in found, found.get("--preset"))
