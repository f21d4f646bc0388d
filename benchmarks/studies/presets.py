"""What the resize conventions of one metric's name do to the same frames: mean absolute difference in grey levels.

    python benchmarks/studies/presets.py [--frames 3]

Frames of 1/f noise (amplitude falls as 1 / frequency, as in natural pictures; standard deviation about 47), one seed,
at 256 × 256, 480 × 640 and 720 × 1280. Tensors are taken back to grey levels 0 … 255 before they are compared. Between
networks of other input sizes nothing is compared; for `i3d.stylegan-v` the squash that its file makes inside is made
here by torch (bilinear), since the file itself need not be present.
"""

import argparse
from itertools import combinations

import numpy as np

from egobench.extractors.preprocess import PREPROCESS

SIZES = ((256, 256), (480, 640), (720, 1280))
FAMILIES = (("inception.tf", "inception.clean", "inception.torchmetrics"), ("i3d.stylegan-v", "i3d.crop"))
STD = 47.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=3, help="noise frames of each size")
    options = parser.parse_args()
    frames = {size: pink_noise(*size, options.frames) for size in SIZES}
    heads = [f"{height} × {width}" for height, width in SIZES]
    print(f"{'mean |difference|, grey levels':<46}" + "".join(f"{head:>12}" for head in heads))
    for family in FAMILIES:
        seen = {(preset, size): grey_levels(preset, frames[size]) for preset in family for size in SIZES}
        for first, second in combinations(family, 2):
            apart = [float(np.abs(seen[first, size] - seen[second, size]).mean()) for size in SIZES]
            print(f"{first + ' – ' + second:<46}" + "".join(f"{value:>12.1f}" for value in apart))
    spread = [float(frames[size].std()) for size in SIZES]
    print(f"{'standard deviation of the frames':<46}" + "".join(f"{value:>12.1f}" for value in spread))


def pink_noise(height: int, width: int, count: int, seed: int = 0) -> np.ndarray:
    """uint8 (count, height, width, 3), mean 128."""
    rng = np.random.default_rng([seed, height, width])
    spectrum = np.fft.rfft2(rng.standard_normal((count, 3, height, width)))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = np.inf  # no offset
    noise = np.fft.irfft2(spectrum / frequency, s=(height, width))
    noise *= STD / noise.std(axis=(-2, -1), keepdims=True)
    return np.rint(np.moveaxis(noise, 1, -1) + 128).clip(0, 255).astype(np.uint8)


def grey_levels(preset: str, frames: np.ndarray) -> np.ndarray:
    """What the network sees, in grey levels: (frames, 3, side, side)."""
    tensor = PREPROCESS[preset](frames)
    if preset.startswith("inception"):
        return tensor.numpy() * 128 + 128
    frames_first = tensor[0].transpose(0, 1)
    if preset == "i3d.crop":
        return (frames_first.numpy() / 2 + 0.5) * 255
    from torch.nn.functional import interpolate

    return interpolate(frames_first.float(), (224, 224), mode="bilinear", align_corners=False).numpy()


if __name__ == "__main__":
    main()
