"""Writes index.json, the descriptions of the suite's own names and verbs. So `list`, `describe` and TAB import no class
(the import of i-fid takes 15 times as long as the start of Python).

    python -m egobench.cli.index

A test compares the file with the classes.
"""

import dataclasses
import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from egobench.catalog import KINDS
from egobench.cli.described import INDEX
from egobench.cli.main import VERBS, home_of
from egobench.cli.read_class import read_object
from egobench.files.atomic import write_bytes
from egobench.files.modules import OWN_PACKAGES

FOLDERS = ("run", "runs", "folder", "board", "run_a", "run_b")
"""Options that take a folder; other paths are files."""
NAMED = {
    **{"model": ("models",), "split": ("splits",), "val": ("splits",), "engine": ("engines",), "metrics": ("metrics",)},
    **{"metric": ("metrics",), "estimator": ("estimators",), "preset": ("extractors", "estimators")},
    **dict.fromkeys(("name", "names", "splits"), ("splits", "extractors", "estimators")),
}
"""Option → the kinds of names that it takes."""


class _Asked(Exception):  # noqa: N818  (an answer, not an error)
    """Carries the class of options that a verb parses."""


def build() -> dict[str, Any]:
    """The content of index.json, from the present classes. Names are sorted, so the installation does not matter."""
    names = {}
    for registry in KINDS.values():
        for name, target in sorted(registry.targets().items()):
            module, _, attribute = target.rpartition(":")
            if module.partition(".")[0] in OWN_PACKAGES:
                names[target] = read_object(module, attribute, registry.load(name))
    return {"names": names, "verbs": dict(_verbs())}


def index_text() -> str:
    """The text of index.json. Facts stay in the order of the class."""
    return json.dumps(build(), indent=1, ensure_ascii=False) + "\n"


def _verbs() -> list[tuple[str, list[dict[str, Any]]]]:
    """Verb, or verb and action, → its options in order."""
    found = []
    for verb in VERBS:
        module, function = home_of(verb)
        home = import_module(module)
        if function and hasattr(home, "parse"):
            found.append((verb, _options(home, getattr(home, function))))
        for action, (call, _) in getattr(home, "ACTIONS", {}).get(verb, {}).items():
            found.append((f"{verb} {action}", _options(home, call)))
    return found


def _options(home: ModuleType, call: Callable[[list[str]], int]) -> list[dict[str, Any]]:
    """Options of a verb. They are in the class that the verb passes to `parse`, its first call."""

    def parse(kind: type, *_: Any) -> None:
        raise _Asked(kind)

    before = vars(home)["parse"]
    vars(home)["parse"] = parse
    try:
        call([])
    except _Asked as asked:
        (kind,) = asked.args
    finally:
        vars(home)["parse"] = before
    hints = get_type_hints(kind, include_extras=True)
    rows = (_option(field.name, hints[field.name]) for field in dataclasses.fields(kind))
    return [row for row in rows if row is not None]


def _option(name: str, hint: Any) -> dict[str, Any] | None:
    """The spelling of an option and what it takes; None for a hidden option."""
    marks = [repr(mark) for mark in getattr(hint, "__metadata__", ())]
    if "Suppress" in marks:
        return None
    named = [mark.name for mark in getattr(hint, "__metadata__", ()) if getattr(mark, "name", None)]
    row = {"flag": "--" + (named[0] if named else name).replace("_", "-"), "is_positional": "Positional" in marks}
    if hint is bool:
        return {**row, "takes": "nothing"}
    if name in NAMED:
        return {**row, "takes": "metrics" if name == "metrics" else "names", "of": list(NAMED[name])}
    if words := _words(hint):
        return {**row, "takes": "words", "of": words}
    if "Path" in str(hint):
        return {**row, "takes": "folders" if name in FOLDERS else "files"}
    return {**row, "takes": "text"}


def _words(hint: Any) -> list[str]:
    """Words of a `Literal` anywhere in a type."""
    if get_origin(hint) is Literal:
        return [str(word) for word in get_args(hint)]
    return [word for part in get_args(hint) for word in _words(part)]


if __name__ == "__main__":
    write_bytes(Path(INDEX), index_text().encode())
    print(INDEX, file=sys.stderr)
