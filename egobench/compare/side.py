"""One side of a comparison: a finished run or a baseline, as rows with digests, and metrics with their terms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from jaxtyping import Float

from egobench.files.digest import digest_json

AGREEMENT = 1e-4
"""Relative difference up to which a value made again from features is the one in `metrics.json` (another machine may
round features differently)."""
Status = Literal["ok", "undefined", "failed", "not-applicable"]


class Key(NamedTuple):
    """One row of a run."""

    clip: str
    seed: int


@dataclass(frozen=True)
class Item:
    """What is known of a row beside its scores."""

    digest: str
    """Of the clip's content."""
    sequence: str
    stratum: str


class Lost(NamedTuple):
    """Why a row has no number."""

    status: Status
    reason: str


@dataclass(frozen=True)
class Terms:
    """One metric of one side over the rows that have a number."""

    keys: tuple[Key, ...]
    """Sorted."""
    value: float
    """Over these rows."""
    above: Float[np.ndarray, " row"] | None = None
    """What each row adds to the numerator; None for a metric that is no ratio."""
    below: Float[np.ndarray, " row"] | None = None
    left_out: Float[np.ndarray, " block"] | None = None
    """Value without each block of recordings, for the others."""


class Unpaired(Exception):  # noqa: N818  (an outcome of one metric, not an error)
    """A metric of this side cannot be had over the rows that are asked for; the text says why."""

    def __init__(self, reason: str, *, incomplete: bool = False) -> None:
        super().__init__(reason)
        self.incomplete = incomplete
        """Rows are missing that were planned, as opposed to a metric without meaning."""


class Source(Protocol):
    """Where terms come from."""

    def terms(self, metric: str, keys: Sequence[Key] | None) -> Terms:
        """Terms over all rows with a number (`keys` None), or over these rows exactly.

        Raises:
            Unpaired: not to be had; the text says why.
            EgoBenchError: what the side is made of is damaged or does not fit this machine.
        """
        ...

    def lost(self, metric: str) -> Mapping[Key, Lost]:
        """Rows without a number, and why; a metric that scores the set may leave it to its terms and say nothing."""
        ...


@dataclass(frozen=True)
class Side:
    """A run or a baseline."""

    name: str
    """As it is called in tables and messages: the run's folder or the baseline's file."""
    model: str
    run: str
    """The run folder's name."""
    split: str
    task: str
    items: Mapping[Key, Item]
    """All rows that were planned, failed ones among them."""
    results: Mapping[str, Mapping[str, Any]]
    """Metric → its record of `metrics.json`."""
    protocols: Mapping[str, Mapping[str, Any]]
    """Metric → readable protocol."""
    source: Source
    provenance: Mapping[str, Any]
    """Plain facts for reports: date, commit, version of the suite."""
    label: str = ""
    """What tables call it: the name it was given, or what tells it apart from the others; empty for the model's."""

    @property
    def called(self) -> str:
        """The label, or the model."""
        return self.label or self.model


def refuse_other_digests(protocols: Mapping[str, Mapping[str, Any]], results: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuses a protocol that is not what its digest says, by which sides are compared.

    Args:
        protocols: metric → readable record.
        results: metric → its record of `metrics.json`, which states the digest.

    Raises:
        ValueError: names the metric.
    """
    for metric, record in protocols.items():
        stated, found = results[metric]["protocol"], digest_json(record)
        if stated != found:
            raise ValueError(f"the protocol of {metric} has digest {found[:12]}, {str(stated)[:12]} is stated")
