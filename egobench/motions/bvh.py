"""BVH files → `Motion`: joints by the names that XSens, Mixamo, LAFAN, CMU and SMPL exports use."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from egobench.errors import BadInputError
from egobench.geometry.skeleton import SMPL22, XSENS23, Skeleton
from egobench.motions.axes import METRES, Y_UP, MotionFileWarning, Unit, Up, find_up, into_world, within_bounds
from egobench.motions.bvh_text import read_text
from egobench.motions.rest_pose import joint_frames, t_pose_axes
from egobench.motions.skeleton_map import SkeletonMap
from egobench.types import SIDES, Motion


def _limbs(prefixes: Mapping[str, str], parts: Mapping[str, str]) -> dict[str, str]:
    return {f"{side}_{ours}": prefixes[side] + theirs for side in SIDES for ours, theirs in parts.items()}


_WORDS = {"left": "Left", "right": "Right"}
_SPINE = {"pelvis": "Hips", "neck": "Neck", "head": "Head"}
_ARMS = {"shoulder": "Shoulder", "upper_arm": "Arm", "forearm": "ForeArm", "hand": "Hand"}
_LEGS = {"upper_leg": "UpLeg", "lower_leg": "Leg", "foot": "Foot"}
_XSENS = {
    **{"shoulder": "Collar", "upper_arm": "Shoulder", "forearm": "Elbow", "hand": "Wrist"},
    **{"upper_leg": "Hip", "lower_leg": "Knee", "foot": "Ankle", "toe": "Toe"},
}
_SMPL = {
    **{"shoulder": "Collar", "upper_arm": "Shoulder", "forearm": "Elbow", "hand": "Wrist"},
    **{"upper_leg": "Hip", "lower_leg": "Knee", "foot": "Ankle", "toe": "Foot"},
}
SCHEMES: tuple[tuple[str, Skeleton, dict[str, str]], ...] = (
    (
        "XSens",
        XSENS23,
        {**_SPINE, "l5": "Chest", "l3": "Chest2", "t12": "Chest3", "t8": "Chest4", **_limbs(_WORDS, _XSENS)},
    ),
    *(
        (name, SMPL22, {**_SPINE, **spine, **_limbs(_WORDS, {**_ARMS, **_LEGS, "toe": toe})})
        for name, spine, toe in (
            ("Mixamo", {"spine1": "Spine", "spine2": "Spine1", "spine3": "Spine2"}, "ToeBase"),
            ("LAFAN", {"spine1": "Spine", "spine2": "Spine1", "spine3": "Spine2"}, "Toe"),
            ("CMU", {"spine1": "LowerBack", "spine2": "Spine", "spine3": "Spine1"}, "ToeBase"),
        )
    ),
    (
        "SMPL",
        SMPL22,
        {
            **{"pelvis": "Pelvis", "neck": "Neck", "head": "Head"},
            **{f"spine{k}": f"Spine{k}" for k in (1, 2, 3)},
            **_limbs({"left": "L_", "right": "R_"}, _SMPL),
        },
    ),
)
"""Whose names, the skeleton they become, and their name of each of its joints; other joints (fingers) are left out."""


def read_bvh(
    path: Path | str,
    *,
    fps: float | int | None = None,
    unit: Unit = "m",
    up: Up = "auto",
    skeleton_map: SkeletonMap | None = None,
) -> Motion:
    """A BVH file's motion.

    Positions are the file's forward kinematics. Where its zero pose is a T pose along its axes, rotations are exact,
    too. Where it is none (LAFAN1: all limbs along x; arms that hang), rotations point every bone as the file does, and
    the turn about a bone is what `egobench.motions.rest_pose` can tell.

    Args:
        fps: frames per second where the file's frame time is wrong; None for its own.
        unit: of the file's lengths, which it does not say: XSens, Mixamo and LAFAN1 write centimetres.
        up: axis of its world that is up.
        skeleton_map: whose names its joints bear, where they are none of `SCHEMES`. In a skeleton of one's own the zero
            pose is the identity pose, and should face +z with y up, or +x with z up.

    Raises:
        BadInputError: `bvh-missing`, `bvh-empty`, `bvh-too-large`, `bvh-unreadable`, `bvh-nonfinite`, `bvh-joints`
            (names of no known scheme), `skeleton-map` (names that the map does not fit), `bvh-rest` (hips and spine of
            the zero pose span no plane); `motion-frames`, `motion-up`.

    Warns:
        MotionFileWarning: the zero pose is no T pose; position channels below the root are not the OFFSETs.
    """
    file = read_text(path)
    if skeleton_map is None:
        skeleton, columns = _named(file.names, path)
    else:
        skeleton, columns = skeleton_map.skeleton, skeleton_map.columns(file.names, path)
    rest, positions = file.rest[columns] * METRES[unit], file.positions[:, columns] * METRES[unit]
    rotations = file.rotations[:, columns]
    if not all(within_bounds(array).all() for array in (rest, positions, rotations)):
        raise BadInputError(f"{path}: offsets or positions are not finite, or beyond 1e5 m", code="bvh-nonfinite")
    axis = find_up(skeleton, positions, up)
    if skeleton_map is not None and skeleton_map.is_own:
        body, odd = Y_UP.T if axis == "y" else np.eye(3), []
    else:
        body, odd = _frames(skeleton, rest, rotations)
    for text in (*file.odd, *odd):
        warnings.warn(f"{path}: {text}", MotionFileWarning, stacklevel=2)
    positions, rotations = into_world(positions, rotations @ body, axis)
    return Motion(positions, rotations, float(file.fps if fps is None else fps), skeleton.name)


def _frames(
    skeleton: Skeleton, rest: Float[np.ndarray, "joint 3"], rotations: Float[np.ndarray, "time joint 3 3"]
) -> tuple[Float[np.ndarray, "joint 3 3"], list[str]]:
    """Per joint the turn from our frame to the file's, and what is odd about it. Raises BadInputError `bvh-rest`."""
    axes = t_pose_axes(skeleton, rest)
    if axes is not None:
        return np.tile(axes, (len(skeleton), 1, 1)), []
    frames, guessed = joint_frames(skeleton, rest, rotations)
    names = f", and of {', '.join(guessed)} by the average over the motion" if guessed else ""
    text = (
        f"its zero pose is no T pose: positions are exact, turns of bones about themselves go by the zero pose{names}"
    )
    return frames, [text]


def _named(names: Sequence[str], path: Path | str) -> tuple[Skeleton, list[int]]:
    """The skeleton whose scheme is complete, and its joints' places among the file's."""
    lacking = []
    for scheme, skeleton, theirs in SCHEMES:
        missing = [theirs[joint] for joint in skeleton.joints if names.count(theirs[joint]) != 1]
        if not missing:
            return skeleton, [names.index(theirs[joint]) for joint in skeleton.joints]
        lacking.append((len(missing), scheme, missing))
    _, scheme, missing = min(lacking)
    raise BadInputError(
        f"{path}: its {len(names)} joints ({', '.join(names[:6])}, …) bear no known set of names; nearest is {scheme}, "
        f"which lacks {', '.join(missing[:6])}{', …' if len(missing) > 6 else ''}; rename them, or say "
        "which is which (skeleton_map)",
        code="bvh-joints",
    )
