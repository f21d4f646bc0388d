"""False alarms and power of a gate. Writes the tables of docs/gate.md.

    python benchmarks/studies/gate_power.py [--repetitions 200] [--write]

In place of a model, `wobbly.py` bends and shakes the recorded motion anew for every seed. It is compared with itself
under other seeds, and then with 1, 2, 5 and 10 % of the clips damaged (the body jitters by 3 cm and slides at 0.5 m/s).
Two metrics are real: jerk and foot-skate of 256 clips of egomini-test. Two are simulated, so that no network is needed:
a Fréchet distance in 16 features with an effect of the recording, where a damaged clip is ten standard deviations off,
and a share of hits out of 20, where it falls to chance. Each repetition draws 64 recordings with replacement, a seed
per clip for baseline and run, and the damaged clips, and calls `gate` itself. With a minus sign the baseline's clips
are the damaged ones, so the run is better.

The second table moves every clip of the run by a share of the tolerance, from an improvement to twice the tolerance:
how often each metric passes and how often it regresses. At 1 the true harm is the tolerance, and both are errors.
"""

import argparse
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from egobench_baselines import corrupt_motion
from threadpoolctl import threadpool_limits
from wobbly import wobble

from egobench.compare.gate import GateReport, gate
from egobench.compare.policy import Policy, Rule
from egobench.compare.side import Item, Key, Side, Terms
from egobench.data.open import open_split
from egobench.metrics.foot_skate import FootSkate
from egobench.metrics.frechet_score import frechet_left_out
from egobench.metrics.jerk import Jerk
from egobench.stats.paired import jackknife_blocks

DOCS = Path(__file__).parents[2] / "docs" / "gate.md"
BEGIN, END = "<!-- gate_power: begin -->", "<!-- gate_power: end -->"
SEEDS, DRAWS, FEATURES = 4, 1000, 16
SHARES = (-0.10, -0.05, 0.0, 0.01, 0.02, 0.05, 0.10)
HARMS = (-1.0, 0.0, 0.5, 1.0, 1.5, 2.0)
"""In tolerances."""
RULES = {
    "jerk": Rule("gate", relative=0.20),
    "foot-skate": Rule("gate", absolute=0.010),
    "distance": Rule("gate", relative=0.40),
    "hits": Rule("gate", absolute=0.03),
}
BETTER = {"jerk": "lower", "foot-skate": "lower", "distance": "lower", "hits": "higher"}


