"""What a run needs here, and the doctor's lines."""

import json

import pytest

from egobench.cli.verbs.doctor import main
from egobench.validate import installation


def found(part):
    return {check.name: check for check in part()}


def test_every_part_answers_and_a_warning_or_failure_says_what_to_do():
    checks = list(installation.all_checks())
    assert len({check.name for check in checks}) == len(checks)
    assert all(check.advice for check in checks if check.status == "fail")


def test_a_missing_package_fails_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(installation, "_version", lambda name: None)
    check = found(installation._packages)["av"]
    assert (check.status, check.advice) == ("fail", "pip install av")


def test_no_torch_is_a_warning(monkeypatch):
    monkeypatch.setattr(installation, "find_spec", lambda name: None)
    assert found(installation._torch)["torch"].status == "warn"


def test_little_memory_is_a_warning(monkeypatch):
    monkeypatch.setattr(installation, "_memory_gib", lambda: 2.0)
    assert found(installation._machine)["memory"].status == "warn"


def test_the_cache_is_looked_at_and_not_made(monkeypatch, tmp_path):
    monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path / "a" / "b"))
    assert found(installation._cache)["cache"].status == "ok"
    assert not list(tmp_path.iterdir())


def test_the_size_of_the_cache_is_printed(monkeypatch, tmp_path):
    monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path))
    (tmp_path / "x").write_bytes(b"0" * 2**20)
    assert "1.0 MiB" in found(installation._cache)["cache"].found


def test_a_part_that_crashes_is_a_failed_line_and_hides_no_other(monkeypatch):
    def broken():
        raise RuntimeError("no such thing")
        yield

    monkeypatch.setattr(installation, "PARTS", (broken, installation._python))
    checks = list(installation.all_checks())
    assert [check.status for check in checks] == ["fail", "ok", "ok"]
    assert "no such thing" in checks[0].found


@pytest.mark.parametrize(("status", "code"), [("ok", 0), ("warn", 0), ("fail", 2)])
def test_only_a_failure_changes_the_exit_code(monkeypatch, capsys, status, code):
    monkeypatch.setattr(installation, "PARTS", (lambda: iter([installation.Check("x", status, "y", "do z")]),))
    assert main([]) == code
    assert capsys.readouterr().out.split() == [status, "x", "y", "→", "do", "z"]


def test_a_split_that_is_made_on_demand_may_be_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("EGOBENCH_DATA", str(tmp_path))
    check = found(installation._splits)["split egomini-train-32k"]
    assert check.status == "ok"
    assert check.advice.startswith("`egobench data make egomini-train-32k`")


def test_json_has_the_same_lines(monkeypatch, capsys):
    monkeypatch.setattr(installation, "PARTS", (installation._python,))
    assert main(["--json"]) == 0
    assert {row["name"] for row in json.loads(capsys.readouterr().out)} == {"python", "egobench"}
