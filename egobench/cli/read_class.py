"""Describes a class or constant from the imported object: docstring, class variables, fields."""

import dataclasses
import inspect
import json
import sys
from typing import Any, get_type_hints

from docstring_parser.attrdoc import AttributeDocstrings

Attributes = dict[str, tuple[str, str | None, str | None]]
"""Attribute → its docstring, annotation and default, as written."""


def read_object(module: str, attribute: str, found: Any) -> dict[str, Any]:
    """`doc`, `facts`, `fields` and `asks` of an object, JSON-ready.

    Args:
        module: dotted name of its module.
        attribute: its name there.
        found: the object.
    """
    if isinstance(found, type):
        doc = inspect.cleandoc(found.__dict__.get("__doc__") or "")
        return {"doc": doc, "facts": _facts(found), "fields": _fields(found), "asks": _asks(found)}
    if callable(found) and hasattr(found, "__code__"):
        return {"doc": inspect.getdoc(found) or "", "facts": {}, "fields": [], "asks": []}
    docs: Attributes = AttributeDocstrings().get_attr_docs(sys.modules[module])
    doc = inspect.cleandoc(docs[attribute][0]) if attribute in docs else ""
    return {"doc": doc, "facts": _values(found), "fields": [], "asks": []}


def _facts(kind: type) -> dict[str, Any]:
    """Class variables that are annotated as such; those of base classes come first. Defaults of the abstract bases
    (such as those in `egobench.metrics.base`) come last, and only if they are not empty."""
    facts, defaults = {}, {}
    for each in _own_line(kind):
        own = {name: _plain(value) for name, value in _class_variables(each) if value != ""}
        if each.__module__.startswith("egobench.") and each.__module__.endswith(".base"):
            defaults |= {name: value for name, value in own.items() if value}
        else:
            facts |= own
    return facts | {name: value for name, value in defaults.items() if name not in facts}


def _class_variables(kind: type) -> list[tuple[str, Any]]:
    hints = inspect.get_annotations(kind)
    names = [name for name, hint in hints.items() if "ClassVar" in str(hint)]
    return [(name, kind.__dict__[name]) for name in names if name in kind.__dict__]


def _fields(kind: type) -> list[dict[str, Any]]:
    """Name, type, default and docstring of the fields of a dataclass. For any other class its annotated attributes are
    used, because the author may have forgotten the decorator."""
    docs: Attributes = {}
    for each in _own_line(kind):
        docs |= AttributeDocstrings().get_attr_docs(each)
    hints = get_type_hints(kind)
    rows = []
    for name, default in _defaults(kind).items():
        doc, written, default = docs.get(name, ("", None, default))
        is_alias = str(hints[name]).startswith("typing.Literal") and not (written or "").startswith("Literal")
        own_words = written is None or is_alias
        text = inspect.formatannotation(hints[name]).replace("typing.", "") if own_words else written
        rows.append({"name": name, "type": text, "default": default, "doc": inspect.cleandoc(doc)})
    return rows


def _defaults(kind: type) -> dict[str, str | None]:
    """Public field → its default as text."""
    if dataclasses.is_dataclass(kind):
        found = {field.name: _default_text(field) for field in dataclasses.fields(kind)}
    else:
        hints = [inspect.get_annotations(each) for each in _own_line(kind)]
        names = [name for own in hints for name, hint in own.items() if "ClassVar" not in str(hint)]
        found = {name: repr(getattr(kind, name)) if hasattr(kind, name) else None for name in names}
    return {name: default for name, default in found.items() if not name.startswith("_")}


def _default_text(field: dataclasses.Field) -> str | None:
    if field.default is not dataclasses.MISSING:
        return repr(field.default)
    if field.default_factory is not dataclasses.MISSING:
        return f"field(default_factory={getattr(field.default_factory, '__name__', '…')})"
    return None


def _asks(kind: type) -> list[str]:
    """What a metric needs of its preset (`Need.what`)."""
    preset = getattr(kind, "preset", "")
    if not isinstance(preset, str) or not preset or not hasattr(kind, "needs"):
        return []
    return list(dict.fromkeys(need.what for need in kind().needs().values() if need.extractor == preset))


def _values(found: Any) -> dict[str, Any]:
    """Fields of a constant that is a dataclass, those with a default first; `value` for any other constant."""
    if not dataclasses.is_dataclass(found):
        return {"value": _plain(found)}
    missing = dataclasses.MISSING
    fields = [field for field in dataclasses.fields(found) if field.default_factory is missing]
    fields.sort(key=lambda field: field.default is missing)
    return {field.name: _plain(getattr(found, field.name)) for field in fields}


def _own_line(kind: type) -> list[type]:
    """A class and its bases outside the standard library, the most distant base first."""
    return [each for each in reversed(kind.__mro__) if each.__module__.partition(".")[0] not in sys.stdlib_module_names]


def _plain(value: Any) -> Any:
    """The value itself if JSON can hold it, otherwise its text."""
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return repr(value)
    return value
