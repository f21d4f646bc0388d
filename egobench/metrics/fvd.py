"""FVD: Fréchet distance between all samples and all references, as features of whole video clips.

Unterthiner et al. 2018 (arXiv:1812.01717). In squared units of the features; never compare two N, two T or two presets.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from egobench.errors import BadInputError
from egobench.metrics.base import Better, Need
from egobench.metrics.frechet_score import FrechetMetric

MIN_FRAMES = 10
"""I3D halves time four times over; on fewer frames it fails or answers with its padding."""


@dataclass(frozen=True)
class Fvd(FrechetMetric):
    """Fréchet distance over the features of every clip, all its frames and the conditioning frame among them.

    `detail` holds the companions of `i-fid`: `kid`, `fd_inf`, `n_below_d`, `influence`.

    Source: Unterthiner et al. 2018 (arXiv:1812.01717); the column is EgoTwin's (arXiv:2508.13013).
    Differs from the paper: the network, its input size, N and T behind the published numbers are not public. One file
    of I3D weights is used in two ways, which give two metrics of one name (`i3d.stylegan-v` squashes the picture,
    `i3d.crop` cuts it), so the preset stands in the protocol. ddof is 1, where common code has 0.
    How it can be fooled: it sees content more than movement (degraded frames cost more than degraded motion,
    arXiv:2404.12391). It does not see the order of clips and their captions: the `shuffled` control scores exactly 0.
    The value falls with N.
    """

    name: ClassVar[str] = "fvd"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "feature²"
    better: ClassVar[Better] = "lower"
    counted = "items"

    preset: str = "egomini-video"
    """Catalogue name of an extractor of clips."""

    def needs(self) -> Mapping[str, Need]:
        """Features of the whole video of the sample and of the reference."""
        return {
            "sample": Need("sample", "clip", self.preset),
            "reference": Need("reference", "clip", self.preset),
        }

    def check(self, facts: Mapping[str, Any]) -> None:
        """Refuses a split whose videos are too short, code `split-form`."""
        if facts["num_video_frames"] < MIN_FRAMES:
            raise BadInputError(
                f"{facts['num_video_frames']} video frames; {self.name} needs {MIN_FRAMES} or more", code="split-form"
            )

    def definition(self) -> Mapping[str, Any]:
        return {"frames": "all, the conditioning frame among them", **super().definition()}
