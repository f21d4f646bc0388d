"""Pixels of the wearer's hands and sleeves. Their texture moves, so a camera path must not be estimated from it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool

from egobench.catalog import ESTIMATORS
from egobench.errors import BadInputError
from egobench.estimators.base import Estimator, HandEstimator, as_estimator
from egobench.types import Camera, HandDetections, Video

PALM_RADIUS = 0.15
"""Share of the frame's height. If a detector gives no mask, discs around the palms replace it."""


def hands_protocol(name: str) -> Mapping[str, Any] | None:
    """Record of the hand estimator of this name; None for the empty name.

    Raises:
        UnknownNameError: there is none.
        BadInputError: `estimator-kind`: it does not detect hands; or what its own `protocol` raises.
    """
    return _estimator(name).protocol() if name else None


def check_hands(name: str, facts: Mapping[str, Any]) -> None:
    """Refuses a split that the hand estimator cannot process. Raises BadInputError, code `split-form`."""
    if name:
        _estimator(name).check(facts)


def load_hands(name: str, device: str) -> HandEstimator | None:
    """Loads the hand estimator of this name; None for the empty name. Raises what `hands_protocol` and `load` raise."""
    return _estimator(name).load(device) if name else None  # pyright: ignore[reportReturnType]


def hand_mask(
    hands: HandEstimator | None, video: Video, camera: Camera, clip_id: str
) -> Bool[np.ndarray, "time height width"] | None:
    """The pixels to leave out of a video; None for none."""
    if hands is None:
        return None
    found = hands.hands(video, camera, clip_id=clip_id)
    return found.mask if found.mask is not None else palm_discs(found, *video.frames.shape[1:3])


def palm_discs(found: HandDetections, height: int, width: int) -> Bool[np.ndarray, "time height width"]:
    """Draws a disc around every palm that is visible and has a position."""
    y, x = np.mgrid[:height, :width] + 0.5
    mask = np.zeros((len(found.scores), height, width), dtype=bool)
    shown = (found.scores >= found.threshold) & ~np.isnan(found.palms).any(axis=2)
    for k, side in zip(*np.nonzero(shown), strict=True):
        palm_x, palm_y = found.palms[k, side]
        mask[k] |= np.hypot(x - palm_x, y - palm_y) < PALM_RADIUS * height
    return mask


def _estimator(name: str) -> Estimator:
    estimator = as_estimator(ESTIMATORS.load(name)())
    if "hands" not in estimator.provides:
        raise BadInputError(f"estimator '{name}' does not see hands", code="estimator-kind")
    return estimator
