"""kill -9, many times: kills a run, a rescoring and the cache's writes at random operations and random times.

    python benchmarks/checks/kills.py [--kills 200] [--seed 0]

There are two ways. *At an operation*: the process kills itself at a random one of its writes, syncs and renames: before
it, after it, or in the middle of a write. That process writes all samples, journal, cache entries and tables. *At a
time*: the parent of two worker processes is killed from outside after a random time. After several kills the run is
resumed. It must then have the same `metrics.json`, items and scores as a run without kills, byte for byte. A rescoring
must leave the old results or the new ones. Prints a table; exits 1 if one differs.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "benchmarks" / "checks"), str(ROOT / "tests" / "toys")]

from egobench.audit.rescore import rescore_run  # noqa: E402
from egobench.audit.verify import verify_run  # noqa: E402
from egobench.engines.local import Outcome  # noqa: E402
from egobench.engines.worker import Answer  # noqa: E402
from egobench.errors import BadInputError  # noqa: E402
from egobench.run.run import RunRequest, resume_run, start_run  # noqa: E402
from egobench.store.tables import read_items, read_scores  # noqa: E402

FIRST, MORE = "pipeline_toys:Speed", "pipeline_toys:Gap,pipeline_toys:MeanColour"
OPERATIONS = 90
"""Approximate number of operations in a run of the toy split."""
DEATHS_IN_A_ROW = 8


@dataclass(frozen=True)
class Inline:
    """An engine without processes, so that the killed process is the one that works."""

    workers: int = 1

    def run(self, job: Any, items: Any, *, attempts: int = 1, batching: Any = None) -> Any:
        """See `egobench.engines.local.Engine`."""
        task = job.prepare()
        for item in items:
            try:
                yield Outcome(item, Answer(task(item)))
            except BadInputError as error:
                yield Outcome(item, Answer(None, error.code, str(error)))


def die_at(count: int, how: str) -> None:
    """From now on this process kills itself at its `count`-th write, sync or rename."""
    left = [count]

    def wrap(call: Any, halve: bool) -> Any:
        def shot(*words: Any, **named: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                if how == "after":
                    call(*words, **named)
                elif how == "middle" and halve:
                    call(words[0], words[1][: len(words[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*words, **named)

        return shot

    os.fsync, os.replace = wrap(os.fsync, False), wrap(os.replace, False)
    Path.write_bytes = wrap(Path.write_bytes, True)  # pyright: ignore[reportAttributeAccessIssue]


def work(verb: str, target: str, cache: str, count: int, how: str) -> None:
    """The whole work of a child."""
    os.environ["EGOBENCH_CACHE"] = cache
    if count:
        die_at(count, how)
    if verb == "start":
        start_run(RunRequest(**json.loads(target)))
    elif verb == "resume":
        resume_run(target)
    else:
        rescore_run(target, MORE)


class Shooter:
    """Starts children, kills them, and compares the files that they leave."""

    def __init__(self, place: Path, seed: int) -> None:
        from pipeline_toys import make_split

        self.place = place
        self.rng = np.random.default_rng(seed)
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))  # for the server that imports once for all
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(["kills", "pyarrow.parquet", "av"])
        self.split = str(make_split(place / "split", sequences=2, windows=2))
        self.deaths: Counter[str] = Counter()
        self.trials: Counter[str] = Counter()
        self.wrong: list[str] = []
        os.environ["EGOBENCH_CACHE"] = str(place / "calm-cache")
        ask = self.request(place / "calm")
        self.old = start_run(replace(ask, metrics=FIRST)).path
        self.whole = start_run(ask).path

    def request(self, out: Path, **changes: Any) -> RunRequest:
        """The request of every trial."""
        ask = RunRequest("pipeline_toys:ToyModel", self.split, metrics=f"{FIRST},{MORE}", draws=50)
        return replace(ask, out=str(out), engine="kills:Inline", **changes)

    def shoot(self, verb: str, target: str, cache: Path, scenario: str, wait: float = 0.0) -> bool:
        """Whether the child was killed."""
        count = 0 if wait else int(self.rng.integers(1, OPERATIONS if verb != "rescore" else 40))
        how = str(self.rng.choice(["before", "middle", "after"]))
        child = self.context.Process(target=work, args=(verb, target, str(cache), count, how))
        child.start()
        if wait:
            time.sleep(wait)
            child.kill()
        child.join()
        if child.exitcode == 0:
            return False
        if child.exitcode != -signal.SIGKILL:
            self.wrong.append(f"{scenario}: a child ended with {child.exitcode} and not by the shot")
            return False
        self.deaths[f"{scenario}, {'by time' if wait else how}"] += 1
        return True

    def run_trial(self, number: int, by_time: bool) -> None:
        """A run from its start, killed several times and finally resumed."""
        scenario = "run, two workers" if by_time else "run"
        here = self.place / f"trial{number}"
        ask = replace(self.request(here / "runs"), **({"engine": "local", "workers": 2} if by_time else {}))
        for _ in range(DEATHS_IN_A_ROW):
            known = self.runs(here)
            verb, target = ("resume", str(known[0])) if known else ("start", json.dumps(asdict(ask)))
            wait = float(self.rng.uniform(0.05, 8.0)) if by_time else 0.0
            if not self.shoot(verb, target, here / "cache", scenario, wait):
                break
        os.environ["EGOBENCH_CACHE"] = str(here / "cache")
        known = self.runs(here)
        path = resume_run(known[0]).path if known else start_run(ask).path
        self.judge(scenario, path, [self.whole])
        shutil.rmtree(here)

    def rescore_trial(self, number: int) -> None:
        """A rescoring, killed several times, resumed, and finally done."""
        here = self.place / f"trial{number}"
        run = Path(shutil.copytree(self.old, here / "runs" / "run"))
        os.environ["EGOBENCH_CACHE"] = str(here / "cache")
        for _ in range(DEATHS_IN_A_ROW):
            if not self.shoot("rescore", str(run), here / "cache", "rescore"):
                break
            self.judge("rescore, put in order", resume_run(run).path, [self.old, self.whole], count=False)
        self.judge("rescore", rescore_run(run, MORE).path, [self.whole])
        shutil.rmtree(here)

    @staticmethod
    def runs(here: Path) -> list[Path]:
        """Run folders of a trial that have a manifest; a child may die before."""
        return [path for path in (here / "runs").glob("*") if (path / "manifest.json").is_file()]

    def judge(self, scenario: str, path: Path, allowed: list[Path], *, count: bool = True) -> None:
        """Notes whether a run equals one of those allowed, byte for byte, and agrees with its own records."""
        self.trials[scenario] += count
        if content(path) not in [content(each) for each in allowed]:
            self.wrong.append(f"{scenario}: {path} differs")
        if flaws := verify_run(path, share=0).flaws:
            self.wrong.append(f"{scenario}: {flaws[0].line}")


def content(path: Path) -> tuple[bytes, list[Any], list[Any]]:
    """All that must be equal."""
    items = [{**asdict(row), "seconds": 0} for row in read_items(path / "items.parquet")]
    return (path / "metrics.json").read_bytes(), items, read_scores(path / "scores.parquet")


def main() -> int:
    """Runs trials until there were enough kills."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="egobench-kills-") as place:
        shooter = Shooter(Path(place), options.seed)
        number = 0
        while sum(shooter.deaths.values()) < options.kills and not shooter.wrong:
            if number % 3 == 1:
                shooter.rescore_trial(number)
            else:
                shooter.run_trial(number, by_time=number % 9 == 8)
            number += 1
            print(f"{sum(shooter.deaths.values())} kills, {number} trials", file=sys.stderr, flush=True)
        for name, count in sorted(shooter.deaths.items()):
            print(f"{count:5d} kills      {name}")
        for name, count in sorted(shooter.trials.items()):
            print(f"{count:5d} identical  {name}")
        print(f"{sum(shooter.deaths.values())} kills in {time.monotonic() - began:.0f} s, {len(shooter.wrong)} wrong")
        print("\n".join(shooter.wrong))
    return 1 if shooter.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
