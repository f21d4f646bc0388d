"""Which files a module is made of: its package whole, or its file and what that imports of the user's own."""

from pathlib import Path

from egobench.files.modules import code_files, module_spec


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / (name.replace("__in__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_a_file_counts_with_what_it_imports_of_the_users_own_and_nothing_else(tmp_path, monkeypatch):
    write(
        tmp_path,
        modules_a="import json, numpy\nimport modules_b\nfrom egobench.types import Sample\n",
        modules_b="def late():\n    from modules_c import x\n",
        modules_c="import modules_a\nx = 1\n",
        modules_d="x = 2\n",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert sorted(code_files("modules_a")) == ["modules_a.py", "modules_b.py", "modules_c.py"]


def test_a_package_counts_whole_without_its_other_files(tmp_path, monkeypatch):
    write(tmp_path, modules_p__in____init__="", modules_p__in__a="import modules_q", modules_p__in__sub__in__b="")
    write(tmp_path, modules_q="")
    (tmp_path / "modules_p" / "runs.json").write_text("{}")
    monkeypatch.syspath_prepend(str(tmp_path))
    files = code_files("modules_p.a")
    assert sorted(files) == ["modules_p/__init__.py", "modules_p/a.py", "modules_p/sub/b.py", "modules_q.py"]
    assert files["modules_p/a.py"] == tmp_path / "modules_p" / "a.py"


def test_a_folder_without_init_counts_by_imports_relative_ones_too(tmp_path, monkeypatch):
    write(tmp_path, modules_n__in__a="from . import b\nfrom .c import x", modules_n__in__b="", modules_n__in__c="x = 1")
    write(tmp_path, modules_n__in__other="")
    monkeypatch.syspath_prepend(str(tmp_path))
    files = code_files("modules_n.a")
    assert sorted(files.values()) == [tmp_path / "modules_n" / f"{name}.py" for name in "abc"]


def test_a_file_that_does_not_parse_still_counts(tmp_path, monkeypatch):
    write(tmp_path, modules_broken="def (:\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert list(code_files("modules_broken")) == ["modules_broken.py"]


def test_a_module_that_is_not_there_has_no_spec_and_no_files():
    assert module_spec("no_such_module_anywhere.at_all") is None
    assert code_files("no_such_module_anywhere") == {}
