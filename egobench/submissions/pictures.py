"""Conventions that a video cannot state and often breaks: the order of colours, which side is up, the first frame.

They are tested with the given first frame. The recorded second frame shows whether the first was left out. A video is
refused only if undoing one known mistake makes its first frame much more similar to the given one. Any other first
frame is the model's output and is scored.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import UInt8

from egobench.errors import BadInputError

Frames = UInt8[np.ndarray, "time height width 3"]
Picture = UInt8[np.ndarray, "height width 3"]
GOOD = 16.0
"""A picture is the given one, perhaps after lossy coding, if it differs by less than this (root mean square, grey
levels)."""
FAR_BETTER = 3.0
"""The mended picture must be this many times nearer to the given one."""
CLEAR = 3.0
"""The mended picture must be nearer by at least this many grey levels: a grey or symmetric picture proves nothing."""
NEIGHBOURS = 0.25
"""A video that begins with the second frame differs from the given frame by more than this many grey levels. Two
successive frames differ by 0.5 to 15; a lossy frame is not nearer to its neighbour, so it is not refused."""
MISTAKES: dict[str, tuple[str, Callable[[Frames], Frames]]] = {
    "with its colours read as BGR": ("video-bgr", lambda frames: frames[0, :, :, ::-1]),
    "turned by 180°": ("video-turned", lambda frames: frames[0, ::-1, ::-1]),
    "turned upside down": ("video-turned", lambda frames: frames[0, ::-1]),
    "mirrored left to right": ("video-turned", lambda frames: frames[0, :, ::-1]),
    "turned by 90° clockwise": ("video-turned", lambda frames: np.rot90(frames[0], -1)),
    "turned by 90° counterclockwise": ("video-turned", lambda frames: np.rot90(frames[0], 1)),
    "one frame later": ("video-late", lambda frames: frames[min(1, len(frames) - 1)]),
}
"""Description of a mistake → its code, and a function that gives the mended first frame."""


def check_pictures(frames: Frames, first_frame: Picture, second_frame: Picture | None = None) -> None:
    """Refuses a video whose first frame is the given one after one known mistake, or is the recorded second frame.

    Args:
        second_frame: frame 1 of the recorded video, if it is known.

    Raises:
        BadInputError: `video-bgr`, `video-turned`, `video-late`, `video-early`.
    """
    given = _apart(frames[0], first_frame)
    second = float("inf") if second_frame is None else _apart(frames[0], second_frame)
    if second < min(GOOD, given / FAR_BETTER) and given > NEIGHBOURS:
        text = (
            f"its frame 0 is the recorded video's frame 1: {second:.3g} grey levels off, {given:.3g} off the given one"
        )
        raise BadInputError(f"video: {text}, which is missing", code="video-early")
    if given < CLEAR:
        return
    distances = {how: _apart(mend(frames), first_frame) for how, (_, mend) in MISTAKES.items()}
    best = min(distances, key=lambda how: distances[how])
    if distances[best] < min(GOOD, given / FAR_BETTER, given - CLEAR):
        off = f"{distances[best]:.3g} grey levels off, {given:.3g} as it is"
        text = f"its frame 0 is the given first frame only {best}: {off}"
        raise BadInputError(f"video: {text}", code=MISTAKES[best][0])


def picture_notes(frames: Frames) -> list[tuple[str, str]]:
    """Warnings on a video that no camera films, as (code, text): `video-black`, `video-constant` (every frame of one
    colour), `video-frozen` (every frame the same). Empty for other videos, and for a single frame with content."""
    if not frames.any():
        return [("video-black", "every pixel is black")]
    if (frames == frames[:, :1, :1]).all():
        return [("video-constant", "every frame is of one colour")]
    if len(frames) > 1 and (frames == frames[:1]).all():
        return [("video-frozen", f"all {len(frames)} frames are the same")]
    return []


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    """Root mean square difference, grey levels; infinite if the sizes differ."""
    if one.shape != other.shape:
        return float("inf")
    return float(np.sqrt(np.mean((one.astype(np.float32) - other) ** 2)))
