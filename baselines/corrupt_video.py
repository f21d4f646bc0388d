"""Faults of a video, each with one strength. Random draws are the same at every strength, so that only the strength
changes along a ladder."""

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from egobench import Video

BLOCK = 8
"""Side of the blocks that a codec encodes separately, pixels."""


def blur(video: Video, pixels: float, rng: np.random.Generator) -> Video:
    """Gaussian blur of every frame; `pixels` is its standard deviation."""
    del rng
    return _with(video, gaussian_filter(video.frames.astype(np.float64), (0, pixels, pixels, 0), mode="nearest"))


def noise(video: Video, levels: float, rng: np.random.Generator) -> Video:
    """Independent Gaussian noise; `levels` of 255 is its standard deviation."""
    return _with(video, video.frames + levels * rng.normal(size=video.frames.shape))


def blocks(video: Video, share: float, rng: np.random.Generator) -> Video:
    """Each pixel is moved towards the mean of its block of 8 × 8 pixels by `share`, as at a low bit rate."""
    del rng
    height, width = video.frames.shape[1:3]
    rows, columns = -(-height // BLOCK), -(-width // BLOCK)
    edge = ((0, 0), (0, rows * BLOCK - height), (0, columns * BLOCK - width), (0, 0))
    tiles = np.pad(video.frames, edge, mode="edge").astype(np.float64)
    tiles = tiles.reshape(-1, rows, BLOCK, columns, BLOCK, 3)
    faded = tiles + share * (tiles.mean(axis=(2, 4), keepdims=True) - tiles)
    return _with(video, faded.reshape(len(tiles), rows * BLOCK, columns * BLOCK, 3)[:, :height, :width])


def freeze(video: Video, share: float, rng: np.random.Generator) -> Video:
    """About a `share` of the frames are dropped; the last frame is repeated instead."""
    is_kept = rng.random(len(video.frames)) >= share
    is_kept[0] = True
    return replace(video, frames=video.frames[np.maximum.accumulate(np.where(is_kept, np.arange(len(is_kept)), 0))])


def zoom(video: Video, percent: float, rng: np.random.Generator) -> Video:
    """The focal length is longer by `percent` than the camera says: the middle of each frame, enlarged."""
    del rng
    height, width = video.frames.shape[1:3]
    rows, columns = (
        (np.arange(size) + 0.5 - size / 2) / (1 + percent / 100) + size / 2 - 0.5 for size in (height, width)
    )
    at = np.stack(np.meshgrid(rows, columns, indexing="ij"))
    planes = np.moveaxis(video.frames, -1, 1).reshape(-1, height, width).astype(np.float64)
    enlarged = np.stack([map_coordinates(plane, at, order=1) for plane in planes])
    return _with(video, np.moveaxis(enlarged.reshape(-1, 3, height, width), 1, -1))


def delay(video: Video, seconds: float, rng: np.random.Generator) -> Video:
    """The video starts later by this time, to the nearest frame; until then the first frame is held."""
    del rng
    late = round(seconds * video.fps)
    return replace(video, frames=video.frames[np.maximum(np.arange(len(video.frames)) - late, 0)])


def mirror(video: Video) -> Video:
    """Left and right exchanged."""
    return replace(video, frames=np.ascontiguousarray(video.frames[:, :, ::-1]))


def _with(video: Video, frames: np.ndarray) -> Video:
    return replace(video, frames=np.clip(np.rint(frames), 0, 255).astype(np.uint8))
