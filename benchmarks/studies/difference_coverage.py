"""Coverage of intervals of a *difference* between two runs, by simulated runs whose mean difference is known.

    python benchmarks/studies/difference_coverage.py [--repetitions 200]

Two samples A, B and one reference in sequences; the samples share the reference's sequence effects, as runs on one
split do. Per setting, from many independent worlds: the true mean of B - A at this N and its standard deviation; then
per repetition the interval of `jackknife` (ours for set metrics: one block of sequences left out after another,
Student's t), of `percentile` (bootstrap of shared sequences with replacement), of `centred` (the same, moved onto the
difference) and of `delete-d` (three quarters kept, as the interval of one run has it). Printed: how often each holds
the truth (95 % is right), its mean width over the right one (3.92 × standard deviation), and how often ours and the
sign-flip permutation call the difference significant at 5 % (where the two runs are exchangeable 5 % is right).
The last lines are a plain mean per clip, by bootstrap. About ten minutes.
"""

import argparse
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from egobench.stats.bootstrap import draw_subsets, draw_weights
from egobench.stats.frechet import frechet_distance
from egobench.stats.paired import Difference, jackknife_blocks, left_out_sums, paired_differences, row_sums
from egobench.stats.weighted_frechet import SequenceFrechet

DRAWS = 150
KINDS = ("jackknife", "percentile", "centred", "delete-d")


@dataclass(frozen=True)
class Setting:
    """Sample = scale · (shared sequence effect + noise) + shift, per run."""

    label: str
    sequences: int
    items: int
    d: int
    shifts: tuple[float, float]
    scales: tuple[float, float]

    def draw(self, rng: np.random.Generator) -> list[list[np.ndarray]]:
        """Clips (here: sequences) of reference, A and B."""
        effect = 0.6 * rng.standard_normal((self.sequences, 1, self.d))
        sides = [list(effect + rng.standard_normal((self.sequences, self.items, self.d)))]
        for shift, scale in zip(self.shifts, self.scales, strict=True):
            noise = rng.standard_normal((self.sequences, self.items, self.d))
            sides.append(list(scale * (effect + noise) + shift))
        return sides


SETTINGS = [
    Setting("same model", 64, 8, 16, (0.15, 0.15), (1.1, 1.1)),
    Setting("B worse", 64, 8, 16, (0.15, 0.3), (1.1, 1.2)),
    Setting("B slightly worse", 64, 8, 16, (0.3, 0.32), (1.2, 1.2)),
    Setting("24 sequences", 24, 8, 16, (0.3, 0.3), (1.2, 1.2)),
    Setting("many features", 64, 16, 64, (0.15, 0.2), (1.1, 1.1)),
    Setting("N below d", 32, 4, 200, (0.3, 0.35), (1.2, 1.2)),
    Setting("A is perfect", 64, 8, 16, (0.0, 0.2), (1.0, 1.1)),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=200, help="experiments per setting")
    parser.add_argument("--only", default="", help="settings whose label holds this text; `mean` for the means alone")
    options = parser.parse_args()
    threadpool_limits(1)
    print(f"{'':18} {'mean':>8} {'sd':>7}  " + "  ".join(f"{name:>16}" for name in KINDS) + "   p<.05  |Δ|>reach")
    for setting in SETTINGS:
        if options.only in setting.label:
            report(setting, options.repetitions)
    for sequences in (8, 24, 64) if options.only in ("", "mean") else ():
        report_means(sequences, options.repetitions)


def report(setting: Setting, repetitions: int) -> None:
    """One line."""
    rng = np.random.default_rng(0)
    truth = [gap(setting.draw(rng)) for _ in range(3 * repetitions)]
    mean, spread = float(np.mean(truth)), float(np.std(truth))
    ends_of_kinds: dict[str, list] = {name: [] for name in KINDS}
    significant, beyond = [], []
    for seed in range(repetitions):
        sides = setting.draw(rng)
        ends, ours = intervals(sides, seed)
        for name in KINDS:
            ends_of_kinds[name].append(ends[name])
        significant.append((ours.p or 1) <= 0.05)
        beyond.append(ours.ci95 is not None and not ours.ci95[0] <= 0 <= ours.ci95[1])
    line(setting.label, mean, spread, ends_of_kinds, significant, beyond)


