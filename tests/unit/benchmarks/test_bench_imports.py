"""What benchmarks and studies import of the suite is there: they run rarely, so nothing else would notice its loss."""

import ast
import importlib
from pathlib import Path

import pytest

pytest.importorskip("torch")

ROOT = Path(__file__).parents[3]
SUITE = ("egobench", "egomini", "egotwin_ref", "egobench_baselines")
SCRIPTS = sorted((ROOT / "benchmarks").rglob("*.py"))


def taken(script: Path) -> set[tuple[str, str]]:
    """(module, name) of the suite that a script imports, wherever it does."""
    nodes = ast.walk(ast.parse(script.read_text(encoding="utf-8")))
    found = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return {
        (node.module, alias.name)
        for node in found
        for alias in node.names
        if node.module and node.module.partition(".")[0] in SUITE
    }


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.relative_to(ROOT / "benchmarks").as_posix())
def test_every_name_that_a_benchmark_imports_of_the_suite_is_there(script):
    for module, name in sorted(taken(script)):
        found = importlib.import_module(module)
        assert hasattr(found, name) or importlib.import_module(f"{module}.{name}"), f"{module}.{name}"


def test_the_benchmarks_import_much_of_the_suite():
    assert len(set().union(*map(taken, SCRIPTS))) > 100
