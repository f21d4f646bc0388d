"""Command lines of the heavy verbs. A frozen dataclass defines the options, and its fields' docstrings are the help."""

import contextlib
import io
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, fields, make_dataclass
from typing import Annotated, Any, TypeVar

import tyro

from egobench.cli.absent import refuse_absent
from egobench.cli.stdout import as_stdout, columns, data_stream, print
from egobench.errors import BadInputError, UnknownNameError
from egobench.registry import unknown
from egobench.tables.grid import Grid
from egobench.tables.render import terminal

WIDE = 10_000
"""Width in columns of a table that is not printed on a terminal."""
USAGE = 2
"""Exit code for wrong options."""
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_OPTION = re.compile(r" {4}(?:-\w, )?(--[\w-]+|[A-Z]{2,}\b|\{[^}]*\})")
OptionsT = TypeVar("OptionsT")


def parse(kind: type[OptionsT], verb: str, arguments: Sequence[str]) -> OptionsT:
    """Options of a verb. A misspelt option exits with code 2, a suggestion, and the reason as the last line.

    Raises:
        BadInputError: `option-absent`: another verb has the option, but not this one.
    """
    refuse_absent(verb, arguments)
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), as_stdout():
            found = tyro.cli(
                _with_quiet(kind), prog=f"egobench {verb}", args=arguments, config=(tyro.conf.FlagCreatePairsOff,)
            )
    except SystemExit as stop:
        sys.stderr.write(said.getvalue())
        if stop.code == USAGE:
            print(f"egobench: {usage_reason(said.getvalue(), verb)}", file=sys.stderr)
        raise
    sys.stderr.write(said.getvalue())
    return kind(**{each.name: getattr(found, each.name) for each in fields(kind)})  # pyright: ignore


def _with_quiet(kind: Any) -> Any:
    """The options with `--quiet`. `main` has already removed `--quiet`, so it is here only for `--help`."""
    if "quiet" in {each.name for each in fields(kind)}:
        return kind
    quiet = Annotated[bool, tyro.conf.arg(help="No progress and no notes.")]
    more = make_dataclass(kind.__name__, [("quiet", quiet, field(default=False))], bases=(kind,), frozen=True)
    more.__doc__ = kind.__doc__
    return more


def usage_reason(box: str, verb: str) -> str:
    """The reason from tyro's box on one line: its first words, and the options that it names or suggests."""
    inside = [
        line for line in _COLOURS.sub("", box).splitlines() if line.startswith(("│ ", "  "))
    ]  # the frame is missing in ASCII output
    lines = [line[2:].removesuffix("│").rstrip() for line in inside]
    lines = [line for line in lines if line]
    ends = [place for place, line in enumerate(lines) if line.startswith(("───", "---"))]
    head = lines[: ends[0]] if ends else lines
    if not head:
        return f"the options cannot be read; `egobench {verb} --help` lists them"
    deep = [line for line in head if line.startswith(" ")]
    reason = " ".join(line.strip() for line in head if not line.startswith(" "))
    if reason.endswith(":"):  # a list of what is missing
        named = [name for line in deep if (name := _option(line))]
        reason = f"{reason.removesuffix(':').replace(f' from egobench {verb}', '')}: {', '.join(named)}"
    near = [name for line in lines[len(head) :] if (name := _option(line))]
    hint = f"; did you mean {' or '.join(dict.fromkeys(near))}?" if near and "Perhaps you meant:" in lines else ""
    return f"{reason}{hint} (`egobench {verb} --help`)"


def _option(line: str) -> str:
    """The option at the start of a line of tyro's help; empty if the line is other text."""
    found = _OPTION.match(line)
    return found.group(1) if found else ""


def pick(verb: str, actions: Mapping[str, tuple[Any, str]], arguments: Sequence[str]) -> tuple[Any, list[str]]:
    """The function for a verb's action, and the words after the action. For `--help` it prints the list of actions.

    Raises:
        UnknownNameError: there is no such action.
    """
    name = arguments[0] if arguments else ""
    if name in ("-h", "--help", ""):
        width = max(len(action) for action in actions)
        lines = [f"  {action:<{width}}  {line}" for action, (_, line) in actions.items()]
        print(f"usage: egobench {verb} ACTION …\n", *lines, sep="\n", file=None if name else sys.stderr)
        raise SystemExit(0 if name else 2)
    if name not in actions:
        raise UnknownNameError(unknown(f"actions of {verb}", name, list(actions)))
    return actions[name][0], list(arguments[1:])


def typed_names(arguments: Sequence[str]) -> tuple[str, ...]:
    """Sorted names of the options that the user typed, without defaults. `--dry-run` becomes `dry_run`."""
    flags = {word[2:].partition("=")[0].replace("-", "_") for word in arguments if word.startswith("--")}
    return tuple(sorted(flags))


def key_values(groups: Sequence[Sequence[str]]) -> dict[str, str]:
    """`--set a=1 b=2 --set c=3` as a mapping.

    Raises:
        BadInputError: a word without `=`, an empty key, or a key given twice.
    """
    found: dict[str, str] = {}
    for word in (word for group in groups for word in group):
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise BadInputError(f"--set takes key=value, found {word!r}", code="option-form")
        if key in found:
            raise BadInputError(f"--set {key} is given twice: {found[key]!r} and {value!r}", code="option-twice")
        found[key] = value
    return found


def print_grids(grids: Sequence[Grid]) -> None:
    """Prints tables on stdout. If stdout is no terminal, tables take their full width, so a pipe gets whole rows."""
    from rich.console import Console

    data = data_stream()
    terminal(grids, Console(file=data, width=columns() if data.isatty() else WIDE))


def print_rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints plain columns on stdout. On a terminal that is too narrow, each row is a block of `name  value` lines."""
    table = [list(row) for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(head, *table, strict=True)]
    room = columns() if data_stream().isatty() else WIDE
    if sum(widths) + 2 * (len(widths) - 1) <= room:
        for row in [list(head), *table]:
            print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
        return
    width = max(len(name) for name in head)
    for row in table:
        print("\n".join(f"{name:<{width}}  {cell}" for name, cell in zip(head, row, strict=True) if cell) + "\n")


def print_json(content: Any) -> None:
    """Prints one JSON document on stdout. Equal content gives equal bytes."""
    print(json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False, default=str))