def line(
    label: str, mean: float, spread: float, ends_of_kinds: dict[str, list], significant: list, beyond: list
) -> None:
    """Prints one setting."""
    cells = []
    for ends in ends_of_kinds.values():
        low, high = np.array(ends).T
        covered, width = np.mean((low <= mean) & (mean <= high)), np.mean(high - low) / (3.92 * spread)
        cells.append(f"{100 * covered:7.1f} % {width:5.2f} ×")
    rates = f"{100 * np.mean(significant):5.1f} %  {100 * np.mean(beyond):5.1f} %"
    print(f"{label:18} {mean:8.4f} {spread:7.4f}  " + "  ".join(cells) + "   " + rates, flush=True)


def gap(sides: list[list[np.ndarray]]) -> float:
    """Distance of B minus distance of A."""
    reference, *samples = [np.concatenate(side) for side in sides]
    first, second = (frechet_distance(reference, sample) for sample in samples)
    return second - first


def intervals(sides: list[list[np.ndarray]], seed: int) -> tuple[dict[str, tuple[float, float]], Difference]:
    """All kinds, from one experiment."""
    total = len(sides[0])
    engines = [SequenceFrechet.of(sides[0], side, np.arange(total)) for side in sides[1:]]
    whole = [float(engine(np.ones((1, total), dtype=np.int64))[0]) for engine in engines]
    change = whole[1] - whole[0]
    blocks = jackknife_blocks([f"s{number}" for number in range(total)])
    without = (blocks[None, :] != np.arange(blocks.max() + 1)[:, None]).astype(np.int64)
    table = left_out_sums((whole[0], whole[1]), *(engine(without) for engine in engines))
    (ours,) = paired_differences([table], [(whole[0], whole[1])], draws=2000, seed=seed)
    drawn = np.subtract(*(engine(draw_weights(total, DRAWS, seed)) for engine in engines[::-1]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    kept = round(0.75 * total)
    thinned = np.subtract(*(engine(draw_subsets(total, kept, DRAWS, seed)) for engine in engines[::-1]))
    ends = np.quantile((thinned - thinned.mean()) * np.sqrt(kept / (total - kept)), [0.025, 0.975]) + change
    assert ours.ci95 is not None
    by_kind = {
        "jackknife": ours.ci95,
        "percentile": (float(low), float(high)),
        "centred": (float(low + change - drawn.mean()), float(high + change - drawn.mean())),
        "delete-d": (float(ends[0]), float(ends[1])),
    }
    return by_kind, ours


def report_means(sequences: int, repetitions: int) -> None:
    """A mean over clips of unequal sequences, skewed values: what `compare` does for most metrics."""
    rng = np.random.default_rng(1)

    def world() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        sizes = 1 + np.arange(sequences) % 7
        groups = np.repeat(np.arange(sequences), sizes)
        effect = rng.gamma(2.0, 1.0, sequences)[groups]
        return effect + rng.gamma(1.0, 1.0, len(groups)), effect + rng.gamma(1.0, 1.0, len(groups)), groups

    spread = float(np.std([np.mean(second) - np.mean(first) for first, second, _ in (world() for _ in range(4000))]))
    ends, significant, beyond = [], [], []
    for seed in range(5 * repetitions):
        first, second, groups = world()
        table = row_sums(np.stack([first, second]), np.ones((2, len(groups))), groups)
        (difference,) = paired_differences(
            [table], [(float(first.mean()), float(second.mean()))], draws=2000, seed=seed
        )
        assert difference.ci95 is not None
        ends.append(difference.ci95)
        significant.append((difference.p or 1) <= 0.05)
        beyond.append(not difference.ci95[0] <= 0 <= difference.ci95[1])
    line(f"mean, {sequences} sequences", 0.0, spread, {"ours": ends}, significant, beyond)


if __name__ == "__main__":
    main()
