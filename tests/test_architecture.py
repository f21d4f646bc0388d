"""Holds ARCHITECTURE.md: imports point down, siblings do not meet, no circle, small rooms, light start."""

import ast
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = [
    {"types", "errors", "registry", "catalog", "progress"},
    {"geometry", "stats", "files"},
    {"motions", "engines"},
    {"data", "extractors", "estimators", "metrics", "store", "submissions"},
    {"plan"},
    {"scoring"},
    {"run"},
    {"audit", "validate", "fit"},
    {"compare"},
    {"tables"},
    {"boards"},
    {"pictures"},
    {"api"},
    {"cli", "testing"},
]
BOTTOM = FLOORS[0]
"""These may see one another; all other rooms of a floor may not."""
EGOMINI = ["world", "wearer", "camera", "acting", "splits", "evaluators"]
"""Rooms of the embedded world, lowest first."""
FOR_DATA_SETS = FLOORS[0] | FLOORS[1] | {"data", "extractors", "estimators", "metrics", "fit"}
"""Rooms of egobench that a data set of its own may build on; the embedded world uses no others."""
MOST_FILES, MOST_LINES = 20, 2500
TORCH = {"extractors", "estimators", "fit"}
"""Rooms of egobench in which torch may be imported."""
TORCH_FILES = {
    "files/network_weights.py": "fills a network from a weight file",
    "motions/smpl.py": "under smplx, which reads SMPL",
    "plan/devices.py": "asks whether there is a GPU",
}
LAZY = {
    "egobench.cli": "a verb imports what it needs when it is typed, so that `--help` costs little more than Python",
    "egobench.validate.installation": "`doctor` answers where a package is missing",
    "egobench.testing": "pytest loads the plug-in in every project; it works where a gate is asked for",
    "egobench.compare.run_side": "a comparison whose terms are kept opens no split and no video",
    "egomini.splits.frozen": "opening a shipped split needs none of what draws clips (numba)",
}
"""Modules, or rooms, whose functions import modules of this suite when they are called, and why."""
NETWORK = "_network"
"""End of the names of modules that import torch at the top; what loads a network imports them when it does."""


