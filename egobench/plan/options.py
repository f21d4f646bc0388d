"""Settings typed as text → values, by the annotated types of a dataclass's fields."""

import dataclasses
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from egobench.errors import BadInputError, UnknownNameError
from egobench.registry import unknown


def parse_options(kind: type, options: Mapping[str, str]) -> dict[str, Any]:
    """Texts → values for the fields of a dataclass. Raises as `resolve_model`."""
    hints, names = get_type_hints(kind), [field.name for field in settable_fields(kind)]
    values = {}
    for key, text in options.items():
        name = key.replace("-", "_")
        if name not in names:
            raise UnknownNameError(unknown(f"options of {kind.__name__}", key, names))
        try:
            values[name] = parse_value(hints[name], text)
        except ValueError as error:
            raise BadInputError(f"option {key}={text!r} of {kind.__name__}: {error}", code="model-option") from None
    return values


def parse_value(hint: Any, text: str) -> Any:
    """One text by an annotated type: bool, int, float, str, Path, Literal, optional, tuples and lists (by comma).

    Raises:
        ValueError: the text does not fit; says what would.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _parse_union(arguments, text)
    if origin is Literal:
        matches = [value for value in arguments if str(value) == text]
        if not matches:
            raise ValueError(f"must be one of {', '.join(map(str, arguments))}")
        return matches[0]
    if origin in (tuple, list):
        return origin(parse_value(arguments[0] if arguments else str, part.strip()) for part in text.split(",") if part)
    if hint is bool:
        if text.lower() not in ("true", "false", "1", "0", "yes", "no"):
            raise ValueError("must be true or false")
        return text.lower() in ("true", "1", "yes")
    if hint in (int, float, str, Path):
        try:
            return hint(text)
        except ValueError:
            raise ValueError(f"must be a {hint.__name__}") from None
    raise ValueError(f"a field of type {hint} cannot be given as text")


def _parse_union(arguments: tuple[Any, ...], text: str) -> Any:
    if type(None) in arguments and text.lower() in ("none", ""):
        return None
    reasons = []
    for kind in arguments:
        if kind is not type(None):
            try:
                return parse_value(kind, text)
            except ValueError as error:
                reasons.append(str(error))
    raise ValueError(" or ".join(reasons))


def settable_fields(kind: type) -> list[dataclasses.Field]:
    """Fields of a dataclass that its constructor takes."""
    return [field for field in dataclasses.fields(kind) if field.init]
