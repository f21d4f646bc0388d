"""M-FID: Fréchet distance between all sampled and all reference motions, as features of a motion-text evaluator.

Guo et al. 2020 (arXiv:2007.15240) for motion. In squared units of the features; never compare two N or two evaluators.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int

from egobench.metrics.base import Better, Need, SetScore
from egobench.metrics.frechet_score import SOLVER, check_rows, frechet_left_out, frechet_score
from egobench.stats.diversity import PAIRS, diversity, multimodality

ONE_SEED = "one sample per clip; --seeds 2 or more are needed"


@dataclass(frozen=True)
class MFid:
    """Fréchet distance over one feature vector per motion.

    `detail` holds the companions of `i-fid` (`kid`, `fd_inf`, `n_below_d`, `influence`) and `diversity`: the mean
    distance between motions of two clips, of the samples and of the references over the very same 10,000 pairs; less
    than the reference's is a poorer repertoire, more is noise. `multimodality` is the mean distance between two seeds
    of one clip, over all of them.

    Source: Guo et al. 2020 (Action2Motion, arXiv:2007.15240) for the three; the column is EgoTwin's (arXiv:2508.13013).
    Differs from the paper: EgoTwin's evaluator, skeleton and N are not public; ours is refitted for any split, and its
    weights stand in the protocol. Diversity and multimodality never pair a motion with itself.
    How it can be fooled: captions do not enter (the `shuffled` control scores exactly 0), nor does the video; copying
    training motions scores well. The value falls with N.
    """

    name: ClassVar[str] = "m-fid"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "feature²"
    better: ClassVar[Better] = "lower"

    preset: str = "motion-text"
    """Catalogue name of an extractor of motions."""

    def needs(self) -> Mapping[str, Need]:
        """Features of the sample's motion and of the reference's."""
        return {
            "sample": Need("sample", "motion-features", self.preset),
            "reference": Need("reference", "motion-features", self.preset),
        }

    def score(
        self,
        inputs: Mapping[str, Sequence[Float[np.ndarray, " _feature"]]],
        clips: Sequence[str],
        groups: Int[np.ndarray, " row"],
        *,
        draws: int,
        seed: int,
    ) -> SetScore:
        """Scores the set; entry i of `sample` and `reference` is row i. Without `draws`, no companion is drawn.

        Raises:
            BadInputError: fewer than two clips (`features-clips`), features that do not match, are all the same or
                not finite (`features-…`).
        """
        sample, reference = ([np.atleast_2d(row) for row in inputs[side]] for side in ("sample", "reference"))
        check_rows(self.name, sample, reference, rows=len(groups), draws=draws)
        score = frechet_score(sample, reference, clips, groups, counted="motions", draws=draws, seed=seed)
        if not draws or len(set(clips)) < 2:
            return score
        rows = [np.concatenate(side) for side in (sample, reference)]
        apart = diversity(rows, clips, pairs=PAIRS, seed=seed)
        over_seeds = multimodality(rows[0], clips)
        companions = {
            "diversity": {"sample": apart[0], "reference": apart[1], "pairs": PAIRS},
            "multimodality": over_seeds,
            **({} if over_seeds is not None else {"multimodality_reason": ONE_SEED}),
        }
        return SetScore(score.value, score.ci95, {**score.detail, **companions})

    def left_out(
        self, inputs: Mapping[str, Sequence[Float[np.ndarray, " _feature"]]], blocks: Int[np.ndarray, " row"]
    ) -> tuple[float, Float[np.ndarray, " block"]]:
        """The distance, and without each block of rows. Errors as `score`."""
        sample, reference = ([np.atleast_2d(row) for row in inputs[side]] for side in ("sample", "reference"))
        return frechet_left_out(sample, reference, blocks)

    def record(self) -> Mapping[str, Any]:
        """What decides the value, besides the extractor, the split and N."""
        return {
            "metric": self.name,
            "version": self.version,
            "preset": self.preset,
            "motions": "one feature vector each",
            **SOLVER,
        }
