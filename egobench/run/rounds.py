"""Which processes extract what: one a GPU for networks, and others beside them for estimators that need no GPU."""

import queue
import threading
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from egobench.engines.batches import Batching
from egobench.engines.local import Engine, Outcome
from egobench.metrics.base import ESTIMATED
from egobench.plan.resolve import resolve_estimator
from egobench.run.extract import ExtractItem, ExtractJob, makers_of
from egobench.scoring.inputs import CachedInput


@dataclass(frozen=True)
class Round:
    """One job over items on one engine."""

    engine: Engine
    job: ExtractJob
    items: Sequence[ExtractItem]
    batching: Batching

    def run(self) -> Generator[Outcome, None, None]:
        """See `Engine.run`."""
        return self.engine.run(self.job, self.items, batching=self.batching)


def split_by_device(items: Sequence[ExtractItem]) -> tuple[list[ExtractItem], list[ExtractItem]]:
    """All items, each with the inputs that are made on the run's device, so that batches stay those of the plan; and
    the items that have inputs of estimators that always compute on the CPU, with these."""
    on_device, on_cpu = [], []
    for item in items:
        cpu = tuple(entry for entry in item.inputs if is_for_cpu(entry))
        on_device.append(replace(item, inputs=tuple(entry for entry in item.inputs if entry not in cpu)))
        if cpu:
            on_cpu.append(replace(item, inputs=cpu))
    return on_device, on_cpu


def is_for_cpu(entry: CachedInput) -> bool:
    """Whether an input's estimator computes on the CPU whatever the device is."""
    return entry.what in ESTIMATED and bool(entry.extractor) and resolve_estimator(entry.extractor or "").on_cpu


def job_for(job: ExtractJob, items: Sequence[ExtractItem], device: str) -> ExtractJob:
    """The job with only what these items ask for."""
    return replace(job, makers=makers_of(items), device=device)


def run_beside(rounds: Sequence[Round]) -> Generator[Outcome, None, None]:
    """The outcomes of all rounds, which run at the same time. Raises what one of them raises."""
    if len(rounds) == 1:
        yield from rounds[0].run()
        return
    found: queue.SimpleQueue[Any] = queue.SimpleQueue()
    stopped = threading.Event()

    def work(each: Round) -> None:
        try:
            with closing(each.run()) as outcomes:
                for outcome in outcomes:
                    found.put(outcome)
                    if stopped.is_set():
                        return
            found.put(None)
        except BaseException as error:
            found.put(error)

    threads = [threading.Thread(target=work, args=(each,), daemon=True) for each in rounds]
    for thread in threads:
        thread.start()
    left = len(threads)
    try:
        while left:
            outcome = found.get()
            if isinstance(outcome, BaseException):
                raise outcome
            if outcome is None:
                left -= 1
            else:
                yield outcome
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
