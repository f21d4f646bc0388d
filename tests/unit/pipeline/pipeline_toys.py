"""A tiny split on disk, and models, metrics and an extractor small enough to know every number of theirs."""

import errno
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from scipy.spatial.transform import Rotation

from egobench.data.folder import SplitFacts, clip_digest, write_index
from egobench.errors import BadInputError, Undefined
from egobench.files.digest import digest_json
from egobench.files.motion import write_motion
from egobench.files.video import write_video
from egobench.geometry.skeleton import XSENS23, forward_kinematics
from egobench.metrics.base import ClipScore, Need, SetScore
from egobench.types import Camera, CameraPath, ClipInfo, Condition, HandDetections, Motion, Sample, Video

FACTS = SplitFacts(
    fps_video=8.0,
    fps_motion=16.0,
    num_video_frames=9,
    num_motion_frames=17,
    width=32,
    height=16,
    skeleton="xsens23",
    intrinsics=[[16.0, 0.0, 16.0], [0.0, 16.0, 8.0], [0.0, 0.0, 1.0]],
    T_head_camera=np.eye(4).tolist(),
)
_UP = {"l5": 0.1, "l3": 0.1, "t12": 0.1, "t8": 0.1, "neck": 0.13, "head": 0.1}
_DOWN = {"lower_leg": 0.44, "foot": 0.43}


def offsets() -> np.ndarray:
    """Bone offsets of a person of ordinary size, metres."""
    rows = np.zeros((len(XSENS23), 3))
    for joint, up in _UP.items():
        rows[XSENS23.index(joint)] = 0, 0, up
    for side, sign in (("left", 1), ("right", -1)):
        rows[XSENS23.index(f"{side}_shoulder")] = 0, 0.05 * sign, 0.1
        rows[XSENS23.index(f"{side}_upper_arm")] = 0, 0.12 * sign, 0
        rows[XSENS23.index(f"{side}_forearm")] = 0, 0.28 * sign, 0
        rows[XSENS23.index(f"{side}_hand")] = 0, 0.25 * sign, 0
        rows[XSENS23.index(f"{side}_upper_leg")] = 0, 0.09 * sign, 0
        rows[XSENS23.index(f"{side}_toe")] = 0.15, 0, -0.06
        for part, down in _DOWN.items():
            rows[XSENS23.index(f"{side}_{part}")] = 0, 0, -down
    return rows


def walk(rng: np.random.Generator, frames: int = FACTS.num_motion_frames, speed: float | None = None) -> Motion:
    """A stiff person gliding forward at a random speed and heading."""
    heading = Rotation.from_euler("z", rng.uniform(0, 6)).as_matrix()
    pace = rng.uniform(0.2, 1) if speed is None else speed
    root = np.array([0, 0, 0.95]) + np.arange(frames)[:, None] / FACTS.fps_motion * pace * heading[:, 0]
    rotations = np.broadcast_to(heading, (frames, len(XSENS23), 3, 3)).copy()
    return Motion(forward_kinematics(XSENS23, offsets(), root, rotations), rotations, FACTS.fps_motion)


def picture(rng: np.random.Generator) -> Video:
    """Random pixels."""
    shape = (FACTS.num_video_frames, FACTS.height, FACTS.width, 3)
    return Video(rng.integers(0, 256, shape, dtype=np.uint8), FACTS.fps_video)


def make_split(path: Path, sequences: int = 4, windows: int = 2) -> Path:
    """A split folder; returns its path."""
    rows = []
    for number in range(sequences * windows):
        rng = np.random.default_rng([7, number])
        clip_id, video, motion = f"toy-{number:02d}", picture(rng), walk(rng)
        folder = path / clip_id
        folder.mkdir(parents=True)
        write_video(folder / "video.mp4", video.frames, video.fps)
        write_motion(folder / "motion.npz", motion)
        said = {"text": f"walk {number}", "sequence": f"s{number // windows}", "participant": f"p{number % 3}"}
        digest = clip_digest(**said, video=video, motion=motion, truth={})
        rows.append(ClipInfo(clip_id=clip_id, stratum="walk", digest=digest, **said))
    write_index(path, "toy", FACTS, rows)
    return path


