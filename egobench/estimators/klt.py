"""Tracks points through a video by KLT (Shi and Tomasi, CVPR 1994; Bouguet 2001), with OpenCV's implementation.

Each step is tracked forward and back. A point that does not return to its start is dropped. New points replace the lost
ones. Frames are resized to a short side of at least `SIDE` pixels, so a window covers the same part of the picture at
64 pixels as at 256.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt8

SIDE, LARGEST = 256, 640
"""Pixels: least short side and greatest long side of a frame during tracking. Frames outside this range are resized."""
CORNERS = 400
QUALITY = 0.01
DISTANCE = 7
"""Least distance between two corners, pixels."""
WINDOW, LEVELS = 15, 3
HOME = 0.5
"""Pixels: a point that is tracked forward and back must end this near to its start."""
BORDER = 3
FLAT = 2.0
"""Standard deviation in grey levels below which a frame counts as empty."""


@contextmanager
def one_opencv_thread() -> Iterator[None]:
    """OpenCV with one thread. Without it, each of several processes would start a thread for every core."""
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def working_scale(height: int, width: int) -> float:
    """Factor by which frames are resized before tracking."""
    return min(max(SIDE / min(height, width), 1.0), max(LARGEST / max(height, width), 1e-3))


def follow(
    frames: UInt8[np.ndarray, "time height width 3"], mask: Bool[np.ndarray, "time height width"] | None
) -> Float[np.ndarray, "time point 2"]:
    """Positions of all points, pixels of the given frames (x right, y down, centres at half-integers); NaN if unseen.

    Args:
        mask: pixels in which no point may lie.
    """
    import cv2

    scale = working_scale(*frames.shape[1:3])
    grey = [_grey(frame, scale) for frame in frames]
    free = [_free(grey[0].shape, None if mask is None else mask[k]) for k in range(len(frames))]
    tracks = np.full((len(frames), 0, 2), np.nan, dtype=np.float32)
    here = np.zeros((0, 2), dtype=np.float32)
    alive = np.zeros(0, dtype=np.int64)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 0.01)
    options: Any = {"winSize": (WINDOW, WINDOW), "maxLevel": LEVELS, "criteria": criteria}
    unset: Any = None
    for k in range(len(frames)):
        if k and len(here):
            there, found, _ = cv2.calcOpticalFlowPyrLK(grey[k - 1], grey[k], here[:, None], unset, **options)
            back, home, _ = cv2.calcOpticalFlowPyrLK(grey[k], grey[k - 1], there, unset, **options)
            there, back = there[:, 0], back[:, 0]
            good = (found[:, 0] == 1) & (home[:, 0] == 1) & (np.linalg.norm(back - here, axis=1) < HOME)
            good &= _inside(there, free[k])
            here, alive = there[good], alive[good]
            tracks[k, alive] = here
        if k == len(frames) - 1:
            break
        new = _corners(grey[k], free[k], here)
        alive = np.concatenate([alive, tracks.shape[1] + np.arange(len(new))])
        tracks = np.concatenate([tracks, np.full((len(frames), len(new), 2), np.nan, np.float32)], axis=1)
        tracks[k, tracks.shape[1] - len(new) :] = new
        here = np.concatenate([here, new])
    return (tracks.astype(np.float64) + 0.5) / scale


def shows_something(frames: UInt8[np.ndarray, "time height width 3"]) -> bool:
    """False for a video that is black, or of one colour, throughout."""
    return any((frame.reshape(-1, 3).std(axis=0) > FLAT).any() for frame in frames)


def _grey(frame: np.ndarray, scale: float) -> np.ndarray:
    import cv2

    grey = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY)
    if scale == 1.0:
        return grey
    size = round(grey.shape[1] * scale), round(grey.shape[0] * scale)
    return cv2.resize(grey, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)


def _free(shape: tuple[int, int], mask: np.ndarray | None) -> np.ndarray:
    """255 where a point may lie: away from the border, and away from the mask and the pixels next to it."""
    import cv2

    free = np.zeros(shape, dtype=np.uint8)
    free[BORDER:-BORDER, BORDER:-BORDER] = 255
    if mask is not None:
        covered = cv2.resize(mask.astype(np.uint8), shape[::-1], interpolation=cv2.INTER_NEAREST)
        free[cv2.dilate(covered, np.ones((7, 7), np.uint8)) > 0] = 0
    return free


def _inside(points: np.ndarray, free: np.ndarray) -> np.ndarray:
    x, y = np.rint(points).astype(np.int64).T
    inside = (x >= 0) & (y >= 0) & (x < free.shape[1]) & (y < free.shape[0])
    inside[inside] = free[y[inside], x[inside]] > 0
    return inside


def _corners(grey: np.ndarray, free: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Corners in places that have no point yet, at subpixel positions of the detector's grid."""
    import cv2

    missing = CORNERS - len(known)
    if missing <= 0:
        return np.zeros((0, 2), dtype=np.float32)
    open_places = free.copy()
    for x, y in np.rint(known).astype(int):
        cv2.circle(open_places, (int(x), int(y)), DISTANCE, 0, -1)
    found = cv2.goodFeaturesToTrack(grey, missing, QUALITY, DISTANCE, mask=open_places)
    return np.zeros((0, 2), dtype=np.float32) if found is None else found[:, 0].astype(np.float32)
