"""Faults of a video, by kind and strength: faults of time (frames reordered or held) and of the picture.

`egomini-video` learns to recognise them, and the ladders of its card use them. Strength runs from 0 (almost no fault)
to 1. Input and output are RGB uint8 of shape (time, height, width, 3).
"""

from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float, Int, UInt8
from scipy.fft import dctn, idctn
from scipy.ndimage import gaussian_filter

TimeFault = Literal["none", "freeze", "stutter", "shuffle", "reverse", "fast", "slow"]
PictureFault = Literal["none", "blur", "noise", "coarse", "drift"]
TIME_FAULTS: tuple[TimeFault, ...] = get_args(TimeFault)
PICTURE_FAULTS: tuple[PictureFault, ...] = get_args(PictureFault)
MOST_BLUR = 0.04
"""Standard deviation of the blur at strength 1, as a share of the picture's height."""
MOST_NOISE = 64.0
"""Standard deviation of the noise at strength 1, grey levels."""
MOST_DRIFT = 0.5
"""Change of a colour's gain at the end of the clip, as a share, at strength 1."""
BLOCK = 8
"""Block size of the codec, pixels."""


def frame_order(kind: TimeFault, strength: float, count: int, rng: np.random.Generator) -> Int[np.ndarray, " time"]:
    """Index of the frame that is shown at each time.

    `freeze`: the end of the clip stands still; strength is its share. `stutter`: each frame is held for up to five
    frames. `shuffle`: frames change places within windows of up to the whole clip. `reverse`: the whole clip runs
    backwards. `fast`: up to twice as fast; at the end, the clip runs backwards. `slow`: down to a third of the speed.
    """
    frames, last = np.arange(count), count - 1
    if kind == "freeze":
        return np.minimum(frames, round((1 - strength) * last))
    if kind == "stutter":
        held = 2 + round(3 * strength)
        return frames // held * held
    if kind == "shuffle":
        window = 2 + round(strength * (count - 2))
        return np.argsort(frames // window + rng.random(count) * 0.999)
    if kind == "reverse":
        return last - frames
    if kind == "fast":
        there = np.round(frames * (1.25 + 0.75 * strength)).astype(int)
        return last - np.abs(last - there % (2 * last))
    if kind == "slow":
        return (frames / (1.25 + 1.75 * strength)).astype(int)
    return frames


def spoil_pictures(
    frames: UInt8[np.ndarray, "time height width 3"], kind: PictureFault, strength: float, rng: np.random.Generator
) -> UInt8[np.ndarray, "time height width 3"]:
    """Adds a fault of the picture to the frames.

    `blur`: Gaussian. `noise`: Gaussian, new in each frame. `coarse`: blocks of two or four pixels. `drift`: colours
    change slowly over time.
    """
    if kind == "none":
        return frames
    spoilt: Float[np.ndarray, "time height width 3"] = frames.astype(np.float32)
    if kind == "blur":
        sigma = MOST_BLUR * strength * frames.shape[1]
        spoilt = gaussian_filter(spoilt, (0, sigma, sigma, 0), mode="nearest", truncate=3.0)
    elif kind == "noise":
        spoilt = spoilt + MOST_NOISE * strength * rng.standard_normal(frames.shape, dtype=np.float32)
    elif kind == "coarse":
        block = 2 if strength < 0.5 else 4
        height, width = (size // block * block for size in frames.shape[1:3])
        blocks = spoilt[:, :height, :width].reshape(len(frames), height // block, block, width // block, block, 3)
        even = np.broadcast_to(blocks.mean(axis=(2, 4), keepdims=True), blocks.shape)
        spoilt[:, :height, :width] = even.reshape(len(frames), height, width, 3)
    elif kind == "drift":
        gain = 1 + MOST_DRIFT * strength * rng.choice([-1.0, 1.0], 3) * np.linspace(0, 1, len(frames))[:, None]
        spoilt = spoilt * gain[:, None, None]
    return np.clip(np.round(spoilt), 0, 255).astype(np.uint8)


def spoil_by_codec(
    frames: UInt8[np.ndarray, "time height width 3"], strength: float
) -> UInt8[np.ndarray, "time height width 3"]:
    """Changes the frames as a block codec does: 8 × 8 cosine coefficients are rounded, more coarsely for finer detail.

    Height and width are multiples of 8. The rounding step is 4 grey levels at strength 0 and 40 at strength 1. It is
    four times as large for detail that changes from pixel to pixel.
    """
    count, height, width = frames.shape[:3]
    blocks = frames.reshape(count, height // BLOCK, BLOCK, width // BLOCK, BLOCK, 3).astype(np.float32)
    fineness = np.add.outer(np.arange(BLOCK), np.arange(BLOCK)) / (2 * BLOCK - 2)
    step = ((4 + 36 * strength) * (1 + 3 * fineness)).astype(np.float32)[:, None, :, None]
    coefficients: Any = dctn(blocks, axes=(2, 4), norm="ortho")
    rounded: Any = idctn(np.round(coefficients / step) * step, axes=(2, 4), norm="ortho")
    return np.clip(np.round(rounded), 0, 255).astype(np.uint8).reshape(frames.shape)


def spoil_somehow(
    frames: UInt8[np.ndarray, "time height width 3"], rng: np.random.Generator
) -> UInt8[np.ndarray, "time height width 3"]:
    """Adds one or two faults of the picture of random strength to the frames. The faults include that of a codec."""
    for _ in range(int(rng.integers(1, 3))):
        kind, strength = int(rng.integers(1, len(PICTURE_FAULTS) + 1)), float(rng.random())
        if kind == len(PICTURE_FAULTS):
            frames = spoil_by_codec(frames, strength)
        else:
            frames = spoil_pictures(frames, PICTURE_FAULTS[kind], strength, rng)
    return frames