@dataclass(frozen=True)
class ToyModel:
    """Random pixels and a random walk by clip and seed; misbehaves on demand."""

    sleep: float = 0.0
    fail: str = ""
    """`clip=what` by semicolon: raise, nan, float, shear, short, none, type, die, exit, still, full, threads."""
    parts: str = "both"
    """`video`, `motion` or `both`."""

    def load(self, device: str) -> "ToyModel":
        if self.fail == "load":
            raise RuntimeError("no such weights")
        if self.fail == "load-die":
            os._exit(9)
        return self

    def sample(self, condition: Condition, *, seed: int) -> Any:
        time.sleep(self.sleep)
        rng = np.random.default_rng([int(digest_json(condition.clip_id)[:8], 16), seed])
        sample = Sample(picture(rng), walk(rng))
        what = dict(pair.split("=") for pair in self.fail.split(";") if "=" in pair).get(condition.clip_id, "")
        if self.parts == "motion":
            sample = replace(sample, video=None)
        if self.parts == "video":
            sample = replace(sample, motion=None)
        return _spoil(sample, what) if what else sample


def _spoil(sample: Sample, what: str) -> Any:
    video, motion = sample.video, sample.motion
    if what == "raise":
        raise ValueError("the model\nfell over")
    if what == "exit":
        raise SystemExit(3)
    if what == "die":
        os._exit(9)
    if what == "threads":
        from threadpoolctl import threadpool_info

        assert all(pool["num_threads"] == 1 for pool in threadpool_info())
        return sample
    if what == "full":
        if Path(os.environ["TOY_FULL"]).exists():
            raise_on_replace()
        return sample
    spoiled = {
        "nan": lambda: Sample(video, replace(motion, positions=motion.positions * np.nan)),
        "shear": lambda: Sample(video, replace(motion, rotations=motion.rotations * 1.1)),
        "short": lambda: Sample(video, walk(np.random.default_rng(0), frames=5)),
        "still": lambda: Sample(video, walk(np.random.default_rng(0), speed=0.0)),
        "float": lambda: Sample(replace(video, frames=video.frames / 255.0), motion),
        "none": lambda: Sample(None, None),
        "type": lambda: "a sample",
    }
    return spoiled[what]()


def raise_on_replace() -> None:
    """From now on this process finds the disk full."""

    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "full")

    os.replace = refuse


@dataclass(frozen=True)
class Shuffled:
    """The `shuffled` control, for the toy split."""

    def load(self, device: str) -> "Shuffled":
        return self

    def sample(self, condition: Condition, *, seed: int) -> Sample:
        from egobench.data.open import open_split
        from egobench.stats.pairing import SHUFFLE_SEED, shuffled_partners

        split = open_split(condition.split)
        rows = split.infos()
        place = [row.clip_id for row in rows].index(condition.clip_id)
        video, motion = shuffled_partners([row.sequence for row in rows], SHUFFLE_SEED)
        return Sample(
            split.clip(rows[video[place]].clip_id).reference.video,
            split.clip(rows[motion[place]].clip_id).reference.motion,
        )


@dataclass(frozen=True)
class ToyExtractor:
    """Mean colour of each frame; the letters of a text."""

    name: ClassVar[str] = "toy-extractor"

    def protocol(self) -> Mapping[str, Any]:
        return {"extractor": self.name, "weights_sha256": "0" * 64}

    def load(self, device: str) -> "ToyExtractor":
        return self

    def frames(self, video: Video) -> np.ndarray:
        log = os.environ.get("TOY_LOG")
        if log:
            with open(log, "a") as file:
                file.write("x")
        return video.frames.mean(axis=(1, 2)).astype(np.float32)

    def text(self, text: str) -> np.ndarray:
        return np.frombuffer(text.encode()[:3], np.uint8).astype(np.float32)


class _Toy:
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "m/s"
    better: ClassVar[str] = "lower"

    def record(self) -> Mapping[str, Any]:
        return {"metric": self.name, "version": self.version}


@dataclass(frozen=True)
class Speed(_Toy):
    """Mean speed of the pelvis."""

    name: ClassVar[str] = "toy-speed"

    def needs(self) -> Mapping[str, Need]:
        return {"motion": Need("sample", "motion")}

    def __call__(self, motion: Motion) -> float:
        steps = np.linalg.norm(np.diff(motion.positions[:, XSENS23.index("pelvis")], axis=0), axis=-1)
        if steps.max() < 1e-6:
            raise Undefined("the pelvis does not move")
        return float(steps.mean() * motion.fps)


