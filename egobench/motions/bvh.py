"""BVH files → `Motion`, read by `pybvh`: joints by the names that XSens, Mixamo, LAFAN, CMU and SMPL exports use.

`pybvh` (MIT, numpy only) reads strictly and parses numbers with numpy; of its peers `bvhio` and `bvhTools` wait for
ever on a file that is cut in its header. It takes three rotations per joint, and positions at the root only.
"""

import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from egobench.errors import BadInputError
from egobench.geometry.skeleton import SMPL22, XSENS23, Skeleton
from egobench.motions.axes import METRES, Unit, Up, check_length, find_up, into_world, within_bounds
from egobench.types import SIDES, Motion

MAX_BYTES = 256 * 2**20
MAX_HEADER = 2**20
MAX_JOINTS = 512
STRAIGHT = 0.7
"""Cosine to an axis from which the zero pose counts as standing, or its arms as stretched, along it."""


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


class _File(NamedTuple):
    names: list[str]
    """Without end sites, without a prefix such as `mixamorig:`."""
    rest: Float[np.ndarray, "joint 3"]
    """Zero pose, the file's unit and axes."""
    positions: Float[np.ndarray, "time joint 3"]
    rotations: Float[np.ndarray, "time joint 3 3"]
    """Joint → the file's world; the identity in the zero pose."""
    fps: float


def read_bvh(path: Path | str, *, fps: float | int | None = None, unit: Unit = "m", up: Up = "auto") -> Motion:
    """A BVH file's motion; the zero pose has to be a T pose, along the file's axes.

    Args:
        fps: frames per second where the file's frame time is wrong; None for its own.
        unit: of the file's lengths, which it does not say: XSens and Mixamo write centimetres.
        up: axis of its world that is up.

    Raises:
        BadInputError: `bvh-missing`, `bvh-empty`, `bvh-too-large`, `bvh-unreadable`, `bvh-nonfinite`, `bvh-joints`
            (names of no known scheme), `bvh-rest` (the zero pose is no T pose); `motion-up`, `library-missing`.
    """
    file = _parse(Path(path))
    skeleton, columns = _named(file.names, path)
    rest, positions = file.rest[columns] * METRES[unit], file.positions[:, columns] * METRES[unit]
    if not (within_bounds(rest).all() and within_bounds(positions).all()):
        raise BadInputError(f"{path}: offsets or positions are not finite, or beyond 1e5 m", code="bvh-nonfinite")
    body = _body_axes(skeleton, rest, path)
    rotations = file.rotations[:, columns] @ body
    positions, rotations = into_world(positions, rotations, find_up(skeleton, positions, up))
    return Motion(positions, rotations, float(file.fps if fps is None else fps), skeleton.name)


def _parse(file: Path) -> _File:
    try:
        import pybvh
    except ImportError as error:
        text = f"BVH needs the package pybvh ({error}); pip install 'egobench[bvh]'"
        raise BadInputError(text, code="library-missing") from None
    _check_bounds(file)
    try:
        bvh = pybvh.read_bvh_file(file, world_up="+y")  # the axis matters to its plots only
        with np.errstate(all="ignore"):  # what is not finite is refused below
            places = bvh.node_positions()
        tree = bvh.fk_topology
        joints = [node for node, column in enumerate(tree.joint_idx) if column >= 0]
        names = [bvh.nodes[node].name.rpartition(":")[2] for node in joints]
        rotations = _chained(tree, bvh.joint_angles)
        rest = np.zeros((len(tree.offsets), 3))
        for node, parent in enumerate(tree.parent_idx[1:], start=1):
            rest[node] = rest[parent] + tree.offsets[node]
        return _File(names, rest[joints], places[:, joints], rotations[:, joints], float(1 / bvh.frame_time))
    except (ValueError, IndexError, KeyError, OSError, RecursionError, ArithmeticError) as error:
        reason = str(error).replace("\n", " ")[:300]
        raise BadInputError(f"{file}: not a readable BVH file: {reason}", code="bvh-unreadable") from error


def _check_bounds(file: Path) -> None:
    """Size, suffix and hierarchy, before anything is parsed."""
    if not file.is_file():
        raise BadInputError(f"{file}: no such file", code="bvh-missing")
    size = file.stat().st_size
    if size == 0:
        raise BadInputError(f"{file}: 0 bytes; a BVH file is needed", code="bvh-empty")
    if size > MAX_BYTES:
        raise BadInputError(f"{file}: {size} bytes, at most {MAX_BYTES} are read", code="bvh-too-large")
    if file.suffix != ".bvh":
        raise BadInputError(f"{file}: a name that ends in .bvh is needed", code="bvh-unreadable")
    with file.open("rb") as stream:
        head, found, _ = stream.read(MAX_HEADER).partition(b"MOTION")
    joints = len(re.findall(rb"\b(?:ROOT|JOINT|End)\b", head))
    if not found or joints > 2 * MAX_JOINTS:
        text = f"{joints} joints before MOTION" if found else f"no MOTION in its first {MAX_HEADER} bytes"
        raise BadInputError(
            f"{file}: {text}; a BVH file of at most {MAX_JOINTS} joints is needed", code="bvh-unreadable"
        )


def _chained(tree: Any, angles: Float[np.ndarray, "time joint 3"]) -> Float[np.ndarray, "time node 3 3"]:
    """Rotation of every node in the file's world; an end site's is its parent's."""
    check_length(len(angles), "bvh")
    rotations = np.empty((len(angles), len(tree.offsets), 3, 3))
    for node, (parent, column) in enumerate(zip(tree.parent_idx, tree.joint_idx, strict=True)):
        before = np.eye(3) if parent < 0 else rotations[:, parent]
        if column < 0:
            rotations[:, node] = before
            continue
        local = Rotation.from_euler(tree.euler_orders[column].upper(), angles[:, column]).as_matrix()
        rotations[:, node] = before @ local
    return rotations


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
        f"which lacks {', '.join(missing[:6])}{', …' if len(missing) > 6 else ''}; rename them",
        code="bvh-joints",
    )


def _body_axes(skeleton: Skeleton, rest: Float[np.ndarray, "joint 3"], path: Path | str) -> Float[np.ndarray, "3 3"]:
    """Columns: forward, left and up of the body in its zero pose, each along an axis of the file."""
    at = {joint: rest[index] for index, joint in enumerate(skeleton.joints)}
    feet = (at["left_foot"] + at["right_foot"]) / 2
    up = _axis(at["head"] - feet)
    left = _axis(at["left_upper_leg"] - at["right_upper_leg"])
    arms = [
        _axis(sign * (at[f"{side}_hand"] - at[f"{side}_upper_arm"])) for side, sign in zip(SIDES, (1, -1), strict=True)
    ]
    if up is None or left is None or any(arm is None or (arm != left).any() for arm in arms) or up @ left:
        wrong = "does not stand along an axis" if up is None else "does not stretch the arms to its sides"
        raise BadInputError(
            f"{path}: its zero pose {wrong}; a T pose is needed, or its rotations cannot be named (export it again "
            "with the T pose as rest)",
            code="bvh-rest",
        )
    return np.stack([np.cross(left, up), left, up], axis=-1)


def _axis(vector: Float[np.ndarray, " 3"]) -> Float[np.ndarray, " 3"] | None:
    """The signed axis along which a vector lies, if any."""
    for axis, sign in itertools.product(np.eye(3), (1.0, -1.0)):
        if sign * (axis @ vector) > STRAIGHT * np.linalg.norm(vector):
            return sign * axis
    return None
