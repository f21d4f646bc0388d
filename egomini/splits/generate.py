"""One clip of the embedded world from its split, sequence and window: perform, draw, encode, and read back.

`draw_clip` ends before the codec; `generate_clip` does all steps. The stored clip is the one read back from the encoded
video and the quantised motion. So a clip made again equals the stored one, and its truth is exact for its pixels.
"""

import tempfile
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int16, Int32

from egobench.data.compact import dequantise, quantise
from egobench.data.folder import SplitFacts, clip_digest
from egobench.files.video import read_video, write_video
from egobench.geometry.skeleton import XSENS23, forward_kinematics
from egobench.types import ClipInfo, Motion, Video
from egomini.acting.perform import perform
from egomini.camera.head_camera import make_camera
from egomini.camera.render import Rendered, render
from egomini.splits.recipe import GENERATOR_VERSION, STRATA, SplitSpec
from egomini.wearer.wearers import make_wearer
from egomini.world.rooms import make_room
from egomini.world.scene import Performance, Room, Wearer

FPS_VIDEO, FPS_MOTION = 8.0, 16.0
VIDEO_FRAMES, MOTION_FRAMES = 41, 81
STRIDE = 2
"""Motion frames per video frame: video frame k is motion frame 2 k."""
VIDEO_CRF = 16
"""x264 quality of the reference videos (RGB, no chroma loss); the shipped split has to stay under 15 MB."""


@dataclass(frozen=True)
class DrawnClip:
    """A clip before its frames are encoded."""

    room: Room
    wearer: Wearer
    performance: Performance
    """Positions and rotations are those of `root` and `quats`."""
    root: Int32[np.ndarray, "time 3"]
    """Pelvis position in 0.1 mm."""
    quats: Int16[np.ndarray, "time joint 4"]
    """Joint → world, xyzw."""
    rendered: Rendered
    """Frames and share of each hand, one for every `STRIDE` motion frames."""


@dataclass(frozen=True)
class GeneratedClip:
    """A clip with all its stored parts."""

    info: ClipInfo
    video: Video
    """As decoded from `encoded`."""
    encoded: bytes
    """The mp4 file."""
    root: Int32[np.ndarray, "time 3"]
    """Pelvis position in 0.1 mm."""
    quats: Int16[np.ndarray, "time joint 4"]
    """Joint → world, xyzw."""
    offsets: Float[np.ndarray, "joint 3"]
    """Bones in the parents' frames, metres."""
    motion: Motion
    truth: dict[str, np.ndarray]
    """`hand_pixels` (41, 2), `contacts` (81, 4), `door_angle` (81,)."""
    extra: dict[str, object]
    """Room, wearer and actions, for the index."""


def split_facts(spec: SplitSpec) -> SplitFacts:
    """Rates, lengths, size and camera of a split."""
    camera = make_camera(spec.resolution)
    return SplitFacts(
        fps_video=FPS_VIDEO,
        fps_motion=FPS_MOTION,
        num_video_frames=VIDEO_FRAMES,
        num_motion_frames=MOTION_FRAMES,
        width=camera.width,
        height=camera.height,
        skeleton=XSENS23.name,
        intrinsics=camera.intrinsics.tolist(),
        T_head_camera=camera.T_head_camera.tolist(),
    )


def clip_room(spec: SplitSpec, sequence: int) -> Room:
    """The room of a recording."""
    return _room(spec.room(sequence), spec.world, spec.sequence_difficulty(sequence))


def clip_wearer(spec: SplitSpec, sequence: int) -> Wearer:
    """The wearer of a recording; the same number is the same person in every split."""
    number = spec.wearer(sequence)
    return make_wearer(f"w{number:02d}", seed=number)


def clip_performance(
    spec: SplitSpec, sequence: int, window: int, *, fps: float = FPS_MOTION, frames: int = MOTION_FRAMES
) -> Performance:
    """The motion, contacts and caption of one clip.

    At another rate it is the same action sampled at other times, unless a check has another result. Then the clip is
    drawn again and has another action (on `egomini-val` at 20 instead of 16 frames a second: two clips in three).
    """
    rng = np.random.default_rng([GENERATOR_VERSION, spec.seed, sequence, window])
    stratum = STRATA[sequence % len(STRATA)] if spec.cycle_strata else None
    return perform(
        clip_room(spec, sequence),
        clip_wearer(spec, sequence),
        rng,
        spec.sequence_difficulty(sequence),
        fps=fps,
        frames=frames,
        stratum=stratum,
    )


def pose_clip(
    spec: SplitSpec, sequence: int, window: int
) -> tuple[Performance, Int32[np.ndarray, "time 3"], Int16[np.ndarray, "time joint 4"]]:
    """Performs one clip and rounds its motion to integers. Returns the rounded performance, and the integers `root` and
    `quats` of `DrawnClip`. It is the first part of `draw_clip`, and takes a seventh of the time."""
    performance, wearer = clip_performance(spec, sequence, window), clip_wearer(spec, sequence)
    root, quats = quantise(performance.positions[:, XSENS23.index("pelvis")], performance.rotations)
    root_m, rotations = dequantise(root, quats)
    positions = forward_kinematics(XSENS23, wearer.offsets, root_m, rotations)
    return replace(performance, positions=positions, rotations=rotations), root, quats


def draw_clip(spec: SplitSpec, sequence: int, window: int, *, supersample: int = 2) -> DrawnClip:
    """Performs one clip, rounds its motion to integers, and draws the rounded motion.

    Args:
        supersample: as in `render`; the clips of all splits have 2.
    """
    room, wearer = clip_room(spec, sequence), clip_wearer(spec, sequence)
    performance, root, quats = pose_clip(spec, sequence, window)
    rendered = render(room, wearer, performance, make_camera(spec.resolution), stride=STRIDE, supersample=supersample)
    return DrawnClip(room, wearer, performance, root, quats, rendered)


def generate_clip(spec: SplitSpec, sequence: int, window: int) -> GeneratedClip:
    """Makes one clip; the same arguments give the same content on every call."""
    drawn = draw_clip(spec, sequence, window)
    room, wearer, performance = drawn.room, drawn.wearer, drawn.performance
    motion = Motion(performance.positions, performance.rotations, FPS_MOTION, XSENS23.name)
    video, encoded = _through_codec(drawn.rendered.frames)
    truth = {
        "hand_pixels": drawn.rendered.hand_share.astype(np.float64),
        "contacts": performance.contacts.astype(bool),
        "door_angle": np.round(performance.door_angle, 6),
    }
    text, sequence_id = performance.text, spec.sequence_id(sequence)
    info = ClipInfo(
        clip_id=spec.clip_id(sequence, window),
        sequence=sequence_id,
        participant=wearer.name,
        text=text,
        stratum=performance.stratum,
        digest=clip_digest(
            text=text, sequence=sequence_id, participant=wearer.name, video=video, motion=motion, truth=truth
        ),
    )
    extra = {"room": room.name, "wearer": wearer.name, "actions": list(performance.actions)}
    return GeneratedClip(info, video, encoded, drawn.root, drawn.quats, wearer.offsets, motion, truth, extra)


@lru_cache(maxsize=32)
def _room(index: int, world: int, difficulty: object) -> Room:
    return make_room(index, world=world, difficulty=difficulty)  # pyright: ignore[reportArgumentType]


def _through_codec(frames: np.ndarray) -> tuple[Video, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "video.mp4"
        write_video(path, frames, FPS_VIDEO, lossless=False, crf=VIDEO_CRF, rgb=True)
        return read_video(path, fps=FPS_VIDEO, frames=len(frames)), path.read_bytes()
