"""SMPL, SMPL-H and SMPL-X parameters → `Motion`, by `smplx` (Loper et al. 2015, Pavlakos et al. 2019).

Parameters come as npz in AMASS's spelling (poses, trans, betas, mocap_framerate) or that of `smplx` (global_orient,
body_pose, transl, betas). The body model is the user's own npz; only four plain arrays of it are opened, so nothing is
ever unpickled, neither here nor by `smplx`, whose functions are used and whose file readers are not.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from egobench.errors import BadInputError
from egobench.files.arrays import MAX_NPZ_BYTES, read_npz
from egobench.geometry.skeleton import SMPL22, SMPL24, SMPLX22, Skeleton, forward_kinematics
from egobench.motions.axes import Y_UP, Up, check_length, find_up, into_world, within_bounds
from egobench.types import Motion

MODEL_ARRAYS = ("v_template", "shapedirs", "J_regressor", "kintree_table")
PARAMETERS = ("poses", "trans", "betas", "mocap_framerate", "mocap_frame_rate", "global_orient", "body_pose", "transl")
MODELS = {24: SMPL24, 52: SMPL22, 55: SMPLX22}
"""Skeleton by the joints of the body model: SMPL, SMPL-H, SMPL-X."""
MAX_BYTES = 2 * 2**30
_CHUNK = 4096


@dataclass(frozen=True)
class BodyModel:
    """What of a body-model file gives joints."""

    skeleton: Skeleton
    joints: int
    """Joints of the model itself, fingers and face included."""
    template: Float[np.ndarray, "vertex 3"]
    """Metres, y up, facing +z."""
    shapes: Float[np.ndarray, "vertex 3 shape"]
    regressor: Float[np.ndarray, "joint vertex"]
    """Of the skeleton's joints."""


@dataclass(frozen=True)
class Parameters:
    """One motion's parameters."""

    turns: Float[np.ndarray, "time joint 3"]
    """Axis × angle of each joint relative to its parent, radians; the first is the body's in the world."""
    shift: Float[np.ndarray, "time 3"]
    """Metres."""
    betas: Float[np.ndarray, " shape"]
    fps: float | None
    """None where the file does not say."""


def read_smpl(path: Path | str, *, body_model: Path | str, fps: float | int | None = None, up: Up = "auto") -> Motion:
    """Joints and rotations of a parameter file.

    Args:
        body_model: npz with `v_template`, `shapedirs`, `J_regressor`, `kintree_table`; says which skeleton it is.
        fps: frames per second where the file does not say or says it wrong (as some of AMASS's do); None for its own.
        up: axis of the parameters' world; AMASS's is z.

    Raises:
        BadInputError: codes of `read_npz`; `body-model-…` (see `read_body_model`); `smpl-keys`, `smpl-shape`,
            `smpl-nonfinite`, `smpl-betas`, `smpl-model` (parameters of another model); `motion-rate`, `motion-up`;
            `library-missing`: smplx is not installed.
    """
    model = read_body_model(body_model)
    given = read_parameters(path)
    rate = given.fps if fps is None else fps
    if rate is None:
        raise BadInputError(f"{path}: does not say its frame rate; give fps", code="motion-rate")
    return pose(model, given, rate, up)


def pose(model: BodyModel, given: Parameters, fps: float | int, up: Up = "auto") -> Motion:
    """A body model in a motion's poses, through `smplx`, float64.

    Raises:
        BadInputError: `smpl-model`, `smpl-betas`, `motion-up`; `library-missing`.
    """
    turns = _turns(model, given)
    positions, rotations = _through_smplx(model, turns, given.betas)
    return _in_world(model, given, positions, rotations, fps, up)


def pose_with_numpy(model: BodyModel, given: Parameters, fps: float | int, up: Up = "auto") -> Motion:
    """As `pose` to the last digits, without smplx and torch: for files that are only looked over.

    Raises:
        BadInputError: `smpl-model`, `smpl-betas`, `motion-up`.
    """
    from scipy.spatial.transform import Rotation

    turns = _turns(model, given)
    surface = model.template + model.shapes[..., : len(given.betas)] @ given.betas
    rest = model.regressor @ surface
    offsets = rest - rest[[max(parent, 0) for parent in model.skeleton.parents]]
    rotations = Rotation.from_rotvec(turns.reshape(-1, 3)).as_matrix().reshape(*turns.shape, 3)
    for joint, parent in enumerate(model.skeleton.parents[1:], start=1):
        rotations[:, joint] = rotations[:, parent] @ rotations[:, joint]
    root = np.tile(rest[0], (len(turns), 1))
    return _in_world(model, given, forward_kinematics(model.skeleton, offsets, root, rotations), rotations, fps, up)


