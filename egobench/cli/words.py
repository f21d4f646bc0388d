"""What may follow on a command line: read from the sources of the verbs, so that TAB imports nothing heavy.

A verb's options are the fields of the dataclass that it hands to `parse`; values come from names of the catalogue, from
`Literal` types, or are files, which the shell knows better.
"""

import ast
import re

from egobench.catalog import KINDS
from egobench.cli.main import VERBS, home_of
from egobench.cli.source import FieldSource, module_tree, read_source

FILES, FOLDERS = ":files", ":dirs"
"""In place of words: the shell completes paths."""
COMMON = ("--help", "--json", "--quiet")
SHELLS = ("bash", "zsh", "fish")
NAMED = {
    **{"model": ("models",), "split": ("splits",), "val": ("splits",), "engine": ("engines",), "metrics": ("metrics",)},
    **{"metric": ("metrics",), "estimator": ("estimators",), "preset": ("extractors", "estimators")},
}
"""Option → kinds of names that it takes."""
PLAIN = {
    "list": ({}, tuple(KINDS)),
    "describe": ({"--kind": tuple(KINDS), "--preset": ("extractors", "estimators")}, ("*",)),
    "doctor": ({}, ()),
    "completion": ({}, SHELLS),
}
"""Verbs without a dataclass of options: options with their values, and what the word may be (`*`: any name)."""


def candidates(words: list[str]) -> list[str]:
    """What may stand in place of the last word.

    Args:
        words: of a command line, without `egobench`; the last one is being typed and may be empty.
    """
    *before, current = words or [""]
    if not before:
        return _matching([*VERBS, "--help", "--version"], current)
    verb, *rest = before
    if verb not in VERBS:
        return []
    if verb in PLAIN:
        return _plain(verb, rest, current)
    module = home_of(verb)[0]
    tree = module_tree(module)
    actions = _actions(tree, verb)
    if actions and (not rest or rest[0] not in actions):
        return _matching([*actions, "--help"], current)
    name = f"{verb} {rest.pop(0)}" if actions else verb
    kind = _options_class(tree, name)
    home = _home(tree, kind)
    fields = read_source(f"{home or module}:{kind}").fields if kind else ()
    tree = module_tree(home) if home else tree
    return _of_fields(fields, tree, rest, current)


def _plain(verb: str, rest: list[str], current: str) -> list[str]:
    options, words = PLAIN[verb]
    if rest and rest[-1] in options:
        values = options[rest[-1]]
        return _matching(values if rest[-1] == "--kind" else _names(values), current)
    if current.startswith("-"):
        return _matching([*COMMON, *options], current)
    return _matching(_names(tuple(KINDS)) if words == ("*",) else words, current)


def _of_fields(fields: tuple[FieldSource, ...], tree: ast.Module, rest: list[str], current: str) -> list[str]:
    fields = tuple(field for field in fields if "Suppress" not in field.type)
    options = {_flag(field): field for field in fields if "Positional" not in field.type}
    flag, equals, value = current.partition("=")
    if equals and flag in options:
        return [f"{flag}={word}" for word in _values(options[flag], tree, value) if word not in (FILES, FOLDERS)]
    if rest and rest[-1] in options and options[rest[-1]].type != "bool":
        return _values(options[rest[-1]], tree, current)
    if current.startswith("-"):
        return _matching([*options, *COMMON], current)
    places = [field for field in fields if "Positional" in field.type]
    if not places:
        return _matching(options, current)
    return _values(places[min(len(places), len(rest) + 1) - 1], tree, current)


def _values(field: FieldSource, tree: ast.Module, current: str) -> list[str]:
    """Words for an option or a place; the last of several by comma."""
    if field.name in NAMED:
        done, comma, last = current.rpartition(",")
        words = [f"{done}{comma}{name}" for name in _matching(_names(NAMED[field.name]), last)]
        extra = ["core", "all"] if field.name == "metrics" else []
        folders = [FOLDERS] if "splits" in NAMED[field.name] else []
        return [*_matching(extra, current), *words, *folders]
    if choices := _choices(field.type, tree):
        return _matching(choices, current)
    if "Path" in field.type:
        is_folder = field.name in ("run", "runs", "folder", "board", "out", "run_a", "run_b")
        return [FOLDERS] if is_folder and field.name != "out" else [FILES]
    if field.name in ("name", "names", "splits"):
        return _matching(_names(("splits", "extractors", "estimators")), current)
    return []


def _names(kinds: tuple[str, ...]) -> list[str]:
    return sorted({name for kind in kinds for name in KINDS[kind].names()})


def _matching(words: "list[str] | tuple[str, ...] | dict[str, FieldSource]", start: str) -> list[str]:
    return sorted({word for word in words if word.startswith(start)})


def _flag(field: FieldSource) -> str:
    named = re.search(r"\barg\([^)]*?\bname='([\w-]+)'", field.type)
    return "--" + (named[1] if named else field.name).replace("_", "-")


def _choices(annotation: str, tree: ast.Module) -> list[str]:
    """Words of a `Literal`, also of one that has a name in the module."""
    aliases = {
        target.id: ast.unparse(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for name in re.findall(r"\b[A-Z]\w*\b", annotation):
        annotation += aliases.get(name, "") if aliases.get(name, "").startswith("Literal[") else ""
    if re.search(r"\bTask\b", annotation):
        return ["t2vm", "tm2v", "tv2m"]
    return [word for body in re.findall(r"Literal\[([^\]]*)\]", annotation) for word in re.findall(r"'([^']*)'", body)]


def _actions(tree: ast.Module, verb: str) -> list[str]:
    """Keys of `ACTIONS[verb]`; none for a verb without actions."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "ACTIONS" for t in node.targets):
            for key, value in zip(node.value.keys, node.value.values, strict=True):  # pyright: ignore
                if isinstance(key, ast.Constant) and key.value == verb and isinstance(value, ast.Dict):
                    return [str(each.value) for each in value.keys if isinstance(each, ast.Constant)]
    return []


def _home(tree: ast.Module, name: str) -> str:
    """Module that a class is imported from; empty where it is not."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and any(name == alias.name for alias in node.names):
            return node.module
    return ""


def _options_class(tree: ast.Module, name: str) -> str:
    """The class in `parse(Class, "verb action", …)`."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "parse"):
            continue
        match node.args:
            case [ast.Name(id=kind), ast.Constant(value=value), *_] if value == name:
                return kind
    return ""
