"""The public names: resolved on first use, one spelling for type checkers and for Python."""

import ast
from pathlib import Path

import pytest

import egobench


@pytest.mark.parametrize("name", egobench.__all__)
def test_every_public_name_resolves(name):
    assert getattr(egobench, name) is not None


def test_type_checkers_see_the_same_names_from_the_same_places():
    tree = ast.parse(Path(egobench.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == egobench._PUBLIC


def test_a_name_that_is_not_public_is_answered_with_those_that_are():
    with pytest.raises(AttributeError, match="open_split"):
        egobench.opensplit  # noqa: B018
