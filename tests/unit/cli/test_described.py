"""What names say of themselves: the suite's own from index.json, other people's from the imported class."""

import sys
from pathlib import Path

import pytest

from egobench.catalog import METRICS, MODELS
from egobench.cli.described import INDEX, describe
from egobench.cli.index import index_text
from egobench.cli.main import main
from egobench.errors import BadInputError, UnknownNameError

MODULE = '''
"""A module of somebody's own."""
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from outside_base import Base

SIZE = 3
Row = Literal["a", "b"]


@dataclass(frozen=True)
class Model(Base):
    """Does one thing.

    And says more.
    """

    name: ClassVar[str] = "model"
    version: ClassVar[int] = 2

    steps: int = 20
    """Number of steps.

    More is slower.
    """
    weights: str = ""
    scale: float = SIZE / 2
    """As written."""
    row: Row = "a"
    parts: list = field(default_factory=list)
    _hidden: int = 0


SMALL = Model(10, 5, scale=0.5)
"""A small one."""
'''
BASE = '''
from dataclasses import dataclass
@dataclass(frozen=True)
class Base:
    seed: int = 7
    """Of everything."""
    steps: int = 1
'''


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """Dotted name of a module that is no part of the suite."""
    package = tmp_path / "outside"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "models.py").write_text(MODULE, encoding="utf-8")
    (package / "broken.py").write_text("def (", encoding="utf-8")
    (package / "raising.py").write_text("raise RuntimeError('no GPU here')", encoding="utf-8")
    (tmp_path / "outside_base.py").write_text(BASE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield "outside.models"
    for name in [name for name in sys.modules if name.partition(".")[0] in ("outside", "outside_base")]:
        del sys.modules[name]


def test_the_index_says_what_the_classes_say():
    written = Path(INDEX).read_text(encoding="utf-8")
    assert written == index_text(), "index.json is not up to date; `python -m egobench.cli.index` writes it anew"


def test_a_name_of_the_suite_is_described_without_its_class():
    before = set(sys.modules)
    found = describe(METRICS, "i-fid")
    assert found.facts["unit"] == "feature²"
    assert found.fields[0].name == "preset"
    assert "class IFID" in Path(found.file).read_text(encoding="utf-8").splitlines()[found.line - 1]
    assert "egobench.metrics.i_fid" not in set(sys.modules) - before


def test_what_a_metric_asks_of_its_preset_is_what_it_needs():
    assert describe(METRICS, "clip-sim").asks == ("frames", "text")
    assert describe(METRICS, "hand-score").asks == ("hands",)
    assert describe(METRICS, "jerk").asks == ()


def test_a_class_of_ones_own_says_its_docstring_and_its_facts(outside):
    found = describe(MODELS, f"{outside}:Model")
    assert found.doc == "Does one thing.\n\nAnd says more."
    assert found.summary == "Does one thing."
    assert found.facts == {"name": "model", "version": 2}
    assert MODULE.splitlines()[found.line - 1].startswith("class Model")


def test_fields_have_type_default_and_docstring_and_a_base_comes_first(outside):
    fields = {field.name: field for field in describe(MODELS, f"{outside}:Model").fields}
    assert list(fields) == ["seed", "steps", "weights", "scale", "row", "parts"]
    assert (fields["steps"].type, fields["steps"].default) == ("int", "20")
    assert fields["steps"].doc == "Number of steps.\n\nMore is slower."
    assert (fields["weights"].type, fields["weights"].default, fields["weights"].doc) == ("str", "''", "")
    assert fields["scale"].default == "SIZE / 2"
    assert fields["row"].type == "Literal['a', 'b']"
    assert fields["parts"].default == "field(default_factory=list)"
    assert fields["seed"].doc == "Of everything."


def test_a_class_in_a_file_of_ones_own_is_described(outside, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(MODULE, encoding="utf-8")
    found = describe(MODELS, f"{file}:Model")
    assert (found.file, found.facts["name"]) == (str(file), "model")
    assert found.fields[1].doc == "Number of steps.\n\nMore is slower."


def test_a_constant_says_what_it_is_built_with(outside):
    found = describe(MODELS, f"{outside}:SMALL")
    assert found.doc == "A small one."
    assert found.facts == {"seed": 10, "steps": 5, "weights": "", "scale": 0.5, "row": "a", "_hidden": 0}
    assert MODULE.splitlines()[found.line - 1].startswith("SMALL")


def test_an_unknown_name_in_a_module_is_suggested(outside):
    with pytest.raises(UnknownNameError, match="did you mean 'Model'"):
        describe(MODELS, f"{outside}:Modle")


@pytest.mark.parametrize("module", ["no_such_module", "outside.no_such", "no.such.module"])
def test_a_missing_module_is_one_line(outside, module):
    with pytest.raises(UnknownNameError, match="no module"):
        describe(MODELS, f"{module}:X")


@pytest.mark.parametrize(("module", "said"), [("broken", "SyntaxError"), ("raising", "no GPU here")])
def test_a_module_that_does_not_load_is_refused_in_one_line(outside, module, said):
    with pytest.raises(BadInputError, match=said):
        describe(MODELS, f"outside.{module}:X")


def test_a_compiled_module_has_no_source_to_name():
    with pytest.raises(BadInputError, match="no Python source"):
        describe(MODELS, "itertools:chain")


def test_every_row_of_the_reference_model_is_told_by_describe(capsys):
    configs = pytest.importorskip("egotwin_ref.model.configs")
    assert main(["describe", "egotwin"]) == 0
    said = capsys.readouterr().out
    assert all(f"'{name}'" in said for name in configs.VARIANTS)
