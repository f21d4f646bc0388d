"""Second part of `verify`: makes items of a finished run again, in a fresh process with an empty cache.

The model samples the item again, the extractors run on the stored sample again, and the metrics score it. The parent
process compares the results. Another machine may round differently, so numbers have a tolerance. Digests have none: a
model that is not deterministic is reported as such.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from egobench.audit.verify_records import Records
from egobench.catalog import MODELS
from egobench.engines.worker import one_line
from egobench.errors import BadInputError, EgoBenchError
from egobench.metrics.base import ClipMetric, SetMetric
from egobench.plan.model_code import changed_text, code_record, codes_of
from egobench.plan.plan import RunPlan, model_settings, plan
from egobench.plan.protocol import is_set_metric
from egobench.plan.request import RunRequest
from egobench.plan.resolve import resolve_model
from egobench.run.extract import ExtractItem, ExtractJob, Maker
from egobench.run.finished import metrics_text, plan_of_run
from egobench.run.generate import GenerateJob
from egobench.scoring.inputs import Inputs, Origin
from egobench.scoring.packs import with_packs
from egobench.scoring.score import score_clip
from egobench.scoring.score_set import score_set
from egobench.store.cache import Cache, cache_at
from egobench.store.folder import RunFolder
from egobench.store.seal import SHORT, Flaw
from egobench.store.tables import SET_CLIP, ItemRow

TOLERANCE = 1e-4
"""Relative difference that counts as rounding; of a feature, relative to the largest of its array."""
TINY = 1e-9
"""Numbers below this are equal, in any of our units."""


@dataclass(frozen=True)
class RederiveItem:
    """One item, and the inputs that scoring it needs."""

    row: ItemRow
    extract: tuple[ExtractItem, ...]


@dataclass(frozen=True)
class Rederived:
    """What came out."""

    clip: str
    seed: int
    files: Mapping[str, str] | None
    """SHA-256 of `video` and `motion` as the model makes them now; None where the model cannot run here."""
    model_absent: str
    """Why not."""
    scores: Mapping[str, tuple[str, float | None]]
    """Label of a clip metric → status and value."""
    features: Sequence[tuple[str, float]]
    """Features of the run's cache that come out otherwise now: name and relative difference."""


@dataclass(frozen=True)
class RederiveJob:
    """Derives one item after another."""

    manifest: Mapping[str, Any]
    request: RunRequest
    folder: Path
    """Of the run; only read."""
    cache: str
    """As `Cache.place`."""
    """The run's; only read."""
    scratch: Path
    """An empty folder, for samples and features."""
    makers: tuple[Maker, ...]
    device: str

    @property
    def error_code(self) -> str:
        """Code of the error of an item on which something raised."""
        return "derive-raised"

    def prepare(self) -> Callable[[RederiveItem], Rederived]:
        """Loads split, extractors, metrics and, where it can be had, the model; the task derives an item."""
        request = self.request
        run_plan = plan_of_run(self.manifest, metrics_text(self.manifest))
        ours, theirs = Cache(self.scratch / "cache"), with_packs(cache_at(self.cache), run_plan.split)
        inputs = Inputs(run_plan.split, RunFolder(self.folder), ours, {})
        sample, absent = self._model()
        places = {"folder": self.folder, "cache": ours.root, "split_digest": run_plan.split.digest}
        extract = ExtractJob(request.split, self.makers, self.device, **places).prepare()

        def task(item: RederiveItem) -> Rederived:
            row = item.row
            files = None if sample is None else sample((row.clip, row.seed))
            for part in item.extract:
                with suppress(BadInputError):  # what could not be read then, cannot be now: its scores say so
                    extract(part)
            scores = {}
            with threadpool_limits(1):
                for label, metric in run_plan.labelled.items():
                    if not is_set_metric(metric):
                        clip_metric: ClipMetric = metric  # pyright: ignore[reportAssignmentType]
                        score = score_clip(clip_metric, inputs, row.clip, Origin(row))
                        scores[label] = (score.status, score.value)
            features = _differing_features(item.extract, ours, theirs)
            return Rederived(row.clip, row.seed, files, absent, scores, features)

        return task

    def _model(self) -> tuple[Callable[[tuple[str, int]], dict[str, str]] | None, str]:
        """A function that samples an item again into the scratch folder; or None, and why the model cannot run here."""
        request = self.request
        try:
            if request.submission:
                run_plan = plan(request)
                source, settings, kept = run_plan.source, run_plan.settings, self.manifest["submission"]
            else:
                source = request.model, dict(request.model_options)
                settings, kept = model_settings(resolve_model(*source)), self.manifest["model"]["settings"]
                if (why := self._other_code()) and settings == kept:
                    return None, why
            if settings != kept:
                return None, f"{request.model} has other settings, weights or samples here"
            job = GenerateJob(*source, request.split, request.task, self.device, self.scratch)
            return job.prepare(), ""
        except (EgoBenchError, ImportError) as error:
            return None, f"{request.model} cannot be asked here ({one_line(error)})"

    def _other_code(self) -> str:
        """Why the model's code here cannot make the run's samples again; empty if it can, or nothing is recorded."""
        model = self.manifest["model"]
        if changed := changed_text(model):
            return changed
        code = model.get("code")
        is_other = bool(codes_of(model)) and code_record(MODELS.target(self.request.model))["sha256"] != code["sha256"]
        return f"{self.request.model} has other code here than the run was made with" if is_other else ""


