"""What may differ between two equal checkouts, and the comparison of two folders in which it is made alike.

`RULES` is the whole list of what `same_bytes.py` does not compare, with the columns in `LEFT_OUT`; every other byte
counts.
"""

import json
import re
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet

_NUMBER = r"-?\d+(?:\.\d+)?(?:e-?\d+)?"
_HEX = "[0-9a-f]{64}"
_TEXT = r'"(?:[^"\\]|\\.)*"'
RULES: dict[str, tuple[tuple[str, str], ...]] = {
    "time and id in the name of a run": ((r"\b\d{8}-\d{6}(\\*_[\w.\\-]+_)[0-9a-f]{4}\b", r"DATE\1ID"),),
    "time of day": (
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
        (r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b", "TIME"),
    ),
    "seconds that something took, and the machine's load": (
        (rf'("(?:seconds|generate|extract|score|load)": ){_NUMBER}', r"\1N"),
        (
            rf'("seconds_per_clip": \{{\s*{_TEXT}: \{{\s*"clips": \d+,\s*"median": ){_NUMBER}(,\s*"p90": ){_NUMBER}',
            r"\1N\2N",
        ),
    ),
    "seconds in what `runs show` prints": ((r"(?m)^(seconds +)[a-z]+ [\d., a-z]+$", r"\1N"),),
    "progress: rates, times, and the lines that come every ten seconds": (
        (r"(?m)^([^\n:]+: \d+/\d+)(?:, [\d.]+/s)?, [\d:]+, done$", r"\1, done"),
        (r"(?m)^[^\n:]+: \d+/\d+, .*(?<!, done)\n", ""),
    ),
    "commit of the checkout, and whether files in it are changed": (
        (rf'("commit": )(?:{_TEXT}|null)', r"\1COMMIT"),
        (r'("dirty": )(?:true|false|null)', r"\1DIRTY"),
        (r"(?<![0-9a-f])[0-9a-f]{40}(?:\+dirty)?(?![0-9a-f])", "COMMIT"),
    ),
    "number and digest of the files of code behind a model, and the module that they begin with": (
        (rf'("files": )\d+(,\s*"name": ){_TEXT}(,\s*"sha256": )"{_HEX}"', r"\1N\2NAME\3DIGEST"),
    ),
    "digests and sizes of files that hold times, the run's name or the commit (scores.parquet is compared)": (
        (rf'("manifest_sha256": )"{_HEX}"', r"\1DIGEST"),
        (r'("bytes": )\d+', r"\1N"),
        (rf'("(?:events\.jsonl|items\.parquet|metrics\.json|manifest)": )"{_HEX}"', r"\1DIGEST"),
    ),
    "file and line of a class, and the module that it or another name lies in (the name itself is compared)": (
        (rf'("file": ){_TEXT}(,\s*"kind": {_TEXT},\s*"line": )\d+', r"\1FILE\2N"),
        (r"(?m)(  \([a-z]+\)  )\S+\.py:\d+$", r"\1FILE:N"),
        (r"\b(?:egobench|egomini|egotwin_ref)(?:\.\w+)*([.:]\w+)", r"MODULE\1"),
    ),
}
"""What is made alike → patterns and replacements, applied to every text in this order."""

LEFT_OUT = ("seconds",)
"""Columns of parquet files that are not compared."""
JOURNAL = "events.jsonl"
"""Its lines are sorted before they are compared: of several samples that are done, any may be written first."""
TEXTS = (".json", ".jsonl", ".txt", ".md", ".csv", ".tex", ".html", ".toml", ".bib", ".xml", ".out", ".err")


class Difference(NamedTuple):
    """One file that is not the same."""

    path: str
    what: str


def plain(text: str, places: dict[str, str] | None = None) -> str:
    """The text with everything in `RULES` made alike; `places` are paths of one side and the words for them."""
    for path, word in sorted((places or {}).items(), key=lambda pair: -len(pair[0])):
        text = text.replace(path, word)
    for patterns in RULES.values():
        for pattern, replacement in patterns:
            text = re.sub(pattern, replacement, text)
    return text


def content(path: Path, places: dict[str, str]) -> bytes:
    """What is compared of a file: plain text, a parquet file's columns, or its bytes."""
    if path.suffix == ".parquet":
        table = pyarrow.parquet.read_table(path)
        schema = [f"{field.name}: {field.type}" for field in table.schema]
        kept = table.drop_columns([name for name in LEFT_OUT if name in table.column_names])
        return "\n".join([*schema, *map(json.dumps, kept.to_pylist())]).encode()
    if path.suffix in TEXTS:
        text = plain(path.read_bytes().decode("utf-8"), places)
        return ("".join(sorted(text.splitlines(keepends=True))) if path.name == JOURNAL else text).encode()
    return path.read_bytes()


def files_of(folder: Path, places: dict[str, str]) -> dict[str, Path]:
    """Plain relative name → file."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {plain(path.relative_to(folder).as_posix(), places): path for path in sorted(paths)}


def differences(
    before: Path, after: Path, places: tuple[dict[str, str], dict[str, str]] = ({}, {})
) -> tuple[list[Difference], int]:
    """Files that lie in one folder only or differ, in the order of their names, and how many names there are."""
    left, right = files_of(before, places[0]), files_of(after, places[1])
    found = [Difference(name, "only before") for name in left.keys() - right.keys()]
    found += [Difference(name, "only after") for name in right.keys() - left.keys()]
    for name in left.keys() & right.keys():
        one, two = content(left[name], places[0]), content(right[name], places[1])
        if one != two:
            found.append(Difference(name, first_difference(one, two)))
    return sorted(found), len(left.keys() | right.keys())


def first_difference(one: bytes, two: bytes) -> str:
    """The first lines that differ, or where bytes do that are no text."""
    try:
        lines = one.decode().splitlines(), two.decode().splitlines()
    except UnicodeDecodeError:
        place = next((k for k, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
        return f"byte {place} of {len(one)} and {len(two)}"
    number = next((k for k, (a, b) in enumerate(zip(*lines, strict=False)) if a != b), min(map(len, lines)))
    a, b = (side[number] if number < len(side) else "(no such line)" for side in lines)
    start = next((k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), 0)
    start = max(0, start - 40)
    return f"line {number + 1}: {a[start : start + 100]!r} → {b[start : start + 100]!r}"
