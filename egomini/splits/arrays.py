"""Clips of the embedded world as arrays, before any codec.

They are in the order of sequence and window. `array_folder.py` stores them in files, and `rendering.py` draws them with
many processes. This module needs numpy, scipy, numba and jaxtyping, and no other package.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from egobench.errors import BadInputError
from egobench.files.digest import digest_json
from egobench.geometry.skeleton import XSENS23
from egomini.splits.generate import FPS_MOTION, FPS_VIDEO, MOTION_FRAMES, VIDEO_FRAMES, draw_clip
from egomini.splits.recipe import GENERATOR_VERSION, SplitSpec

TEXT_BYTES = 512
"""Size of one caption's field; the longest captions take a quarter of it."""


@dataclass(frozen=True)
class ClipArrays:
    """n clips in the order of sequence and window; `egotwin_ref.training.clips.Clips` has the same names."""

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    frames: np.ndarray
    """uint8 (n, 41, H, W, 3), sRGB, before any codec."""
    positions: np.ndarray
    """float32 (n, 81, 23, 3), metres, world: forward kinematics of the stored integers."""
    rotations: np.ndarray
    """float32 (n, 81, 23, 3, 3), joint → world."""
    hand_share: np.ndarray
    """float32 (n, 41, 2), share of the pixels that show the left and the right hand."""
    digest: str
    """Of the recipe: the same for all leading parts of one folder."""

    def __len__(self) -> int:
        return len(self.ids)


def recipe(spec: SplitSpec, sequences: range | None = None) -> dict[str, Any]:
    """The facts that decide the content of the arrays, ready for JSON.

    Args:
        sequences: consecutive recordings of the split; None takes all.

    Raises:
        BadInputError: `sequence-range`: not consecutive recordings of the split; `split-subset`: it has no clips of
            its own.
    """
    if spec.subset_of:
        raise BadInputError(f"{spec.name} is a part of {spec.subset_of}; draw that one", code="split-subset")
    numbers = range(spec.sequences) if sequences is None else sequences
    if not numbers or numbers.step != 1 or numbers.start < 0 or numbers.stop > spec.sequences:
        raise BadInputError(
            f"sequences are {numbers}; consecutive ones within 0 … {spec.sequences} of {spec.name} are needed",
            code="sequence-range",
        )
    hardness = {key: list(value) if isinstance(value, tuple) else value for key, value in vars(spec.difficulty).items()}
    return {
        "split": spec.name,
        "generator": GENERATOR_VERSION,
        "seed": spec.seed,
        "sequences": [numbers.start, numbers.stop],
        "clips_per_sequence": spec.clips_per_sequence,
        "wearers": list(spec.wearers),
        "world": spec.world,
        "difficulty": hardness,
        "rich_every": spec.rich_every,
        "cycle_strata": spec.cycle_strata,
        "size_px": spec.resolution,
        "video": [VIDEO_FRAMES, FPS_VIDEO],
        "motion": [MOTION_FRAMES, FPS_MOTION],
        "codec": None,
    }


def recipe_digest(spec: SplitSpec, sequences: range | None = None) -> str:
    """SHA-256 of `recipe`, 64 hex digits. It identifies the recipe, not the pixels."""
    return digest_json(recipe(spec, sequences))


def draw_arrays(spec: SplitSpec, sequences: range | None = None) -> ClipArrays:
    """Draws clips into memory, in this process: about 0.6 MB a clip of 64 × 64.

    Args:
        sequences: consecutive recordings of the split; None takes all.

    Raises:
        BadInputError: as `recipe`.
    """
    digest, numbers = recipe_digest(spec, sequences), sequences or range(spec.sequences)
    kinds = array_kinds(spec, len(numbers) * spec.clips_per_sequence)
    arrays = {name: np.zeros(shape, dtype) for name, (dtype, shape) in kinds.items()}
    for place, sequence in enumerate(numbers):
        fill_sequence(spec, sequence, arrays, place)
    return as_clips(clip_ids(spec, numbers), arrays, len(arrays["texts"]), digest)


def fill_sequence(spec: SplitSpec, sequence: int, arrays: Mapping[str, np.ndarray], place: int) -> None:
    """Draws the clips of one recording into their rows.

    Args:
        arrays: by name, as a folder has them; `done` may be absent.
        place: of the recording in the arrays.

    Raises:
        BadInputError: `text-long`: a caption has more than 512 bytes.
    """
    for window in range(spec.clips_per_sequence):
        drawn, row = draw_clip(spec, sequence, window), place * spec.clips_per_sequence + window
        text = drawn.performance.text.encode()
        if len(text) > TEXT_BYTES:
            text_of_clip = f"{spec.clip_id(sequence, window)}: a caption of {len(text)} bytes"
            raise BadInputError(f"{text_of_clip}; there is room for {TEXT_BYTES}", code="text-long")
        arrays["frames"][row] = drawn.rendered.frames
        arrays["positions"][row] = drawn.performance.positions
        arrays["rotations"][row] = drawn.performance.rotations
        arrays["hand_share"][row] = drawn.rendered.hand_share
        arrays["texts"][row] = text
    if "done" in arrays:
        arrays["done"][place] = 1


def clip_ids(spec: SplitSpec, numbers: range) -> tuple[str, ...]:
    """Ids of the clips of some recordings, in the order of the arrays."""
    return tuple(spec.clip_id(sequence, window) for sequence in numbers for window in range(spec.clips_per_sequence))


def array_kinds(spec: SplitSpec, count: int) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Type and shape of the arrays of `count` clips, by name."""
    return {
        "frames": ("uint8", (count, VIDEO_FRAMES, spec.resolution, spec.resolution, 3)),
        "positions": ("float32", (count, MOTION_FRAMES, len(XSENS23), 3)),
        "rotations": ("float32", (count, MOTION_FRAMES, len(XSENS23), 3, 3)),
        "hand_share": ("float32", (count, VIDEO_FRAMES, 2)),
        "texts": (f"S{TEXT_BYTES}", (count,)),
    }


def as_clips(ids: tuple[str, ...], arrays: Mapping[str, np.ndarray], count: int, digest: str) -> ClipArrays:
    """The first `count` rows; texts are decoded, the rest is not copied."""
    texts = tuple(text.decode() for text in arrays["texts"][:count].tolist())
    frames, positions, rotations, share = (
        arrays[name][:count] for name in ("frames", "positions", "rotations", "hand_share")
    )
    return ClipArrays(ids[:count], texts, frames, positions, rotations, share, digest)
