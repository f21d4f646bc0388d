"""R-Precision: given a caption, is its own motion among the three nearest of 32? A share, 0 … 1."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int

from egobench.errors import BadInputError, Undefined
from egobench.files.array_file import Entries
from egobench.metrics.base import Better, Need, SetMetric, SetScore
from egobench.stats.bootstrap import cluster_mean_interval
from egobench.stats.retrieval import POOL, REPLICATIONS, TOP, Identical, Retrieval, retrieve, retrieve_large

POOL_SEED = 0
"""Seed of the pools. It does not depend on the run, so that all models have the same pools."""


@dataclass(frozen=True)
class RPrecision(SetMetric):
    """Share of captions whose own motion is among the 3 nearest of a pool of 32, over 20 partitions into pools.

    The caption is the query, and motions are ranked by Euclidean distance. Every row is a query exactly once per
    partition; the last pool is filled up with other clips. Ties count as the mean over their orders, so a constant
    motion scores chance. `detail` holds top-1, 2 and 3, chance for each, the same under the other policy for identical
    captions, and the spread over partitions. Chance is k / 32; with `collapse`, every identical caption in a pool
    raises chance and value. The interval resamples sequences of queries; the pools stay.

    Source: Guo et al. 2022 (CVPR, HumanML3D); the column is EgoTwin's (arXiv:2508.13013).
    Differs from the paper: EgoTwin does not say which k, and its evaluator is not public. The usual code drops the
    remainder of the last pool, draws pools by the order of rows, lets NaN distances pass as far ones, and counts an
    identical caption as an error (`strict`); here that is a right answer unless `identical` says otherwise.
    How it can be fooled: a model trained on the evaluator's features beats the reference; a value above the floor
    (the reference's own) is a sign of that and not of better motion.
    """

    name: ClassVar[str] = "r-precision"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "share"
    better: ClassVar[Better] = "higher"
    streams = True

    preset: str = "motion-text"
    """Catalogue name of an extractor of motions and captions."""
    identical: Identical = "collapse"
    """Whether another clip's motion is a right answer if its caption is the very same."""

    def needs(self) -> Mapping[str, Need]:
        """Features of the sample's motion and of the caption, from one extractor, and the caption itself."""
        return {
            "motion": Need("sample", "motion-features", self.preset),
            "text": Need("condition", "text", self.preset),
            "caption": Need("condition", "text"),
        }

    def score(
        self,
        inputs: Mapping[str, Sequence[Any]],
        clips: Sequence[str],
        groups: Int[np.ndarray, " row"],
        *,
        draws: int,
        seed: int,
    ) -> SetScore:
        """Scores the set.

        Raises:
            Undefined: fewer clips than a pool has places.
            BadInputError: fewer than two clips (`features-clips`), features that do not match (`features-dimension`),
                are not finite (`features-nonfinite`), or the same for different captions (`features-constant`).
        """
        text, motion, captions = self._checked(inputs, clips)

        def by(identical: Identical) -> Retrieval:
            return retrieve(text, motion, clips, captions, seed=POOL_SEED, identical=identical)

        return self._score(by, groups, draws, seed)

    def _score(
        self, by: Callable[[Identical], Retrieval], groups: Int[np.ndarray, " row"], draws: int, seed: int
    ) -> SetScore:
        found = by(self.identical)
        other: Identical = "strict" if self.identical == "collapse" else "collapse"
        beside = by(other) if found.identical else found
        interval = cluster_mean_interval(found.hits[:, TOP - 1], groups, draws, seed) if draws else None
        detail: dict[str, Any] = {
            self.identical: _counts(found),
            other: _counts(beside),
            "identical_captions": found.identical,
            "spread": float(np.std(found.by_replication[:, TOP - 1])),
            "pool": POOL,
            "replications": REPLICATIONS,
        }
        return SetScore(detail[self.identical]["top"][str(TOP)], interval, detail)

    def terms(
        self, inputs: Mapping[str, Sequence[Any]], clips: Sequence[str]
    ) -> tuple[Float[np.ndarray, " row"], Float[np.ndarray, " row"]]:
        """Per row the share of its partitions in which it was found, and 1. Errors as `score`."""
        text, motion, captions = self._checked(inputs, clips)
        found = retrieve(text, motion, clips, captions, seed=POOL_SEED, identical=self.identical)
        return found.hits[:, TOP - 1], np.ones(len(clips))

    def kept(self, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Both features and the caption. Raises BadInputError as `score`."""
        row = {key: _stacked([inputs[key]], key) for key in ("text", "motion")}
        for name, features in row.items():
            if not np.isfinite(features).all():
                raise BadInputError(f"{name} features are not finite", code="features-nonfinite")
        return {**row, "caption": str(inputs["caption"])}

    def score_large(
        self, rows: Mapping[str, Any], clips: Sequence[str], groups: Int[np.ndarray, " row"], *, draws: int, seed: int
    ) -> SetScore:
        """As `score`."""
        return self._score(self._large(rows, clips), groups, draws, seed)

    def terms_large(
        self, rows: Mapping[str, Any], clips: Sequence[str]
    ) -> tuple[Float[np.ndarray, " row"], Float[np.ndarray, " row"]]:
        """As `terms`."""
        return self._large(rows, clips)(self.identical).hits[:, TOP - 1], np.ones(len(clips))

    def _large(self, rows: Mapping[str, Any], clips: Sequence[str]) -> Callable[[Identical], Retrieval]:
        text, motion = rows["text"], rows["motion"]
        if text.width != motion.width:
            raise BadInputError(
                f"text has {text.width} features, motion {motion.width}; both must come from one extractor",
                code="features-dimension",
            )
        if len(set(clips)) < POOL:
            raise Undefined(f"{len(set(clips))} clips; a pool needs {POOL}")
        low, high = _range(text)
        if np.array_equal(low, high) and any(caption != rows["caption"][0] for caption in rows["caption"]):
            why = "different captions have one and the same feature (is the extractor broken?)"
            raise BadInputError(why, code="features-constant")
        centre = np.sum([block.sum(axis=0) for _, block in motion.blocks()], axis=0) / len(clips)

        def by(identical: Identical) -> Retrieval:
            how = {"seed": POOL_SEED, "identical": identical}
            return retrieve_large(text.take, motion.take, clips, rows["caption"], centre, **how)

        return by

    def _checked(
        self, inputs: Mapping[str, Sequence[Any]], clips: Sequence[str]
    ) -> tuple[np.ndarray, np.ndarray, list[str]]:
        text, motion = (_stacked(inputs[key], key) for key in ("text", "motion"))
        number = len(set(clips))
        if number < 2:
            raise BadInputError(f"{number} clip; {self.name} needs two or more", code="features-clips")
        for name, features in (("text", text), ("motion", motion)):
            if not np.isfinite(features).all():
                raise BadInputError(f"{name} features are not finite", code="features-nonfinite")
        if number < POOL:
            raise Undefined(f"{number} clips; a pool needs {POOL}")
        return text, motion, [str(caption) for caption in inputs["caption"]]

    def definition(self) -> Mapping[str, Any]:
        return {
            "top": TOP,
            "pool": f"{POOL} clips by hash of clip id, seed {POOL_SEED} and replication; the last one filled up",
            "replications": REPLICATIONS,
            "ties": "mean over their orders",
        }


def _stacked(rows: Sequence[Any], name: str) -> np.ndarray:
    shapes = {np.shape(row) for row in rows}
    if len(shapes) != 1 or len(next(iter(shapes))) != 1:
        raise BadInputError(
            f"{name} features of shapes {sorted(shapes)[:4]}; one vector per row, of one length, is needed",
            code="features-dimension",
        )
    return np.stack([np.asarray(row, dtype=np.float64) for row in rows])


def _range(entries: Entries) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest of every feature."""
    ends = [(block.min(axis=0), block.max(axis=0)) for _, block in entries.blocks()]
    return np.min([low for low, _ in ends], axis=0), np.max([high for _, high in ends], axis=0)


def _counts(found: Retrieval) -> dict[str, dict[str, float]]:
    """Value and chance for k = 1, 2, 3."""
    means = found.hits.mean(axis=0)
    return {
        name: {str(k): float(value) for k, value in enumerate(values, start=1)}
        for name, values in (("top", means), ("chance", found.chance))
    }
