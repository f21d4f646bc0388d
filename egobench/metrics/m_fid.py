"""M-FID: Fréchet distance between all sampled and all reference motions, as features of a motion-text evaluator.

Guo et al. 2020 (arXiv:2007.15240) for motion. In squared units of the features; never compare two N or two evaluators.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Int

from egobench.files.array_file import Entries
from egobench.metrics.base import Better, Need, SetScore
from egobench.metrics.frechet_score import FrechetMetric, Rows
from egobench.stats.diversity import PAIRS, Features, diversity, multimodality

ONE_SEED = "one sample per clip; --seeds 2 or more are needed"


@dataclass(frozen=True)
class MFid(FrechetMetric):
    """Fréchet distance over one feature vector per motion.

    `detail` holds the companions of `i-fid` (`kid`, `fd_inf`, `n_below_d`, `influence`) and `diversity`: the mean
    distance between motions of two clips, of the samples and of the references, over the same 10,000 pairs. Less than
    the reference's means fewer kinds of motion, more means noise. `multimodality` is the mean distance between two
    seeds of one clip, over all pairs of seeds.

    Source: Guo et al. 2020 (Action2Motion, arXiv:2007.15240) for the three; the column is EgoTwin's (arXiv:2508.13013).
    Differs from the paper: EgoTwin's evaluator, skeleton and N are not public; ours is refitted for any split, and its
    weights stand in the protocol. Diversity and multimodality never pair a motion with itself.
    How it can be fooled: captions do not enter (the `shuffled` control scores exactly 0), and the video does not
    either. Copied training motions score well. The value falls with N.
    """

    name: ClassVar[str] = "m-fid"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "feature²"
    better: ClassVar[Better] = "lower"
    counted = "motions"

    preset: str = "motion-text"
    """Catalogue name of an extractor of motions."""

    def needs(self) -> Mapping[str, Need]:
        """Features of the sample's motion and of the reference's."""
        return {
            "sample": Need("sample", "motion-features", self.preset),
            "reference": Need("reference", "motion-features", self.preset),
        }

    def sides(self, inputs: Mapping[str, Rows]) -> tuple[Rows, Rows]:
        sample, reference = ([np.atleast_2d(row) for row in inputs[side]] for side in ("sample", "reference"))
        return sample, reference

    def score(
        self,
        inputs: Mapping[str, Rows],
        clips: Sequence[str],
        groups: Int[np.ndarray, " row"],
        *,
        draws: int,
        seed: int,
    ) -> SetScore:
        """As every `FrechetMetric`; with `draws`, diversity and multimodality beside it."""
        score = super().score(inputs, clips, groups, draws=draws, seed=seed)
        if not draws or len(set(clips)) < 2:
            return score
        sample, reference = (np.concatenate(side) for side in self.sides(inputs))
        return _with_companions(score, sample, reference, clips, seed)

    def score_large(
        self,
        rows: Mapping[str, Entries],
        clips: Sequence[str],
        groups: Int[np.ndarray, " row"],
        *,
        draws: int,
        seed: int,
    ) -> SetScore:
        """As `score`."""
        score = super().score_large(rows, clips, groups, draws=draws, seed=seed)
        if not draws or len(set(clips)) < 2:
            return score
        return _with_companions(score, rows["sample"].take, rows["reference"].take, clips, seed)

    def definition(self) -> Mapping[str, Any]:
        return {"motions": "one feature vector each", **super().definition()}


def _with_companions(
    score: SetScore, sample: Features, reference: Features, clips: Sequence[str], seed: int
) -> SetScore:
    apart = diversity([sample, reference], clips, pairs=PAIRS, seed=seed)
    over_seeds = multimodality(sample, clips)
    companions = {
        "diversity": {"sample": apart[0], "reference": apart[1], "pairs": PAIRS},
        "multimodality": over_seeds,
        **({} if over_seeds is not None else {"multimodality_reason": ONE_SEED}),
    }
    return SetScore(score.value, score.ci95, {**score.detail, **companions})
