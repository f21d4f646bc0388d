"""Reads npz files of SMPL, SMPL-H and SMPL-X pose parameters, with any of three sets of array names.

    poses, trans, betas, mocap_framerate                        AMASS
    root_orient, pose_body, trans, betas, mocap_frame_rate      AMASS, in parts
    global_orient, body_pose, transl, betas                     `smplx`

Rotations are in radians. If a file states one thing twice, both must agree. If a file lacks something, a warning names
it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from egobench.errors import BadInputError
from egobench.files.arrays import MAX_NPZ_BYTES, read_npz
from egobench.motions.axes import check_length, within_bounds

PARTS = (("root_orient", "pose_body"), ("global_orient", "body_pose"))
SHIFTS = ("trans", "transl")
RATES = ("mocap_framerate", "mocap_frame_rate")
PARAMETERS = ("poses", "betas", *PARTS[0], *PARTS[1], *SHIFTS, *RATES)
LARGEST_TURN = 1.05 * np.pi
"""Radians. A rotation is at most half a turn. Some optimisers leave a few larger ones, mostly the body's own."""
LARGE_SHARE = 0.1
"""If more than this share of the nonzero rotations are larger than `LARGEST_TURN`, they are not in radians."""
SAME = 1e-4
"""Two arrays for the same thing agree if they differ by no more than this."""


@dataclass(frozen=True)
class Parameters:
    """The parameters of one motion."""

    turns: Float[np.ndarray, "time joint 3"]
    """Axis × angle of each joint relative to its parent, radians. The first is the body's in the world."""
    shift: Float[np.ndarray, "time 3"]
    """Translation in metres; zero if the file has none."""
    betas: Float[np.ndarray, " shape"]
    fps: float | None
    """None if the file does not state it."""
    odd: tuple[tuple[str, str], ...] = ()
    """(code, text) of what is missing and was taken as zero."""


def is_parameters(names: set[str]) -> bool:
    """Whether arrays with these names are pose parameters."""
    return "poses" in names or any(set(parts) <= names for parts in PARTS)


def read_parameters(path: Path | str, *, max_bytes: int = MAX_NPZ_BYTES, fps: float | int | None = None) -> Parameters:
    """Reads pose parameters from an npz file with any of the three sets of names.

    Args:
        max_bytes: largest unpacked size.
        fps: the true rate, if the rates in the file do not matter.

    Raises:
        BadInputError: `smpl-keys` (arrays are missing, or two arrays for one thing differ), `smpl-shape`,
            `smpl-nonfinite`, `smpl-betas` (they change), `smpl-degrees` (rotations are not in radians), `smpl-rate`
            (two rates differ, and no `fps` was given), `motion-frames`; codes of `read_npz`.
    """
    arrays = read_npz(path, max_bytes=max_bytes, only=PARAMETERS)
    poses = _poses(arrays, path)
    shift, odd = _shift(arrays, poses, path)
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
    turns, shift, betas = (array.astype(np.float64) for array in (poses.reshape(len(poses), -1, 3), shift, betas))
    _check_radians(turns, path)
    return Parameters(turns, shift, betas, _rate(arrays, fps, path), odd)


def _poses(arrays: dict[str, np.ndarray], path: Path | str) -> np.ndarray:
    """Poses (T, 3 per joint), not yet checked. A file in parts gives the 22 joints of the body."""
    said: list[tuple[str, np.ndarray]] = [("poses", arrays["poses"])] if "poses" in arrays else []
    for root, body in PARTS:
        if not {root, body} <= arrays.keys():
            continue
        parts = [_flat(arrays[name]) for name in (root, body)]
        if len(parts[0]) != len(parts[1]):
            text = f"{path}: {len(parts[0])} frames of {root}, {len(parts[1])} of {body}"
            raise BadInputError(text, code="smpl-shape")
        said.append((f"{root} and {body}", np.concatenate(parts, axis=1)))
    if not said:
        found = ", ".join(sorted(arrays)) or "none of them"
        text = f"{path}: 'poses', or 'global_orient' and 'body_pose', or 'root_orient' and 'pose_body' are needed"
        raise BadInputError(f"{text}; found: {found}", code="smpl-keys")
    _check_same(said, path)
    return said[0][1]


def _shift(
    arrays: dict[str, np.ndarray], poses: np.ndarray, path: Path | str
) -> tuple[np.ndarray, tuple[tuple[str, str], ...]]:
    said = [(name, arrays[name]) for name in SHIFTS if name in arrays]
    if not said:
        text = "no 'trans' and no 'transl': the body is taken to stay in one place, its root at the origin"
        return np.zeros((len(poses) if poses.ndim else 0, 3)), (("smpl-trans", text),)
    _check_same(said, path)
    return said[0][1], ()


def _check_same(said: list[tuple[str, np.ndarray]], path: Path | str) -> None:
    """Refuses two arrays for one thing if they differ where both have values. Raises BadInputError `smpl-keys`."""
    (first, one), *others = said
    for name, other in others:
        if one.ndim != 2 or other.ndim != 2 or not (within_bounds(one).all() and within_bounds(other).all()):
            continue  # the first is checked later; the others are not used
        width = min(one.shape[1], other.shape[1])
        far = len(one) != len(other) or (np.abs(one[:, :width] - other[:, :width]) > SAME).any()
        if far:
            text = f"{path}: {first} and {name} say different things; leave one of them out"
            raise BadInputError(text, code="smpl-keys")


def _check_radians(turns: Float[np.ndarray, "time joint 3"], path: Path | str) -> None:
    angles = np.linalg.norm(turns, axis=-1)
    turned = angles[angles > 1e-6]
    large = float((turned > LARGEST_TURN).mean()) if turned.size else 0.0
    if large > LARGE_SHARE:
        text = f"{path}: {large:.0%} of the turns are larger than half a turn, the median {np.median(turned):.3g}"
        raise BadInputError(f"{text}; radians are needed; looks like degrees: multiply by π / 180", code="smpl-degrees")


def _rate(arrays: dict[str, np.ndarray], fps: float | int | None, path: Path | str) -> float | None:
    said = {
        name: float(arrays[name].item())
        for name in RATES
        if name in arrays and arrays[name].size == 1 and arrays[name].dtype.kind in "fiu"
    }
    rates = list(said.values())
    if fps is None and len(rates) > 1 and abs(rates[0] - rates[1]) > 1e-3 * abs(rates[0]):
        text = " and ".join(f"{name} is {rate:g}" for name, rate in said.items())
        raise BadInputError(f"{path}: {text}; say which is right (fps), or leave one out", code="smpl-rate")
    return rates[0] if rates else None


def _flat(array: np.ndarray) -> np.ndarray:
    """Reshapes (T, …) to (T, numbers). An array without frames becomes (0, 0)."""
    return array.reshape(len(array), -1) if array.ndim and len(array) else np.zeros((0, 0))


def _constant(betas: np.ndarray, path: Path | str) -> np.ndarray:
    """Returns one row of betas, because the shape of a person does not change."""
    rows = betas.reshape(1, -1) if betas.ndim < 2 else _flat(betas)
    if len(rows) == 0 or (rows != rows[:1]).any():
        text = f"{path}: betas {betas.shape} change from frame to frame; one row is needed, such as their mean"
        raise BadInputError(text, code="smpl-betas")
    return rows[0]
