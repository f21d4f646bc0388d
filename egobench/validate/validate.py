"""Does each metric notice the faults that it must? Runs corruption ladders and controls, and judges the values.

Every rung of a ladder is a run of the control `corrupted`; every control is a run too. Each run has all metrics. A
repeated call reads finished runs and continues interrupted ones, so it costs little.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from egobench.errors import BadInputError, EgoBenchError, StorageError
from egobench.files.atomic import read_json, write_json
from egobench.files.plain import plain
from egobench.plan.plan import plan
from egobench.plan.request import RunRequest
from egobench.progress import Progress, Quiet
from egobench.run.report import RunReport, load_run
from egobench.run.run import resume_run, start_run
from egobench.store.folder import RunFolder
from egobench.types import Result
from egobench.validate.ladders import (
    CORRUPTED,
    REFERENCE,
    SHUFFLED,
    Direction,
    Expectation,
    Ladders,
    load_ladders,
)
from egobench.validate.verdicts import Point, is_in_order, judge_unmoved, judge_worse, tells_pairs

SCHEMA = 1
REPORT = "report.json"
GOOD = ("monotone", "unmoved")
ANY_NUMBER = 10**9


@dataclass(frozen=True)
class ValidateRequest:
    """A validation as asked for; every field has the command line's name."""

    split: str = "egomini-test"
    limit: int | None = 64
    """Only the first so many clips; None for all."""
    metrics: str = "core"
    workers: int = 2
    device: str = "auto"
    draws: int = 500
    """Bootstrap copies behind each interval."""
    out: Path = Path("validation")
    """Folder of the report and, under `runs`, of the runs."""
    ladders: Ladders = field(default_factory=load_ladders)


def validate(request: ValidateRequest, progress: Progress | None = None) -> dict[str, Any]:
    """Runs all declared rungs and controls, judges them, writes `report.json`, and returns its content.

    Raises:
        BadInputError: the request cannot be met.
        UnknownNameError: no such split or metric.
        StorageError, KeyboardInterrupt: the same call goes on.
    """
    run_plan = plan(_run_request(request, REFERENCE, {}))
    names = {label: metric.name for label, metric in run_plan.labelled.items()}
    ladders = request.ladders.of(list(names.values()))
    runs = [*((name, {}) for name in ladders.controls)]
    runs += [(CORRUPTED, _options(*rung)) for rung in ladders.rungs]
    progress = progress or Quiet()
    progress.stage("runs", len(runs))
    shelf, results, problems = _Shelf(request.out / "runs"), {}, []
    for model, options in runs:
        place = _place(model, options)
        report, reason = shelf.run(_run_request(request, model, options))
        results[place] = reason if report is None else report.results
        if report is not None and report.failed:
            problems.append(f"{place}: {report.failed} of {report.planned} items failed: see {report.path}")
        progress.advance(1, report is None)
    progress.done()
    found = {label: _judge(name, label, ladders, results) for label, name in names.items()}
    problems += [f"{label}: {line}" for label, each in found.items() for line in each["problems"]]
    document = plain(
        {
            "schema": SCHEMA,
            "split": {"name": run_plan.split.name, "digest": run_plan.split.digest},
            "clips": len(run_plan.infos),
            "draws": request.draws,
            "faults": list(ladders.faults),
            "left_out": run_plan.left_out,
            "not_run": {place: each for place, each in results.items() if isinstance(each, str)},
            "metrics": found,
            "problems": problems,
        }
    )
    write_json(request.out / REPORT, document)
    return document


