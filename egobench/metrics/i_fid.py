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
from egobench.stats.frechet import frechet_distance, frechet_interval, frechet_limit
from egobench.stats.kernel import kernel_distance


@dataclass(frozen=True)
class IFID:
    """Fréchet distance over 8 frames of every clip, uniformly spaced over frames 1 … T-1, both ends kept.

    Frame 0 is the conditioning frame: it is given, so it would flatter. `detail` holds the companions `kid` (unbiased
    MMD², cubic kernel) and `fd_inf` (extrapolated to infinitely many frames; None where that means nothing), and
    whether N is below the number of features, where the value is mostly bias.

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
    """Catalogue name of the extractor."""
    frames_per_clip: int = 8
    """Frames of each clip that enter."""

    def needs(self) -> Mapping[str, Need]:
        """Features of all frames of the sample and of the reference."""
        return {
            "sample": Need("sample", "frames", self.preset),
            "reference": Need("reference", "frames", self.preset),
        }

    def score(
        self,
        sample: Sequence[Float[np.ndarray, "_time _feature"]],
        reference: Sequence[Float[np.ndarray, "_time _feature"]],
        groups: Int[np.ndarray, " clip"],
        *,
        draws: int,
        seed: int,
    ) -> SetScore:
        """Scores the set; entry i of both lists is clip i with all its frames, `groups[i]` its sequence.

        `draws` = 0 skips the interval and `fd_inf`; `groups` is not read then, and the lists may differ in length (two
        halves of a split).

        Raises:
            BadInputError: fewer than two clips (`features-clips`), clips too short, or of other lengths than
                the references (`features-frames`), features that do not match or are not finite (`features-…`).
        """
        if min(len(sample), len(reference)) < 2 or (draws and not len(sample) == len(reference) == len(groups)):
            raise BadInputError(
                f"i-fid compares sets of two or more clips, paired for the interval: found {len(sample)} samples, "
                f"{len(reference)} references, {len(groups)} groups",
                code="features-clips",
            )
        widths = sorted({clip.shape[1] for clip in (*sample, *reference)})
        if len(widths) > 1:
            raise BadInputError(
                f"features of {widths} numbers; all must come from one extractor", code="features-dimension"
            )
        lengths, wanted = (sorted({len(clip) for clip in side}) for side in (sample, reference))
        if lengths != wanted:
            raise BadInputError(
                f"samples have {lengths} frames, references {wanted}; the numbers must be equal",
                code="features-frames",
            )
        count = self.frames_per_clip
        sample, reference = ([clip[frame_indices(len(clip), count)] for clip in side] for side in (sample, reference))
        all_sample, all_reference = np.concatenate(sample), np.concatenate(reference)
        detail = {
            "n_frames": len(all_sample),
            "d": int(all_sample.shape[1]),
            "n_below_d": len(all_sample) < all_sample.shape[1],
        }
        value = frechet_distance(all_reference, all_sample)
        detail["kid"] = kernel_distance(all_reference, all_sample)
        detail["fd_inf"] = frechet_limit(reference, sample, groups, seed) if draws else None
        interval = frechet_interval(reference, sample, groups, draws, seed) if draws else None
        return SetScore(value, interval, detail)

    def record(self) -> Mapping[str, Any]:
        """What decides the value, besides the extractor, the split and N."""
        return {
            "metric": self.name,
            "version": self.version,
            "preset": self.preset,
            "frames": f"{self.frames_per_clip} of 1 … T-1, uniformly spaced, both ends kept, halves rounded up",
            "solver": "float64, ddof 1, nuclear norm of the centred cross-Gram (triangular factors where N > d)",
            "interval": "delete-d jackknife by sequence, three quarters kept",
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