def _turns(model: BodyModel, given: Parameters) -> Float[np.ndarray, "time joint 3"]:
    """The turns of the skeleton's joints. Raises BadInputError `smpl-model`, `smpl-betas`."""
    count = len(model.skeleton)
    if given.turns.shape[1] not in (22, 24, model.joints):
        raise BadInputError(
            f"smpl: parameters of {given.turns.shape[1]} joints, a body model of {model.joints}; both of one model "
            "are needed (24 SMPL, 52 SMPL-H, 55 SMPL-X)",
            code="smpl-model",
        )
    if len(given.betas) > model.shapes.shape[-1]:
        text = f"smpl: {len(given.betas)} betas, the body model has {model.shapes.shape[-1]}; leave the last ones out"
        raise BadInputError(text, code="smpl-betas")
    turns = np.zeros((len(given.turns), count, 3))
    used = 24 if given.turns.shape[1] == count == 24 else 22  # the tree of 22 is common to all
    turns[:, :used] = given.turns[:, :used]
    return turns


def _in_world(
    model: BodyModel,
    given: Parameters,
    positions: Float[np.ndarray, "time joint 3"],
    rotations: Float[np.ndarray, "time joint 3 3"],
    fps: float | int,
    up: Up,
) -> Motion:
    """Posed joints, shifted, in our axes. Raises BadInputError `motion-up`."""
    positions = positions + given.shift[:, None]
    positions, rotations = into_world(positions, rotations @ Y_UP.T, find_up(model.skeleton, positions, up))
    return Motion(positions, rotations, float(fps), model.skeleton.name)


def read_body_model(path: Path | str) -> BodyModel:
    """The arrays of a body-model file that joints need.

    Raises:
        BadInputError: `body-model-missing`, `body-model-pickle` (any file but npz: reading it would run code),
            `body-model-keys`, `body-model-shape`, `body-model-joints`; codes of `read_npz`.
    """
    file = Path(path)
    if not file.is_file():
        raise BadInputError(f"{file}: no such body-model file", code="body-model-missing")
    if file.suffix != ".npz":
        raise BadInputError(
            f"{file}: body models are read from npz only, since reading a pickle can run any code; save its "
            f"{', '.join(MODEL_ARRAYS)} with numpy.savez",
            code="body-model-pickle",
        )
    arrays = read_npz(file, max_bytes=MAX_BYTES, only=MODEL_ARRAYS)
    missing = [name for name in MODEL_ARRAYS if name not in arrays]
    if missing:
        raise BadInputError(f"{file}: no array '{missing[0]}'; it is no SMPL body model", code="body-model-keys")
    template, shapes, regressor, tree = (arrays[name] for name in MODEL_ARRAYS)
    vertices = len(template) if template.ndim else 0
    joints = tree.shape[1] if tree.ndim == 2 and len(tree) else 0
    wanted = {
        "v_template": (vertices, 3),
        "shapedirs": (vertices, 3, *(shapes.shape[2:3] or (-1,))),
        "J_regressor": (joints, vertices),
        "kintree_table": (*tree.shape[:1], max(joints, 1)),
    }
    arrays["kintree_table"] = tree[:1, 1:] if joints else tree  # the root's parent may be any number
    wrong = [
        f"{name} {array.shape} {array.dtype}"
        for name, array in zip(MODEL_ARRAYS, (template, shapes, regressor, tree), strict=True)
        if array.shape != wanted[name] or not within_bounds(arrays[name]).all()
    ]
    if wrong:
        raise BadInputError(
            f"{file}: {wrong[0]}; finite v_template (V, 3), shapedirs (V, 3, B), J_regressor (J, V) and "
            "kintree_table (2, J) are needed",
            code="body-model-shape",
        )
    skeleton = MODELS.get(joints)
    if skeleton is None or tuple(int(parent) for parent in tree[0, 1 : len(skeleton)]) != skeleton.parents[1:]:
        raise BadInputError(
            f"{file}: a tree of {joints} joints that is not SMPL's (24), SMPL-H's (52) or SMPL-X's (55)",
            code="body-model-joints",
        )
    numbers = [array.astype(np.float64) for array in (template, shapes, regressor[: len(skeleton)])]
    return BodyModel(skeleton, joints, *numbers)


