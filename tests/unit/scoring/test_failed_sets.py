"""A set metric that raises was not measured on any clip: the run is incomplete and says why; nothing passes on it."""

import json

import pytest

from egobench.audit.rescore import rescore_run
from egobench.audit.verify import verify_run
from egobench.boards.claims import _without_number
from egobench.cli.main import main as egobench
from egobench.compare.baseline import baseline_document, baseline_side, write_baseline
from egobench.compare.comparison import compare_sides
from egobench.compare.gate import gate
from egobench.compare.policy import Policy, Rule
from egobench.compare.run_side import run_side
from egobench.compare.update import update_baseline
from egobench.errors import IncompleteRunError, NotComparableError
from egobench.pictures.report import make_report
from egobench.run.report import load_run
from egobench.run.run import resume_run, start_run
from egobench.store.folder import open_run
from egobench.store.manifest import read_manifest
from egobench.tables.measured import measured_status
from egobench.tables.render import csv_text, json_text, markdown
from egobench.tables.table import read_metrics, run_grid

METRICS = "pipeline_toys:Speed,pipeline_toys:Raising"
WHY = "toy-broken: no joint 24"


@pytest.fixture
def failed(ask):
    """A run of eight clips, all of which may fail."""
    return start_run(ask(metrics=METRICS, allow_failed=8))


def test_a_run_is_incomplete_where_a_set_metric_raised_and_its_code_is_named(ask):
    with pytest.raises(IncompleteRunError) as caught:
        start_run(ask(metrics=METRICS, allow_failed=7))
    assert caught.value.exit_code == 4
    said = f"8 of 8 were not measured (toy-raising failed as a whole: {WHY}), 7 are allowed"
    assert str(caught.value).startswith(said)
    report = load_run(caught.value.path)
    assert (report.failed, report.unmeasured, report.failed_metrics) == (0, 8, {"toy-raising": WHY})
    assert report.results["toy-raising"].coverage == 0.0
    assert report.results["toy-speed"].coverage == 1.0
    with pytest.raises(IncompleteRunError, match="toy-raising failed as a whole"):
        resume_run(caught.value.path)
    assert not verify_run(report.path).flaws


def test_a_metric_that_raises_on_rescoring_makes_the_run_incomplete_too(ask):
    whole = start_run(ask(metrics="pipeline_toys:Speed"))
    assert "unmeasured" not in read_manifest(open_run(whole.path))["items"]
    with pytest.raises(IncompleteRunError, match=r"8 of 8 were not measured .toy-raising failed as a whole"):
        rescore_run(whole.path, "pipeline_toys:Raising")


def test_one_clip_alone_is_no_set_and_fails_no_run(ask):
    alone = start_run(ask(metrics="m-fid:pipeline_toys:ToyEvaluator", limit=1))
    assert alone.results["m-fid"].detail["failed"]
    assert (alone.unmeasured, alone.failed_metrics) == (0, {})
    with pytest.raises(IncompleteRunError, match="1 of 1 were not measured"):
        start_run(ask(metrics=METRICS, limit=1))


def test_every_format_says_that_it_failed_and_what_raised(failed, tmp_path, capsys):
    grids = [run_grid(read_metrics(failed.path))]
    assert f"toy-raising failed and has no value: {WHY} (1)" in markdown(grids)
    rows = {row["metric"]: row for row in json.loads(json_text(grids))["blocks"][0]["rows"]}
    assert (rows["toy-raising"]["status"], rows["toy-speed"]["status"]) == ("not measured", "measured")
    assert WHY in rows["toy-raising"]["note"]
    assert "not measured" in csv_text(grids)
    page = make_report(failed.path, tmp_path / "page", clips=0).index.read_text()
    assert "toy-raising failed and has no value: toy-broken" in page
    assert measured_status(read_metrics(failed.path)["metrics"]["toy-raising"]) == "not measured"
    sides = (None, run_side(failed.path))
    board = type("Board", (), {"metrics": ("toy-raising",)})()
    assert _without_number(board, "toy-raising", ("a", "b"), (sides[1], sides[1])) == (
        "not measured",
        f"b: {WHY} (1)",
    )
    assert egobench(["table", str(failed.path)]) == 0
    assert f"toy-raising failed and has no value: {WHY}" in " ".join(capsys.readouterr().out.split())


def test_compare_refuses_it_until_it_is_asked_to_go_on_without(failed):
    sides = run_side(failed.path), run_side(failed.path)
    with pytest.raises(NotComparableError, match=r"toy-raising .* 8 of 8 rows failed .*joint 24.*goes on without it"):
        compare_sides(*sides, draws=50)
    assert egobench(["compare", str(failed.path), str(failed.path), "--draws", "50"]) == 3
    row = compare_sides(*sides, draws=50, allow_partial=True).row("toy-raising")
    assert (row.verdict, row.incomplete, row.pairs.failed) == ("not compared", True, 8)


def test_the_gate_is_incomplete_and_no_baseline_is_made_of_it(failed, ask, tmp_path):
    with pytest.raises(IncompleteRunError, match=r"8 of 8 rows of .* failed, 0 are allowed in a baseline"):
        update_baseline(failed.path, tmp_path / "never.json", reason="first")
    assert not (tmp_path / "never.json").exists()
    side, path = run_side(failed.path), tmp_path / "baseline.json"
    write_baseline(path, baseline_document(side, samples="0" * 64, reason="first", date="2026-01-01T00:00:00Z"))
    report = gate(side, baseline_side(path), Policy(defaults=Rule(severity="gate")), draws=50)
    assert report.exit_code == 4
    outcomes = {row.metric: row.outcome for row in report.rows}
    assert outcomes == {"toy-speed": "passed", "toy-raising": "incomplete"}
    assert "toy-raising incomplete" in report.headline
