"""What a metric is: a frozen dataclass that declares its needs by name and sees arrays only.

There are two kinds. A `ClipMetric` turns one clip's arrays into a number. A `SetMetric` turns the features of all clips
into one number. Neither sees a network, a path or a model: `egobench.scoring.score` fetches what `needs` names. A
metric inherits one of the two bases and overrides the defaults that do not suit it. Adding one is a file here, a line
in `catalog.py`, a test.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal

import numpy as np
from jaxtyping import Float, Int

from egobench.catalog import INPUTS
from egobench.errors import BadInputError
from egobench.registry import inheriting

Better = Literal["lower", "higher"]
What = Literal["motion", "frames", "text", "clip", "motion-features", "camera-path", "hands", "camera"]
"""`motion`: a `Motion`. `frames`: features per video frame (time, feature). `clip`: features of the whole video
(item, feature). `motion-features`: features of the whole motion (feature,). `text`: features (feature,).
`camera-path`, `hands`: a `CameraPath` or `HandDetections` of the video. `camera`: the split's `Camera`.
`egobench.catalog.INPUTS` says what part of a clip each is made of, and by which method."""
ESTIMATED: tuple[What, ...] = tuple(what for what, kind in INPUTS.items() if kind.is_estimated)  # pyright: ignore
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
    frames: int | None = None
    """Of the features of frames: how many of the video's frames enter, at the places of `frame_indices`. The metric
    then gets these rows only, after one of NaN for frame 0, which does not enter. None for all frames."""

    def __post_init__(self) -> None:
        if self.extractor is None and not INPUTS[self.what].is_raw:
            raise BadInputError(
                f"{self.what} does not come by itself; name its extractor or estimator", code="need-extractor"
            )
        if self.frames is not None and (self.what != "frames" or self.extractor is None):
            raise BadInputError(f"{self.what}: only of the features of frames can a part enter", code="need-frames")


def frame_indices(num_frames: int, count: int = 8) -> Int[np.ndarray, " kept"]:
    """`count` frames uniformly spaced over 1 … num_frames - 1, both ends kept, halves rounded up.

    Raises:
        BadInputError: fewer than `count` frames besides frame 0, or `count` < 1.
    """
    if count < 1 or num_frames - 1 < count:
        raise BadInputError(
            f"{num_frames} frames; {count} besides the conditioning frame are needed", code="features-frames"
        )
    return np.floor(np.linspace(1, num_frames - 1, count) + 0.5).astype(np.int64)


@dataclass(frozen=True)
class Metric(ABC):
    """What both kinds share. The fields of a subclass are its settings, and all of them stand in its record."""

    name: ClassVar[str]
    version: ClassVar[int]
    """Version of the definition. It rises with every change of the value."""
    unit: ClassVar[str]
    better: ClassVar[Better]

    # Without annotation these are defaults of the class, and no fields.
    preset = ""
    """Catalogue name of the extractor or estimator. A metric that has a choice makes it a field (`preset: str = …`);
    `--metrics NAME:PRESET` then sets it."""
    preset_kind = "extractors"
    """Kind of the preset: `extractors` or `estimators`."""
    needs_positions = False
    """Whether a camera path without positions (`Estimator.rotations_only`) is of no use to the metric."""

    @abstractmethod
    def needs(self) -> Mapping[str, Need]:
        """Keyword of `__call__`, or key of `inputs` in `score`, to what it wants."""

    def check(self, facts: Mapping[str, Any]) -> None:
        """Refuses a split (`Split.facts`) that the metric cannot score. It is called before anything is sampled.

        Raises:
            BadInputError: `split-form`.
        """
        return None

    def definition(self) -> Mapping[str, Any]:
        """What decides the value beside name, version and fields: frames, thresholds, solver. JSON-ready."""
        return {}

    def record(self) -> Mapping[str, Any]:
        """The metric's part of the protocol, JSON-ready: name, version, fields and definition."""
        settings = {each.name: getattr(self, each.name) for each in fields(self)}
        return {"metric": self.name, "version": self.version, **settings, **self.definition()}


