"""One side of a comparison: a finished run or a baseline, as rows with digests, and metrics with their terms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from jaxtyping import Float

from egobench.files.digest import digest_json

AGREEMENT = 1e-4
"""Relative difference up to which a value computed again equals the one in `metrics.json`. Another machine may round
features differently."""
Status = Literal["ok", "undefined", "failed", "not-applicable"]


class Key(NamedTuple):
    """One row of a run."""

    clip: str
    seed: int


@dataclass(frozen=True)
class Item:
    """Facts of a row besides its scores."""

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
    """What each row adds to the numerator; None for a metric that is no ratio of sums."""
    below: Float[np.ndarray, " row"] | None = None
    left_out: Float[np.ndarray, " block"] | None = None
    """Value without each block of recordings, for metrics that are no ratio of sums."""


class Unpaired(Exception):  # noqa: N818  (an outcome of one metric, not an error)
    """A metric of this side has no terms over the requested rows; the text says why."""

    def __init__(self, reason: str, *, incomplete: bool = False) -> None:
        super().__init__(reason)
        self.incomplete = incomplete
        """Planned rows are missing. False for a metric that has no meaning here."""


class Source(Protocol):
    """Gives the terms of a side's metrics."""

    def terms(self, metric: str, keys: Sequence[Key] | None) -> Terms:
        """Terms over all rows with a number (`keys` None), or over these rows exactly.

        Raises:
            Unpaired: there are none; the text says why.
            EgoBenchError: files of the side are damaged or do not fit this machine.
        """
        ...

    def lost(self, metric: str) -> Mapping[Key, Lost]:
        """Rows without a number, and why. It may be empty for a set metric, whose terms show which rows entered."""
        ...


@dataclass(frozen=True)
class Side:
    """A run or a baseline."""

    name: str
    """Name in messages: the run's folder or the baseline's file."""
    model: str
    run: str
    """The run folder's name."""
    split: str
    task: str
    items: Mapping[Key, Item]
    """All planned rows, also failed ones."""
    results: Mapping[str, Mapping[str, Any]]
    """Metric → its record of `metrics.json`."""
    protocols: Mapping[str, Mapping[str, Any]]
    """Metric → readable protocol."""
    source: Source
    provenance: Mapping[str, Any]
    """Plain facts for reports: date, commit, version of the suite."""
    label: str = ""
    """Name in tables: the given one, or one that differs from the other sides'; empty for the model's name."""

    @property
    def called(self) -> str:
        """The label, or the model."""
        return self.label or self.model


def refuse_other_digests(protocols: Mapping[str, Mapping[str, Any]], results: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuses a protocol whose digest is wrong, since sides are compared by these digests.

    Args:
        protocols: metric → readable record.
        results: metric → its record of `metrics.json`, which states the digest.

    Raises:
        ValueError: names the metric.
    """
    for metric, record in protocols.items():
        stated, computed = results[metric]["protocol"], digest_json(record)
        if stated != computed:
            raise ValueError(f"the protocol of {metric} has digest {computed[:12]}, {str(stated)[:12]} is stated")