class _Shelf:
    """Runs in one folder, by their identity."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self._by_identity: dict[str, Path] = {}
        for manifest in sorted(out.glob("*/manifest.json")):
            self._by_identity[read_json(manifest)["identity"]] = manifest.parent

    def run(self, request: RunRequest) -> tuple[RunReport | None, str]:
        """The finished run, or None and why there is none (a control may lack its training split)."""
        try:
            there = self._by_identity.get(plan(request).identity)
            if there is None:
                return start_run(request), ""
            status = read_json(RunFolder(there).manifest)["status"]
            return (load_run(there) if status == "done" else resume_run(there, workers=request.workers)), ""
        except StorageError:
            raise
        except EgoBenchError as error:
            return None, str(error)


def _run_request(request: ValidateRequest, model: str, options: Mapping[str, str]) -> RunRequest:
    return RunRequest(
        model=model,
        split=request.split,
        model_options=options,
        metrics=request.metrics,
        limit=request.limit,
        device=request.device,
        workers=request.workers,
        out=request.out / "runs",
        allow_failed=ANY_NUMBER,
        draws=request.draws,
    )


def _options(fault: str, strength: float) -> dict[str, str]:
    return {"kind": fault, "strength": repr(strength)}


def _place(model: str, options: Mapping[str, str]) -> str:
    return f"{options['kind']} {float(options['strength']):g}" if options else model


Values = Mapping[str, Mapping[str, Result] | str]
"""Rung or control → its results, or why there are none."""


def _judge(name: str, label: str, ladders: Ladders, results: Values) -> dict[str, Any]:
    """Everything about one metric, JSON-ready."""
    reference = results[REFERENCE]
    if isinstance(reference, str):
        raise BadInputError(f"the control {REFERENCE} could not be run: {reference}", code="validate-reference")
    own, points = reference[label], {place: _point(each, label) for place, each in results.items()}
    expectation, problems = ladders.metrics.get(name), []
    record: dict[str, Any] = {
        **{"unit": own.unit, "better": own.better, "floor": own.floor, "chance": own.chance},
        **{"protocol": own.protocol, "declared": expectation is not None, "problems": problems},
        "pairing": _pairing(points, expectation, own.better),
        "controls": {control: _plain_point(points[control]) for control in ladders.controls},
        "ladders": {},
        "order": [],
    }
    if expectation is None:
        return record
    if own.value is None:
        return {**record, "undefined": points[REFERENCE].note}
    for fault, direction in expectation.ladders.items():
        ladder = _ladder(fault, direction, ladders, points, own.better, expectation.resolution)
        record["ladders"][fault] = ladder
        if ladder["verdict"] not in GOOD:
            problems.append(f"{fault} ({direction}): {ladder['verdict']}: {ladder['why']}")
    for better, worse in (pair for chain in expectation.order for pair in pairwise(chain)):
        verdict = _order(points[better], points[worse], own.better)
        record["order"].append({"better": better, "worse": worse, "verdict": verdict})
        if verdict == "out of order":
            problems.append(f"control {worse} is not worse than {better}, intervals apart")
    return record


def _ladder(
    fault: str, direction: Direction, ladders: Ladders, points: Mapping[str, Point], better: str, resolution: float
) -> dict[str, Any]:
    strengths = ladders.faults[fault].strengths
    rungs = [points[REFERENCE], *(points[_place(CORRUPTED, _options(fault, each))] for each in strengths)]
    if direction == "worse":
        verdict, why = judge_worse(rungs, better, resolution)
    else:
        verdict, why = judge_unmoved(rungs, resolution)
    return {
        **{"unit": ladders.faults[fault].unit, "expected": direction, "verdict": verdict, "why": why},
        **{"strengths": [0.0, *strengths], "points": [_plain_point(each) for each in rungs]},
    }


def _pairing(points: Mapping[str, Point], expectation: Expectation | None, better: str) -> str:
    """`told apart`, `uninformative`, `undefined`, or `not asked`: the values are apart, but nothing declares that the
    metric depends on pairs (with few clips, even sets without pairs differ from the reference)."""
    asked = expectation is not None and any({REFERENCE, SHUFFLED} <= set(chain) for chain in expectation.order)
    apart = tells_pairs(points[REFERENCE], points[SHUFFLED], better)
    return {None: "undefined", True: "told apart" if asked else "not asked", False: "uninformative"}[apart]


def _order(better_one: Point, worse_one: Point, better: str) -> str:
    if better_one.value is None or worse_one.value is None:
        return "not run" if "not run" in (better_one.note, worse_one.note) else "undefined"
    return "in order" if is_in_order(better_one, worse_one, better) else "out of order"


def _point(results: Mapping[str, Result] | str, label: str) -> Point:
    if isinstance(results, str):
        return Point(None, None, "not run")
    result = results[label]
    if result.value is not None:
        return Point(result.value, result.ci95)
    said = result.detail
    reasons = [*said.get("undefined", {}), *said.get("failed", {}), said.get("not_applicable", "")]
    return Point(None, None, next((reason for reason in reasons if reason), "no value"))


def _plain_point(point: Point) -> dict[str, Any]:
    return {"value": point.value, "ci95": point.ci95, **({"note": point.note} if point.note else {})}
