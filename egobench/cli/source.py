"""What a class or constant says of itself, read from its source with `ast`: nothing is imported, nothing runs.

So `egobench describe` shows any model, however heavy its libraries or missing its GPU.
"""

import ast
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.machinery import PathFinder
from importlib.util import find_spec

from egobench.errors import BadInputError, UnknownNameError
from egobench.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:  # see egobench.registry
    from typing import Any


@dataclass(frozen=True)
class FieldSource:
    """One option: a field of a dataclass."""

    name: str
    type: str
    """Annotation as written."""
    default: str | None
    """Expression as written; None where the option must be given."""
    doc: str
    """Docstring under the field."""


@dataclass(frozen=True)
class Described:
    """One name's source."""

    target: str
    """`module:attr`."""
    file: str
    """Path."""
    line: int
    doc: str
    """Docstring, dedented."""
    facts: "Mapping[str, Any]" = field(default_factory=dict)
    """Class variables (name, version, unit, better, …); of a constant, the arguments it is built with."""
    fields: tuple[FieldSource, ...] = ()

    @property
    def summary(self) -> str:
        """First sentence or line of the docstring."""
        return self.doc.partition("\n")[0]


def read_source(target: str) -> Described:
    """Finds `module:attr` and reads it.

    Raises:
        UnknownNameError: no such module, or no such name in it.
        BadInputError: the module has no Python source, or does not parse.
    """
    module, _, attribute = target.partition(":")
    file, tree = _parse(module)
    node = _find(tree, attribute)
    if node is None:
        raise UnknownNameError(unknown(f"names in {module}", attribute, sorted(_names(tree))))
    if isinstance(node, ast.ClassDef):
        facts, fields = _class_parts(module, tree, node, frozenset())
        return Described(target, file, node.lineno, ast.get_docstring(node) or "", facts, tuple(fields.values()))
    doc = ast.get_docstring(node) if isinstance(node, ast.FunctionDef) else _doc_after(tree.body, node)
    facts = _call_facts(tree, node.value) if isinstance(node, ast.Assign | ast.AnnAssign) else {}
    return Described(target, file, node.lineno, doc or "", facts)


def _parse(module: str) -> tuple[str, ast.Module]:
    file = _file_of(module)
    return file, _tree(file)


@lru_cache(maxsize=64)
def _tree(file: str) -> ast.Module:
    try:
        with open(file, encoding="utf-8") as stream:
            return ast.parse(stream.read(), filename=file)
    except (SyntaxError, UnicodeDecodeError) as error:
        raise BadInputError(f"{file} does not parse: {error}", code="source-damaged") from None


def _file_of(module: str) -> str:
    """Source file of a dotted module, without importing its parents."""
    top, *rest = module.split(".")
    try:
        spec = find_spec(top) if top else None
    except ValueError:
        spec = None
    name = top
    for part in rest:
        name = f"{name}.{part}"
        places = spec.submodule_search_locations if spec else None
        spec = PathFinder.find_spec(name, list(places)) if places else None
    if spec is None:
        raise UnknownNameError(f"no module '{module}'; module:Name is looked up on Python's path and in {os.getcwd()}")
    if not spec.origin or not spec.origin.endswith(".py"):
        raise BadInputError(f"module '{module}' has no Python source to read ({spec.origin})", code="source-missing")
    return spec.origin


def _find(tree: ast.Module, attribute: str) -> ast.ClassDef | ast.FunctionDef | ast.Assign | ast.AnnAssign | None:
    return next((node for node in _definitions(tree) if attribute in _targets(node)), None)


def _definitions(tree: ast.Module) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.Assign | ast.AnnAssign]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.Assign | ast.AnnAssign):
            yield node


def _targets(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return [node.name]
    found = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in found if isinstance(target, ast.Name)]


def _names(tree: ast.Module) -> list[str]:
    return [name for node in _definitions(tree) for name in _targets(node)]


def _class_parts(
    module: str, tree: ast.Module, node: ast.ClassDef, seen: frozenset[str]
) -> "tuple[dict[str, Any], dict[str, FieldSource]]":
    """Class variables and fields, those of base classes first, as dataclasses order them."""
    facts: "dict[str, Any]" = {}
    fields: dict[str, FieldSource] = {}
    for base in reversed(node.bases):
        found = _base(module, tree, base) if len(seen) < len(node.bases) + 8 else None
        if found is not None and found[2].name not in seen:
            more_facts, more_fields = _class_parts(*found, seen | {node.name})
            facts |= more_facts
            fields |= more_fields
    for statement in node.body:
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        name, annotation = statement.target.id, ast.unparse(statement.annotation)
        if annotation.startswith(("ClassVar", "typing.ClassVar")):
            if statement.value is not None:
                facts[name] = _value(statement.value)
        elif not name.startswith("_"):
            default = None if statement.value is None else ast.unparse(statement.value)
            fields[name] = FieldSource(name, annotation, default, _doc_after(node.body, statement))
    return facts, fields


def _base(module: str, tree: ast.Module, base: ast.expr) -> tuple[str, ast.Module, ast.ClassDef] | None:
    """Where a base class is defined: here, or in the module it is imported from; None if it is out of sight."""
    if not isinstance(base, ast.Name):
        return None
    here = _find(tree, base.id)
    if isinstance(here, ast.ClassDef):
        return module, tree, here
    for node in tree.body:
        if (
            isinstance(node, ast.ImportFrom)
            and node.module
            and node.module.partition(".")[0] not in sys.stdlib_module_names
        ):
            for alias in node.names:
                if (alias.asname or alias.name) == base.id:
                    try:
                        there = _parse(node.module)[1]
                    except (UnknownNameError, BadInputError):
                        return None
                    found = _find(there, alias.name)
                    return (node.module, there, found) if isinstance(found, ast.ClassDef) else None
    return None


def _call_facts(tree: ast.Module, value: ast.expr | None) -> "dict[str, Any]":
    """Arguments of `NAME = Class(…)`, positional ones under the names of the class's fields, defaults filled in."""
    if not isinstance(value, ast.Call):
        return {} if value is None else {"value": _value(value)}
    kind = _find(tree, value.func.id) if isinstance(value.func, ast.Name) else None
    fields = _class_parts("", tree, kind, frozenset())[1] if isinstance(kind, ast.ClassDef) else {}
    given = dict(zip(fields, map(_value, value.args), strict=False))
    given |= {word.arg: _value(word.value) for word in value.keywords if word.arg}
    defaults = {
        name: _value(ast.parse(f.default, mode="eval").body)
        for name, f in fields.items()
        if f.default and not f.default.startswith("field(")
    }
    return {**defaults, **given}


def _doc_after(body: list[ast.stmt], statement: ast.stmt) -> str:
    """The string that stands directly under a statement."""
    place = body.index(statement) + 1
    if place < len(body) and isinstance(after := body[place], ast.Expr) and isinstance(after.value, ast.Constant):
        import inspect

        return inspect.cleandoc(after.value.value) if isinstance(after.value.value, str) else ""
    return ""


def _value(node: ast.expr) -> "Any":
    """A literal's value; any other expression as written."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)
