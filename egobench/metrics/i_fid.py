"""I-FID: Fréchet distance between the frames of all samples and the frames of all references, as image features.

Heusel et al. 2017 (arXiv:1706.08500) over video frames. In squared units of the features; never compare two N.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int

from egobench.errors import BadInputError
from egobench.metrics.base import Better, Need, SetScore
from egobench.metrics.frechet_score import SOLVER, check_rows, frechet_left_out, frechet_score


@dataclass(frozen=True)
class IFID:
    """Fréchet distance over 8 frames of every clip, uniformly spaced over frames 1 … T-1, both ends kept.

    Frame 0 is the conditioning frame: it is given, so it would flatter. `detail` holds the companions `kid` (unbiased
    MMD², cubic kernel) and `fd_inf` (extrapolated to infinitely many frames; None where that means nothing), whether N
    is below the number of features, where the value is mostly bias, and `influence`: the ten clips that raise it most.

    Source: Heusel et al. 2017 (arXiv:1706.08500); the column is EgoTwin's (arXiv:2508.13013).
    Differs from the paper: frames per clip, stride, resizing and N are not public; ours are in the protocol. Without
    Inception weights at hand the embedded split uses features fitted on its own world (`egomini-clip`).
    How it can be fooled: still or shuffled frames cost nothing, time does not enter, and pairing with the caption
    does not either (the `shuffled` control scores exactly 0). Copying training videos scores well. The value falls
    with N, at a rate that depends on the model.
    """

    name: ClassVar[str] = "i-fid"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "feature²"
    better: ClassVar[Better] = "lower"

    preset: str = "egomini-clip"
    """Catalogue name of an extractor of frames."""
    frames_per_clip: int = 8
    """Frames of each clip that enter."""

    def needs(self) -> Mapping[str, Need]:
        """Features of all frames of the sample and of the reference."""
        return {
            "sample": Need("sample", "frames", self.preset),
            "reference": Need("reference", "frames", self.preset),
        }

    def check(self, facts: Mapping[str, Any]) -> None:
        """Refuses a split whose videos are too short, code `split-form`."""
        if facts["num_video_frames"] - 1 < self.frames_per_clip:
            raise BadInputError(
                f"{facts['num_video_frames']} video frames; {self.name} needs {self.frames_per_clip} besides the "
                "conditioning frame",
                code="split-form",
            )

    def score(
        self,
        inputs: Mapping[str, Sequence[Float[np.ndarray, "_time _feature"]]],
        clips: Sequence[str],
        groups: Int[np.ndarray, " row"],
        *,
        draws: int,
        seed: int,
    ) -> SetScore:
        """Scores the set; entry i of `sample` and `reference` is row i with all its frames.

        With `draws` = 0 there is no interval, `fd_inf` or `influence`; the two may then differ in length (two halves
        of a split).

        Raises:
            BadInputError: fewer than two clips (`features-clips`), clips too short, or of other lengths than
                the references (`features-frames`), features that do not match or are not finite (`features-…`).
        """
        sides = [inputs["sample"], inputs["reference"]]
        check_rows(self.name, *sides, rows=len(groups), draws=draws)
        chosen = frame_indices(len(sides[0][0]), self.frames_per_clip)
        sample, reference = ([clip[chosen] for clip in side] for side in sides)
        return frechet_score(sample, reference, clips, groups, counted="frames", draws=draws, seed=seed)

    def left_out(
        self, inputs: Mapping[str, Sequence[Float[np.ndarray, "_time _feature"]]], blocks: Int[np.ndarray, " row"]
    ) -> tuple[float, Float[np.ndarray, " block"]]:
        """The distance, and without each block of rows. Errors as `score`."""
        chosen = frame_indices(len(inputs["sample"][0]), self.frames_per_clip)
        sample, reference = ([clip[chosen] for clip in inputs[side]] for side in ("sample", "reference"))
        return frechet_left_out(sample, reference, blocks)

    def record(self) -> Mapping[str, Any]:
        """What decides the value, besides the extractor, the split and N."""
        return {
            "metric": self.name,
            "version": self.version,
            "preset": self.preset,
            "frames": f"{self.frames_per_clip} of 1 … T-1, uniformly spaced, both ends kept, halves rounded up",
            **SOLVER,
        }


def frame_indices(num_frames: int, count: int = 8) -> Int[np.ndarray, " kept"]:
    """`count` frames uniformly spaced over 1 … num_frames - 1, both ends kept, halves rounded up.

    Raises:
        BadInputError: fewer than `count` frames besides frame 0, or `count` < 1.
    """
    if count < 1 or num_frames - 1 < count:
        raise BadInputError(
            f"{num_frames} frames; {count} besides the conditioning frame are needed", code="features-frames"
        )
    return np.floor(np.linspace(1, num_frames - 1, count) + 0.5).astype(np.int64)
