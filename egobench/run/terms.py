"""Terms of a set metric of a finished run: a term per row, or the metric's value without each block of recordings.

A comparison pairs two runs by these terms. They come from the features in the cache. Features that the cache no longer
holds are extracted from the samples again.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from threadpoolctl import threadpool_limits

from egobench.data.check_split import check_split
from egobench.errors import BadInputError, NotComparableError
from egobench.files.plain import differing_fields
from egobench.metrics.base import SetMetric
from egobench.plan.devices import resolve_device
from egobench.plan.protocol import is_set_metric, protocol_record
from egobench.plan.resolve import metric_labels, resolve_engine, resolve_metrics, resolve_split
from egobench.progress import Progress
from egobench.run.extract import REFERENCE_SEED, ExtractItem, ExtractJob, MissingInputs, makers_of
from egobench.scoring.inputs import Inputs, Origin
from egobench.scoring.large import LargeRows, is_large
from egobench.scoring.packs import with_packs
from egobench.scoring.score import SetRows, collect
from egobench.stats.paired import jackknife_blocks
from egobench.store.cache import Cache
from egobench.store.folder import RunFolder
from egobench.store.tables import ItemRow
from egobench.store.terms import SetTerms
from egobench.types import clips_of


@dataclass(frozen=True)
class SetSource:
    """A finished run, as far as its set metrics need it."""

    folder: RunFolder
    manifest: Mapping[str, Any]

    def terms(
        self,
        label: str,
        protocol: str,
        items: Sequence[ItemRow],
        cache: Cache,
        progress: Progress,
        *,
        is_extracted: bool = False,
    ) -> SetTerms:
        """Terms of one metric over items of the run, all with samples.

        Args:
            label: the metric's name in `metrics.json`.
            protocol: digest of its protocol there.
            is_extracted: `extract_missing` has run for these terms; what the cache still lacks cannot be read.

        Raises:
            UnknownNameError: the metric, an extractor or the split is not known here.
            NotComparableError: extractors, weights or split here are not those that the run was scored with.
            BadInputError: what the metric raises, or `terms-unreadable`: no row can be read any more.
            Undefined: the metric has no meaning on these rows.
        """
        metric, inputs = self._opened(label, protocol, cache)
        if not is_extracted:
            extract_missing([Lack(self, label, protocol, items)], cache, progress)
        with threadpool_limits(1):
            return _terms(metric, inputs, items)

    def missing_inputs(
        self, label: str, protocol: str, items: Sequence[ItemRow], cache: Cache, seen: set[str]
    ) -> MissingInputs:
        """What the cache lacks of what a metric needs over items; `seen` holds keys that are wanted already. Raises as
        `terms`."""
        metric, inputs = self._opened(label, protocol, cache)
        missing_inputs = MissingInputs(inputs, seen=seen)
        for item in items:
            for need in metric.needs().values():
                is_own = need.source == "sample"
                missing_inputs.add(
                    inputs.cached_input(need, item.clip, Origin(item)), item.clip, item if is_own else None
                )
        return missing_inputs

    def _opened(self, label: str, protocol: str, cache: Cache) -> tuple[Any, Inputs]:
        request = self.manifest["request"]
        metrics = resolve_metrics(request["metrics"])
        metric: Any = dict(zip(metric_labels(metrics), metrics, strict=True)).get(label)
        if metric is None or not is_set_metric(metric):
            raise BadInputError(f"{self.folder.path}: {label} is no set metric of this run", code="terms-metric")
        split = check_split(resolve_split(request["split"]))
        inputs = Inputs(split, self.folder, with_packs(cache, split), {})
        self._refuse_other(metric, label, protocol, inputs)
        return metric, inputs

    def _refuse_other(self, metric: SetMetric, label: str, protocol: str, inputs: Inputs) -> None:
        request, written = self.manifest["request"], self.manifest["protocols"][protocol]
        clip_ids = [info.clip_id for info in clips_of(inputs.split, request["limit"])]
        here = protocol_record(metric, inputs.split, clip_ids, request["seeds"], request["task"])
        fields = differing_fields(written, here)
        if fields:
            raise NotComparableError(
                f"{label} of {self.folder.path} was scored under another protocol than is installed here; "
                f"{', '.join(fields)} differ; run it again"
            )


@dataclass(frozen=True)
class Lack:
    """A set metric of a run whose terms have to be made."""

    source: SetSource
    label: str
    protocol: str
    items: Sequence[ItemRow]


def extract_missing(lacks: Sequence[Lack], cache: Cache, progress: Progress) -> None:
    """Fills the cache with everything that these terms need and it does not hold. All metrics and runs of a split and a
    device share one round: one worker starts, and every extractor is loaded once.

    Raises:
        As `SetSource.terms`. A row that cannot be extracted is no error here.
    """
    seen: set[str] = set()
    rounds: dict[tuple[str, str, str], list[ExtractItem]] = {}
    for lack in lacks:
        request = lack.source.manifest["request"]
        missing = lack.source.missing_inputs(lack.label, lack.protocol, lack.items, cache, seen).items()
        if missing:
            place = request["split"], lack.source.manifest["split"]["digest"], resolve_device(request["device"])
            rounds.setdefault(place, []).extend(missing)
    for (split, digest, device), items in rounds.items():
        joined = _joined(items)
        folder = lacks[0].source.folder.place  # every item names its own
        job = ExtractJob(split, makers_of(joined), device, folder, cache.place, digest)
        progress.stage("extract", len(joined))
        with closing(resolve_engine("local", 1).run(job, joined)) as outcomes:
            for outcome in outcomes:
                progress.advance(1, bool(outcome.answer.code))
        progress.done()


def _joined(items: Sequence[ExtractItem]) -> list[ExtractItem]:
    """One item for each sample and each reference, with the inputs of all metrics, so that its video is opened once."""
    found: dict[tuple[str, int, str | Path | None], ExtractItem] = {}
    for item in items:
        place = (item.clip_id, item.seed, None if item.seed == REFERENCE_SEED else item.folder)
        old = found.get(place)
        found[place] = item if old is None else replace(old, inputs=(*old.inputs, *item.inputs))
    return [found[place] for place in sorted(found, key=lambda place: (*place[:2], str(place[2])))]


def _terms(metric: SetMetric, inputs: Inputs, items: Sequence[ItemRow]) -> SetTerms:
    origins = [(item.clip, Origin(item)) for item in items]
    if is_large(metric, len(items)):
        return _large_terms(LargeRows.collect(metric, inputs, origins), inputs, items)
    rows = collect(metric, inputs, origins)
    entered = _entered(metric, inputs, len(items), rows.lost)
    sequences = [items[place].sequence for place in entered]
    places = np.array(entered, dtype=np.int64)
    terms = metric.terms(rows.inputs, rows.clips)
    if terms is not None:
        return _of_terms(places, terms)
    blocks = jackknife_blocks(sequences)
    value, left_out = _left_out(metric, rows, blocks)
    return SetTerms(places, value, left_out=left_out)


def _large_terms(rows: LargeRows, inputs: Inputs, items: Sequence[ItemRow]) -> SetTerms:
    if rows.error is not None:
        raise rows.error
    entered = _entered(rows.metric, inputs, len(items), rows.lost)
    places = np.array(entered, dtype=np.int64)
    terms = rows.metric.terms_large(rows.kept, rows.clips)
    if terms is not None:
        return _of_terms(places, terms)
    blocks = jackknife_blocks([items[place].sequence for place in entered])
    if not blocks.any():
        value = rows.metric.score_large(rows.kept, rows.clips, blocks, draws=0, seed=0).value
        return SetTerms(places, float(value), left_out=np.zeros(0))
    value, left_out = rows.metric.left_out_large(rows.kept, blocks)
    return SetTerms(places, float(value), left_out=np.asarray(left_out, dtype=np.float64))


def _of_terms(places: np.ndarray, terms: tuple[np.ndarray, np.ndarray]) -> SetTerms:
    above, below = (np.asarray(part, dtype=np.float64) for part in terms)
    return SetTerms(places, float(above.sum() / below.sum()), above=above, below=below)


def _entered(metric: SetMetric, inputs: Inputs, total: int, lost: Sequence[tuple[int, str]]) -> list[int]:
    """Places of the items that could be read. Raises BadInputError `terms-unreadable` if there is none."""
    gone = {place for place, _ in lost}
    entered = [place for place in range(total) if place not in gone]
    if not entered:
        text = f"{inputs.folder.path}: {metric.name}: neither features nor samples of any row can be read"
        raise BadInputError(f"{text}; sample it again with `egobench run`", code="terms-unreadable")
    return entered


def _left_out(
    metric: SetMetric, rows: SetRows, blocks: Int[np.ndarray, " row"]
) -> tuple[float, Float[np.ndarray, " block"]]:
    """Value, and values without each block; there are none of a single block."""
    total = int(blocks.max()) + 1
    quick = metric.left_out(rows.inputs, blocks) if total > 1 else None
    if quick is not None:
        return float(quick[0]), np.asarray(quick[1], dtype=np.float64)
    value = float(metric.score(rows.inputs, rows.clips, blocks, draws=0, seed=0).value)
    if total < 2:
        return value, np.zeros(0)
    values = []
    for block in range(total):
        kept = np.flatnonzero(blocks != block).tolist()
        inputs = {key: [column[place] for place in kept] for key, column in rows.inputs.items()}
        clips = [rows.clips[place] for place in kept]
        values.append(metric.score(inputs, clips, blocks[kept], draws=0, seed=0).value)
    return value, np.array(values, dtype=np.float64)
