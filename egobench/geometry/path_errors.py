"""Distances of two paths, and the extent of a path. Float64, batched over clips; metres and radians.

Results per frame are NaN for frames that are not registered, and means leave these frames out. The caller decides which
error they get.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from egobench.geometry.alignment import Placement, masked_mean, turn
from egobench.geometry.rotation import angle_between


class RelativeErrors(NamedTuple):
    """Errors of all pairs of frames with a fixed step between them; NaN where one of the two is not registered."""

    rotation: Float[np.ndarray, "*clip pair"]
    """Radians."""
    translation: Float[np.ndarray, "*clip pair"]
    """Metres."""


def rotation_errors(
    R: Float[np.ndarray, "*clip 3 3"],
    target: Float[np.ndarray, "*clip time 3 3"],
    source: Float[np.ndarray, "*clip time 3 3"],
    registered: Bool[np.ndarray, "*clip time"],
) -> Float[np.ndarray, "*clip time"]:
    """Angle between R @ source and target, per frame; NaN where not registered."""
    return np.where(registered, angle_between(R[..., None, :, :] @ source, target), np.nan)


def frobenius_errors(
    R: Float[np.ndarray, "*clip 3 3"],
    target: Float[np.ndarray, "*clip time 3 3"],
    source: Float[np.ndarray, "*clip time 3 3"],
    registered: Bool[np.ndarray, "*clip time"],
) -> Float[np.ndarray, "*clip time"]:
    """Frobenius norm of R @ source - target, per frame: 2√2 · sin(angle / 2); NaN where not registered."""
    gap = R[..., None, :, :] @ source - target
    return np.where(registered, np.sqrt(np.sum(gap**2, axis=(-1, -2))), np.nan)


def position_errors(
    R: Float[np.ndarray, "*clip 3 3"],
    placement: Placement,
    target: Float[np.ndarray, "*clip time 3"],
    source: Float[np.ndarray, "*clip time 3"],
    registered: Bool[np.ndarray, "*clip time"],
) -> Float[np.ndarray, "*clip time"]:
    """Distance of scale · R @ source + shift to target, per frame; NaN where not registered."""
    laid = placement.scale[..., None, None] * turn(R, source) + placement.shift[..., None, :]
    return np.where(registered, np.linalg.norm(laid - target, axis=-1), np.nan)


def relative_errors(
    R_target: Float[np.ndarray, "*clip time 3 3"],
    R_source: Float[np.ndarray, "*clip time 3 3"],
    target: Float[np.ndarray, "*clip time 3"],
    source: Float[np.ndarray, "*clip time 3"],
    registered: Bool[np.ndarray, "*clip time"],
    *,
    step: int,
    scale: Float[np.ndarray, "*clip"] | None = None,
) -> RelativeErrors:
    """Differences of movements over `step` frames, each seen from its own first frame, so that no alignment is needed.

    The source is multiplied by `scale` (1 if None). All pairs (k, k + step) are used.
    Source: Sturm et al., IROS 2012, relative pose error.
    """
    both = registered[..., :-step] & registered[..., step:]
    R_y, R_x = R_target[..., :-step, :, :], R_source[..., :-step, :, :]
    turned_y, turned_x = (
        np.swapaxes(R, -1, -2) @ end
        for R, end in ((R_y, R_target[..., step:, :, :]), (R_x, R_source[..., step:, :, :]))
    )
    factor = 1.0 if scale is None else scale[..., None, None]
    gone_y = _own_view(R_y, target[..., step:, :] - target[..., :-step, :])
    gone_x = _own_view(R_x, factor * (source[..., step:, :] - source[..., :-step, :]))
    rotation = angle_between(turned_y, turned_x)
    translation = np.linalg.norm(gone_x - gone_y, axis=-1)
    return RelativeErrors(np.where(both, rotation, np.nan), np.where(both, translation, np.nan))


def distances_to_middle(
    positions: Float[np.ndarray, "*clip time 3"], registered: Bool[np.ndarray, "*clip time"]
) -> Float[np.ndarray, "*clip time"]:
    """Distance of every frame to the mean of the registered ones: the error of a camera that never moves."""
    return np.linalg.norm(positions - masked_mean(positions, registered)[..., None, :], axis=-1)


def farthest(positions: Float[np.ndarray, "*clip time 3"]) -> Float[np.ndarray, "*clip"]:
    """The largest distance between any two frames; unlike the length of the path, it does not grow with noise."""
    gaps = positions[..., :, None, :] - positions[..., None, :, :]
    return np.asarray(np.sqrt(np.sum(gaps**2, axis=-1).max(axis=(-1, -2))))


def mean_over_frames(errors: Float[np.ndarray, "*clip time"]) -> Float[np.ndarray, "*clip"]:
    """Mean of the values that are not NaN; NaN if all are."""
    return _mean_of_known(errors, errors)


def rms_over_frames(errors: Float[np.ndarray, "*clip time"]) -> Float[np.ndarray, "*clip"]:
    """Root mean square of the values that are not NaN; NaN if all are."""
    return np.asarray(np.sqrt(_mean_of_known(errors**2, errors)))


def _mean_of_known(values: np.ndarray, errors: np.ndarray) -> np.ndarray:
    known = ~np.isnan(errors)
    number = known.sum(axis=-1)
    total = np.where(known, values, 0.0).sum(axis=-1)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def _own_view(R: np.ndarray, steps: np.ndarray) -> np.ndarray:
    return (np.swapaxes(R, -1, -2) @ steps[..., None])[..., 0]
