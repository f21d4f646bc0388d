"""Which pixel shows what, for clips of the embedded world: drawn again, since only shares are stored."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import UInt8

from egobench.data.compact import dequantise, quantise
from egobench.data.egomini.camera import make_camera
from egobench.data.egomini.generate import STRIDE, clip_performance, clip_room, clip_wearer
from egobench.data.egomini.render import render
from egobench.data.egomini.splits import SPECS
from egobench.errors import UnknownNameError
from egobench.geometry.skeleton import XSENS23, forward_kinematics
from egobench.registry import unknown


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
        performance, wearer = clip_performance(spec, sequence, window), clip_wearer(spec, sequence)
        pelvis = performance.positions[:, XSENS23.index("pelvis")]
        root, rotations = dequantise(*quantise(pelvis, performance.rotations))
        positions = forward_kinematics(XSENS23, wearer.offsets, root, rotations)
        kept = replace(performance, positions=positions, rotations=rotations)
        camera = make_camera(spec.resolution)
        shown = render(clip_room(spec, sequence), wearer, kept, camera, stride=STRIDE, supersample=1)
        drawn.append(shown.id_buffer)
    return np.stack(drawn)