@cache
def _imports(file: Path) -> list[tuple[str, bool]]:
    """Dotted modules that a file imports anywhere in it, and whether inside a function.

    `from a import b` is `a.b` where b is a module of this suite.
    """
    found = []

    def walk(node: ast.AST, lazy: bool) -> None:
        for child in ast.iter_child_nodes(node):
            inside = lazy or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            if isinstance(child, ast.Import):
                found.extend((alias.name, lazy) for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module:
                for alias in child.names:
                    full = f"{child.module}.{alias.name}"
                    found.append((full if full in _modules() else child.module, lazy))
            walk(child, inside)

    walk(ast.parse(file.read_text(encoding="utf-8")), False)
    return found


@cache
def _modules() -> dict[str, Path]:
    """Every module of egobench and egomini by its dotted name."""
    found = {}
    for package in ("egobench", "egomini"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _room(module: str, package: str = "egobench") -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == package and len(parts) > 1 else None


def _floor(room: str) -> int:
    return next(level for level, rooms in enumerate(FLOORS) if room in rooms)


PACKAGE_FILES = sorted(path for path in (ROOT / "egobench").rglob("*.py") if path.name[0] != "_")
EGOMINI_FILES = sorted(path for path in (ROOT / "egomini").rglob("*.py") if path.name[0] != "_")
ROOMS = sorted({path.parent for path in [*PACKAGE_FILES, *EGOMINI_FILES]})


@pytest.mark.parametrize("file", PACKAGE_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down_and_siblings_do_not_meet(file):
    own = file.relative_to(ROOT / "egobench").parts[0].removesuffix(".py")
    for name, _ in _imports(file):
        outside = ("egobench_baselines", "baselines", "egotwin_ref", "egomini")
        assert name.partition(".")[0] not in outside, f"{file} imports {name}"
        room = _room(name)
        if room is None or room == own or {room, own} <= BOTTOM:
            continue
        assert _floor(room) < _floor(own), f"{file.relative_to(ROOT)}: {own} may not import {room} ({name})"


@pytest.mark.parametrize("file", EGOMINI_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_embedded_world_builds_on_what_any_data_set_may(file):
    own = EGOMINI.index(file.relative_to(ROOT / "egomini").parts[0])
    for name, _ in _imports(file):
        room, theirs = _room(name), _room(name, "egomini")
        assert room is None or room in FOR_DATA_SETS, f"{file.relative_to(ROOT)} imports {name}"
        assert theirs is None or EGOMINI.index(theirs) <= own, f"{file.relative_to(ROOT)} imports {name}"


def test_every_room_of_the_package_stands_on_a_floor():
    inside = (ROOT / "egobench").iterdir()
    rooms = {path.stem for path in inside if path.name[0] not in "_." and (path.is_dir() or path.suffix == ".py")}
    assert rooms == set().union(*FLOORS)


def test_every_package_is_in_the_distribution():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    folders = [path.parent for name in ("egobench", "egomini", "egotwin_ref") for path in _inits(name)]
    names = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    assert set(project["tool"]["setuptools"]["packages"]) == names | {"egobench_baselines"}


def _inits(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("__init__.py"))


def test_no_module_imports_itself_by_a_circle():
    graph = {name: {each for each, _ in _imports(path) if each in _modules()} for name, path in _modules().items()}
    graph["egobench"] = set()  # its names are imported when they are asked for; only type checkers see them at once
    left = dict(graph)
    while left:
        ready = {name for name, needs in left.items() if not (needs & set(left)) - {name}}
        assert ready, f"a circle goes through {sorted(left)}"
        left = {name: needs for name, needs in left.items() if name not in ready}


@pytest.mark.parametrize("room", ROOMS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_can_be_held_in_the_head(room):
    files = [path for path in room.glob("*.py") if path.name != "__init__.py"]
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files)
    assert len(files) <= MOST_FILES
    assert lines <= MOST_LINES


@pytest.mark.parametrize("file", [*PACKAGE_FILES, *EGOMINI_FILES], ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_of_the_suite_are_imported_at_the_top_unless_start_up_needs_otherwise(file):
    module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
    allowed = any(module == place or module.startswith(place + ".") for place in LAZY)
    late = [name for name, inside in _imports(file) if inside and name in _modules()]
    lazy = [name for name in late if not name.endswith(NETWORK)]
    assert allowed or not lazy, f"{module} imports {lazy} inside a function"


@pytest.mark.parametrize("file", sorted((ROOT / "baselines").glob("*.py")), ids=lambda path: path.name)
def test_baselines_use_the_public_names_only(file):
    for name, _ in _imports(file):
        assert name == "egobench" or not name.startswith("egobench."), f"{file.name} imports {name}"


def test_torch_lives_in_extractors_estimators_and_their_fits_and_in_three_files_that_say_why():
    found = set()
    for file in PACKAGE_FILES:
        place = file.relative_to(ROOT / "egobench")
        tops = {name.partition(".")[0] for name, _ in _imports(file)}
        if tops & {"torch", "torchvision", "open_clip"} and place.parts[0] not in TORCH:
            found.add(place.as_posix())
    assert found == set(TORCH_FILES)


def test_no_file_uses_a_global_random_generator():
    banned = {"seed", "rand", "randn", "randint", "choice", "shuffle", "permutation", "normal", "uniform", "random"}
    for file in [*PACKAGE_FILES, *EGOMINI_FILES, *(ROOT / "baselines").glob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
                owner = node.value
                is_numpy = isinstance(owner.value, ast.Name) and owner.value.id in {"np", "numpy"}
                assert not (is_numpy and owner.attr == "random" and node.attr in banned), f"{file}:{node.lineno}"
            if isinstance(node, ast.Import):
                assert "random" not in {alias.name for alias in node.names}, f"{file}:{node.lineno}"


HEAVY = ("torch", "numpy", "numba", "av", "tyro", "rich", "pyarrow", "matplotlib")


@pytest.mark.parametrize(
    "code",
    [
        "import egobench",
        "from egobench.cli.main import main; main(['--help'])",
        "from egobench.cli.main import main; main(['list', 'models'])",
        "from egobench.cli.main import main; main(['list', 'metrics'])",
        "from egobench.cli.main import main; main(['describe', 'i-fid'])",
        "from egobench.cli.main import main; main(['describe', 'egomini-clip'])",
        "from egobench.cli.main import main; main(['describe', 'egomini-test'])",
    ],
)
def test_looking_around_loads_nothing_heavy_and_writes_nothing(code, tmp_path):
    probe = (
        f"{code}\nimport sys\nfound = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "assert not found, f'loaded {found}'"
    )
    environment = {"HOME": str(tmp_path), "PATH": "", "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.rglob("*")) == []
