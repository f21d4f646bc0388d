"""Holds ARCHITECTURE.md: imports point down, siblings do not meet, importing and listing stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = [
    {"types", "errors", "registry", "catalog"},
    {"geometry", "stats", "files"},
    {"motions", "fitting"},
    {"data", "extractors", "estimators", "metrics", "store", "submissions"},
    {"pipeline"},
    {"compare"},
    {"boards"},
    {"cli", "testing"},
]
BOTTOM = FLOORS[0]
"""These four may see one another; all other rooms of a floor may not."""


def _imports(file: Path) -> list[str]:
    """Dotted names that a file imports anywhere in it, functions included."""
    names = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return names


def _room(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if parts[0] == "egobench" and len(parts) > 1 else None


def _floor(room: str) -> int:
    return next(level for level, rooms in enumerate(FLOORS) if room in rooms)


PACKAGE_FILES = sorted(path for path in (ROOT / "egobench").rglob("*.py") if path.name[0] != "_")


@pytest.mark.parametrize("file", PACKAGE_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down_and_siblings_do_not_meet(file):
    own = file.relative_to(ROOT / "egobench").parts[0].removesuffix(".py")
    for name in _imports(file):
        assert not name.startswith(("egobench_baselines", "baselines", "egotwin_ref")), f"{file} imports {name}"
        room = _room(name)
        if room is None or room == own or {room, own} <= BOTTOM:
            continue
        assert _floor(room) < _floor(own), f"{file.relative_to(ROOT)}: {own} may not import {room} ({name})"


def test_every_room_of_the_package_stands_on_a_floor():
    inside = (ROOT / "egobench").iterdir()
    rooms = {path.stem for path in inside if path.name[0] not in "_." and (path.is_dir() or path.suffix == ".py")}
    assert rooms == set().union(*FLOORS)


@pytest.mark.parametrize("file", sorted((ROOT / "baselines").glob("*.py")), ids=lambda path: path.name)
def test_baselines_use_the_public_names_only(file):
    for name in _imports(file):
        assert name == "egobench" or not name.startswith("egobench."), f"{file.name} imports {name}"


def test_torch_lives_in_extractors_estimators_fitting_and_the_smpl_reader_only():
    for file in PACKAGE_FILES:
        room = file.relative_to(ROOT / "egobench").parts[0]
        tops = {name.partition(".")[0] for name in _imports(file)}
        if tops & {"torch", "torchvision", "open_clip"}:
            allowed = {"extractors", "estimators", "fitting", "motions", "pipeline", "cli"}
            assert room in allowed, f"{file} imports torch"


def test_no_file_uses_a_global_random_generator():
    banned = {"seed", "rand", "randn", "randint", "choice", "shuffle", "permutation", "normal", "uniform", "random"}
    for file in [*PACKAGE_FILES, *(ROOT / "baselines").glob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text())):
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
