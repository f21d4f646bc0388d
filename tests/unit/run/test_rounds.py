"""Two rounds of extraction at the same time: estimators of the CPU work beside a device."""

import threading

import pytest

from egobench.engines.batches import SINGLY
from egobench.engines.local import Outcome
from egobench.engines.worker import Answer
from egobench.errors import StorageError
from egobench.run.extract import ExtractItem, ExtractJob
from egobench.run.rounds import Round, job_for, run_beside, split_by_device
from egobench.scoring.inputs import CachedInput

FRAMES, PATH = CachedInput("frames", "egomini-clip", "f"), CachedInput("camera-path", "egomini-odometry", "p")
CHAIN = CachedInput("camera-path", "rotation-chain", "c")


class Engine:
    """Yields its items; waits for the other engine before the last of them, so both must run at once."""

    workers = 1

    def __init__(self, barrier=None, error=None):
        self.barrier, self.error, self.ended = barrier, error, False

    def run(self, job, items, *, attempts=1, batching=SINGLY):
        try:
            for item in items[:-1]:
                yield Outcome(item, Answer())
            if self.barrier:
                self.barrier.wait(timeout=10)
            if self.error:
                raise self.error
            yield Outcome(items[-1], Answer())
        finally:
            self.ended = True


def round_of(engine, items):
    return Round(engine, ExtractJob("split", (), "cpu", "folder", "cache"), items, SINGLY)


def test_an_item_is_split_by_who_computes_and_the_batches_of_the_device_stay_those_of_the_plan():
    items = [ExtractItem("a", 0, (FRAMES, CHAIN)), ExtractItem("b", 0, (CHAIN,)), ExtractItem("c", 0, (PATH,))]
    on_device, on_cpu = split_by_device(items)
    assert [(item.clip_id, item.inputs) for item in on_device] == [("a", (FRAMES,)), ("b", ()), ("c", (PATH,))]
    assert [(item.clip_id, item.inputs) for item in on_cpu] == [("a", (CHAIN,)), ("b", (CHAIN,))]
    job = job_for(ExtractJob("split", ((False, "x"),), "cuda", "folder", "cache"), on_cpu, "cpu")
    assert (job.makers, job.device) == (((True, "rotation-chain"),), "cpu")


def test_both_rounds_run_at_once_and_every_outcome_arrives():
    barrier = threading.Barrier(2)
    engines = [Engine(barrier), Engine(barrier)]
    rounds = [round_of(engine, items) for engine, items in zip(engines, ("ab", "cde"), strict=True)]
    assert sorted(outcome.item for outcome in run_beside(rounds)) == ["a", "b", "c", "d", "e"]
    assert all(engine.ended for engine in engines)


def test_the_error_of_one_round_ends_both():
    engines = [Engine(error=StorageError("no space left")), Engine()]
    with pytest.raises(StorageError, match="no space left"):
        list(run_beside([round_of(engine, "abcdef") for engine in engines]))
    assert all(engine.ended for engine in engines)


def test_who_stops_listening_ends_both():
    engines = [Engine(), Engine()]
    outcomes = run_beside([round_of(engine, list(range(99))) for engine in engines])
    next(outcomes)
    outcomes.close()
    assert all(engine.ended for engine in engines)
