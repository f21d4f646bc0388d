"""A tiny split on disk: stiff people gliding through random pixels."""

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from egobench.data.folder import SplitFacts, clip_digest, write_index
from egobench.files.motion import write_motion
from egobench.files.video import write_video
from egobench.geometry.skeleton import XSENS23, forward_kinematics
from egobench.types import ClipInfo, Motion, Video

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
