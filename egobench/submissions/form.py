"""The required form of a sample, from a split's facts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from egobench.types import Condition


@dataclass(frozen=True)
class Form:
    """Lengths, rates, sizes."""

    num_video_frames: int
    fps_video: float
    num_motion_frames: int
    fps_motion: float
    width: int
    height: int
    """Pixels."""
    skeleton: str
    intrinsics: Float[np.ndarray, "3 3"] | None
    """K, pixels; None if the split does not state it."""
    T_head_camera: Float[np.ndarray, "4 4"] | None
    """Camera → head joint; None if the split does not state it."""


def form_of(facts: Mapping[str, Any]) -> Form:
    """The form of a split with these facts (`egobench.types.Split.facts`)."""
    K, T_head_camera = facts.get("intrinsics"), facts.get("T_head_camera")
    return Form(
        num_video_frames=int(facts["num_video_frames"]),
        fps_video=float(facts["fps_video"]),
        num_motion_frames=int(facts["num_motion_frames"]),
        fps_motion=float(facts["fps_motion"]),
        width=int(facts["width"]),
        height=int(facts["height"]),
        skeleton=str(facts["skeleton"]),
        intrinsics=None if K is None else np.asarray(K, dtype=np.float64),
        T_head_camera=None if T_head_camera is None else np.asarray(T_head_camera, dtype=np.float64),
    )


def form_of_condition(condition: Condition) -> Form:
    """The same, from a model's condition."""
    height, width = condition.first_frame.shape[:2]
    return Form(
        num_video_frames=condition.num_video_frames,
        fps_video=condition.fps_video,
        num_motion_frames=condition.num_motion_frames,
        fps_motion=condition.fps_motion,
        width=width,
        height=height,
        skeleton=condition.first_pose.skeleton,
        intrinsics=np.asarray(condition.camera.intrinsics, dtype=np.float64),
        T_head_camera=np.asarray(condition.camera.T_head_camera, dtype=np.float64),
    )