@dataclass(frozen=True)
class Gap(_Toy):
    """Distance to the reference's pelvis, and of colour to text: reads all four kinds of input."""

    name: ClassVar[str] = "toy-gap"

    def needs(self) -> Mapping[str, Need]:
        return {
            "ours": Need("sample", "motion"),
            "theirs": Need("reference", "motion"),
            "colour": Need("sample", "frames", "pipeline_toys:ToyExtractor"),
            "text": Need("condition", "text", "pipeline_toys:ToyExtractor"),
            "raw": Need("sample", "frames"),
        }

    def __call__(self, ours: Motion, theirs: Motion, colour: np.ndarray, text: np.ndarray, raw: Video) -> float:
        assert colour.dtype == text.dtype == np.float64
        assert raw.frames.dtype == np.uint8
        return float(np.abs(ours.positions - theirs.positions).mean() + np.abs(colour.mean(0) - text).mean())


@dataclass(frozen=True)
class MeanColour(_Toy):
    """Distance of mean features: a set metric."""

    name: ClassVar[str] = "toy-colour"

    def needs(self) -> Mapping[str, Need]:
        return {
            "sample": Need("sample", "frames", "pipeline_toys:ToyExtractor"),
            "reference": Need("reference", "frames", "pipeline_toys:ToyExtractor"),
        }

    def score(self, inputs: Any, clips: list[str], groups: np.ndarray, *, draws: int, seed: int) -> SetScore:
        sample, reference = inputs["sample"], inputs["reference"]
        assert len(sample) == len(reference) == len(groups) == len(clips)
        value = float(np.abs(np.concatenate(sample).mean(0) - np.concatenate(reference).mean(0)).mean())
        return SetScore(value, (value - 1, value + 1) if draws else None, {"n_frames": len(np.concatenate(sample))})


@dataclass(frozen=True)
class ToyEvaluator:
    """Where a motion ends and how fast it goes; numbers of a caption; first and last colour of a clip."""

    name: ClassVar[str] = "toy-evaluator"
    provides: ClassVar[tuple[str, ...]] = ("motion", "text", "clip")

    def protocol(self) -> Mapping[str, Any]:
        weights = os.environ.get("TOY_WEIGHTS", "0" * 64)
        if weights == "missing":
            text = f"no toy.bin (sha256 {'0' * 64}); `egobench weights pull toy` gets it"
            raise BadInputError(text, code="weights-missing")
        return {"extractor": self.name, "weights_sha256": weights}

    def check(self, facts: Mapping[str, Any]) -> None:
        if facts["skeleton"] != "xsens23":
            raise BadInputError(f"skeleton {facts['skeleton']}; xsens23 is needed", code="split-form")

    def load(self, device: str) -> "ToyEvaluator":
        return self

    def motion(self, motion: Motion) -> np.ndarray:
        assert motion.fps == FACTS.fps_motion
        log = os.environ.get("TOY_LOG")
        if log:
            with open(log, "a") as file:
                file.write("m")
        if os.environ.get("TOY_DEAF"):
            raise ValueError("cannot look at this")
        path = motion.positions[:, XSENS23.index("pelvis")]
        return np.append(path[-1] - path[0], motion.fps).astype(np.float32)

    def text(self, text: str) -> np.ndarray:
        return np.random.default_rng(list(text.encode())).normal(size=4).astype(np.float32)

    def clip(self, video: Video) -> np.ndarray:
        return video.frames[[0, -1]].mean(axis=(1, 2)).reshape(1, 6).astype(np.float32)


@dataclass(frozen=True)
class ClipColour(MeanColour):
    """A set metric of whole clips, with presets."""

    name: ClassVar[str] = "toy-clip"
    preset: str = "pipeline_toys:ToyEvaluator"
    what: str = "clip"

    def needs(self) -> Mapping[str, Need]:
        return {side: Need(side, self.what, self.preset) for side in ("sample", "reference")}

    def check(self, facts: Mapping[str, Any]) -> None:
        if os.environ.get("TOY_LONG"):
            raise BadInputError(f"{facts['num_video_frames']} video frames; 10 or more are needed", code="split-form")


