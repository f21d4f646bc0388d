"""Every JSON file that is written fits its schema, and a spoilt one does not. One case a kind of file."""

import copy
import gzip
import json
import sys
from importlib import import_module
from pathlib import Path

import pytest

from egobench.cli.main import main
from egobench.files.schema_files import schema_names, schema_text

jsonschema = pytest.importorskip("jsonschema")

ROOT = Path(__file__).parents[2]
PACKAGE, GOLDEN, BOARD = (
    ROOT / "egobench",
    ROOT / "tests" / "golden" / "run-schema-1",
    ROOT / "leaderboards" / "egomini",
)
FILES = {
    "baseline": [GOLDEN.parent / "baseline-schema-1.json"],
    "manifest": [GOLDEN / "manifest.json", GOLDEN.parent / "run-schema-2" / "manifest.json"],
    "metrics": [GOLDEN / "metrics.json"],
    "event": [GOLDEN / "events.jsonl"],
    "estimator-card": sorted((PACKAGE / "estimators" / "cards").glob("*.json")),
    "evaluator-card": sorted(PACKAGE.glob("*/weights/*.card.json")),
    "leaderboard-claims": [BOARD / "claims.json"],
    "leaderboard-entry": sorted((BOARD / "entries").glob("*.json")),
    "leaderboard-table": [BOARD / "table.json"],
    "split-index": [
        ROOT / "egomini" / "splits" / "shipped" / "egomini-hd.json.gz",
        ROOT / "egomini" / "splits" / "shipped" / "egomini-test" / "split.json",
    ],
}
"""Schema → files in the repository that must fit it. What is made in a test of its own: `MADE`."""
MADE = {"check-report", "validation-report", "comparison", "gate-report"}


def validator(name):
    schema = json.loads(schema_text(name))
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def contents(path):
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()] if path.suffix == ".jsonl" else [json.loads(text)]


def problems(name, content):
    return [f"{error.json_path}: {error.message[:200]}" for error in validator(name).iter_errors(content)]


def _helpers(area, name):
    """A module that the unit tests of an area share."""
    folder = str(ROOT / "tests" / "unit" / area)
    sys.path.append(folder)
    yield import_module(name)
    sys.path.remove(folder)


@pytest.fixture(scope="module")
def toys():
    yield from _helpers("pipeline", "pipeline_toys")


@pytest.mark.parametrize(("name", "path"), [(name, path) for name, paths in FILES.items() for path in paths])
def test_files_of_the_repository_fit(name, path):
    for content in contents(path):
        assert problems(name, content) == []


@pytest.mark.parametrize("name", FILES)
def test_a_spoilt_file_does_not_fit(name):
    content = contents(FILES[name][0])[0]
    required = json.loads(schema_text(name)).get("required") or ["event"]
    for key in required:
        spoilt = copy.deepcopy(content)
        del spoilt[key]
        assert problems(name, spoilt), key
        spoilt[key] = object  # neither a number nor a text nor anything else of JSON
        assert problems(name, spoilt), key


def test_every_schema_has_files_or_a_test_of_its_own():
    assert {*FILES, *MADE} == set(schema_names())


def test_what_a_new_run_and_a_check_write_fits(toys, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path / "cache"))
    split = toys.make_split(tmp_path / "split", sequences=2, windows=1)
    assert main(["check", "--example", str(tmp_path / "x"), "--split", str(split), "--quiet"]) == 0
    capsys.readouterr()
    common = ["--split", str(split), "--json", "--quiet"]
    assert main(["check", str(tmp_path / "x"), *common]) == 0
    assert problems("check-report", json.loads(capsys.readouterr().out)) == []
    metrics = ["--metrics", "pipeline_toys:Speed,pipeline_toys:MeanColour", "--draws", "20"]
    assert main(["score", str(tmp_path / "x"), *common, *metrics, "--out", str(tmp_path / "runs")]) == 0
    run = Path(json.loads(capsys.readouterr().out)["path"])
    assert "submission" in contents(run / "manifest.json")[0]
    for name, file in (("manifest", "manifest.json"), ("metrics", "metrics.json"), ("event", "events.jsonl")):
        for content in contents(run / file):
            assert problems(name, content) == []
    (index,) = contents(split / "split.json")
    assert problems("split-index", index) == []
    assert main(["table", str(run), "--format", "json"]) == 0
    assert problems("leaderboard-table", json.loads(capsys.readouterr().out)) == []
    (tmp_path / "x" / "submission.toml").unlink()
    assert main(["check", str(tmp_path / "x"), *common]) == 2
    found = json.loads(capsys.readouterr().out)
    assert problems("check-report", found) == []
    assert problems("check-report", {**found, "findings": [{**found["findings"][0], "severity": "bad"}]})


