"""A finished run as one side of a comparison: clip scores from its table, set metrics from its features."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from egobench.compare.side import AGREEMENT, Item, Key, Lost, Side, Terms, Unpaired, refuse_other_digests
from egobench.errors import BadInputError, Undefined, UnknownNameError
from egobench.files.atomic import read_json
from egobench.plan.model_code import changed_text
from egobench.progress import Progress, Quiet
from egobench.scoring.measured import failed_sets
from egobench.store.cache import Cache, open_cache
from egobench.store.folder import RunFolder, open_run
from egobench.store.labels import Named, distinct_labels, given_name
from egobench.store.manifest import read_finished
from egobench.store.seal import refuse_unsealed
from egobench.store.tables import SET_CLIP, ItemRow, ScoreRow, read_items, read_scores
from egobench.store.terms import SetTerms, keep_terms, load_terms, terms_key

if TYPE_CHECKING:
    from egobench.run.terms import Lack


def run_side(path: Path | str, progress: Progress | None = None, *, trust: bool = True) -> Side:
    """Opens a finished run. If its split is on this machine, its content is compared with its index.

    Args:
        trust: see `check_split`.

    Raises:
        BadInputError: not a run, not finished, damaged, or tables that contradict each other; `run-changed`: changed
            since it was sealed; `split-content`.
    """
    folder = open_run(path)
    manifest = read_finished(folder, path)
    refuse_unsealed(folder, manifest)
    _check_split(manifest, progress, trust)
    document = read_json(folder.metrics)
    rows = {Key(row.clip, row.seed): row for row in read_items(folder.items)}
    scores: dict[str, list[ScoreRow]] = defaultdict(list)
    for row in read_scores(folder.scores):
        scores[row.metric].append(row)
    results = document["metrics"]
    missing = sorted(set(results) - set(scores))
    if missing:
        raise BadInputError(f"{path}: scores.parquet has no row of {', '.join(missing)}", code="run-damaged")
    try:
        protocols = {name: manifest["protocols"][record["protocol"]] for name, record in results.items()}
        refuse_other_digests(protocols, results)
        provenance = {
            **{"started": manifest["started"], "commit": manifest.get("commit") or "unknown"},
            **{"version": manifest.get("version", ""), "split_digest": manifest["split"]["digest"]},
            **{"settings": manifest["model"]["settings"], "seeds": len(manifest["seeds"])},
            **({"changed_code": changed} if (changed := changed_text(manifest["model"])) else {}),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise BadInputError(f"{folder.manifest} is damaged: {error!r}", code="manifest-damaged") from None
    return Side(
        name=Path(path).name or str(path),
        model=document["model"],
        run=folder.run_id,
        split=document["split"],
        task=document["task"],
        items={key: Item(row.clip_digest, row.sequence, row.stratum) for key, row in sorted(rows.items())},
        results=results,
        protocols=protocols,
        source=RunSource(folder, manifest, rows, dict(scores), results, progress or Quiet()),
        provenance=provenance,
        label=given_name(manifest),
    )


def make_ready(sides: Sequence[Side], metrics: Sequence[str]) -> None:
    """Extracts, in one round, the features that set metrics of several runs need and the cache lacks.

    Without it, each metric of each run would start a round of its own when its terms are read.

    Raises:
        EgoBenchError: as `RunSource.terms`, if a run does not fit this machine.
    """
    sources = [side.source for side in sides if isinstance(side.source, RunSource)]
    if not sources:
        return
    cache = open_cache()
    lacking = [(source, lack) for source in sources for lack in source.lacks(metrics, cache)]
    if lacking:
        from egobench.run.terms import extract_missing

        extract_missing([lack for _, lack in lacking], cache, sources[0].progress)
    for source, lack in lacking:
        source._extracted.add(lack.label)


def told_apart(sides: Sequence[Side]) -> list[Side]:
    """The same sides with labels that differ. Equal names get the settings that differ, or else the run's folder."""
    named = [Named(side.run, side.called, side.provenance.get("settings", {})) for side in sides]
    return [replace(side, label=label) for side, label in zip(sides, distinct_labels(named), strict=True)]


def _check_split(manifest: Mapping[str, Any], progress: Progress | None, trust: bool) -> None:
    """Raises BadInputError if the split is on this machine and its content is not what its index says."""
    from egobench.data.check_split import check_split  # opens splits; only here
    from egobench.plan.resolve import resolve_split

    try:
        split = resolve_split(manifest["request"]["split"])
    except (UnknownNameError, BadInputError, KeyError, TypeError):
        return  # clip scores need no split; set metrics raise when they need it
    check_split(split, progress, trust=trust)


