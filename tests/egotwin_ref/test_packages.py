"""The packages of `egotwin_ref`: what each may import, how large each may be, and no circle among their modules."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import egobench

ROOT = Path(__file__).parent.parent.parent
REFERENCE = ROOT / "egotwin_ref"
MAY_IMPORT = {
    "model": set(),
    "autoencoders": {"model"},
    "loading": {"model", "autoencoders"},
    "training": {"model", "autoencoders", "loading"},
    "table": {"model", "loading", "training"},
    "adapters": {"model", "autoencoders", "loading", "training"},
}
"""Room → the other rooms that it may import."""
OLD_PLACES = {"adapter", "adapter_floor", "adapter_training"}
"""Modules that stay for one release and lead to `adapters`."""
MOST_FILES, MOST_LINES = 20, 2500
FILES = sorted(REFERENCE.rglob("*.py"))


def imports(file: Path, root: Path = ROOT) -> set[str]:
    """Dotted names that a file imports anywhere in it, functions included; imported names are part of them.

    A relative import is resolved against the file's place under `root`.
    """
    package = file.relative_to(root).parent.parts
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else ()
            start = ".".join([*base, *([node.module] if node.module else [])])
            names |= {f"{start}.{alias.name}" for alias in node.names}
    return names


def graph(files: list[Path], root: Path = ROOT) -> dict[str, set[str]]:
    """Module → the modules among these files that it imports."""
    modules = {".".join(file.relative_to(root).with_suffix("").parts): file for file in files}
    found = {}
    for name, file in modules.items():
        named = {part for full in imports(file, root) for part in (full, full.rpartition(".")[0])}
        found[name] = named & set(modules)
    return found


def name_of(file: Path) -> str:
    return str(file.relative_to(REFERENCE))


def room_of(module: str) -> str:
    return module.split(".")[1]


def test_every_folder_with_code_is_a_room_and_only_the_old_places_stand_beside_them():
    assert {file.parent.name for file in FILES if file.parent != REFERENCE} == set(MAY_IMPORT)
    assert {file.stem for file in FILES if file.parent == REFERENCE} == {"__init__"} | OLD_PLACES


@pytest.mark.parametrize("file", [file for file in FILES if file.parent != REFERENCE], ids=name_of)
def test_a_room_imports_only_the_rooms_that_it_may(file):
    own = file.parent.name
    rooms = {room_of(name) for name in imports(file) if name.startswith("egotwin_ref.")}
    assert rooms - {own} <= MAY_IMPORT[own]


def test_the_rooms_have_an_order():
    order = list(TopologicalSorter(MAY_IMPORT).static_order())
    assert order[0] == "model"
    assert order.index("training") < order.index("adapters")


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_only_the_adapters_import_egobench_and_only_its_public_names(file):
    names = {name for name in imports(file) if name.partition(".")[0] == "egobench"}
    if file.parent.name != "adapters":
        assert not names
    assert {name.partition(".")[2] for name in names} <= set(egobench.__all__)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_is_small_enough_to_keep_in_mind(room):
    files = [file for file in FILES if file.parent.name == room]
    assert len([file for file in files if file.name != "__init__.py"]) <= MOST_FILES
    assert sum(len(file.read_text().splitlines()) for file in files) <= MOST_LINES


def test_no_modules_import_each_other_in_a_circle():
    edges = graph(FILES)
    assert edges["egotwin_ref.model.mask"] == {"egotwin_ref.model.configs", "egotwin_ref.model.tokens"}
    list(TopologicalSorter(edges).static_order())


def test_a_circle_through_a_function_and_a_relative_import_is_seen(tmp_path):
    (tmp_path / "house").mkdir()
    (tmp_path / "house" / "a.py").write_text("from .b import x\n")
    (tmp_path / "house" / "b.py").write_text("def x():\n    from house import a\n")
    edges = graph(sorted(tmp_path.rglob("*.py")), tmp_path)
    assert edges == {"house.a": {"house.b"}, "house.b": {"house.a"}}
    with pytest.raises(CycleError):
        list(TopologicalSorter(edges).static_order())