def test_a_validation_report_fits(toys, tmp_path, monkeypatch):
    from egobench.files.plain import plain
    from egobench.validate import validate

    report = plain(
        {
            **{"schema": 1, "split": {"name": "toy", "digest": "0" * 64}, "clips": 8, "draws": 50, "left_out": {}},
            **{"not_run": {}, "problems": [], "metrics": {"toy-speed": _judged(validate)}},
        }
    )
    assert problems("validation-report", report) == []
    assert problems("validation-report", {**report, "metrics": {"toy-speed": {}}})


def _judged(validate):
    """One metric's record by the function that writes it, from a reference alone."""
    from egobench.types import Result
    from egobench.validate.ladders import load_ladders

    result = Result(0.1, (0.0, 0.2), "m/s", "lower", 8, 0, 1.0, 1, "0" * 64, 0.1, 0.5)
    ladders = load_ladders()
    results = {name: {"toy-speed": result} for name in ("reference", *ladders.controls)}
    return validate._judge("toy-speed", "toy-speed", ladders, results)


@pytest.fixture(scope="module")
def compared():
    yield from _helpers("compare", "compare_toys")


def test_comparisons_fit_whether_the_runs_are_comparable_or_not(compared, tmp_path, capsys):
    scores = {"toy-err": compared.noisy(1), "toy-hit": ["no hands", *compared.noisy(2)[1:]]}
    runs = [compared.make_run(tmp_path / name, scores) for name in ("a", "b", "c")]
    other = compared.make_run(tmp_path / "other", scores, version=2)
    few = [compared.make_run(tmp_path / name, {"toy-err": [1.0, 2.0]}) for name in ("few", "fewer")]
    for words in (runs[:2], runs, few, [*runs, "--explain"]):
        assert main(["compare", *map(str, words), "--json", "--draws", "50"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert problems("comparison", found) == []
    assert problems("comparison", {**found, "matrix": {"a → b": {"toy-err": "splendid"}}})
    assert main(["compare", str(runs[0]), str(other), "--json", "--explain"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert problems("comparison", found) == []
    assert problems("comparison", {**found, "comparable": True})


def test_decisions_of_a_gate_fit_whatever_they_are(compared, tmp_path, capsys):
    good = compared.make_run(tmp_path / "good", {"toy-err": compared.noisy(1)})
    bad = compared.make_run(tmp_path / "bad", {"toy-err": compared.noisy(2, mean=3.0)})
    other = compared.make_run(tmp_path / "other", {"toy-err": compared.noisy(1)}, version=2)
    baseline = tmp_path / "baseline.json"
    assert main(["baseline", "update", str(good), "--baseline", str(baseline), "--reason", "the first"]) == 0
    capsys.readouterr()
    policy = compared.policy_file(tmp_path / "gate.toml")
    for run, code in ((good, 0), (bad, 1), (other, 3)):
        words = ["--baseline", str(baseline), "--policy", str(policy), "--draws", "50", "--json"]
        assert main(["gate", str(run), *words]) == code
        found = json.loads(capsys.readouterr().out)
        assert found["exit_code"] == code
        assert problems("gate-report", found) == []
    assert problems("gate-report", {**found, "headline": None})


def test_claims_fit_whatever_their_words_are(compared, tmp_path, capsys):
    board = compared.claims_board(tmp_path)
    ours, worse = compared.noisy(1), [value + 0.5 for value in compared.noisy(2)]
    scores = {
        "Ours=a": {"toy-err": ours, "toy-hit": ours},
        "Ours=b": {"toy-err": compared.noisy(3), "toy-hit": compared.noisy(3)},
        "Base=c": {"toy-err": worse, "toy-hit": worse},
        "Other=d": {"toy-err": worse, "toy-hit": ["no hands"] * 48},
    }
    words = []
    for name, values in scores.items():
        label, _, folder = name.partition("=")
        words += ["--run", f"{label}={compared.make_run(tmp_path / folder, values)}"]
    assert main(["leaderboard", "claims", str(board), *words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == contents(board / "claims.json")[0]
    assert problems("leaderboard-claims", found) == []
    said = [claim["word"] for claim in [*found["claims"], *found["beyond"]]]
    assert said == ["holds", "reversed", "not measured", "not measured", "worse", "undecided"]
    found["claims"][0]["word"] = "splendid"
    assert problems("leaderboard-claims", found)


def test_schemas_are_listed_and_printed(capsys):
    assert main(["schema"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == schema_names()
    assert main(["schema", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == set(schema_names())
    assert main(["schema", "metrics"]) == 0
    assert json.loads(capsys.readouterr().out)["title"].startswith("metrics.json")
    assert main(["schema", "metriks"]) == 2
    assert "did you mean 'metrics'" in capsys.readouterr().err