@dataclass(frozen=True)
class World:
    """Scores of every clip and seed, intact and damaged; the last axis of features is the feature."""

    sequences: np.ndarray
    """(clip,) number of the recording."""
    scores: dict[str, np.ndarray]
    """Real metric → (kind 2, seed, clip); kind 0 is intact, 1 damaged."""
    reference: np.ndarray
    """(clip, feature)"""
    chance: np.ndarray
    """(clip,) probability of a hit."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=200, help="gates asked per line of a table")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/gate.md")
    options = parser.parse_args()
    threadpool_limits(1)
    world = make_world()
    lines = headline("clips spoilt", "regressed (exit 1)", *RULES, "too few clips (exit 2)", "all four passed")
    for share in SHARES:
        lines.append(row(world, share, options.repetitions))
        print(lines[-1], flush=True)
    lines += ["", *headline("harm, in tolerances", *RULES)]
    for harm in HARMS:
        lines.append(harm_row(world, harm, options.repetitions))
        print(lines[-1], flush=True)
    if options.write:
        text = DOCS.read_text(encoding="utf-8")
        head, _, rest = text.partition(BEGIN)
        table = "\n".join(lines)
        DOCS.write_text(f"{head}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def headline(*names: str) -> list[str]:
    """The first two lines of a Markdown table of numbers."""
    return [f"| {' | '.join(names)} |", "|" + "--:|" * len(names)]


def row(world: World, share: float, repetitions: int) -> str:
    """One line of the table: how many of the gates failed, by metric."""
    failed: Counter[str] = Counter()
    red = blunt = passed = 0
    effects: dict[str, list[float]] = {name: [] for name in RULES}
    for seed in range(repetitions):
        report = ask(world, np.random.default_rng([round(1000 * abs(share)), seed]), share=share)
        red += report.exit_code == 1
        blunt += report.exit_code == 2
        passed += all(each.outcome == "passed" for each in report.rows)
        failed.update(each.metric for each in report.rows if each.outcome == "regressed")
        for each in report.rows:
            difference = each.comparison and each.comparison.difference
            if difference and difference.detectable is not None and each.comparison and each.comparison.tolerance:
                effects[each.metric].append(difference.detectable / each.comparison.tolerance)
    ratios = ", ".join(f"{name} {np.mean(values):.2f}" for name, values in effects.items())
    print(f"  MDE over tolerance: {ratios}")
    cells = [f"{100 * count / repetitions:.1f} %" for count in (red, *(failed[name] for name in RULES), blunt, passed)]
    return f"| {100 * share:.0f} % | " + " | ".join(cells) + " |"


def harm_row(world: World, harm: float, repetitions: int) -> str:
    """One line of the second table: how often each metric passed, and regressed."""
    counts: Counter[tuple[str, str]] = Counter()
    for seed in range(repetitions):
        report = ask(world, np.random.default_rng([7, seed]), harm=harm)
        counts.update((each.metric, each.outcome) for each in report.rows)
    shares = {key: f"{100 * count / repetitions:.1f} %" for key, count in counts.items()}
    cells = [", ".join(shares.get((name, word), "0.0 %") for word in ("passed", "regressed")) for name in RULES]
    return f"| {harm:g} | " + " | ".join(cells) + " |"


def ask(world: World, rng: np.random.Generator, *, share: float = 0.0, harm: float = 0.0) -> GateReport:
    """One gate: the same model with other seeds, a share of the clips damaged, every score worse by `harm`
    tolerances."""
    total = world.sequences.max() + 1
    drawn = rng.integers(0, total, total)
    clips = np.concatenate([np.flatnonzero(world.sequences == number) for number in drawn])
    names = [f"s{copy:02d}" for copy, number in enumerate(drawn) for _ in range((world.sequences == number).sum())]
    order = rng.permuted(np.tile(np.arange(SEEDS), (len(clips), 1)), axis=1)[:, :2].T  # two different seeds a clip
    spoilt = np.zeros(len(clips), dtype=np.int64)
    spoilt[rng.permutation(len(clips))[: round(abs(share) * len(clips))]] = 1
    kinds = (np.zeros_like(spoilt), spoilt) if share >= 0 else (spoilt, np.zeros_like(spoilt))
    baseline, run = [side(world, clips, names, kind, seeds, rng) for kind, seeds in zip(kinds, order, strict=True)]
    return gate(moved(run, harm), baseline, Policy(metrics=RULES), draws=DRAWS)


def moved(run: Side, harm: float) -> Side:
    """The run with every term made worse by `harm` tolerances; for a relative tolerance, by a factor."""
    if not harm:
        return run
    terms, results = {}, {}
    for name, rule in RULES.items():
        old = run.source.terms(name, None)
        step = harm * (rule.absolute if BETTER[name] == "lower" else -rule.absolute)
        factor = 1 + harm * (0.0 if rule.absolute else rule.relative)
        parts = {
            part: None if getattr(old, part) is None else getattr(old, part) * factor + step
            for part in ("value", "above", "left_out")
        }
        terms[name] = replace(old, **parts)
        results[name] = {**run.results[name], "value": terms[name].value}
    return replace(run, results=results, source=StoredTerms(terms))


def side(
    world: World, clips: np.ndarray, names: list[str], kind: np.ndarray, seeds: np.ndarray, rng: np.random.Generator
) -> Side:
    """A run or a baseline: real scores of these clips and seeds, and simulated ones."""
    keys = tuple(Key(f"c{number:03d}", 0) for number in range(len(clips)))
    ones = np.ones(len(clips))
    terms = {}
    for metric, scores in world.scores.items():
        above = scores[kind, seeds, clips]
        terms[metric] = Terms(keys, float(above.mean()), above, ones)
    hits = rng.binomial(20, np.where(kind == 1, 3 / 32, world.chance[clips])) / 20
    terms["hits"] = Terms(keys, float(hits.mean()), hits, ones)
    reference = list(world.reference[clips][:, None])
    noise = rng.normal(size=(len(clips), FEATURES))
    sample = list((world.reference[clips] + 0.7 * noise + 0.2 + 10.0 * kind[:, None] / np.sqrt(FEATURES))[:, None])
    value, left_out = frechet_left_out(sample, reference, jackknife_blocks(names))
    terms["distance"] = Terms(keys, value, left_out=left_out)
    whole = {"unit": "", "n": len(clips), "n_undefined": 0, "coverage": 1.0}
    results = {name: {**whole, "value": terms[name].value, "better": BETTER[name], "protocol": name} for name in RULES}
    items = {key: Item(f"d{clip}", name, "walk") for key, clip, name in zip(keys, clips, names, strict=True)}
    return Side("drawn", "wobbly", "drawn", "egomini-test", "t2vm", items, results, {}, StoredTerms(terms), {})


@dataclass(frozen=True)
class StoredTerms:
    """A source with all its terms in memory."""

    stored: dict[str, Terms]

    def terms(self, metric: str, keys: object) -> Terms:
        """As `Source.terms`."""
        return self.stored[metric]

    def lost(self, metric: str) -> dict:
        """No row is lost."""
        return {}


def make_world() -> World:
    """Real scores of every clip for several seeds, and the simulated values that are drawn once."""
    split = open_split("egomini-test")
    rows = split.infos()
    metrics = {"jerk": Jerk(), "foot-skate": FootSkate()}
    scores = {name: np.zeros((2, SEEDS, len(rows))) for name in metrics}
    for place, info in enumerate(rows):
        motion = split.clip(info.clip_id).reference.motion
        for seed in range(SEEDS):
            rng = np.random.default_rng([seed, *info.clip_id.encode()])
            sound = wobble(motion, rng)
            spoilt = corrupt_motion.slide(corrupt_motion.jitter(sound, 0.03, rng), 0.5, rng)
            for kind, made in enumerate((sound, spoilt)):
                for name, metric in metrics.items():
                    scores[name][kind, seed, place] = metric(motion=made)
    sequences = np.unique([info.sequence for info in rows], return_inverse=True)[1]
    rng = np.random.default_rng(0)
    effect = 0.6 * rng.normal(size=(sequences.max() + 1, FEATURES))[sequences]
    return World(sequences, scores, effect + rng.normal(size=effect.shape), rng.beta(6.0, 1.5, len(rows)))


if __name__ == "__main__":
    main()