@dataclass(frozen=True)
class RunSource:
    """Terms of a run's metrics."""

    folder: RunFolder
    manifest: Mapping[str, Any]
    rows: Mapping[Key, ItemRow]
    scores: Mapping[str, Sequence[ScoreRow]]
    results: Mapping[str, Mapping[str, Any]]
    progress: Progress
    _terms_by_key: dict[tuple[str, tuple[Key, ...] | None], Terms] = field(default_factory=dict)
    _extracted: set[str] = field(default_factory=set)
    """Metrics that `make_ready` has extracted. Features that the cache still lacks cannot be extracted."""

    @cached_property
    def _failed_sets(self) -> dict[str, str]:
        return failed_sets((key.clip for key in self.rows), (row for rows in self.scores.values() for row in rows))

    def terms(self, metric: str, keys: Sequence[Key] | None) -> Terms:
        """As `Source.terms`."""
        key = metric, None if keys is None else tuple(keys)
        if key not in self._terms_by_key:
            self._terms_by_key[key] = (
                self._set_terms(metric, keys) if self._is_set(metric) else self._clip_terms(metric)
            )
        return self._terms_by_key[key]

    def lost(self, metric: str) -> dict[Key, Lost]:
        """As `Source.lost`: rows without a sample, and rows on which a clip metric gave no number. If a set metric
        failed as a whole, all rows are lost."""
        lost = {
            key: Lost("failed", f"{row.code}: {row.reason}") for key, row in self.rows.items() if row.status == "failed"
        }
        whole = self._failed_sets.get(metric)
        if whole is not None:
            return {key: lost.get(key, Lost("failed", whole)) for key in self.rows}
        for row in self.scores[metric]:
            if row.clip != SET_CLIP and row.status != "ok":
                lost[Key(row.clip, row.seed)] = Lost(row.status, row.reason)
        return lost

    def _is_set(self, metric: str) -> bool:
        return all(row.clip == SET_CLIP for row in self.scores[metric])

    def _clip_terms(self, metric: str) -> Terms:
        values = {
            Key(row.clip, row.seed): row.value
            for row in self.scores[metric]
            if row.status == "ok" and row.value is not None
        }
        if not values:
            reasons = sorted({row.reason for row in self.scores[metric]})
            raise Unpaired(f"no row of {self.folder.run_id} has a number: {reasons[0] if reasons else 'no row'}")
        keys = tuple(sorted(values))
        above = np.array([values[key] for key in keys], dtype=np.float64)
        return Terms(keys, float(above.mean()), above, np.ones(len(keys)))

    def _set_terms(self, metric: str, keys: Sequence[Key] | None) -> Terms:
        row = self.scores[metric][0]
        if row.status != "ok":
            raise Unpaired(f"{self.folder.run_id}: {row.status}: {row.reason}", incomplete=metric in self._failed_sets)
        chosen = self._chosen(keys)
        record = self.results[metric]
        try:
            set_terms = self._load_or_compute(metric, record["protocol"], chosen)
        except Undefined as reason:
            raise Unpaired(f"{self.folder.run_id}: undefined: {reason}") from None
        entered = tuple(Key(chosen[place].clip, chosen[place].seed) for place in set_terms.rows.tolist())
        if keys is None:
            self._refuse_others(metric, set_terms.value, len(entered))
        return Terms(entered, set_terms.value, set_terms.above, set_terms.below, set_terms.left_out)

    def lacks(self, metrics: Sequence[str], cache: Cache) -> "list[Lack]":
        """Set metrics whose terms over all rows are not in the cache."""
        from egobench.run.terms import Lack, SetSource  # opens splits and extractors; not needed the second time

        lacks, rows = [], self._chosen(None)
        for metric in metrics:
            scores = self.scores.get(metric, ())
            if not scores or not self._is_set(metric) or scores[0].status != "ok" or metric in self._extracted:
                continue
            protocol = self.results[metric]["protocol"]
            if load_terms(cache, terms_key(metric, protocol, rows)) is None:
                lacks.append(Lack(SetSource(self.folder, self.manifest), metric, protocol, rows))
        return lacks

    def _chosen(self, keys: Sequence[Key] | None) -> list[ItemRow]:
        return [self.rows[key] for key in sorted(keys or self.rows) if self.rows[key].status == "ok"]

    def _load_or_compute(self, metric: str, protocol: str, chosen: Sequence[ItemRow]) -> SetTerms:
        cache = open_cache()
        key = terms_key(metric, protocol, chosen)
        terms = load_terms(cache, key)
        if terms is None:
            from egobench.run.terms import SetSource  # opens splits and extractors; not needed the second time

            source = SetSource(self.folder, self.manifest)
            is_extracted = metric in self._extracted
            terms = source.terms(metric, protocol, chosen, cache, self.progress, is_extracted=is_extracted)
            keep_terms(cache, key, terms)
        return terms

    def _refuse_others(self, metric: str, value: float, entered: int) -> None:
        """Refuses a value that differs from the one in `metrics.json`."""
        record = self.results[metric]
        scale = max(abs(record["value"]), abs(record.get("floor") or 0.0), 1e-9)
        if entered != record["n"] or abs(value - record["value"]) > AGREEMENT * scale:
            raise BadInputError(
                f"{self.folder.path}: {metric} comes to {value:.6g} over {entered} rows from its features, "
                f"metrics.json has {record['value']:.6g} over {record['n']}; samples are lost or changed, run it again",
                code="terms-differ",
            )
