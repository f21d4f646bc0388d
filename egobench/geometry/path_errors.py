"""Distances of two paths, and how far a path itself goes. Float64, batched over clips; metres and radians.

Frames that are not registered hold NaN in what is given per frame and are left out of means: whoever takes a mean
decides what they cost.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from egobench.geometry.alignment import Placement, masked_mean, turn
from egobench.geometry.rotation import angle_between


class RelativeErrors(NamedTuple):
    """Of all pairs of frames a fixed step apart; NaN where one of the two is not registered."""

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
    """How far movements over `step` frames differ, each seen from its own first frame: no gauge enters.

    The scale of the source does (it is multiplied by `scale`, 1 if None). All pairs (k, k + step) are taken.
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
    """Distance of every frame to the mean of the registered ones: what a camera that never moves is off by."""
    return np.linalg.norm(positions - masked_mean(positions, registered)[..., None, :], axis=-1)


def farthest(positions: Float[np.ndarray, "*clip time 3"]) -> Float[np.ndarray, "*clip"]:
    """The largest distance between any two frames; trembling adds nothing to it, unlike the length of the path."""
    gaps = positions[..., :, None, :] - positions[..., None, :, :]
    return np.asarray(np.sqrt(np.sum(gaps**2, axis=-1).max(axis=(-1, -2))))


def mean_over_frames(errors: Float[np.ndarray, "*clip time"]) -> Float[np.ndarray, "*clip"]:
    """Mean of what is not NaN; NaN where all is."""
    return _mean_of_known(errors, errors)


def rms_over_frames(errors: Float[np.ndarray, "*clip time"]) -> Float[np.ndarray, "*clip"]:
    """Root of the mean square of what is not NaN; NaN where all is."""
    return np.asarray(np.sqrt(_mean_of_known(errors**2, errors)))


def _mean_of_known(values: np.ndarray, errors: np.ndarray) -> np.ndarray:
    known = ~np.isnan(errors)
    number = known.sum(axis=-1)
    total = np.where(known, values, 0.0).sum(axis=-1)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def _own_view(R: np.ndarray, steps: np.ndarray) -> np.ndarray:
    return (np.swapaxes(R, -1, -2) @ steps[..., None])[..., 0]