def rederived_flaws(answer: Rederived, records: Records) -> list[Flaw]:
    """Where an item that was derived again differs from what the run has of it."""
    what, flaws = f"{answer.clip}/{answer.seed}", []
    row = next(item for item in records.items if (item.clip, item.seed) == (answer.clip, answer.seed))
    digests = {name: found for name, found in (answer.files or {}).items() if name in ("video", "motion")}
    for part, digest in digests.items():
        if digest != getattr(row, part):
            text, right = f"sha256 {getattr(row, part)[:SHORT]}", f"{digest[:SHORT]}, as the model makes it now,"
            flaws.append(Flaw("derived-sample", f"{part} of {what}", text, right))
    for name, difference in answer.features:
        text = f"a relative difference of {difference:.3g} to what is extracted now"
        flaws.append(Flaw("derived-feature", f"cache, {name}", text, f"at most {TOLERANCE:g}"))
    for score in records.scores:
        if (score.clip, score.seed) == (answer.clip, answer.seed) and score.metric in answer.scores:
            status, value = answer.scores[score.metric]
            if status != score.status or not is_close(value, score.value):
                where = f"scores.parquet {score.metric} of {what}"
                flaws.append(Flaw("derived-score", where, f"{score.status} {score.value}", f"{status} {value}"))
    return flaws


def set_flaws(run_plan: RunPlan, inputs: Inputs, records: Records) -> tuple[list[Flaw], list[str]]:
    """Compares set metrics, computed from the features in the cache, with the run's. Also lists those whose features
    are not all there."""
    flaws, skipped = [], []
    rows = {row.metric: row for row in records.scores if row.clip == SET_CLIP}
    items = [item for item in records.items if item.clip in inputs.infos]
    for label, metric in run_plan.labelled.items():
        if not is_set_metric(metric) or label not in rows:
            continue
        set_metric: SetMetric = metric  # pyright: ignore[reportAssignmentType]
        missing = sum(
            entry is not None and inputs.state(entry) != "whole"
            for item in items
            if item.status == "ok"
            for need in metric.needs().values()
            for entry in [inputs.cached_input(need, item.clip, Origin(item))]
        )
        if missing:
            skipped.append(f"{label}: {missing} of its features are not in the cache; its value was not computed again")
            continue
        with threadpool_limits(1):
            outcome = score_set(set_metric, inputs, items, draws=0)
        value = None if outcome.score is None else float(outcome.score.value)
        if outcome.status != rows[label].status or not is_close(value, rows[label].value):
            found = f"{rows[label].status} {rows[label].value}"
            flaws.append(Flaw("derived-score", f"scores.parquet {label}", found, f"{outcome.status} {value}"))
    return flaws, skipped


def is_close(ours: float | None, theirs: float | None) -> bool:
    """Whether two numbers are equal up to another machine's rounding; None is equal to None only."""
    if ours is None or theirs is None:
        return ours is theirs
    return abs(ours - theirs) <= max(TINY, TOLERANCE * max(abs(ours), abs(theirs)))


def _differing_features(items: Sequence[ExtractItem], ours: Cache, theirs: Cache) -> list[tuple[str, float]]:
    found = []
    for item in items:
        for entry in item.inputs:
            fresh, kept = ours.get(entry.key), theirs.get(entry.key)
            if fresh is None or kept is None:
                continue
            worst = max(_difference(fresh[name], kept.get(name)) for name in fresh)
            if worst > TOLERANCE:
                found.append((f"{entry.what} of {item.clip_id}", worst))
    return found


def _difference(ours: np.ndarray, theirs: np.ndarray | None) -> float:
    if theirs is None or theirs.shape != ours.shape or theirs.dtype.kind != ours.dtype.kind:
        return float("inf")
    if ours.dtype.kind not in "fiu" or not ours.size:
        return 0.0 if np.array_equal(ours, theirs) else float("inf")
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    known = np.isfinite(a)
    if not np.array_equal(known, np.isfinite(b)) or not np.array_equal(a[~known], b[~known], equal_nan=True):
        return float("inf")
    if not known.any():
        return 0.0
    return float(np.max(np.abs(a - b)[known]) / max(float(np.max(np.abs(a[known]))), TINY))
