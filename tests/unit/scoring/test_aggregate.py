"""Counting by hand: means, coverage, reasons, strata; and what JSON may not hold."""

import json

import numpy as np
import pytest
from pipeline_toys import MeanColour, Speed

from egobench.data.open import open_split
from egobench.metrics.base import SetScore
from egobench.metrics.r_precision import RPrecision
from egobench.scoring.aggregate import (
    RowGroups,
    clip_result,
    metrics_document,
    result_of,
    set_result,
    set_row,
    with_alarm,
)
from egobench.scoring.column import ScoreColumn
from egobench.scoring.floor_and_chance import FloorAndChance
from egobench.scoring.score import SetOutcome, SetRows, try_set
from egobench.store.tables import ScoreRow
from egobench.types import Result

YARDSTICK = FloorAndChance(0.5, None, {"chance": "too few sequences"})


@pytest.fixture
def result_from(toy_split, tmp_path):
    infos = {info.clip_id: info for info in open_split(toy_split).infos()}

    def result_from(rows, draws):
        column, groups = ScoreColumn.of("toy-speed", rows, tmp_path), RowGroups.of([infos[row.clip] for row in rows])
        return clip_result(Speed(), column, groups, YARDSTICK, "digest", draws)

    return result_from


def row(clip, value=None, status="ok", reason=""):
    return ScoreRow(f"toy-{clip:02d}", 0, "toy-speed", value, status, reason)


def test_mean_counts_and_coverage_by_hand(result_from):
    # Two numbers, one undefined, one failed: mean of 1 and 4, 3 of 4 rows covered.
    rows = [
        row(0, 1.0),
        row(1, status="undefined", reason="still"),
        row(2, 4.0),
        row(3, status="failed", reason="x: y"),
    ]
    result = result_from(rows, 100)
    assert (result.value, result.n, result.n_undefined, result.coverage) == (2.5, 2, 1, 0.75)
    assert result.detail["undefined"] == {"still": 1}
    assert result.detail["failed"] == {"x: y": 1}
    assert result.detail["strata"] == {"walk": {"value": 2.5, "n": 2}}
    assert result.detail["yardstick"] == {"chance": "too few sequences"}
    assert (result.floor, result.chance, result.protocol) == (0.5, None, "digest")
    # Sequences s0 and s1 with one number each: a copy's mean is 1, 2.5 or 4.
    assert result.ci95 == (1.0, 4.0)


def test_without_a_defined_row_there_is_no_number(result_from):
    rows = [row(0, status="undefined", reason="still"), row(1, status="undefined", reason="still")]
    result = result_from(rows, 100)
    assert (result.value, result.ci95, result.n, result.n_undefined, result.coverage) == (None, None, 0, 2, 1.0)
    assert "strata" not in result.detail


def test_many_reasons_are_counted_together(result_from):
    rows = [row(number % 8, status="undefined", reason=f"{chr(65 + number)} is wrong") for number in range(30)]
    reasons = result_from(rows, 0).detail["undefined"]
    assert (len(reasons), reasons["other reasons"], sum(reasons.values())) == (21, 10, 30)


def test_reasons_that_differ_in_their_numbers_are_one(result_from):
    rows = [row(number, status="undefined", reason=f"moved {number} mm; 20 are needed") for number in range(8)]
    detail = result_from(rows, 0).detail
    assert detail["undefined"] == {"moved 0 … 7 mm; 20 are needed": 8}


def test_results_survive_json_and_what_is_not_finite_becomes_none():
    score = SetScore(np.float64(2.0), (np.nan, 3.0), {"fd_inf": float("nan"), "d": np.int64(3), "x": np.array([1.0])})
    outcome = SetOutcome(score, "ok", "", 4)
    result = set_result(MeanColour(), outcome, 8, YARDSTICK, "digest")
    document = json.loads(json.dumps(metrics_document("r", "m", "s", "t2vm", {"toy-colour": result}), allow_nan=False))
    back = result_of(document["metrics"]["toy-colour"])
    assert (back.value, back.ci95, back.n, back.coverage) == (2.0, None, 4, 0.5)
    assert back.detail["fd_inf"] is None
    assert (back.detail["d"], back.detail["x"]) == (3, [1.0])
    assert set_row("toy-colour:other", outcome).value == 2.0
    assert set_row("toy-colour:other", outcome).metric == "toy-colour:other"


def test_a_set_that_cannot_be_scored_is_told_and_not_raised():
    def tried(*entries):
        rows = SetRows({"sample": entries, "reference": entries}, ["a"] * len(entries))
        return try_set(MeanColour(), rows, np.zeros(len(entries), int), draws=0)

    assert tried().reason.startswith("set-empty")
    assert tried("x").reason.startswith("metric-raised")
    failed = tried(np.full((2, 3), np.nan))
    assert failed.reason.startswith("score-nonfinite")
    assert set_result(MeanColour(), failed, 1, YARDSTICK, "d").coverage == 0.0


@pytest.mark.parametrize(("ci95", "alarm"), [((0.7, 0.8), True), ((0.4, 0.8), False), ((0.1, 0.2), False)])
def test_a_sample_that_fits_its_text_better_than_the_truth_does_raises_the_alarm(ci95, alarm):
    common = {"unit": "share", "n": 64, "n_undefined": 0, "coverage": 1.0, "version": 1, "protocol": "d"}
    result = Result(value=ci95[0], ci95=ci95, better="higher", floor=0.5, chance=0.1, **common)
    assert ("alarm" in with_alarm(RPrecision(), result).detail) is alarm
    assert "alarm" not in with_alarm(Speed(), result).detail, "no text, no claim of agreement"
