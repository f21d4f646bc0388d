"""What a metric is: a frozen dataclass that declares its needs by name and sees arrays only.

Two kinds. A `ClipMetric` turns one clip's arrays into a number; a `SetMetric` turns the features of all
clips into one number. Neither sees a network, a path or a model: `egobench.run.score` fetches what `needs`
names. Adding one is a file here, a line in `catalog.py`, a test.

A metric whose features may come from several extractors has a field `preset`, the catalogue name of one;
`--metrics NAME:PRESET` sets it. If it names an estimator, the class says `preset_kind = "estimators"`. A metric that
cannot score every split has a method `check(facts)`: it is asked before anything is sampled and raises BadInputError,
code `split-form`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from jaxtyping import Int

from egobench.errors import BadInputError

Better = Literal["lower", "higher"]
What = Literal["motion", "frames", "text", "clip", "motion-features", "camera-path", "hands", "camera"]
"""`motion`: a `Motion`. `frames`: features per video frame (time, feature). `clip`: features of the whole video
(item, feature). `motion-features`: features of the whole motion (feature,). `text`: features (feature,).
`camera-path`, `hands`: a `CameraPath` or `HandDetections` of the video. `camera`: the split's `Camera`."""
ESTIMATED: tuple[What, ...] = ("camera-path", "hands")
"""What estimators make; `Need.extractor` names the estimator."""


@dataclass(frozen=True)
class Need:
    """One input of a metric, by name."""

    source: Literal["sample", "reference", "condition"]
    """Whose: the model's output, the recorded truth, or what the model was given."""
    what: What
    extractor: str | None = None
    """Catalogue name of the extractor or estimator that makes it; None for the raw `Motion`, `Video`, caption or
    camera."""

    def __post_init__(self) -> None:
        if self.extractor is None and self.what in ("clip", "motion-features", *ESTIMATED):
            raise BadInputError(
                f"{self.what} does not come by itself; name its extractor or estimator", code="need-extractor"
            )


@dataclass(frozen=True)
class ClipScore:
    """A clip's number with what it was made of."""

    value: float
    detail: Mapping[str, Any] = field(default_factory=dict)
    """JSON-ready companions: numbers, words, lists of numbers; None where one has no meaning."""


class ClipMetric(Protocol):
    """A number per clip; its mean over clips is the result.

    A metric whose `__call__` gives a `ClipScore` may have a method `summary(scores, floor)`, which turns the scores of
    the defined rows, and the mean of the same metric on reference video with its own motion, into details of the result
    (JSON-ready).
    """

    name: ClassVar[str]
    version: ClassVar[int]
    unit: ClassVar[str]
    better: ClassVar[Better]

    def needs(self) -> Mapping[str, Need]:
        """Keyword of `__call__` to what it wants."""
        ...

    def __call__(self, **inputs: Any) -> float | ClipScore:
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
    """One number from all clips.

    Two runs are compared by what each recording adds to the number. A metric that is one sum over another has a method
    `terms(inputs, clips)`, which gives numerator and denominator of every row (both (row,), their sums the value). Any
    other may have `left_out(inputs, blocks)`, its value and its values without each block of rows (`blocks`: (row,) 0,
    1, …), where that is faster than scoring all but a block, which is what is done otherwise.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    unit: ClassVar[str]
    better: ClassVar[Better]

    def needs(self) -> Mapping[str, Need]:
        """Key of `inputs` to what it wants, as many as it likes. With one of source `reference` the floor is what
        as many real clips of other recordings give; without, the metric with the references as samples."""
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
