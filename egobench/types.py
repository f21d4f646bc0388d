"""The data types of the suite: conditions, samples, references, results; and the protocols of models and splits.

Frames and units are the same everywhere. World: right-handed, metres, z up. Body: x forward, y left, z up. Camera: x
right, y down, z forward (OpenCV). `T_a_b` takes points from frame b to frame a.
Images are RGB uint8. Rotations are matrices joint → world.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, UInt8

Task = Literal["t2vm", "tm2v", "tv2m"]
"""What a model is given besides text, first frame and first pose: nothing, the motion, or the video."""
Side = Literal["left", "right"]
SIDES: tuple[Side, Side] = ("left", "right")
PathStatus = Literal["ok", "partial", "rotation_only", "failed", "crashed", "timeout"]
"""Outcome of estimating a camera path. `ok`: at least 90 % of the frames are registered; `partial`: fewer;
`rotation_only`: the rotations are good, the positions have no meaning; others: no frame is registered."""
LOST: tuple[PathStatus, ...] = ("failed", "crashed", "timeout")
"""Statuses under which no frame is registered."""


@dataclass(frozen=True)
class Motion:
    """Body pose over time, in world metres. `egobench.check_motion` checks a motion from outside."""

    positions: Float[np.ndarray, "time joint 3"]
    """Joint positions, metres, world."""
    rotations: Float[np.ndarray, "time joint 3 3"]
    """Joint → world rotation matrices."""
    fps: float
    """Frames per second."""
    skeleton: str = "xsens23"
    """Name of a skeleton (`egobench.geometry.skeleton`); gives joint order and parents."""


@dataclass(frozen=True)
class Video:
    """First-person video at a constant rate."""

    frames: UInt8[np.ndarray, "time height width 3"]
    """RGB."""
    fps: float
    """Frames per second; frame k is at time k / fps."""


@dataclass(frozen=True)
class Camera:
    """Pinhole camera on the head; one per split, never fitted per clip."""

    intrinsics: Float[np.ndarray, "3 3"]
    """K in pixels; pixel centres are at half-integers (the image spans 0 … width)."""
    width: int
    height: int
    T_head_camera: Float[np.ndarray, "4 4"]
    """Camera → head joint: the fixed lever arm and pitch of the glasses."""


@dataclass(frozen=True)
class Condition:
    """All that a model may see of a clip."""

    clip_id: str
    split: str
    text: str
    first_frame: UInt8[np.ndarray, "height width 3"]
    first_pose: Motion
    """One motion frame."""
    camera: Camera
    num_video_frames: int
    fps_video: float
    num_motion_frames: int
    fps_motion: float
    task: Task = "t2vm"
    motion: Motion | None = None
    """The whole motion, given in `tm2v` only."""
    video: Video | None = None
    """The whole video, given in `tv2m` only."""


@dataclass(frozen=True)
class Reference:
    """The recorded truth of a clip."""

    video: Video
    motion: Motion
    hand_pixels: Float[np.ndarray, "time 2"] | None = None
    """Per video frame, the share of pixels (0 … 1) that show the left and the right hand, wrist outward; None if the
    data set does not have it."""
    contacts: Bool[np.ndarray, "time 4"] | None = None
    """Per motion frame: left foot (heel), left toe, right foot, right toe on the ground; None if unknown."""


@dataclass(frozen=True)
class ClipInfo:
    """A row of a split: facts that are known without opening the clip."""

    clip_id: str
    sequence: str
    """The recording this window was cut from; intervals resample these."""
    participant: str
    """The wearer."""
    text: str
    stratum: str
    """Kind of motion (`walk`, `look`, `still`, …); results are also given per stratum."""
    digest: str
    """SHA-256 over the content of the clip, first 16 hex digits."""


@dataclass(frozen=True)
class Clip:
    """Condition and reference of one window of a sequence."""

    info: ClipInfo
    condition: Condition
    reference: Reference


@dataclass(frozen=True)
class Sample:
    """A model's output for one condition and one seed; a part that it does not make is None."""

    video: Video | None
    motion: Motion | None


@dataclass(frozen=True)
class CameraPath:
    """An estimator's result: the camera's path in a video."""

    T_world_camera: Float[np.ndarray, "time 4 4"]
    """float64, per video frame, in a world of the estimator's own; identity where not registered."""
    registered: Bool[np.ndarray, " time"]
    """Frames whose pose was found."""
    status: PathStatus
    reason: str
    """One line; empty if ok."""
    is_metric: bool
    """Positions are metres; otherwise they have one unknown scale."""
    focal_ratio: float | None = None
    """Estimated divided by declared focal length; None if the estimator gives none."""


