"""Reads videos of many clips into one array, with the paths of their cameras. It uses one thread per core."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from egobench.errors import BadInputError
from egobench.geometry.border import motion_arrays
from egobench.geometry.head_camera import head_camera_path
from egobench.progress import Progress
from egobench.types import Clip, Split


class Filmed(NamedTuple):
    """Clips of one length and size, in the order of the request."""

    frames: UInt8[np.ndarray, "clip time height width 3"]
    camera: Float[np.ndarray, "clip time 4 4"]
    """`T_world_camera` of the recorded head, metres."""
    hands: Float[np.ndarray, "clip time 2"]
    """Share of pixels that show the left and the right hand; NaN if unknown."""


def read_filmed(split: Split, clip_ids: Sequence[str], size: int, progress: Progress) -> Filmed:
    """Reads clips.

    Raises:
        BadInputError: `split-form`: videos other than size × size, or of a single frame.
    """
    facts = split.facts
    count, found = facts["num_video_frames"], (facts["height"], facts["width"])
    if found != (size, size) or count < 2:
        text = f"{split.name} has {count} frames of {found[1]} × {found[0]} pixels; 2 or more of {size} × {size}"
        raise BadInputError(f"{text} are needed", code="split-form")
    filmed = Filmed(
        np.empty((len(clip_ids), count, size, size, 3), np.uint8),
        np.empty((len(clip_ids), count, 4, 4)),
        np.full((len(clip_ids), count, 2), np.nan),
    )

    def read(place: int) -> None:
        clip = split.clip(clip_ids[place])
        filmed.frames[place], filmed.camera[place] = clip.reference.video.frames, camera_poses(clip)
        if clip.reference.hand_pixels is not None:
            filmed.hands[place] = clip.reference.hand_pixels

    progress.stage(f"reading {split.name}", len(clip_ids))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(read, range(len(clip_ids))):
            progress.advance()
    progress.done()
    return filmed


def camera_poses(clip: Clip) -> Float[np.ndarray, "time 4 4"]:
    """`T_world_camera` of the recorded motion at the times of the video frames."""
    count = len(clip.reference.video.frames)
    found = head_camera_path(motion_arrays(clip.reference.motion), clip.condition.camera, count)
    poses = np.tile(np.eye(4), (len(found.positions), 1, 1))
    poses[:, :3, :3], poses[:, :3, 3] = found.R, found.positions
    return poses
