"""Whole commands: a run of the reference, scoring of samples that are given, EgoTwin, and two workers beside one.

Seconds by the clock, CPU seconds and memory of all processes of a command. `cold` has an empty cache, `cached` the one
that the same command filled. Stages are timed by the run itself, which writes their seconds into its manifest;
`share_of_networks` is the share in which the model, or extractors and estimators, worked.
"""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import processes
import pytest
from facts import Facts, stated

SPLIT, WORKERS, WHOLE = "egomini-test", 2, 256
CLIPS = pytest.mark.parametrize("clips", [16, pytest.param(WHOLE, marks=pytest.mark.slow)])
ONE, TWO = "one worker", "two workers"
MOST_MIB = 2048
Run = tuple[processes.Taken, Path]
"""What a command took, and the run that it made."""


class Place:
    """Runs in a folder with a cache of its own."""

    def __init__(self, folder: Path) -> None:
        self.runs, self.cache = folder / "runs", folder / "cache"

    def run(self, model: str, clips: int, *options: str, workers: int = WORKERS) -> Run:
        """`egobench run` of a model on the first clips."""
        known = set(self.runs.glob("*"))
        limit = () if clips == WHOLE else ("--limit", str(clips))
        arguments = ("--model", model, "--split", SPLIT, *limit, "--workers", str(workers), "--out", str(self.runs))
        taken = processes.egobench("run", *arguments, "--quiet", *options, cache=self.cache)
        (made,) = set(self.runs.glob("*")) - known
        return taken, made

    def rescore(self, run: Path) -> processes.Taken:
        """`egobench rescore` of all core metrics."""
        options = ("--metrics", "core", "--workers", str(WORKERS), "--quiet")
        return processes.egobench("rescore", str(run), *options, cache=self.cache)