@dataclass(frozen=True)
class Deed(_Toy):
    """Distance of a motion's features from zero: a clip metric of motion features, with presets."""

    name: ClassVar[str] = "toy-deed"
    preset: str = "pipeline_toys:ToyEvaluator"

    def needs(self) -> Mapping[str, Need]:
        return {"motion": Need("sample", "motion-features", self.preset)}

    def __call__(self, motion: np.ndarray) -> float:
        return float(np.linalg.norm(motion))


@dataclass(frozen=True)
class ToyEyes:
    """A camera that steps forward by the mean grey level, hands where red beats blue; a bad form on demand."""

    name: ClassVar[str] = "toy-eyes"
    provides: ClassVar[tuple[str, ...]] = ("camera", "hands")

    def protocol(self) -> Mapping[str, Any]:
        return {"estimator": self.name, "version": 1, "form": os.environ.get("TOY_FORM", "")}

    def load(self, device: str) -> "ToyEyes":
        return self

    def camera(self, video: Video, camera: Camera, *, clip_id: str = "") -> CameraPath:
        assert (camera.width, camera.height) == (FACTS.width, FACTS.height)
        assert clip_id.startswith("toy-")
        frames = len(video.frames)
        poses = np.broadcast_to(np.eye(4), (frames, 4, 4)).copy()
        poses[:, 0, 3] = np.cumsum(video.frames.mean(axis=(1, 2, 3))) / 1000
        poses[0, 0, 0] += 0.1 * (os.environ.get("TOY_FORM") == "sheared")
        registered = np.ones(frames, dtype=bool)
        if os.environ.get("TOY_FORM") == "half":
            registered[::2] = False
            return CameraPath(poses, registered, "partial", "half of it is dark", False, 1.25)
        return CameraPath(poses, registered, "ok", "", True)

    def hands(self, video: Video, camera: Camera, *, clip_id: str = "") -> HandDetections:
        red, _, blue = np.moveaxis(video.frames.mean(axis=(1, 2)), -1, 0)
        scores = np.stack([red > blue, blue > red], axis=1).astype(np.float64)
        return HandDetections(scores, np.full((len(scores), 2, 2), np.nan), 0.5)


@dataclass(frozen=True)
class Astray(_Toy):
    """How far the camera went against how far the head did: a clip metric with details, by an estimator."""

    name: ClassVar[str] = "toy-astray"
    preset_kind: ClassVar[str] = "estimators"
    preset: str = "pipeline_toys:ToyEyes"

    def needs(self) -> Mapping[str, Need]:
        return {
            "path": Need("sample", "camera-path", self.preset),
            "motion": Need("sample", "motion"),
            "camera": Need("condition", "camera"),
        }

    def __call__(self, path: CameraPath, motion: Motion, camera: Camera) -> ClipScore:
        assert path.T_world_camera.dtype == np.float64
        head = motion.positions[:, XSENS23.index("head")]
        gone = np.linalg.norm(np.ptp(path.T_world_camera[:, :3, 3], axis=0))
        value = abs(gone - np.linalg.norm(head[-1] - head[0]))
        return ClipScore(float(value), {"gone": gone, "status": path.status, "focal": path.focal_ratio})

    def summary(self, scores: Any, floor: float | None) -> Mapping[str, Any]:
        return {"farthest": max(score.detail["gone"] for score in scores), "floor_was": floor}


@dataclass(frozen=True)
class Grip(_Toy):
    """Share of frames with a left hand: a set metric of hands."""

    name: ClassVar[str] = "toy-grip"
    preset_kind: ClassVar[str] = "estimators"
    preset: str = "pipeline_toys:ToyEyes"

    def needs(self) -> Mapping[str, Need]:
        return {"hands": Need("sample", "hands", self.preset)}

    def score(self, inputs: Any, clips: list[str], groups: np.ndarray, *, draws: int, seed: int) -> SetScore:
        left = [hands.scores[:, 0] >= hands.threshold for hands in inputs["hands"]]
        return SetScore(float(np.mean(left)), None)


METRICS = "pipeline_toys:Speed,pipeline_toys:Gap,pipeline_toys:MeanColour"
