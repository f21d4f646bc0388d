"""FVD: Fréchet distance between all samples and all references, as features of whole video clips.

Unterthiner et al. 2018 (arXiv:1812.01717). In squared units of the features; never compare two N, two T or two presets.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int

from egobench.errors import BadInputError
from egobench.metrics.base import Better, Need, SetScore
from egobench.metrics.frechet_score import SOLVER, check_rows, frechet_left_out, frechet_score

MIN_FRAMES = 10
"""I3D halves time four times over; on fewer frames it fails or answers with its padding."""


@dataclass(frozen=True)
class Fvd:
    """Fréchet distance over the features of every clip, all its frames and the conditioning frame among them.

    `detail` holds the companions of `i-fid`: `kid`, `fd_inf`, `n_below_d`, `influence`.

    Source: Unterthiner et al. 2018 (arXiv:1812.01717); the column is EgoTwin's (arXiv:2508.13013).
    Differs from the paper: the network, its input size, N and T behind the published numbers are not public. One file
    of I3D weights is used in two ways that give two metrics of one name (`i3d.stylegan-v` squashes the picture,
    `i3d.crop` cuts it), so the preset stands in the protocol. ddof is 1, where common code has 0.
    How it can be fooled: it sees content more than movement (spoilt frames cost more than spoilt motion,
    arXiv:2404.12391), and the order of clips and their captions not at all: the `shuffled` control scores exactly 0.
    The value falls with N.
    """

    name: ClassVar[str] = "fvd"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "feature²"
    better: ClassVar[Better] = "lower"

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

    def score(
        self,
        inputs: Mapping[str, Sequence[Float[np.ndarray, "_item _feature"]]],
        clips: Sequence[str],
        groups: Int[np.ndarray, " row"],
        *,
        draws: int,
        seed: int,
    ) -> SetScore:
        """Scores the set; entry i of `sample` and `reference` is row i, with equally many items everywhere.

        Raises:
            BadInputError: fewer than two clips (`features-clips`), clips of other lengths (`features-frames`), features
                that do not match, are all the same or not finite (`features-…`).
        """
        sample, reference = inputs["sample"], inputs["reference"]
        check_rows(self.name, sample, reference, rows=len(groups), draws=draws)
        return frechet_score(sample, reference, clips, groups, counted="items", draws=draws, seed=seed)

    def left_out(
        self, inputs: Mapping[str, Sequence[Float[np.ndarray, "_item _feature"]]], blocks: Int[np.ndarray, " row"]
    ) -> tuple[float, Float[np.ndarray, " block"]]:
        """The distance, and without each block of rows. Errors as `score`."""
        return frechet_left_out(inputs["sample"], inputs["reference"], blocks)

    def record(self) -> Mapping[str, Any]:
        """What decides the value, besides the extractor, the split, N and T."""
        return {
            "metric": self.name,
            "version": self.version,
            "preset": self.preset,
            "frames": "all, the conditioning frame among them",
            **SOLVER,
        }
