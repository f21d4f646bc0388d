"""What a metric is: a frozen dataclass that declares its needs by name and sees arrays only.

Two kinds. A `ClipMetric` turns one clip's arrays into a number; a `SetMetric` turns the features of all
clips into one number. Neither sees a network, a path or a model: `pipeline/score.py` fetches what `needs`
names. Adding one is a file here, a line in `catalog.py`, a test.

A metric whose features may come from several extractors has a field `preset`, the catalogue name of one;
`--metrics NAME:PRESET` sets it. A metric that cannot score every split has a method `check(facts)`: it is asked
before anything is sampled and raises BadInputError, code `split-form`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from jaxtyping import Int

from egobench.errors import BadInputError

Better = Literal["lower", "higher"]
What = Literal["motion", "frames", "text", "clip", "motion-features"]
"""`motion`: a `Motion`. `frames`: features per video frame (time, feature). `clip`: features of the whole video
(item, feature). `motion-features`: features of the whole motion (feature,). `text`: features (feature,)."""


@dataclass(frozen=True)
class Need:
    """One input of a metric, by name."""

    source: Literal["sample", "reference", "condition"]
    """Whose: the model's output, the recorded truth, or what the model was given."""
    what: What
    extractor: str | None = None
    """Catalogue name of the extractor that makes the features; None for the raw `Motion`, `Video` or caption."""

    def __post_init__(self) -> None:
        if self.extractor is None and self.what in ("clip", "motion-features"):
            raise BadInputError(f"{self.what} are features; name their extractor", code="need-extractor")


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
        """Key of `inputs` to what it wants, as many as it likes. With one of source `reference` the floor is the
        metric between disjoint halves of the references; without, the metric with the references as samples."""
        ...

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

        Args:
            inputs: key of `needs` → one entry per row (clip × seed): float64 features, or what a need without an
                extractor names.
            clips: (row,) clip id of each row; one that was sampled with several seeds stands there as often. With two
                halves of a split, that of the sample.
            groups: (row,) number of each row's sequence.
            draws: copies behind the interval; 0 skips it, and `groups` is not read.
            seed: of everything that is drawn.

        Raises:
            BadInputError: fewer than two clips, features that do not match or are not finite.
            Undefined: the metric has no meaning on this set.
        """
        ...

    def record(self) -> Mapping[str, Any]:
        """The metric's part of the protocol, JSON-ready: name, version, preset, frames, thresholds, solver."""
        ...
