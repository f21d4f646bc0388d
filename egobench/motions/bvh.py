"""Reads BVH files into `Motion`. It knows the joint names of exports from XSens, Mixamo, LAFAN, CMU and SMPL."""

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
"""Each scheme's name, its skeleton, and its names of the skeleton's joints. Other joints (fingers) are left out."""


def read_bvh(
    path: Path | str,
    *,
    fps: float | int | None = None,
    unit: Unit = "m",
    up: Up = "auto",
    skeleton_map: SkeletonMap | None = None,
) -> Motion:
    """Reads the motion of a BVH file.

    Positions come from the file's forward kinematics. If the zero pose is a T pose along the file's axes, the rotations
    are exact, too. Otherwise (all limbs along x, as in LAFAN1, or hanging arms), the rotations point every bone in the
    file's direction. The twist about a bone is then estimated as `egobench.motions.rest_pose` describes.

    Args:
        fps: frames per second, if the file's frame time is wrong; None for the file's own.
        unit: unit of the file's lengths, which the file does not state. XSens, Mixamo and LAFAN1 write centimetres.
        up: axis that is up in the file's world.
        skeleton_map: names of the file's joints, if they are none of `SCHEMES`. In a user-defined skeleton, the zero
            pose is the identity pose. It should face +z with y up, or +x with z up.

    Raises:
        BadInputError: `bvh-missing`, `bvh-empty`, `bvh-too-large`, `bvh-unreadable`, `bvh-nonfinite`, `bvh-joints`
            (names of no known scheme), `skeleton-map` (the map does not fit the names), `bvh-rest` (hips and spine of
            the zero pose do not span a plane); `motion-frames`, `motion-up`.

    Warns:
        MotionFileWarning: the zero pose is not a T pose, or position channels below the root differ from the OFFSETs.
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
    """For each joint the rotation from our frame to the file's, and the warnings. Raises BadInputError `bvh-rest`."""
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
    """The skeleton whose scheme is complete, and the indices of its joints in the file."""
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
