"""PAPER.md names the place of every line, and no file is long."""

import ast
import re
from pathlib import Path

import pytest

ROOM = Path(__file__).parent.parent.parent / "egotwin_ref"
PLACES = sorted(set(re.findall(r"`([\w/]+\.py): (\w+)`", (ROOM / "PAPER.md").read_text())))
FILES = sorted(ROOM.rglob("*.py"))


def _name(file: Path) -> str:
    return str(file.relative_to(ROOM))


@pytest.mark.parametrize(("file", "name"), PLACES)
def test_a_place_named_in_the_table_exists(file, name):
    found = set()
    for node in ast.parse((ROOM / file).read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    assert name in found, f"{file} has no {name}"


def test_the_table_names_many_places():
    assert len(PLACES) > 15


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_a_file_can_be_read_in_one_sitting(file):
    assert len(file.read_text().splitlines()) <= 300