@dataclass(frozen=True)
class ClipScore:
    """A clip's number with what it was made of."""

    value: float
    detail: Mapping[str, Any] = field(default_factory=dict)
    """JSON-ready companions: numbers, words, lists of numbers; None where one has no meaning."""


@dataclass(frozen=True)
class ClipMetric(Metric):
    """A number per clip; its mean over clips is the result."""

    @abstractmethod
    def __call__(self, *arrays: Any, **inputs: Any) -> float | ClipScore:
        """Scores one clip. The parameters have the names of `needs`.

        Raises:
            Undefined: the metric has no meaning here; says why.
        """

    def summary(self, scores: Sequence[ClipScore], floor: float | None) -> Mapping[str, Any]:
        """Further details of the result, JSON-ready; only for a metric whose `__call__` gives a `ClipScore`.

        Args:
            scores: of the defined rows.
            floor: mean of the same metric on reference video with its own motion; None where it is not known.
        """
        return {}


@dataclass(frozen=True)
class MotionMetric(ClipMetric):
    """A clip metric of the sample's motion alone."""

    def needs(self) -> Mapping[str, Need]:
        """The sample's motion."""
        return {"motion": Need("sample", "motion")}


@dataclass(frozen=True)
class SetScore:
    """What a set metric returns."""

    value: float
    ci95: tuple[float, float] | None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SetMetric(Metric):
    """One number from all clips.

    `needs` may name as many inputs as it likes. With one of source `reference` the floor is what as many real clips of
    other recordings give; without, the metric with the references as samples.

    Two runs are compared by what each recording adds to the number: by `terms`, or else by `left_out`.

    All this is given lists. With `streams`, sets of more than 512 planned rows are scored by `kept`, `score_large`,
    `terms_large` and `left_out_large`, without all inputs in memory; both ways must agree to 1e-9 of the value.
    """

    streams = False
    """Whether the metric has a way to score a set that does not fit into memory."""

    @abstractmethod
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

    def terms(
        self, inputs: Mapping[str, Sequence[Any]], clips: Sequence[str]
    ) -> tuple[Float[np.ndarray, " row"], Float[np.ndarray, " row"]] | None:
        """Numerator and denominator of every row, for a metric that is the sum of one over the sum of the other; None
        for any other metric."""
        return None

    def left_out(
        self, inputs: Mapping[str, Sequence[Any]], blocks: Int[np.ndarray, " row"]
    ) -> tuple[float, Float[np.ndarray, " block"]] | None:
        """The value, and the values without each block of rows (`blocks`: (row,) 0, 1, …), for a metric that has a
        faster way than scoring all but a block; None for any other metric, which is scored that way."""
        return None

    def kept(self, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """What `score_large` needs of one row, by names of its own: features (item, feature), which it gets as
        `ArrayFile.entries`, or anything that can be pickled, which it gets as a sequence that is read from a file.
        A distance between sets has the names of `needs`.

        Raises:
            As `score`, of what is wrong with this row.
        """
        raise NotImplementedError

    def score_large(
        self, rows: Mapping[str, Any], clips: Sequence[str], groups: Int[np.ndarray, " row"], *, draws: int, seed: int
    ) -> SetScore:
        """As `score`, from what was `kept` of every row. With `draws` = 0 it may leave out costly details."""
        raise NotImplementedError

    def terms_large(
        self, rows: Mapping[str, Any], clips: Sequence[str]
    ) -> tuple[Float[np.ndarray, " row"], Float[np.ndarray, " row"]] | None:
        """As `terms`, from what was `kept` of every row."""
        return None

    def left_out_large(
        self, rows: Mapping[str, Any], blocks: Int[np.ndarray, " row"]
    ) -> tuple[float, Float[np.ndarray, " block"]]:
        """As `left_out`, from what was `kept` of every row; of a metric without `terms_large`."""
        raise NotImplementedError


def as_metric(metric: Any) -> ClipMetric | SetMetric:
    """The metric. One that inherits neither base gets its defaults, with a DeprecationWarning (see `inheriting`)."""
    if isinstance(metric, ClipMetric | SetMetric):
        return metric
    return inheriting(metric, SetMetric if hasattr(metric, "score") else ClipMetric)
