"""What a name says of itself: from the suite's own index, which costs nothing to import, or from the imported class."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from egobench.errors import BadInputError, UnknownNameError
from egobench.files.modules import module_spec

TYPE_CHECKING = False
if TYPE_CHECKING:  # see egobench.registry
    from typing import Any

    from egobench.registry import Registry

INDEX = os.path.join(os.path.dirname(__file__), "index.json")


@dataclass(frozen=True)
class FieldText:
    """One option: a field of a dataclass."""

    name: str
    type: str
    """Annotation as written; a module's own name for a few words is spelled out."""
    default: str | None
    """Expression as written; None for an option that must be given."""
    doc: str
    """Docstring under the field."""


@dataclass(frozen=True)
class Described:
    """A class or constant."""

    target: str
    """`module:attr`."""
    file: str
    """Path."""
    line: int
    doc: str
    """Docstring, dedented."""
    facts: "Mapping[str, Any]" = field(default_factory=dict)
    """Class variables (name, version, unit, better, …); of a constant, the arguments it is built with."""
    fields: tuple[FieldText, ...] = ()
    asks: tuple[str, ...] = ()
    """Of a metric: what its preset must make (`Need.what`)."""

    @property
    def summary(self) -> str:
        """First sentence or line of the docstring."""
        return self.doc.partition("\n")[0]


def describe(registry: "Registry", name: str) -> Described:
    """The class or constant behind a name; only one of another distribution is imported.

    Raises:
        UnknownNameError: no such name, module or attribute.
        BadInputError: its module raises, or has no Python source.
    """
    target = registry.target(name)
    entry = index()["names"].get(target)
    module, _, attribute = target.rpartition(":")
    if entry is None:
        found = registry.load(name)
        from egobench.cli.read_class import read_object

        entry = read_object(getattr(found, "__module__", module) if ":" in target else module, attribute, found)
    file = _file_of(module)
    fields = tuple(FieldText(**each) for each in entry["fields"])
    return Described(
        target, file, _line_of(file, attribute), entry["doc"], _tuples(entry["facts"]), fields, tuple(entry["asks"])
    )


@cache
def index() -> "Mapping[str, Any]":
    """`names`: target → what it says; `verbs`: verb and action → its options. egobench/cli/index.py writes it."""
    import json

    with open(INDEX, encoding="utf-8") as file:
        return json.load(file)


def _file_of(module: str) -> str:
    """Source file of a dotted module, without importing its parents; a path of a file is its own."""
    if module.endswith(".py"):
        return module
    spec = module_spec(module)
    if spec is None:
        raise UnknownNameError(f"no module '{module}'; module:Name is looked up on Python's path and in {os.getcwd()}")
    if not spec.origin or not spec.origin.endswith(".py"):
        raise BadInputError(f"module '{module}' has no Python source to read ({spec.origin})", code="source-missing")
    return spec.origin


def _line_of(file: str, attribute: str) -> int:
    """Line on which a class, function or constant of a module begins; 1 if its text does not show it."""
    with open(file, encoding="utf-8") as stream:
        text = stream.read()
    name = re.escape(attribute)
    begins = re.search(rf"^(?:class {name}\b|def {name}\b|{name}\s*[:=])", text, re.MULTILINE)
    return text.count("\n", 0, begins.start()) + 1 if begins else 1


def _tuples(value: "Any") -> "Any":
    """JSON's lists as tuples, which is what classes have."""
    if isinstance(value, list):
        return tuple(_tuples(part) for part in value)
    return {name: _tuples(part) for name, part in value.items()} if isinstance(value, dict) else value
