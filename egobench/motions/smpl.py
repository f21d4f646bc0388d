"""Converts SMPL, SMPL-H and SMPL-X parameters to `Motion` by `smplx` (Loper et al. 2015, Pavlakos et al. 2019).

Parameters come as npz (`egobench.motions.smpl_parameters`). The body model is the user's own npz file. Only four plain
arrays of it are opened, so this module unpickles nothing. It uses the functions of `smplx` but not its file readers, so
`smplx` unpickles nothing either.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from egobench.errors import BadInputError
from egobench.files.arrays import read_npz
from egobench.geometry.skeleton import SMPL22, SMPL24, SMPLX22, Skeleton, chained_rotations, forward_kinematics
from egobench.motions.axes import Y_UP, MotionFileWarning, Up, find_up, into_world, within_bounds
from egobench.motions.smpl_parameters import Parameters, read_parameters
from egobench.types import Motion

MODEL_ARRAYS = ("v_template", "shapedirs", "J_regressor", "kintree_table")
MODELS = {24: SMPL24, 52: SMPL22, 55: SMPLX22}
"""Skeleton by the number of joints of the body model: SMPL, SMPL-H, SMPL-X."""
SMPLX_JOINTS = 55
SHAPE_SPACE, FACE_SPACE = 300, 100
"""Columns of `shapedirs` in the full file of SMPL-X: shapes first, then expressions. The small files have 10 and 10."""
MAX_BYTES = 2 * 2**30
_CHUNK = 4096


@dataclass(frozen=True)
class BodyModel:
    """The parts of a body-model file that determine joints."""

    skeleton: Skeleton
    joints: int
    """Number of joints of the model itself, including fingers and face."""
    template: Float[np.ndarray, "vertex 3"]
    """Metres, y up, facing +z."""
    shapes: Float[np.ndarray, "vertex 3 shape"]
    """Shape directions of the body; the expressions of SMPL-X are left out."""
    regressor: Float[np.ndarray, "joint vertex"]
    """Regressor of the skeleton's joints."""


def read_smpl(path: Path | str, *, body_model: Path | str, fps: float | int | None = None, up: Up = "auto") -> Motion:
    """Reads joints and rotations from a parameter file.

    Args:
        body_model: npz with `v_template`, `shapedirs`, `J_regressor`, `kintree_table`; it decides the skeleton.
        fps: frames per second, if the file does not state them or states them wrongly (as some AMASS files do); None
            for the file's own.
        up: axis that is up in the parameters' world; in AMASS it is z.

    Raises:
        BadInputError: codes of `read_npz`; `body-model-…` (see `read_body_model`); `smpl-keys`, `smpl-shape`,
            `smpl-nonfinite`, `smpl-betas`, `smpl-degrees`, `smpl-rate` (the file's two rates differ, and no `fps` was
            given), `smpl-model` (parameters of another model); `motion-rate`, `motion-up`; `library-missing`: smplx is
            not installed.

    Warns:
        MotionFileWarning: the file has no translation, so the body stays in one place.
    """
    model = read_body_model(body_model)
    given = read_parameters(path, fps=fps)
    for _, text in given.odd:
        warnings.warn(f"{path}: {text}", MotionFileWarning, stacklevel=2)
    rate = given.fps if fps is None else fps
    if rate is None:
        raise BadInputError(f"{path}: does not say its frame rate; give fps", code="motion-rate")
    return pose(model, given, rate, up)


def pose(model: BodyModel, given: Parameters, fps: float | int, up: Up = "auto") -> Motion:
    """Poses a body model with the parameters of a motion, through `smplx`, in float64.

    Raises:
        BadInputError: `smpl-model`, `smpl-betas`, `motion-up`; `library-missing`.
    """
    turns = _turns(model, given)
    positions, rotations = _through_smplx(model, turns, given.betas)
    return _in_world(model, given, positions, rotations, fps, up)


