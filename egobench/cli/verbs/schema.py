"""`egobench schema [NAME]`: lists the JSON Schemas of the written files, or prints the one with this name."""

from egobench.cli.plain import parse_plain
from egobench.cli.stdout import print
from egobench.errors import UnknownNameError
from egobench.files.schema_files import schema_names, schema_text
from egobench.registry import unknown

USAGE = """usage: egobench schema [NAME] [--json]

JSON Schemas (draft 2020-12) of the JSON files that egobench writes: their names, or one of them.

  NAME    such as manifest, metrics, check-report
  --json  machine-readable output (a schema is JSON either way)"""


def main(arguments: list[str]) -> int:
    """Prints the list, or one schema."""
    options = parse_plain(USAGE, arguments, ("--json",))
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
