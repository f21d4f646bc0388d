"""Completions for a command line, from the index of verbs and the names of the catalogue. TAB imports nothing heavy.

Options and their values come from index.json. The shell itself completes files.
"""

from egobench.catalog import KINDS
from egobench.cli.described import index
from egobench.cli.main import VERBS

TYPE_CHECKING = False
if TYPE_CHECKING:  # see egobench.registry
    from collections.abc import Iterable, Mapping
    from typing import Any

FILES, FOLDERS = ":files", ":dirs"
"""Returned in place of words: the shell then completes paths."""
COMMON = ("--help", "--json", "--quiet")
SHELLS = ("bash", "zsh", "fish")
PLAIN = {
    "list": ({}, tuple(KINDS)),
    "describe": ({"--kind": tuple(KINDS), "--preset": ("extractors", "estimators")}, ("*",)),
    "doctor": ({}, ()),
    "completion": ({}, SHELLS),
}
"""Verbs without a class of options: their options with values, and the possible words (`*`: any name)."""


def candidates(words: list[str]) -> list[str]:
    """Possible completions of the last word.

    Args:
        words: words of a command line, without `egobench`; the user is typing the last one, and it may be empty.
    """
    *before, current = words or [""]
    if not before:
        return _matching([*VERBS, "--help", "--version"], current)
    verb, *rest = before
    if verb not in VERBS:
        return []
    if verb in PLAIN:
        return _plain(verb, rest, current)
    verbs = index()["verbs"]
    actions = [name.partition(" ")[2] for name in verbs if name.startswith(f"{verb} ")]
    if actions and (not rest or rest[0] not in actions):
        return _matching([*actions, "--help"], current)
    name = f"{verb} {rest.pop(0)}" if actions else verb
    return _of_options(verbs.get(name, []), rest, current)


def _plain(verb: str, rest: list[str], current: str) -> list[str]:
    options, words = PLAIN[verb]
    if rest and rest[-1] in options:
        values = options[rest[-1]]
        return _matching(values if rest[-1] == "--kind" else _names(values), current)
    if current.startswith("-"):
        return _matching([*COMMON, *options], current)
    return _matching(_names(tuple(KINDS)) if words == ("*",) else words, current)


def _of_options(rows: "list[Mapping[str, Any]]", rest: list[str], current: str) -> list[str]:
    options = {row["flag"]: row for row in rows if not row["is_positional"]}
    places = [row for row in rows if row["is_positional"]]
    flag, equals, value = current.partition("=")
    if equals and flag in options:
        return [f"{flag}={word}" for word in _values(options[flag], value) if word not in (FILES, FOLDERS)]
    if rest and rest[-1] in options and options[rest[-1]]["takes"] != "nothing":
        return _values(options[rest[-1]], current)
    if current.startswith("-"):
        return _matching([*options, *COMMON], current)
    if not places:
        return _matching(options, current)
    return _values(places[min(len(places), len(rest) + 1) - 1], current)


def _values(row: "Mapping[str, Any]", current: str) -> list[str]:
    """Words for an option or a positional argument. In a list with commas only the last word is completed."""
    takes = row["takes"]
    if takes in ("names", "metrics"):
        done, comma, last = current.rpartition(",")
        words = [f"{done}{comma}{name}" for name in _matching(_names(row["of"]), last)]
        extra = ["core", "all"] if takes == "metrics" else []
        return [*_matching(extra, current), *words, *([FOLDERS] if row["of"] == ["splits"] else [])]
    if takes == "words":
        return _matching(row["of"], current)
    return {"files": [FILES], "folders": [FOLDERS]}.get(takes, [])


def _names(kinds: "Iterable[str]") -> list[str]:
    return sorted({name for kind in kinds for name in KINDS[kind].names()})


def _matching(words: "Iterable[str]", start: str) -> list[str]:
    return sorted({word for word in words if word.startswith(start)})
