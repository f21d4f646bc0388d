"""Clips for a training on a GPU: drawn by the processors beside it, while it works, and never through a codec."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from egomini.splits.frozen import SPECS, SplitSpec
from egomini.splits.rendering import Rendering, begin_arrays

TRAIN = SPECS["egomini-train-32k"]
HELD_OUT, TEST = SPECS["egomini-val"], SPECS["egomini-test"]


def begin(folder: Path, clips: int, workers: int) -> Rendering:
    """Starts to draw the first `clips` training clips into a folder; returns at once."""
    return begin_arrays(TRAIN, folder, sequences=_sequences(TRAIN, clips), workers=workers)


def begin_few(spec: SplitSpec, folder: Path, clips: int) -> Rendering:
    """Starts to draw the first clips of a small split."""
    return begin_arrays(spec, folder, sequences=_sequences(spec, clips), workers=1)


def evenly(count: int, among: int) -> Sequence[int]:
    """`count` places spread evenly over `among`."""
    return [int(place) for place in np.unique(np.linspace(0, among - 1, min(count, among)).round())]


def _sequences(spec: SplitSpec, clips: int) -> range:
    return range(min(spec.sequences, -(-clips // spec.clips_per_sequence)))
