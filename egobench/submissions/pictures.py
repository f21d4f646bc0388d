"""Conventions that a video cannot state and often breaks: order of colours, which way up it is, where it begins.

The given first frame shows them, and the recorded second one whether the first was left out. A video is refused only
where one known mistake brings it to that frame far better than it lies there; a first frame that nothing explains is
the model's own idea of it, to be scored.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import UInt8

from egobench.errors import BadInputError

Frames = UInt8[np.ndarray, "time height width 3"]
Picture = UInt8[np.ndarray, "height width 3"]
GOOD = 16.0
"""Grey levels (root mean square) under which a picture is the given one, coded with loss perhaps."""
FAR_BETTER = 3.0
"""How many times nearer than as it is."""
CLEAR = 3.0
"""Grey levels by which it is nearer at least: pictures without colour, or the same on both sides, tell nothing."""
NEIGHBOURS = 0.25
"""Grey levels by which the given frame has to be missed, for a video that begins with the next one: two frames that
follow each other differ by 0.5 to 15. One coded with loss is no nearer to its neighbour, and is left alone."""
MISTAKES: dict[str, tuple[str, Callable[[Frames], Frames]]] = {
    "with its colours read as BGR": ("video-bgr", lambda frames: frames[0, :, :, ::-1]),
    "turned by 180°": ("video-turned", lambda frames: frames[0, ::-1, ::-1]),
    "turned upside down": ("video-turned", lambda frames: frames[0, ::-1]),
    "mirrored left to right": ("video-turned", lambda frames: frames[0, :, ::-1]),
    "turned by 90° clockwise": ("video-turned", lambda frames: np.rot90(frames[0], -1)),
    "turned by 90° counterclockwise": ("video-turned", lambda frames: np.rot90(frames[0], 1)),
    "one frame later": ("video-late", lambda frames: frames[min(1, len(frames) - 1)]),
}
"""What mends a mistake → its code, and the mended first frame."""


def check_pictures(frames: Frames, first_frame: Picture, second_frame: Picture | None = None) -> None:
    """Refuses a video whose first frame is the given one by one known mistake, or is the recorded one's second.

    Args:
        second_frame: frame 1 of the recorded video, as far as that is known.

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
    found = {how: _apart(mend(frames), first_frame) for how, (_, mend) in MISTAKES.items()}
    best = min(found, key=lambda how: found[how])
    if found[best] < min(GOOD, given / FAR_BETTER, given - CLEAR):
        text = (
            f"its frame 0 is the given first frame only {best}: {found[best]:.3g} grey levels off, {given:.3g} as it is"
        )
        raise BadInputError(f"video: {text}", code=MISTAKES[best][0])


def picture_notes(frames: Frames) -> list[tuple[str, str]]:
    """What no filmed video is, as (code, text): `video-black`, `video-constant` (every frame of one colour),
    `video-frozen` (every frame the same). Empty for others, and for a single frame that shows something."""
    if not frames.any():
        return [("video-black", "every pixel is black")]
    if (frames == frames[:, :1, :1]).all():
        return [("video-constant", "every frame is of one colour")]
    if len(frames) > 1 and (frames == frames[:1]).all():
        return [("video-frozen", f"all {len(frames)} frames are the same")]
    return []


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    """Root mean square difference, grey levels; infinite where the sizes differ."""
    if one.shape != other.shape:
        return float("inf")
    return float(np.sqrt(np.mean((one.astype(np.float32) - other) ** 2)))
