"""Reads motion files of any kind: named joints, metres, z up, checked as `egobench check` checks a sample."""

import warnings
from pathlib import Path

from egobench.errors import BadInputError
from egobench.files.arrays import npz_names, read_npy
from egobench.files.motion import read_motion
from egobench.geometry.border import RATE_TOLERANCE, check_motion
from egobench.geometry.skeleton import get_skeleton
from egobench.motions.axes import (
    METRES,
    Kind,
    MotionFileWarning,
    Unit,
    Up,
    check_length,
    find_up,
    into_world,
    within_bounds,
)
from egobench.motions.bvh import read_bvh
from egobench.motions.conventions import check_conventions, look_over, precision_warning
from egobench.motions.humanml3d import decode_any
from egobench.motions.resample import resample
from egobench.motions.skeleton_map import SkeletonMap, read_skeleton_map
from egobench.motions.smpl import read_smpl
from egobench.motions.smpl_parameters import is_parameters
from egobench.motions.xsens import read_xsens
from egobench.types import Motion

HUMANML3D_HINT = "; if the vectors are normalised, undo that first (× Std + Mean)"


def load_motion(
    path: Path | str,
    *,
    kind: Kind = "auto",
    fps: float | int | None = None,
    body_model: Path | str | None = None,
    to_fps: float | int | None = None,
    unit: Unit = "m",
    up: Up = "auto",
    skeleton: str | None = None,
    skeleton_map: Path | str | None = None,
) -> Motion:
    """Reads a motion of any known kind.

    | kind | file | axes | rate |
    |---|---|---|---|
    | `egobench` | npz: positions, rotations | z up | `fps` |
    | `smpl`, `smplx` | npz: AMASS's or smplx's parameters; and `body_model` | by body, or `up` | in AMASS's, or `fps` |
    | `humanml3d` | npy: (T, 263), (T, 251), not normalised; joints (T, 22, 3), (T, 21, 3) | y up | 20, 12.5, or `fps` |
    | `bvh` | text | by body, or `up` | in the file, or `fps` |
    | `xsens` | npz: Nymeria's xdata | z up, or `up` | by timestamps |

    Args:
        kind: `auto` decides by suffix and array names.
        fps: frames per second of the file, if the file does not state them or states them wrongly.
        body_model: the user's own SMPL, SMPL-H or SMPL-X file, npz.
        to_fps: frames per second of the result; None for the file's.
        unit: unit of the file's lengths (`egobench`, `humanml3d`, `bvh`; the others are always in metres).
        up: axis that is up in the file; `auto` decides by kind, or by the body (`egobench.motions.axes.find_up`).
        skeleton: skeleton of an `egobench` file; None for xsens23.
        skeleton_map: TOML file that maps the joints of a `bvh` or `egobench` file to ours
            (`egobench.motions.skeleton_map`).

    Raises:
        BadInputError: the readers' codes; codes of `check_motion` and of `egobench.motions.conventions.look_over`
            (quaternions x, y, z, w, transposed or mirrored rotations, a jump, y up); `motion-kind` (the file does not
            show its kind), `motion-option` (an option that this kind does not have); `skeleton-map`, `skeleton-name`,
            `skeleton-tree`.

    Warns:
        MotionFileWarning: something in the file is unusual.
    """
    kind = find_kind(path) if kind == "auto" else kind
    given = {"fps": fps, "body_model": body_model, "skeleton": skeleton, "skeleton_map": skeleton_map}
    _check_options(kind, given, unit, up)
    names = None if skeleton_map is None else read_skeleton_map(skeleton_map)
    motion = _read(Path(path), kind, fps, body_model, to_fps, unit, up, skeleton or "xsens23", names)
    check_length(len(motion.positions), path)
    try:
        motion = check_motion(motion)
    except BadInputError as error:
        if kind == "humanml3d" and error.code == "motion-units":
            raise BadInputError(f"{error}{HUMANML3D_HINT}", code=error.code) from None
        raise
    odd = []
    if to_fps is not None and abs(to_fps - motion.fps) > RATE_TOLERANCE * motion.fps:
        check_conventions(motion)  # before resampling, which blurs the signs of a mistake
        odd = precision_warning(motion)
        motion = resample(motion, to_fps)
    for code, text in [*odd, *look_over(motion)]:
        warnings.warn(f"{path}: {code}: {text}", MotionFileWarning, stacklevel=2)
    return motion


