"""`egobench schema [NAME]`: the JSON Schemas of the files that are written; by its name, one of them."""

import os

from egobench.cli.quick import parse_quick
from egobench.cli.stdout import print
from egobench.errors import UnknownNameError
from egobench.registry import unknown

FOLDER = os.path.join(os.path.dirname(os.path.dirname(__file__)), "files", "schemas")
SUFFIX = ".schema.json"
USAGE = """usage: egobench schema [NAME] [--json]

JSON Schemas (draft 2020-12) of the JSON files that egobench writes: their names, or one of them.

  NAME    such as manifest, metrics, check-report
  --json  machine-readable output (a schema is JSON either way)"""


def main(arguments: list[str]) -> int:
    """Prints the list, or one schema."""
    options = parse_quick(USAGE, arguments, ("--json",))
    names = schema_names()
    if options.word is None:
        import json

        titles = {name: json.loads(schema_text(name))["title"] for name in names}
        if options.json:
            print(json.dumps(titles, indent=2, sort_keys=True, ensure_ascii=False))
            return 0
        width = max(map(len, titles))
        for name, title in titles.items():
            print(f"{name:<{width}}  {title}")
        return 0
    if options.word not in names:
        raise UnknownNameError(unknown("schemas", options.word, names))
    print(schema_text(options.word), end="")
    return 0


def schema_names() -> list[str]:
    """Sorted names."""
    return sorted(name.removesuffix(SUFFIX) for name in os.listdir(FOLDER) if name.endswith(SUFFIX))


def schema_text(name: str) -> str:
    """One schema as it lies there."""
    with open(os.path.join(FOLDER, name + SUFFIX), encoding="utf-8") as file:
        return file.read()
