"""Which pixel shows what, for clips of the embedded world: drawn again, since only shares are stored."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8

from egobench.errors import UnknownNameError
from egobench.registry import unknown
from egomini.splits.frozen import SPECS
from egomini.splits.generate import draw_clip


def draw_ids(split: str, clip_ids: Sequence[str]) -> UInt8[np.ndarray, "clip time height width"]:
    """`PixelId` at each pixel's centre, for the frames of the stored videos; about 0.05 s a clip of 64 × 64.

    Args:
        split: one of `SPECS`.
        clip_ids: of that split.

    Raises:
        UnknownNameError: no split of the embedded world.
    """
    if split not in SPECS:
        raise UnknownNameError(unknown("splits of the embedded world", split, SPECS))
    spec = SPECS[SPECS[split].subset_of or split]
    drawn = []
    for clip_id in clip_ids:
        sequence, window = (int(part) for part in clip_id.rsplit("-", 2)[1:])
        drawn.append(draw_clip(spec, sequence, window, supersample=1).rendered.id_buffer)
    return np.stack(drawn)
