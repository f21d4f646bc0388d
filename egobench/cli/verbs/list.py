"""`egobench list [KIND]`: names with one line each. It does not import the suite's own classes."""

from egobench.catalog import KINDS
from egobench.cli.described import describe
from egobench.cli.plain import parse_plain
from egobench.cli.stdout import print
from egobench.errors import EgoBenchError, UnknownNameError
from egobench.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:  # see egobench.registry
    from typing import Any

USAGE = f"""usage: egobench list [KIND] [--json]

Names of one kind, or of all kinds, with one line each.

  KIND    one of {", ".join(KINDS)}
  --json  machine-readable output"""
ARROWS = {"lower": "↓", "higher": "↑"}


def main(arguments: list[str]) -> int:
    """Prints the names of one kind or of all."""
    options = parse_plain(USAGE, arguments, ("--json",))
    if options.word is not None and options.word not in KINDS:
        raise UnknownNameError(unknown("kinds", options.word, list(KINDS)))
    kinds = [options.word] if options.word else list(KINDS)
    found = {kind: [_row(kind, name) for name in KINDS[kind].names()] for kind in kinds}
    if options.json:
        import json

        print(json.dumps(found, indent=2, sort_keys=True, ensure_ascii=False))
        return 0
    width = max(len(row["name"]) for rows in found.values() for row in rows)
    for number, (kind, rows) in enumerate(found.items()):
        if len(found) > 1:
            print(f"{chr(10) if number else ''}{kind}")
        for row in rows:
            print(f"  {row['name']:<{width}}  {row['about']}".rstrip())
    return 0


def _row(kind: str, name: str) -> "dict[str, Any]":
    target = KINDS[kind].target(name)
    row: "dict[str, Any]" = {"name": name, "target": target}
    try:
        source = describe(KINDS[kind], name)
    except EgoBenchError as error:  # a broken plug-in is listed with its error, and the others are still listed
        return {**row, "about": f"(cannot be read: {error})"}
    facts = source.facts
    if kind == "metrics":
        row |= {key: facts.get(key) for key in ("unit", "better", "version")}
        unit = f"{facts['unit']}, " if facts.get("unit") else ""
        return {**row, "about": f"{ARROWS.get(str(facts.get('better')), '')} {unit}{source.summary}"}
    if kind == "splits":
        return {**row, "about": source.summary or _split_line(facts)}
    return {**row, "about": source.summary}


def _split_line(facts: "Any") -> str:
    sequences, each = facts.get("sequences"), facts.get("clips_per_sequence")
    if not isinstance(sequences, int) or not isinstance(each, int):
        return ""
    size = f"{sequences * each} clips ({sequences} sequences × {each}), {facts.get('resolution')} px"
    return f"{size}, {'shipped' if facts.get('shipped') else 'made by `egobench data make`'}"
