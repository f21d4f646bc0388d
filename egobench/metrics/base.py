"""What a metric is: a frozen dataclass that declares its needs by name and sees arrays only.

Two kinds. A `ClipMetric` turns one clip's arrays into a number; a `SetMetric` turns the features of all
clips into one number. Neither sees a network, a path or a model: `pipeline/score.py` fetches what `needs`
names. Adding one is a file here, a line in `catalog.py`, a test.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from jaxtyping import Float, Int

Better = Literal["lower", "higher"]


@dataclass(frozen=True)
class Need:
    """One input of a metric, by name."""

    source: Literal["sample", "reference", "condition"]
    """Whose: the model's output, the recorded truth, or what the model was given."""
    what: Literal["motion", "frames", "text"]
    """`motion`: a `Motion`. `frames`: features per video frame (time, feature). `text`: features (feature,)."""
    extractor: str | None = None
    """Catalogue name of the extractor that makes the features; None for raw arrays."""


class ClipMetric(Protocol):
    """A number per clip; its mean over clips is the result."""

    name: ClassVar[str]
    version: ClassVar[int]
    unit: ClassVar[str]
    better: ClassVar[Better]

    def needs(self) -> Mapping[str, Need]:
        """Keyword of `__call__` to what it wants."""
        ...

    def __call__(self, **inputs: Any) -> float:
        """Scores one clip. Raises `Undefined` with the reason where the metric has no meaning."""
        ...

    def record(self) -> Mapping[str, Any]:
        """The metric's part of the protocol, JSON-ready: name, version, preset, frames, thresholds, solver."""
        ...


@dataclass(frozen=True)
class SetScore:
    """What a set metric returns."""

    value: float
    ci95: tuple[float, float] | None
    detail: Mapping[str, Any] = field(default_factory=dict)


class SetMetric(Protocol):
    """One number from all clips."""

    name: ClassVar[str]
    version: ClassVar[int]
    unit: ClassVar[str]
    better: ClassVar[Better]

    def needs(self) -> Mapping[str, Need]:
        """Exactly `sample` and `reference`."""
        ...

    def score(
        self,
        sample: Sequence[Float[np.ndarray, "_item _feature"]],
        reference: Sequence[Float[np.ndarray, "_item _feature"]],
        groups: Int[np.ndarray, " clip"],
        *,
        draws: int,
        seed: int,
    ) -> SetScore:
        """Scores the set; entry i of both lists belongs to clip i, `groups[i]` numbers its sequence.

        `draws` = 0 skips the interval: `groups` is not read then, and the lists may differ in length (two halves of a
        split). Raises BadInputError for fewer than two clips or non-finite features.
        """
        ...

    def record(self) -> Mapping[str, Any]:
        """The metric's part of the protocol, JSON-ready: name, version, preset, frames, thresholds, solver."""
        ...