def manifest_of(run: Path) -> dict[str, Any]:
    """What a run wrote down, with the seconds of each stage by the clock."""
    return json.loads((run / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def warm(place: Callable[[str], Path]) -> Callable[[str], Place]:
    """Makes new places, after the files of the suite and its libraries were read once."""
    Place(place("warm")).run("static", 1)
    return lambda name: Place(place(name))


@pytest.fixture(scope="module")
def reference(warm: Callable[[str], Place]) -> Callable[[int], tuple[Place, processes.Taken]]:
    """A place in which the reference was run once, with an empty cache, and what that took."""

    @cache
    def make(clips: int) -> tuple[Place, processes.Taken]:
        made = warm("reference")
        return made, made.run("reference", clips)[0]

    return make


@pytest.fixture(scope="module")
def given(warm: Callable[[str], Place]) -> Callable[[int], tuple[Place, Path, processes.Taken]]:
    """A run whose samples are given and whose core metrics were scored once, with an empty cache; what that took.

    The samples are the recorded videos, blurred: no two have the same bytes as a reference, so all must be seen.
    """

    @cache
    def make(clips: int) -> tuple[Place, Path, processes.Taken]:
        before, after = warm("samples"), warm("given")
        blurred = ("--set", "kind=blur", "strength=1", "--metrics", "jerk")
        run = before.run("corrupted", clips, *blurred)[1]
        return after, run, after.rescore(run)

    return make


@pytest.fixture(scope="module")
def egotwin(warm: Callable[[str], Place]) -> Callable[[int, int], Run]:
    """A run of EgoTwin with an empty cache, by clips and workers."""
    return cache(lambda clips, workers: warm("egotwin").run("egotwin", clips, workers=workers))


@CLIPS
@pytest.mark.benchmark(group="run of the reference, two workers", timer=stated)
def bench_run_reference_cold(
    benchmark: Any, facts: Facts, reference: Callable[[int], tuple[Place, processes.Taken]], clips: int
) -> None:
    report(benchmark, facts, reference(clips)[1])
    if clips == WHOLE:
        facts.bar("seconds", at_most=90)


@CLIPS
@pytest.mark.benchmark(group="run of the reference, two workers", timer=stated)
def bench_run_reference_cached(
    benchmark: Any, facts: Facts, reference: Callable[[int], tuple[Place, processes.Taken]], clips: int
) -> None:
    report(benchmark, facts, reference(clips)[0].run("reference", clips)[0])
    if clips == WHOLE:
        facts.bar("seconds", at_most=3)


@CLIPS
@pytest.mark.benchmark(group="scoring of given samples, all core metrics, two workers", timer=stated)
def bench_score_given_cold(
    benchmark: Any, facts: Facts, given: Callable[[int], tuple[Place, Path, processes.Taken]], clips: int
) -> None:
    report(benchmark, facts, given(clips)[2])
    if clips == WHOLE:
        facts.bar("seconds", at_most=60)


@CLIPS
@pytest.mark.benchmark(group="scoring of given samples, all core metrics, two workers", timer=stated)
def bench_score_given_cached(
    benchmark: Any, facts: Facts, given: Callable[[int], tuple[Place, Path, processes.Taken]], clips: int
) -> None:
    made, run, _ = given(clips)
    report(benchmark, facts, *(made.rescore(run) for _ in range(3)))
    if clips == WHOLE:
        facts.bar("seconds", at_most=3)


@CLIPS
@pytest.mark.benchmark(group="memory of scoring given samples, two workers", timer=stated)
def bench_score_given_memory(
    benchmark: Any, facts: Facts, given: Callable[[int], tuple[Place, Path, processes.Taken]], clips: int
) -> None:
    """All processes together, with an empty cache."""
    report(benchmark, facts, given(clips)[2])
    facts.bar("peak_mib", at_most=MOST_MIB)


@CLIPS
@pytest.mark.benchmark(group="EgoTwin sampled and scored, two workers", timer=stated)
def bench_egotwin_run(benchmark: Any, facts: Facts, egotwin: Callable[[int, int], Run], clips: int) -> None:
    report(benchmark, facts, egotwin(clips, 2)[0])
    if clips == WHOLE:
        facts.bar("seconds", at_most=150)


@CLIPS
@pytest.mark.benchmark(timer=stated)
@pytest.mark.parametrize("by", [ONE, TWO])
def bench_workers_generate(
    benchmark: Any, facts: Facts, egotwin: Callable[[int, int], Run], by: str, clips: int
) -> None:
    stage(benchmark, facts, egotwin, by, clips, "generate")


@CLIPS
@pytest.mark.benchmark(timer=stated)
@pytest.mark.parametrize("by", [ONE, TWO])
def bench_workers_extract(
    benchmark: Any, facts: Facts, egotwin: Callable[[int, int], Run], by: str, clips: int
) -> None:
    stage(benchmark, facts, egotwin, by, clips, "extract")


def report(benchmark: Any, facts: Facts, *taken: processes.Taken) -> None:
    """A round for each command that was measured."""
    rounds = iter(taken)
    benchmark.pedantic(stated.of(lambda: next(rounds).wall_s), rounds=len(taken))
    facts.take(sum(one.cpu_s for one in taken) / len(taken), max(one.peak_mib for one in taken))


def stage(benchmark: Any, facts: Facts, egotwin: Callable[[int, int], Run], by: str, clips: int, name: str) -> None:
    """Seconds of a stage of EgoTwin's run."""
    benchmark.group = f"EgoTwin, {clips} clips: {name}"
    manifest = manifest_of(egotwin(clips, [ONE, TWO].index(by) + 1)[1])
    seconds = manifest["seconds"][name]
    benchmark.pedantic(stated.of(lambda: seconds), rounds=1)
    if busy := manifest.get("busy", {}).get(name):
        facts.note(share_of_networks=busy / seconds)
    facts.per("clip", clips)
    if by == ONE:
        facts.peer()
    elif clips == WHOLE:
        facts.bar("as_fast", at_least=1.8)
