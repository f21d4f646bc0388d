"""What a class or constant says of itself, read from its source with `ast`: nothing is imported, nothing runs.

So `egobench describe` shows any model, however heavy its libraries or missing its GPU.
"""

import ast
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from egobench.errors import BadInputError, UnknownNameError
from egobench.files.modules import module_spec
from egobench.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:  # see egobench.registry
    from typing import Any


@dataclass(frozen=True)
class FieldSource:
    """One option: a field of a dataclass."""

    name: str
    type: str
    """Annotation as written; where it is the module's own name for a few words, those words."""
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
    asks: tuple[str, ...] = ()
    """Of a metric: what its preset must make (`Need.what`), where its `needs` says so in plain words."""

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
    module, _, attribute = target.rpartition(":")
    file, tree = _parse(module)
    node = _find(tree, attribute)
    if node is None:
        raise UnknownNameError(unknown(f"names in {module}", attribute, sorted(_names(tree))))
    if isinstance(node, ast.ClassDef):
        facts, fields = _class_parts(module, tree, node, frozenset())
        doc = ast.get_docstring(node) or ""
        return Described(target, file, node.lineno, doc, facts, tuple(fields.values()), _asks(module, tree, node))
    doc = ast.get_docstring(node) if isinstance(node, ast.FunctionDef) else _doc_after(tree.body, node)
    facts = _call_facts(tree, node.value) if isinstance(node, ast.Assign | ast.AnnAssign) else {}
    return Described(target, file, node.lineno, doc or "", facts)


def read_head(target: str) -> Described:
    """As `read_source`, without fields and what stands behind the first method: enough for a line of a list, at a tenth
    of the cost. Whatever is no class at a line's start is read in full. Raises as `read_source` does.
    """
    module, _, attribute = target.rpartition(":")
    file = _file_of(module)
    node, line = _class_head(file, attribute)
    if node is None:
        return read_source(target)
    facts = {
        statement.target.id: _value(statement.value)
        for statement in node.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value
        if ast.unparse(statement.annotation).startswith(("ClassVar", "typing.ClassVar"))
    }
    return Described(target, file, line, ast.get_docstring(node) or "", facts)


def _class_head(file: str, name: str) -> tuple[ast.ClassDef | None, int]:
    """The class down to its first method, and its line; None where the text alone does not show it."""
    lines = _text(file).splitlines()
    start = next((k for k, line in enumerate(lines) if line.startswith((f"class {name}(", f"class {name}:"))), None)
    if start is None:
        return None, 0
    ends = ("def ", "@", "async def ", "    def ", "    @", "    async def ", "class ")
    end = next((k for k in range(start + 1, len(lines)) if lines[k].startswith(ends)), len(lines))
    try:
        node = ast.parse("\n".join(lines[start:end])).body[0]
    except SyntaxError:  # such a line inside a docstring, or a class of methods only
        return None, 0
    return (node, start + 1) if isinstance(node, ast.ClassDef) else (None, 0)


def module_tree(module: str) -> ast.Module:
    """A dotted module, parsed and not run. Raises as `read_source`."""
    return _parse(module)[1]


def _parse(module: str) -> tuple[str, ast.Module]:
    file = _file_of(module)
    return file, _tree(file)


@lru_cache(maxsize=64)
def _tree(file: str) -> ast.Module:
    try:
        return ast.parse(_text(file), filename=file)
    except SyntaxError as error:
        raise BadInputError(f"{file} does not parse: {error}", code="source-damaged") from None


def _text(file: str) -> str:
    try:
        with open(file, encoding="utf-8") as stream:
            return stream.read()
    except UnicodeDecodeError as error:
        raise BadInputError(f"{file} does not parse: {error}", code="source-damaged") from None


def _file_of(module: str) -> str:
    """Source file of a dotted module, without importing its parents; a path of a file is its own."""
    if module.endswith(".py"):
        if not os.path.isfile(module):
            raise UnknownNameError(f"no file '{module}' here ({os.getcwd()})")
        return module
    spec = module_spec(module)
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
        name, annotation = statement.target.id, _annotation(tree, statement.annotation)
        if annotation.startswith(("ClassVar", "typing.ClassVar")):
            if statement.value is not None:
                facts[name] = _value(statement.value)
        elif not name.startswith("_"):
            default = None if statement.value is None else ast.unparse(statement.value)
            fields[name] = FieldSource(name, annotation, default, _doc_after(node.body, statement))
    return facts, fields


def _annotation(tree: ast.Module, annotation: ast.expr) -> str:
    """The annotation's text; `Variant` of a module with `Variant = Literal["a", "b"]` is spelt out."""
    alias = _find(tree, annotation.id) if isinstance(annotation, ast.Name) else None
    if isinstance(alias, ast.Assign) and (words := ast.unparse(alias.value)).startswith("Literal["):
        return words
    return ast.unparse(annotation)


def _asks(module: str, tree: ast.Module, node: ast.ClassDef, seen: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """The second argument of each `Need(source, what, self.preset)` in the class, or in its bases where it has none."""
    calls = [call for call in ast.walk(node) if isinstance(call, ast.Call) and len(call.args) == 3]
    calls = [call for call in calls if ast.unparse(call.func) == "Need" and ast.unparse(call.args[2]) == "self.preset"]
    whats = [call.args[1].value for call in calls if isinstance(call.args[1], ast.Constant)]
    found = [] if whats else [base for each in node.bases if (base := _base(module, tree, each)) is not None]
    bases = [base for base in found if base[2].name not in seen]
    inherited = [what for base in bases for what in _asks(*base, seen | {node.name, base[2].name})]
    return tuple(dict.fromkeys(what for what in [*whats, *inherited] if isinstance(what, str)))


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
