"""Preprocessing of each standard preset: uint8 frames (T, H, W, 3) → the input tensor of its network.

It always runs on the CPU, one frame after another. So the tensor depends neither on the device nor on the clip's
length. `tests/unit/extractors/test_preprocess.py` compares each preset with its original code. `egobench conformance`
compares other libraries with these.
"""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8

from egobench.errors import BadInputError

if TYPE_CHECKING:
    import torch

Frames = UInt8[np.ndarray, "time height width 3"]
INCEPTION_SIDE = 299
I3D_SIDE = 224
CLIP_SIDE = 224


def check_frames(frames: Any, who: str, fewest: int = 1) -> np.ndarray:
    """The frames, contiguous.

    Float frames are refused and not converted. The ranges 0 … 1, -1 … 1 and 0 … 255 are all in use, and a wrong guess
    still gives a plausible number. Also, the usual `(x * 255).byte()` truncates and does not round: 95 of 256 levels
    change in a round trip through -1 … 1.

    Raises:
        BadInputError: `video-dtype`, `video-shape`, or `video-frames`: fewer than `fewest`.
    """
    frames = np.asarray(frames)
    if frames.dtype != np.uint8:
        raise BadInputError(f"{who}: frames are {frames.dtype}; expected uint8 0 … 255", code="video-dtype")
    if frames.ndim != 4 or frames.shape[3] != 3 or 0 in frames.shape[1:]:
        raise BadInputError(f"{who}: frames are {frames.shape}; expected (T, H, W, 3)", code="video-shape")
    if len(frames) < fewest:
        raise BadInputError(f"{who}: {len(frames)} frames; at least {fewest} are needed", code="video-frames")
    return np.ascontiguousarray(frames)


def inception_tf(frames: Frames) -> "torch.Tensor":
    """TensorFlow 1's bilinear resize (no half-pixel centres, no antialias), squashed to 299 × 299: (T, 3, 299, 299)."""
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

    def resize(image: "torch.Tensor") -> "torch.Tensor":
        size = (INCEPTION_SIDE, INCEPTION_SIDE)
        return interpolate_bilinear_2d_like_tensorflow1x(image, size=size, align_corners=False)

    return _centred(_each(frames, resize))


def inception_clean(frames: Frames) -> "torch.Tensor":
    """PIL bicubic on each channel in float (antialiased, not rounded to bytes), cut to 0 … 255: (T, 3, 299, 299)."""
    import torch
    from PIL import Image

    def resize(channel: np.ndarray) -> np.ndarray:
        image = Image.fromarray(channel.astype(np.float32))  # mode F
        return np.asarray(image.resize((INCEPTION_SIDE, INCEPTION_SIDE), Image.Resampling.BICUBIC)).clip(0, 255)

    resized = [[resize(frame[..., channel]) for channel in range(3)] for frame in frames]
    return _centred(torch.from_numpy(np.array(resized, dtype=np.float32)))


def inception_torchmetrics(frames: Frames) -> "torch.Tensor":
    """Bilinear with half-pixel centres and antialias, squashed to 299 × 299: (T, 3, 299, 299)."""
    from torch.nn.functional import interpolate

    size = (INCEPTION_SIDE, INCEPTION_SIDE)
    return _centred(_each(frames, lambda image: interpolate(image, size, mode="bilinear", antialias=True)))


def i3d_stylegan_v(frames: Frames) -> "torch.Tensor":
    """Changes no value: uint8 (1, 3, T, H, W). The TorchScript file itself resizes and rescales."""
    import torch

    return torch.from_numpy(frames).permute(3, 0, 1, 2)[None].contiguous()


def i3d_crop(frames: Frames) -> "torch.Tensor":
    """Short side to 224 (bilinear, no antialias), centre 224 × 224, range -1 … 1: float32 (1, 3, T, 224, 224).

    The size is computed in floats, as in the original code. So one of the common square sizes, 400, becomes 225 × 224
    before the crop.
    """
    from torch.nn.functional import interpolate

    height, width = frames.shape[1:3]
    scale = I3D_SIDE / min(height, width)
    size = (I3D_SIDE, math.ceil(width * scale)) if height < width else (math.ceil(height * scale), I3D_SIDE)
    top, left = (size[0] - I3D_SIDE) // 2, (size[1] - I3D_SIDE) // 2

    def resize(image: "torch.Tensor") -> "torch.Tensor":
        whole = interpolate(image / 255, size, mode="bilinear", align_corners=False)
        return whole[:, :, top : top + I3D_SIDE, left : left + I3D_SIDE]

    return ((_each(frames, resize) - 0.5) * 2).transpose(0, 1)[None].contiguous()


def clip_openai(frames: Frames) -> "torch.Tensor":
    """PIL bicubic (antialiased, rounded to bytes), short side 224, centre crop, mean and std: (T, 3, 224, 224)."""
    import torch
    from open_clip import image_transform
    from PIL import Image

    # All arguments are named, because open_clip's defaults follow the model's configuration file.
    transform = image_transform(CLIP_SIDE, is_train=False, resize_mode="shortest", interpolation="bicubic")
    return torch.stack([transform(Image.fromarray(frame)) for frame in frames])  # pyright: ignore


PREPROCESS: Mapping[str, Callable[[Frames], "torch.Tensor"]] = {
    "inception.tf": inception_tf,
    "inception.clean": inception_clean,
    "inception.torchmetrics": inception_torchmetrics,
    "i3d.stylegan-v": i3d_stylegan_v,
    "i3d.crop": i3d_crop,
    "clip.vit-b-32": clip_openai,
    "clip.vit-l-14": clip_openai,
}
"""Preset → its preprocessing."""


def _each(frames: Frames, resize: "Callable[[torch.Tensor], torch.Tensor]") -> "torch.Tensor":
    """Passes every frame as float32 (1, 3, H, W) 0 … 255 through `resize`. Only one frame at a time is float at full
    size."""
    import torch

    images = (torch.from_numpy(frame).permute(2, 0, 1)[None].float().contiguous() for frame in frames)
    return torch.cat([resize(image) for image in images])


def _centred(images: "torch.Tensor") -> "torch.Tensor":
    return (images - 128) / 128