def find_kind(path: Path | str) -> Kind:
    """Finds the kind of a file by its suffix and the names of its arrays. It reads no content.

    Raises:
        BadInputError: `motion-kind`; codes of `read_npz`.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".bvh":
        return "bvh"
    if suffix == ".npy":
        return "humanml3d"
    names = npz_names(path) if suffix == ".npz" else set()
    if {"positions", "rotations"} <= names:
        return "egobench"
    if {"segment_tXYZ", "segment_qWXYZ"} <= names:
        return "xsens"
    if is_parameters(names):
        return "smpl"
    raise BadInputError(
        f"{path}: what kind of motion this is cannot be seen; .bvh, .npy (HumanML3D), or .npz with positions and "
        "rotations, segment_tXYZ, poses, body_pose, or pose_body is known; say kind",
        code="motion-kind",
    )


def _read(
    path: Path,
    kind: Kind,
    fps: float | int | None,
    body_model: Path | str | None,
    to_fps: float | int | None,
    unit: Unit,
    up: Up,
    skeleton: str,
    names: SkeletonMap | None,
) -> Motion:
    match kind:
        case "egobench":
            return _read_own(path, fps, unit, up, skeleton, names)
        case "humanml3d":
            return decode_any(read_npy(path), fps=fps, metres=METRES[unit])
        case "bvh":
            return read_bvh(path, fps=fps, unit=unit, up=up, skeleton_map=names)
        case "xsens":
            motion = read_xsens(path, to_fps=to_fps)
            axis = find_up(get_skeleton(motion.skeleton), motion.positions, "z" if up == "auto" else up)
            return Motion(*into_world(motion.positions, motion.rotations, axis), motion.fps, motion.skeleton)
        case "smpl" | "smplx":
            if body_model is None:
                text = f"{path}: SMPL parameters need your own body-model file (npz); give body_model"
                raise BadInputError(text, code="body-model-missing")
            motion = read_smpl(path, body_model=body_model, fps=fps, up=up)
            if kind == "smplx" and motion.skeleton != "smplx22":
                text = f"{body_model}: a body model of {motion.skeleton}; one of SMPL-X (55 joints) is needed"
                raise BadInputError(text, code="body-model-joints")
            return motion
        case _:
            raise BadInputError(f"{kind!r} is no kind of motion file", code="motion-kind")


def _read_own(
    path: Path, fps: float | int | None, unit: Unit, up: Up, skeleton: str, theirs: SkeletonMap | None
) -> Motion:
    if fps is None:
        raise BadInputError(f"{path}: this kind of file does not say its frame rate; give fps", code="motion-rate")
    motion = read_motion(path, fps=fps, skeleton=skeleton)
    if theirs is not None:
        skeleton = theirs.skeleton.name
        motion = Motion(theirs.pick(motion.positions, path), theirs.pick(motion.rotations, path), fps, skeleton)
    names = get_skeleton(skeleton)
    positions = motion.positions * METRES[unit]
    sound = within_bounds(positions).all() and within_bounds(motion.rotations).all()
    if positions.shape[1] != len(names) or len(positions) == 0 or not sound:
        return motion  # check_motion says what is wrong
    axis = find_up(names, positions, "z" if up == "auto" else up)
    positions, rotations = into_world(positions, motion.rotations, axis)
    return Motion(positions, rotations, fps, skeleton)


def _check_options(kind: Kind, given: dict[str, object], unit: Unit, up: Up) -> None:
    """Refuses options that would be ignored."""
    smpl = kind in ("smpl", "smplx")
    refused = {
        "fps": given["fps"] is not None and kind == "xsens",
        "body_model": given["body_model"] is not None and not smpl,
        "skeleton": given["skeleton"] is not None and kind != "egobench",
        "skeleton_map": given["skeleton_map"] is not None and kind not in ("egobench", "bvh"),
        "unit": unit != "m" and (smpl or kind == "xsens"),
        "up": kind == "humanml3d" and up == "z",
    }
    advice = {"fps": " (its timestamps say; to_fps is the result's rate)", "up": f" (not {up})"}
    for option, wrong in refused.items():
        if wrong:
            text = f"{option} has no meaning for kind {kind}{advice.get(option, '')}"
            raise BadInputError(text, code="motion-option")
    if given["skeleton"] is not None and given["skeleton_map"] is not None:
        raise BadInputError("skeleton and skeleton_map were given; the map names the skeleton", code="motion-option")
