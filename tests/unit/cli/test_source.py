"""Reading a class from its source: complete, and without running it."""

import sys

import pytest

from egobench.cli.source import read_head, read_source
from egobench.errors import BadInputError, UnknownNameError

MODULE = '''
"""A module that must never run."""
from dataclasses import dataclass, field
from typing import ClassVar

from explosive_base import Base

raise SystemExit("this module was imported")

SIZE = 3


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
    weights: str
    scale: float = SIZE / 2
    parts: list = field(default_factory=list)
    _hidden: int = 0


SMALL = Model(10, "w", scale=0.5)
"""A small one."""
'''
BASE = '''
from dataclasses import dataclass
raise SystemExit("this module was imported")
@dataclass
class Base:
    seed: int = 7
    """Of everything."""
    steps: int = 1
'''


@pytest.fixture
def explosive(tmp_path, monkeypatch):
    package = tmp_path / "explosive"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('the package was imported')", encoding="utf-8")
    (package / "models.py").write_text(MODULE, encoding="utf-8")
    (package / "broken.py").write_text("def (", encoding="utf-8")
    (tmp_path / "explosive_base.py").write_text(BASE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return "explosive.models"


def test_a_class_is_read_and_not_run(explosive):
    found = read_source(f"{explosive}:Model")
    assert found.doc == "Does one thing.\n\nAnd says more."
    assert found.summary == "Does one thing."
    assert found.facts == {"name": "model", "version": 2}
    assert found.file.endswith("models.py")
    assert MODULE.splitlines()[found.line - 1].startswith("class Model")
    assert "explosive" not in sys.modules


def test_the_head_of_a_class_says_the_same_without_its_fields(explosive):
    head, whole = read_head(f"{explosive}:Model"), read_source(f"{explosive}:Model")
    assert (head.doc, head.facts, head.line, head.file) == (whole.doc, whole.facts, whole.line, whole.file)
    assert head.fields == ()
    assert read_head(f"{explosive}:SMALL") == read_source(f"{explosive}:SMALL")  # no class: read in full


def test_a_head_that_the_text_alone_does_not_show_is_read_in_full(tmp_path, monkeypatch):
    text = 'if True:\n    pass\nclass Odd:\n    """Says\n@this at the margin.\n    """\n    name = 1\n'
    (tmp_path / "odd.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert read_head("odd:Odd") == read_source("odd:Odd")
    assert read_head("odd:Odd").doc.splitlines()[1] == "@this at the margin."
    with pytest.raises(UnknownNameError):
        read_head("odd:Even")


def test_what_a_metric_asks_of_its_preset_is_read_from_its_needs():
    assert read_source("egobench.metrics.clip_sim:ClipSim").asks == ("frames", "text")
    assert read_source("egobench.metrics.hand_score:HandScore").asks == ("hands",)
    assert read_source("egobench.metrics.jerk:Jerk").asks == ()


def test_fields_have_type_default_and_docstring_and_a_base_comes_first(explosive):
    fields = {field.name: field for field in read_source(f"{explosive}:Model").fields}
    assert list(fields) == ["seed", "steps", "weights", "scale", "parts"]
    assert (fields["steps"].type, fields["steps"].default) == ("int", "20")
    assert fields["steps"].doc == "Number of steps.\n\nMore is slower."
    assert fields["weights"].default is None
    assert fields["scale"].default == "SIZE / 2"
    assert fields["seed"].doc == "Of everything."


def test_a_modules_own_name_for_a_few_words_is_spelt_out(tmp_path, monkeypatch):
    lines = ['Row = Literal["a", "b"]', "Size = int", "class Model:", "    row: Row = 'a'", "    size: Size = 1"]
    (tmp_path / "named_words.py").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(str(tmp_path))
    found = read_source("named_words:Model")
    assert [field.type for field in found.fields] == ["Literal['a', 'b']", "Size"]


def test_every_row_of_the_reference_model_is_told_by_describe():
    configs = pytest.importorskip("egotwin_ref.model.configs")
    (row,) = [
        field for field in read_source("egotwin_ref.adapters.model:EgoTwinModel").fields if field.name == "variant"
    ]
    assert all(f"'{name}'" in row.type for name in configs.VARIANTS)


def test_a_constant_tells_what_it_is_built_with(explosive):
    found = read_source(f"{explosive}:SMALL")
    assert found.doc == "A small one."
    assert found.facts == {"seed": 10, "steps": "w", "scale": 0.5} | {"scale": 0.5}


def test_an_unknown_name_in_a_module_is_suggested(explosive):
    with pytest.raises(UnknownNameError, match="did you mean 'Model'"):
        read_source(f"{explosive}:Modle")


@pytest.mark.parametrize("module", ["no_such_module", "explosive.no_such", "no.such.module", "", "egobench..x"])
def test_a_missing_module_is_one_line(explosive, module):
    with pytest.raises(UnknownNameError, match="no module"):
        read_source(f"{module}:X")


def test_a_module_that_does_not_parse_is_refused(explosive):
    with pytest.raises(BadInputError, match="does not parse"):
        read_source("explosive.broken:X")


def test_a_compiled_module_has_no_source():
    with pytest.raises(BadInputError, match="no Python source"):
        read_source("itertools:chain")


def test_every_class_that_names_itself_its_own_base_ends(tmp_path, monkeypatch):
    (tmp_path / "loopy.py").write_text("class A(B): x: int = 1\nclass B(A): y: int = 2\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert {field.name for field in read_source("loopy:A").fields} == {"x", "y"}
