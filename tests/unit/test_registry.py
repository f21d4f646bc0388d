"""Names: found in the catalogue, among plug-ins, as module:Name; refused with suggestions."""

import subprocess
import sys

import pytest

from egobench.catalog import KINDS, METRICS, MODELS
from egobench.errors import UnknownNameError
from egobench.registry import Registry


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
    with pytest.raises(ModuleNotFoundError, match="surely_not_installed"):
        MODELS.load("needs_more:Model")


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


def test_a_registry_of_ones_own_behaves_the_same():
    registry = Registry("things", {"a": "collections:deque"})
    assert registry.load("a").__name__ == "deque"
    with pytest.raises(UnknownNameError, match="known: a"):
        registry.target("zzz")