@dataclass(frozen=True)
class HandDetections:
    """A detector's result: the wearer's hands in a video; sides are left, right."""

    scores: Float[np.ndarray, "time 2"]
    """0 … 1: a hand of that side is visible."""
    palms: Float[np.ndarray, "time 2 2"]
    """Pixel (x right, y down) of the palm; NaN if it was not located."""
    threshold: float
    """Visible means a score of at least this."""
    mask: Bool[np.ndarray, "time height width"] | None = None
    """Pixels of hands and sleeves, which camera tracking leaves out; None if the detector gives none.
    It is not stored in the cache, since no metric uses it."""


@runtime_checkable
class Sampler(Protocol):
    """A loaded model."""

    def sample(self, condition: Condition, *, seed: int) -> Sample:
        """One sample; the same condition and seed give the same sample, whatever was sampled before."""
        ...


@runtime_checkable
class BatchSampler(Protocol):
    """A loaded model that samples several clips at once. It may have `sample` too, for a single one."""

    def sample_batch(self, conditions: Sequence[Condition], *, seeds: Sequence[int]) -> Sequence[Sample]:
        """One sample for each condition and its seed, in order. A sample does not depend on the others of its batch but
        by the rounding of sums; noise must be drawn for each seed by itself."""
        ...


@runtime_checkable
class NamesBatch(Protocol):
    """A model that knows how many clips its `sample_batch` should be given; without, `--batch-size auto` is 1."""

    def batch_size(self, device: str) -> int:
        """Clips of one batch on `device`."""
        ...


@runtime_checkable
class Model(Protocol):
    """A frozen dataclass of the settings that change the samples; every field goes to the manifest.

    A model inherits nothing. It may also have what `ChecksSplit`, `NamesWeights`, `NamesBatch` and `Control` describe.
    """

    def load(self, device: str) -> Sampler | BatchSampler:
        """Builds the network on `device` (`cpu`, `cuda:0`, …). Nothing heavy is imported before this call."""
        ...


@runtime_checkable
class ChecksSplit(Protocol):
    """A model that cannot do every split."""

    def check_split(self, split: "Split") -> None:
        """Called before anything is sampled. Raises BadInputError, code `split-form`, for a split it cannot do."""
        ...


@runtime_checkable
class NamesWeights(Protocol):
    """A model that says itself which files of a folder it reads; without, the manifest keeps the digest of all."""

    weights_sha256: Mapping[str, str]
    """Name of each file → its SHA-256, 64 hex digits."""


@runtime_checkable
class Control(Protocol):
    """A model whose rank is known beforehand: a board shows it and does not rank it."""

    is_control: bool


class Split(Protocol):
    """A frozen list of clips with a digest."""

    @property
    def name(self) -> str:
        """Catalogue name, or the name in the split's index."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 over the clips' digests, 64 hex digits."""
        ...

    @property
    def facts(self) -> Mapping[str, Any]:
        """Plain facts for the manifest: `fps_video`, `fps_motion`, `num_video_frames`, `num_motion_frames`, `width`,
        `height`, `skeleton`, camera."""
        ...

    def infos(self) -> tuple[ClipInfo, ...]:
        """All rows; opens no clip. `clips_of` puts them in order."""
        ...

    def clip(self, clip_id: str) -> Clip:
        """Opens one clip (task `t2vm`). Raises BadInputError if its files are damaged, UnknownNameError if absent."""
        ...


def clips_of(split: Split, limit: int | None = None) -> tuple[ClipInfo, ...]:
    """Rows of a split, sorted by clip id: the first `limit`, or all. Every run uses this order."""
    return tuple(sorted(split.infos(), key=lambda info: info.clip_id))[:limit]


@dataclass(frozen=True)
class Result:
    """One metric of one run; the record that tables, comparisons and papers use."""

    value: float | None
    """None if the metric is undefined on every clip."""
    ci95: tuple[float, float] | None
    """95 % interval by sequence: a bootstrap for means; a delete-d jackknife for set distances, whose bootstrap is
    biased. None for fewer than two sequences."""
    unit: str
    better: Literal["lower", "higher"]
    n: int
    """Clip × seed rows that entered."""
    n_undefined: int
    """Rows on which the metric has no meaning; reasons are in `detail["undefined"]`."""
    coverage: float
    """Share of the run that was measured: rows that are scored or undefined, divided by all rows. Failed rows do not
    count. A row of a path metric counts by the share of its video frames whose pose was found."""
    version: int
    """Version of the metric's definition; it increases if values change."""
    protocol: str
    """Digest of the readable protocol record in the manifest."""
    floor: float | None
    """The same metric on the reference itself; for a distance between sets, that of as many real clips of other
    recordings. None if it has no meaning, with the reason in `detail["yardstick"]`."""
    chance: float | None
    """The same metric for the `shuffled` control; None if the metric does not depend on pairs, with the reason in
    `detail["yardstick"]`."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """Further figures and breakdowns, JSON-ready."""
