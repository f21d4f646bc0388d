"""Makes `vectors/conformance.npz`: inputs from a seed, answers that do not come from the code under test if possible.

    python -m egobench.validate.make_vectors

Fréchet distances: by hand, or with 50 digits by mpmath; kernel distances in whole numbers. Tensors of the presets come
from `extractors/preprocess.py`, which its own tests hold to the libraries the presets are named after.
"""

from fractions import Fraction
from typing import Any

import numpy as np

from egobench.extractors.preprocess import PREPROCESS
from egobench.files.arrays import write_npz
from egobench.validate.conformance import PRESETS, VECTORS, on_grid

SEED = 20260101
STEP = 8
"""Features are multiples of 1 / STEP, so that they are exact in binary and in fractions."""


def make_vectors() -> dict[str, np.ndarray]:
    """All arrays of the file; equal calls give equal arrays."""
    arrays: dict[str, np.ndarray] = {}
    for name, (reference, sample, distance) in feature_pairs().items():
        arrays |= {f"features.{name}.reference": reference, f"features.{name}.sample": sample}
        exact = exact_frechet(reference, sample) if distance is None else distance
        spread = float(np.var(reference, axis=0, ddof=1).sum() + np.var(sample, axis=0, ddof=1).sum())
        arrays |= {f"frechet.{name}": np.array(exact), f"tolerance.frechet.{name}": np.array(1e-6 * spread)}
        kernel = exact_kernel(reference, sample)
        arrays |= {f"kid.{name}": np.array(kernel), f"tolerance.kid.{name}": np.array(1e-6 * (1 + abs(kernel)))}
    for name, frames in videos().items():
        arrays[f"video.{name}"] = frames
        for preset in PRESETS:
            tensor = PREPROCESS[preset](frames).numpy()
            arrays[f"{preset}.{name}"] = on_grid(tensor)
            arrays[f"shape.{preset}.{name}"] = np.array(tensor.shape)
            exact = tensor.dtype.kind == "u"
            arrays[f"tolerance.{preset}.{name}"] = np.array(0.0 if exact else 1e-3)
    return arrays


def feature_pairs() -> dict[str, tuple[np.ndarray, np.ndarray, float | None]]:
    """Name → reference, sample, distance where it is known by hand."""
    rng = np.random.default_rng(SEED)

    def rows(count: int, width: int) -> np.ndarray:
        return rng.integers(-3 * STEP, 3 * STEP, (count, width)) / STEP

    base, step = rows(32, 16), rows(1, 16)
    axes = np.concatenate([np.eye(4), -np.eye(4)])
    return {
        "identical": (base, base[::-1].copy(), 0.0),
        "shifted": (base, base + step, float((step**2).sum())),  # equal covariance: |μ₁ - μ₂|²
        "axes": (2 * axes, 3 * axes, 8 / 7),  # variances 2·2²/7 and 2·3²/7 on 4 axes: 4 · 2/7 · (3 - 2)²
        "few-rows": (rows(8, 64), rows(8, 64) + 0.5, None),
        "many-rows": (rows(48, 12), rows(40, 12) @ np.triu(np.ones((12, 12))) / 2, None),
    }


def videos() -> dict[str, np.ndarray]:
    """Name → uint8 (T, H, W, 3): smaller than every network's input, larger, and upright with an odd remainder."""
    rng = np.random.default_rng(SEED + 1)
    y, x = np.mgrid[:400, :640]
    large = np.stack([255 * ((x // 3 + y // 3) % 2), 2 * x % 256, np.where(x % 64 < 9, 255, y // 2)], axis=-1)
    return {
        "small": rng.integers(0, 256, (2, 24, 32, 3), dtype=np.uint8),
        "large": large[None].astype(np.uint8),
        "upright": rng.integers(0, 256, (1, 63, 40, 3), dtype=np.uint8),
    }


def exact_frechet(reference: np.ndarray, sample: np.ndarray) -> float:
    """Fréchet distance with 50 digits: singular values of A₁A₂ᵀ, or of the covariances' Cholesky factors."""
    import mpmath

    with mpmath.workdps(50):
        sides: list[Any] = []
        means: list[Any] = []
        for rows in (reference, sample):
            matrix = mpmath.matrix(rows.tolist())
            mean = [mpmath.fsum(matrix[i, j] for i in range(matrix.rows)) / matrix.rows for j in range(matrix.cols)]
            root = mpmath.sqrt(matrix.rows - 1)
            cells = [[(v - m) / root for v, m in zip(row, mean, strict=True)] for row in matrix.tolist()]
            centred = mpmath.matrix(cells)
            tall = centred.rows > centred.cols
            sides.append(mpmath.cholesky(centred.T * centred).T if tall else centred)
            means.append(mean)
        cross = sides[0] * sides[1].T
        values = mpmath.eigsy(cross * cross.T, eigvals_only=True)
        root_trace = mpmath.fsum(mpmath.sqrt(max(v, 0)) for v in values)
        gap = mpmath.fsum((a - b) ** 2 for a, b in zip(*means, strict=True))
        return float(gap + sum(mpmath.fsum(v**2 for v in side) for side in sides) - 2 * root_trace)


def exact_kernel(reference: np.ndarray, sample: np.ndarray) -> float:
    """Unbiased MMD² with the kernel (x·y / d + 1)³, in fractions."""
    sides = [[[round(v * 2 * STEP) for v in row] for row in rows.tolist()] for rows in (reference, sample)]
    scale = reference.shape[1] * (2 * STEP) ** 2

    def total(first: list[list[int]], second: list[list[int]], *, diagonal: bool) -> int:
        products = (
            sum(a * b for a, b in zip(row, other, strict=True))
            for i, row in enumerate(first)
            for j, other in enumerate(second)
            if diagonal or i != j
        )
        return sum((product + scale) ** 3 for product in products)

    n, m = len(reference), len(sample)
    within = Fraction(total(sides[0], sides[0], diagonal=False), n * (n - 1))
    within += Fraction(total(sides[1], sides[1], diagonal=False), m * (m - 1))
    between = Fraction(2 * total(sides[0], sides[1], diagonal=True), n * m)
    return float((within - between) / scale**3)


if __name__ == "__main__":
    VECTORS.parent.mkdir(exist_ok=True)
    write_npz(VECTORS, **make_vectors())
    print(VECTORS, VECTORS.stat().st_size, "bytes")
