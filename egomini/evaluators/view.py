"""The one camera of the embedded world, as its two fitted estimators know it."""

import numpy as np

RESOLUTION = 64
"""Pixels, square."""
FOCAL = 0.5
"""Focal length over the picture's width: 90°."""
TOLERANCE = 0.01
"""Of focal length and centre, as a share of the width."""
MEAN, STD = 127.5, 64.0
"""Grey levels."""


def is_fitted_view(K: np.ndarray, size: int) -> bool:
    """Whether intrinsics are those of a 90° wide square picture of so many pixels."""
    wanted = np.array([[FOCAL, 0, 0.5], [0, FOCAL, 0.5], [0, 0, 1 / size]]) * size
    return K.shape == (3, 3) and bool(np.isfinite(K).all()) and bool((np.abs(K - wanted) < TOLERANCE * size).all())
