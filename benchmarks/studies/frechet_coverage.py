"""Coverage of intervals of a Fréchet distance, by simulated feature sets whose mean distance at this N is known.

    python benchmarks/studies/frechet_coverage.py [--repetitions 100]

Per setting: the mean and the standard deviation of the distance over many independent sets (the truth), then, per
repetition, four intervals from one set: `ours` (`frechet_interval`), `percentile` (with replacement, as it stands),
`centred` (with replacement, shifted to the value) and `basic` (reflected at the value). Printed: the share of
repetitions in which each holds the true mean (95 % is right), and its mean width over the right one (3.92 × standard
deviation). A few minutes.
"""

import argparse
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from egobench.stats.bootstrap import draw_weights
from egobench.stats.frechet import frechet_distance, frechet_interval
from egobench.stats.weighted_frechet import SequenceFrechet

DRAWS = 200


@dataclass(frozen=True)
class Setting:
    """Features of two sides in sequences: x = sequence + item, sample = scale · x + shift."""

    label: str
    sequences: int
    items: int
    """Per sequence."""
    d: int
    shift: float
    scale: float
    shared: bool
    """Both sides have the same sequence effect, as a sample has with the reference it was conditioned on."""

    def draw(self, rng: np.random.Generator) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """One experiment: clips (here: sequences) of reference and sample."""
        shape = (self.sequences, self.items, self.d)
        effect = 0.6 * rng.standard_normal((self.sequences, 1, self.d))
        other = effect if self.shared else 0.6 * rng.standard_normal(effect.shape)
        sample = self.scale * (other + rng.standard_normal(shape)) + self.shift
        return list(effect + rng.standard_normal(shape)), list(sample)


SETTINGS = [
    Setting("few features", 64, 8, 16, 0.15, 1.1, True),
    Setting("few sequences", 24, 8, 16, 0.3, 1.2, True),
    Setting("sides unrelated", 64, 8, 16, 0.3, 1.2, False),
    Setting("many features", 64, 32, 96, 0.15, 1.1, True),
    Setting("N below d", 32, 8, 400, 0.3, 1.2, True),
    Setting("same distribution", 64, 8, 16, 0.0, 1.0, False),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=100, help="experiments per setting")
    options = parser.parse_args()
    threadpool_limits(1)
    names = ("ours", "percentile", "centred", "basic")
    print(f"{'':18} {'mean':>8} {'sd':>7}  " + "  ".join(f"{name:>16}" for name in names))
    for setting in SETTINGS:
        mean, spread, intervals = measure(setting, options.repetitions)
        cells = [
            f"{100 * np.mean((low <= mean) & (mean <= high)):7.1f} % {np.mean(high - low) / (3.92 * spread):5.2f} ×"
            for low, high in (intervals[name].T for name in names)
        ]
        print(f"{setting.label:18} {mean:8.3f} {spread:7.3f}  " + "  ".join(cells), flush=True)


def measure(setting: Setting, repetitions: int) -> tuple[float, float, dict[str, np.ndarray]]:
    """True mean and standard deviation, and per kind the (repetition, 2) ends of the intervals."""
    rng = np.random.default_rng(0)
    truth = [frechet_distance(*map(np.concatenate, setting.draw(rng))) for _ in range(2 * repetitions)]
    groups = np.arange(setting.sequences)
    intervals: dict[str, list] = {"ours": [], "percentile": [], "centred": [], "basic": []}
    for seed in range(repetitions):
        sides = setting.draw(rng)
        value = frechet_distance(*map(np.concatenate, sides))
        drawn = SequenceFrechet.of(*sides, groups)(draw_weights(len(groups), DRAWS, seed))
        low, high = np.quantile(drawn, [0.025, 0.975])
        mean = drawn.mean()
        intervals["ours"].append(frechet_interval(*sides, groups, DRAWS, seed))
        intervals["percentile"].append((low, high))
        intervals["centred"].append((value + low - mean, value + high - mean))
        intervals["basic"].append((value + mean - high, value + mean - low))
    return float(np.mean(truth)), float(np.std(truth)), {name: np.array(ends) for name, ends in intervals.items()}


if __name__ == "__main__":
    main()