def read_parameters(path: Path | str, *, max_bytes: int = MAX_NPZ_BYTES) -> Parameters:
    """Pose parameters of an npz file, either spelling.

    Args:
        max_bytes: bound on the unpacked size.

    Raises:
        BadInputError: `smpl-keys`, `smpl-shape`, `smpl-nonfinite`, `smpl-betas` (they change), `motion-frames`; codes
            of `read_npz`.
    """
    arrays = read_npz(path, max_bytes=max_bytes, only=PARAMETERS)
    if "poses" in arrays:
        poses = arrays["poses"]
    elif {"global_orient", "body_pose"} <= arrays.keys():
        parts = [_flat(arrays[name]) for name in ("global_orient", "body_pose")]
        if len(parts[0]) != len(parts[1]):
            text = f"{path}: {len(parts[0])} frames of global_orient, {len(parts[1])} of body_pose"
            raise BadInputError(text, code="smpl-shape")
        poses = np.concatenate(parts, axis=1)
    else:
        found = ", ".join(sorted(arrays)) or "none of them"
        text = f"{path}: 'poses', or 'global_orient' and 'body_pose' are needed; found: {found}"
        raise BadInputError(text, code="smpl-keys")
    shift = arrays.get("trans", arrays.get("transl", np.zeros((len(poses) if poses.ndim else 0, 3))))
    betas = _constant(arrays.get("betas", np.zeros(0)), path)
    if poses.ndim != 2 or poses.shape[1] % 3 or poses.shape[1] < 66 or shift.shape != (len(poses), 3):
        raise BadInputError(
            f"{path}: poses {poses.shape} and shift {shift.shape}; (T, 3 per joint) for 22 joints or more, and (T, 3) "
            "are needed",
            code="smpl-shape",
        )
    check_length(len(poses), path)
    for name, array in (("poses", poses), ("shift", shift), ("betas", betas)):
        if not within_bounds(array).all():
            raise BadInputError(
                f"{path}: {name} {array.dtype} are not all finite numbers up to 1e5", code="smpl-nonfinite"
            )
    rate = arrays.get("mocap_framerate", arrays.get("mocap_frame_rate"))
    fps = float(rate.item()) if rate is not None and rate.size == 1 and rate.dtype.kind in "fiu" else None
    turns, shift, betas = (array.astype(np.float64) for array in (poses.reshape(len(poses), -1, 3), shift, betas))
    return Parameters(turns, shift, betas, fps)


def _flat(array: np.ndarray) -> np.ndarray:
    """(T, …) as (T, numbers); what has no frames as (0, 0)."""
    return array.reshape(len(array), -1) if array.ndim and len(array) else np.zeros((0, 0))


def _constant(betas: np.ndarray, path: Path | str) -> np.ndarray:
    """One row of betas: a wearer does not change shape."""
    rows = betas.reshape(1, -1) if betas.ndim < 2 else _flat(betas)
    if len(rows) == 0 or (rows != rows[:1]).any():
        text = f"{path}: betas {betas.shape} change from frame to frame; one row is needed, such as their mean"
        raise BadInputError(text, code="smpl-betas")
    return rows[0]


def _through_smplx(
    model: BodyModel, turns: Float[np.ndarray, "time joint 3"], betas: Float[np.ndarray, " shape"]
) -> tuple[Float[np.ndarray, "time joint 3"], Float[np.ndarray, "time joint 3 3"]]:
    """Posed joints and their rotations in the parameters' world, before the shift."""
    from scipy.spatial.transform import Rotation

    lbs = _smplx_functions()
    import torch

    shapes = torch.from_numpy(model.shapes[..., : len(betas)])
    surface = torch.from_numpy(model.template)[None] + lbs.blend_shapes(torch.from_numpy(betas)[None], shapes)
    rest = lbs.vertices2joints(torch.from_numpy(model.regressor), surface)
    parents = torch.tensor(model.skeleton.parents)
    positions, rotations = [], []
    for start in range(0, len(turns), _CHUNK):
        part = turns[start : start + _CHUNK]
        local = Rotation.from_rotvec(part.reshape(-1, 3)).as_matrix().reshape(*part.shape, 3)
        joints = rest.expand(len(part), -1, -1)
        posed, transforms = lbs.batch_rigid_transform(torch.from_numpy(local), joints, parents, dtype=torch.float64)
        positions.append(posed.numpy())
        rotations.append(transforms[:, :, :3, :3].numpy())
    return np.concatenate(positions), np.concatenate(rotations)


def _smplx_functions() -> Any:
    try:
        from smplx import lbs
    except ImportError as error:
        raise BadInputError(
            f"SMPL needs the packages smplx and torch ({error}); pip install 'egobench[smpl]'", code="library-missing"
        ) from None
    return lbs
