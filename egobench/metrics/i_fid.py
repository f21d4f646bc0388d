"""I-FID: Fréchet distance between the frames of all samples and the frames of all references, as image features.

Heusel et al. 2017 (arXiv:1706.08500) over video frames. In squared units of the features; never compare two N.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from egobench.errors import BadInputError
from egobench.metrics.base import Better, Need, frame_indices
from egobench.metrics.frechet_score import FrechetMetric, Rows


@dataclass(frozen=True)
class IFID(FrechetMetric):
    """Fréchet distance over 8 frames of every clip, uniformly spaced over frames 1 … T-1, both ends kept.

    Frame 0 is the conditioning frame. It is given, so it would lower the value. `detail` holds `kid` (unbiased MMD²,
    cubic kernel), `fd_inf` (the value extrapolated to infinitely many frames; None where that has no meaning),
    `n_below_d` (whether N is below the number of features; the value is then mostly bias), and `influence` (the ten
    clips that raise the value most).

    Source: Heusel et al. 2017 (arXiv:1706.08500); the column is EgoTwin's (arXiv:2508.13013).
    Differs from the paper: frames per clip, stride, resizing and N are not public; ours are in the protocol. Without
    Inception weights at hand the embedded split uses features fitted on its own world (`egomini-clip`).
    How it can be fooled: time does not enter, so still or shuffled frames cost nothing. The pairing with captions does
    not enter either (the `shuffled` control scores exactly 0). Copied training videos score well. The value falls with
    N, at a rate that depends on the model.
    """

    name: ClassVar[str] = "i-fid"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "feature²"
    better: ClassVar[Better] = "lower"
    counted = "frames"

    preset: str = "egomini-clip"
    """Catalogue name of an extractor of frames."""
    frames_per_clip: int = 8
    """Frames of each clip that enter."""

    def needs(self) -> Mapping[str, Need]:
        """Features of the frames that enter, of the sample and of the reference."""
        return {
            "sample": Need("sample", "frames", self.preset, self.frames_per_clip),
            "reference": Need("reference", "frames", self.preset, self.frames_per_clip),
        }

    def check(self, facts: Mapping[str, Any]) -> None:
        """Refuses a split whose videos are too short, code `split-form`."""
        if facts["num_video_frames"] - 1 < self.frames_per_clip:
            raise BadInputError(
                f"{facts['num_video_frames']} video frames; {self.name} needs {self.frames_per_clip} besides the "
                "conditioning frame",
                code="split-form",
            )

    def entering(self, rows: Rows) -> Rows:
        chosen = frame_indices(len(rows[0]), self.frames_per_clip)
        return [row[chosen] for row in rows]

    def definition(self) -> Mapping[str, Any]:
        words = f"{self.frames_per_clip} of 1 … T-1, uniformly spaced, both ends kept, halves rounded up"
        return {"frames": words, **super().definition()}

    def record(self) -> Mapping[str, Any]:
        """As every metric, without `frames_per_clip`, which `frames` states in words."""
        return {key: value for key, value in super().record().items() if key != "frames_per_clip"}
