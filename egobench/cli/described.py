"""Descriptions of names. They come from the suite's index, which needs no import, or from the imported class."""

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
    """Annotation as written. If it is a module's own name for a list of words, the words are written out."""
    default: str | None
    """Expression as written; None if the option is required."""
    doc: str
    """Docstring under the field."""


@dataclass(frozen=True)
class Described:
    """A class or constant."""

    target: str
    """`module:attr`."""
    file: str
    """Path of the source file."""
    line: int
    doc: str
    """Docstring, dedented."""
    facts: "Mapping[str, Any]" = field(default_factory=dict)
    """Class variables (name, version, unit, better, …); for a constant, the arguments that create it."""
    fields: tuple[FieldText, ...] = ()
    asks: tuple[str, ...] = ()
    """For a metric: what its preset must provide (`Need.what`)."""

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return self.doc.partition("\n")[0]


def describe(registry: "Registry", name: str) -> Described:
    """Describes the class or constant behind a name. It is imported only if it belongs to another distribution.

    Raises:
        UnknownNameError: there is no such name, module or attribute.
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
    """`names`: target → its description; `verbs`: verb and action → its options. egobench/cli/index.py writes it."""
    import json

    with open(INDEX, encoding="utf-8") as file:
        return json.load(file)


def _file_of(module: str) -> str:
    """Source file of a dotted module, without an import of its parents. A file path is returned unchanged."""
    if module.endswith(".py"):
        return module
    spec = module_spec(module)
    if spec is None:
        raise UnknownNameError(f"no module '{module}'; module:Name is looked up on Python's path and in {os.getcwd()}")
    if not spec.origin or not spec.origin.endswith(".py"):
        raise BadInputError(f"module '{module}' has no Python source to read ({spec.origin})", code="source-missing")
    return spec.origin


def _line_of(file: str, attribute: str) -> int:
    """Line on which a class, function or constant of a module begins; 1 if the source text does not show it."""
    with open(file, encoding="utf-8") as stream:
        text = stream.read()
    name = re.escape(attribute)
    begins = re.search(rf"^(?:class {name}\b|def {name}\b|{name}\s*[:=])", text, re.MULTILINE)
    return text.count("\n", 0, begins.start()) + 1 if begins else 1


def _tuples(value: "Any") -> "Any":
    """Turns the lists of JSON into tuples, as classes have them."""
    if isinstance(value, list):
        return tuple(_tuples(part) for part in value)
    return {name: _tuples(part) for name, part in value.items()} if isinstance(value, dict) else value
