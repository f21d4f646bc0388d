"""A submitted motion file of any of the three kinds → a checked `Motion` in the split's form.

The kinds are npz with positions and rotations (and perhaps the camera), npz with SMPL parameters, and npy with
HumanML3D vectors or joints. Sizes are compared before memory is allocated, nothing is unpickled, and torch is not
needed.
"""

from pathlib import Path

import numpy as np

from egobench.errors import BadInputError
from egobench.files.arrays import npz_names, read_npy, read_npz
from egobench.files.motion import motion_of
from egobench.geometry.border import check_motion
from egobench.geometry.skeleton import get_skeleton
from egobench.motions.axes import within_bounds
from egobench.motions.conventions import check_byte_order, look_over
from egobench.motions.humanml3d import decode_any
from egobench.motions.skeleton_map import read_skeleton_map
from egobench.motions.smpl import pose_with_numpy, read_body_model
from egobench.motions.smpl_parameters import PARAMETERS, PARTS, read_parameters
from egobench.submissions.camera import check_camera
from egobench.submissions.form import Form
from egobench.types import Motion

OWN = ("positions", "rotations", "camera", "intrinsics")
SMPL_TOO = (
    *("gender", "dmpls", "left_hand_pose", "right_hand_pose", "jaw_pose", "leye_pose", "reye_pose", "expression"),
    *("pose_hand", "pose_jaw", "pose_eye", "surface_model_type", "num_betas", "mocap_time_length"),
)
"""Parameters of SMPL that do not move joints."""
SPARE_BYTES = 2**22


def most_bytes(form: Form) -> int:
    """Largest size of a motion file, packed and unpacked."""
    return SPARE_BYTES + 16 * form.num_motion_frames * 8 * 12 * max(len(get_skeleton(form.skeleton)), 60)


def read_submitted_motion(
    path: Path, form: Form, *, body_model: Path | None = None, skeleton_map: Path | None = None
) -> tuple[Motion, list[tuple[str, str]]]:
    """The motion, and its warnings as (code, text).

    Args:
        skeleton_map: maps the joints of positions and rotations to those of the split.

    Raises:
        BadInputError: any code of the groups `NPZ` and `MOTION` of `egobench.submissions.codes`.
    """
    limit = most_bytes(form)
    if path.stat().st_size > limit:
        text = f"{path}: {path.stat().st_size} bytes; at most {limit} can be a motion of this split"
        raise BadInputError(text, code="file-too-large")
    if path.suffix == ".npy":
        motion, notes = _vectors(path, form, limit)
    else:
        names = npz_names(path, max_bytes=limit)
        if {"positions", "rotations"} <= names:
            motion, notes = _own(path, form, names, limit, skeleton_map)
        elif names & {"poses", *PARTS[0], *PARTS[1]}:
            motion, notes = _smpl(path, form, names, limit, body_model)
        else:
            listed = ", ".join(sorted(names)[:10])[:200] or "none"
            text = f"{path}: arrays {listed}; positions and rotations, or SMPL's poses, are needed"
            raise BadInputError(text, code="motion-keys")
    return motion, notes


def _own(
    path: Path, form: Form, names: set[str], limit: int, skeleton_map: Path | None
) -> tuple[Motion, list[tuple[str, str]]]:
    arrays = read_npz(path, max_bytes=limit, only=OWN)
    notes = _extra(names - set(OWN))
    for name in ("positions", "rotations"):
        if arrays[name].dtype.kind != "f":
            raise BadInputError(f"{path}: {name} are {arrays[name].dtype}; floats are needed", code="motion-dtype")
        check_byte_order(arrays[name], name)
        if not np.isfinite(arrays[name]).all():
            bad = np.argwhere(~np.isfinite(arrays[name]))[0]
            text = f"{path}: {name} are not finite, first at frame {bad[0] if len(bad) else 0}"
            raise BadInputError(text, code="motion-nonfinite")
    if skeleton_map is not None:
        joint_map = read_skeleton_map(skeleton_map)
        if joint_map.skeleton.name != form.skeleton:
            text = f"{skeleton_map}: a map to {joint_map.skeleton.name}; the split has {form.skeleton}"
            raise BadInputError(text, code="skeleton-map")
        arrays |= {name: joint_map.pick(arrays[name], path) for name in ("positions", "rotations")}
    motion = motion_of(arrays, path, fps=form.fps_motion, skeleton=form.skeleton)
    motion, more = _checked(motion, form)
    notes += more
    notes += check_camera(arrays.get("camera"), arrays.get("intrinsics"), motion, form)
    return motion, notes


def _smpl(
    path: Path, form: Form, names: set[str], limit: int, body_model: Path | None
) -> tuple[Motion, list[tuple[str, str]]]:
    if body_model is None:
        text = f"{path}: SMPL parameters need your own body-model file (npz); give body_model"
        raise BadInputError(text, code="body-model-missing")
    given = read_parameters(path, max_bytes=limit)
    motion = pose_with_numpy(read_body_model(body_model), given, form.fps_motion)
    if motion.skeleton != form.skeleton:
        text = f"{path}: joints of {motion.skeleton} by the body model; {form.skeleton} is needed"
        raise BadInputError(text, code="motion-skeleton")
    if given.fps is not None and abs(given.fps - form.fps_motion) > 1e-3 * form.fps_motion:
        text = f"{path}: {given.fps:g} frames per second by its mocap_framerate; {form.fps_motion:g} are needed"
        raise BadInputError(text, code="motion-rate")
    motion, notes = _checked(motion, form)
    return motion, [*given.odd, *_extra(names - {*PARAMETERS, *SMPL_TOO}), *notes]


def _vectors(path: Path, form: Form, limit: int) -> tuple[Motion, list[tuple[str, str]]]:
    motion = decode_any(read_npy(path, max_bytes=limit), fps=form.fps_motion)
    if motion.skeleton != form.skeleton:
        text = f"{path}: HumanML3D of {motion.skeleton}; {form.skeleton} is needed"
        raise BadInputError(text, code="motion-skeleton")
    return _checked(motion, form)


def _checked(motion: Motion, form: Form) -> tuple[Motion, list[tuple[str, str]]]:
    """The motion in float64, and warnings."""
    if not (within_bounds(motion.positions).all() and within_bounds(motion.rotations).all()):
        raise BadInputError("motion: numbers that are not finite, or beyond 1e5", code="motion-nonfinite")
    motion = check_motion(motion, frames=form.num_motion_frames, fps=form.fps_motion)
    return motion, look_over(motion)


def _extra(names: set[str]) -> list[tuple[str, str]]:
    listed = ", ".join(sorted(name[:40] for name in names)[:5])
    return [("npz-extra", f"arrays that are not read: {listed}")] if names else []
