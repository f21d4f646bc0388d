"""Names: found in the catalogue, among plug-ins, as module:Name; refused with suggestions."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from egobench.catalog import KINDS, METRICS, MODELS
from egobench.errors import BadInputError, UnknownNameError
from egobench.registry import Registry, unknown


def test_a_catalogue_name_loads_its_object():
    assert METRICS.load("jerk").name == "jerk"


def test_a_target_with_a_colon_needs_no_registration():
    assert MODELS.load("collections:OrderedDict").__name__ == "OrderedDict"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("refrence", "did you mean 'reference'"),
        ("no.such.module:Model", "no module 'no.such.module'"),
        ("collections:OrderedDick", "did you mean 'OrderedDict'"),
    ],
)
def test_an_unknown_name_is_answered_with_what_would_be_right(name, said):
    with pytest.raises(UnknownNameError, match=said):
        MODELS.load(name)


def test_a_missing_dependency_of_a_known_module_is_not_called_an_unknown_name(tmp_path, monkeypatch):
    (tmp_path / "needs_more.py").write_text("import surely_not_installed\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BadInputError, match=r"surely_not_installed' \(.*needs_more.py, line 1\)") as caught:
        MODELS.load("needs_more:Model")
    assert caught.value.code == "code-load"
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\ndef (:\n", r"SyntaxError: invalid syntax \(.*broken.py, line 2\)"),
        ("\n\nraise ValueError('no\\nway')\n", r"ValueError: no way \(.*broken.py, line 3\)"),
        ("import sys\nsys.exit(3)\n", r"SystemExit: 3 \(.*broken.py, line 2\)"),
    ],
    ids=["syntax", "raises", "exits"],
)
def test_code_that_does_not_load_is_named_with_file_and_line(tmp_path, text, said):
    (tmp_path / "broken.py").write_text(text)
    with pytest.raises(BadInputError, match=said) as caught:
        MODELS.load(f"{tmp_path}/broken.py:Model")
    assert caught.value.code == "code-load"


def test_a_file_is_loaded_by_its_path_beside_its_helper_and_under_any_name(tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("from path_helper import X\nclass Model: x = X\n")
    (tmp_path / "path_helper.py").write_text("X = 5\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path.parent)
    assert MODELS.load(f"{tmp_path.name}/json.py:Model").x == 5


def test_a_file_of_a_package_is_loaded_as_a_part_of_it(tmp_path, monkeypatch):
    folder = tmp_path / "path_package" / "sub"
    folder.mkdir(parents=True)
    for place in (folder, folder.parent):
        (place / "__init__.py").write_text("")
    (folder.parent / "base.py").write_text("X = 6\n")
    (folder / "mine.py").write_text("from ..base import X\nclass Model: x = X\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert MODELS.load(f"{folder}/mine.py:Model").x == 6


@pytest.mark.parametrize(("name", "said"), [("no/where.py:Model", "no file 'no/where.py'"), ("a/b:C", "file.py:Name")])
def test_a_path_that_leads_nowhere_says_what_would_be_right(name, said):
    with pytest.raises(UnknownNameError, match=said):
        MODELS.load(name)


def test_all_names_are_sorted_and_distinct_across_kinds():
    for registry in KINDS.values():
        assert registry.names() == sorted(set(registry.names()))


def test_an_installed_plug_in_is_listed_and_a_colliding_one_refused(tmp_path):
    info = tmp_path / "plug-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plug\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[egobench.models]\nmine = collections:OrderedDict\n")
    code = "from egobench.catalog import MODELS; print(MODELS.target('mine'), MODELS.load('mine').__name__)"
    run = [sys.executable, "-c", f"import sys; sys.path.append({str(tmp_path)!r}); {code}"]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout.split() == [
        "collections:OrderedDict",
        "OrderedDict",
    ]
    (info / "entry_points.txt").write_text("[egobench.models]\nstatic = collections:OrderedDict\n")
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert "collides" in done.stderr


def test_entry_points_are_those_that_python_s_own_library_reads(tmp_path, monkeypatch):
    packages = {
        "first/plain-1.0.dist-info": "[egobench.toys]\nhere = a.b:C\nextra = a:B [gpu]\n# b = comment\n",
        "first/my.eggs-0.1.dist-info": "[other]\nnot = x:Y\n\n[egobench.toys]\r\n  spaced   =  d.e : F\r\n",
        "first/Twice.egg-info": "[egobench.toys]\ntwice = new:Thing\n",
        "second/twice-2.0.dist-info": "[egobench.toys]\ntwice = old:Thing\ngone = old:Other\n",
        "second/none-1.0.dist-info": "[console_scripts]\nnone = none:main\n",
    }
    for place, text in packages.items():
        folder = tmp_path / place
        folder.mkdir(parents=True)
        (folder / "entry_points.txt").write_text(text, encoding="utf-8", newline="")
        kind = "PKG-INFO" if place.endswith("egg-info") else "METADATA"
        name = folder.name.removesuffix(".egg-info").partition("-")[0]
        (folder / kind).write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "first"), str(tmp_path / "second")])
    read = Registry("toys", {}).targets()
    theirs = {point.name: f"{point.module}:{point.attr}" for point in entry_points(group="egobench.toys")}
    assert read == theirs
    assert set(read) == {"here", "extra", "spaced", "twice"}
    assert read["twice"] == "new:Thing"


def test_a_registry_of_ones_own_behaves_the_same():
    registry = Registry("things", {"a": "collections:deque"})
    assert registry.load("a").__name__ == "deque"
    with pytest.raises(UnknownNameError, match="known: a"):
        registry.target("zzz")


def test_code_that_goes_to_another_folder_when_it_is_imported_leaves_the_command_in_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wanderer.py").write_text("import os\nos.chdir('/')\nclass Model: pass\n")
    assert MODELS.load("wanderer.py:Model").__name__ == "Model"
    assert Path.cwd() == tmp_path


def test_every_known_name_stands_once_in_the_answer_to_an_unknown_one():
    known = ["reseeded", "static", "noise"]
    assert unknown("models", "resedd", known) == (
        "'resedd' is not among the models; did you mean 'reseeded'? others: noise, static"
    )
    assert unknown("models", "zzz", known) == "'zzz' is not among the models; known: noise, reseeded, static"
    assert unknown("models", "statik", ["static"]) == "'statik' is not among the models; did you mean 'static'?"
    assert unknown("models", "x", []) == "'x' is not among the models; known: none"