def pose_with_numpy(model: BodyModel, given: Parameters, fps: float | int, up: Up = "auto") -> Motion:
    """Does the same as `pose` up to the last digits, without smplx and torch. It is for files that are only checked.

    Raises:
        BadInputError: `smpl-model`, `smpl-betas`, `motion-up`.
    """
    from scipy.spatial.transform import Rotation

    turns = _turns(model, given)
    surface = model.template + model.shapes[..., : len(given.betas)] @ given.betas
    rest = model.regressor @ surface
    offsets = rest - rest[[max(parent, 0) for parent in model.skeleton.parents]]
    local = Rotation.from_rotvec(turns.reshape(-1, 3)).as_matrix().reshape(*turns.shape, 3)
    rotations = chained_rotations(model.skeleton, local)
    root = np.tile(rest[0], (len(turns), 1))
    return _in_world(model, given, forward_kinematics(model.skeleton, offsets, root, rotations), rotations, fps, up)


def _turns(model: BodyModel, given: Parameters) -> Float[np.ndarray, "time joint 3"]:
    """Rotation vectors of the skeleton's joints. Raises BadInputError `smpl-model`, `smpl-betas`."""
    count = len(model.skeleton)
    if given.turns.shape[1] not in (22, 24, model.joints):
        raise BadInputError(
            f"smpl: parameters of {given.turns.shape[1]} joints, a body model of {model.joints}; both of one model "
            "are needed (24 SMPL, 52 SMPL-H, 55 SMPL-X)",
            code="smpl-model",
        )
    if len(given.betas) > model.shapes.shape[-1]:
        more = "; what follows them in its file are expressions of the face" if model.joints == SMPLX_JOINTS else ""
        has = f"the body model has {model.shapes.shape[-1]} shapes{more}"
        text = f"smpl: {len(given.betas)} betas, {has}; leave the last ones out, or give its file with all shapes"
        raise BadInputError(text, code="smpl-betas")
    turns = np.zeros((len(given.turns), count, 3))
    used = 24 if given.turns.shape[1] == count == 24 else 22  # all models share the tree of 22 joints
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
    """Adds the translation to the posed joints and transforms them into our axes. Raises BadInputError `motion-up`."""
    positions = positions + given.shift[:, None]
    positions, rotations = into_world(positions, rotations @ Y_UP.T, find_up(model.skeleton, positions, up))
    return Motion(positions, rotations, float(fps), model.skeleton.name)


def read_body_model(path: Path | str) -> BodyModel:
    """Reads the arrays of a body-model file that joints need.

    Raises:
        BadInputError: `body-model-missing`, `body-model-pickle` (the file is not npz: reading it would run code),
            `body-model-keys`, `body-model-shape`, `body-model-joints`; codes of `read_npz`.
    """
    file = Path(path)
    if not file.is_file():
        raise BadInputError(f"{file}: no such body-model file", code="body-model-missing")
    if file.suffix.lower() != ".npz":
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
    bodily = shapes[..., : _bodily(joints, shapes.shape[-1])]
    numbers = [array.astype(np.float64) for array in (template, bodily, regressor[: len(skeleton)])]
    return BodyModel(skeleton, joints, *numbers)


def _bodily(joints: int, columns: int) -> int:
    """Number of columns of `shapedirs` that are shapes of the body, counted as in `smplx.SMPLX`."""
    if joints != SMPLX_JOINTS or columns >= SHAPE_SPACE + FACE_SPACE:
        return min(columns, SHAPE_SPACE)
    return min(columns, 10)


def _through_smplx(
    model: BodyModel, turns: Float[np.ndarray, "time joint 3"], betas: Float[np.ndarray, " shape"]
) -> tuple[Float[np.ndarray, "time joint 3"], Float[np.ndarray, "time joint 3 3"]]:
    """Posed joints and their rotations in the parameters' world, before the translation is added."""
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
