"""The workers of engine `ray`: actors that Ray places on the nodes, each with one call at a time.

A call that is lost with its worker is run again by another; `ray.util.ActorPool` would forget it. It is run whole,
since the neighbours in a batch can change the last bits of a result. Only one that kills its worker again is taken
apart.
"""

import pickle
import sys
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from egobench.engines.local import Call, Outcome, items_of, outcomes_of
from egobench.engines.ray_worker import Worker, facts_of, suite_facts, surroundings_of
from egobench.engines.worker import Answer, LoadError

PATIENCE_S = 20.0
"""Seconds without any worker after which a note says what is being waited for."""
LOADING_DEATHS = 3
"""Workers in a row that may die while they load, before the run ends."""
LOST_NODES = 5
"""Nodes that may be lost under one item without counting against it."""


@dataclass(frozen=True)
class Task:
    """A call, and what became of the workers that had it."""

    call: Call
    deaths: int = -1
    """Workers that died of it since it was suspected; -1 as long as it never was."""
    lost: int = 0
    """Nodes that were lost under it."""


@dataclass(frozen=True)
class Shift:
    """A call that a worker is at."""

    worker: Any
    """Handle of the actor."""
    task: Task | None = None
    """None while it loads."""


class Crew:
    """The actors of one job.

    Args:
        ray: the module, connected to a cluster.
        needs: what Ray reserves for each worker, such as `{"num_cpus": 1}`.
    """

    def __init__(self, ray: Any, job: Any, size: int, needs: dict[str, float]) -> None:
        self._ray, self._size = ray, size
        self._actor = ray.remote(Worker).options(max_restarts=0, scheduling_strategy="SPREAD", **needs)
        self._given = ray.put(pickle.dumps(job)), ray.put(surroundings_of())
        self._right = ray.put(suite_facts()), ray.put(facts_of(job, is_driver=True))
        self._shifts: dict[Any, Shift] = {}
        self._idle: list[Any] = []
        self._loading_deaths = 0

    def work(self, calls: Sequence[Call], attempts: int) -> Generator[Outcome, None, None]:
        """Yields an outcome for every item, in any order. Raises LoadError, or an error that a worker reports."""
        left = deque(map(Task, calls))
        for _ in range(min(self._size, len(left))):
            self._hire()
        while left or any(shift.task for shift in self._shifts.values()):
            while left and self._idle:
                self._give(self._idle.pop(), left.popleft(), attempts)
            call = self._next()
            shift = self._shifts.pop(call)
            try:
                value, error = self._ray.get(call)
            except self._ray.exceptions.RayTaskError:
                raise  # an error in this suite
            except self._ray.exceptions.RayError as death:
                self._replace(shift, death)
                if shift.task:
                    again, failed = _after(shift.task, is_loss_of_node(self._ray, death), attempts)
                    left.extendleft(reversed(again))
                    yield from failed
                continue
            if error:
                raise error
            self._loading_deaths = 0
            self._idle.append(shift.worker)
            if shift.task:
                yield from outcomes_of(shift.task.call, value)

    def dismiss(self) -> None:
        """Kills all workers, whatever they are at."""
        for worker in [*self._idle, *(shift.worker for shift in self._shifts.values())]:
            self._ray.kill(worker)

    def _hire(self) -> None:
        worker = self._actor.remote(*self._given)
        self._shifts[worker.ready.remote(*self._right)] = Shift(worker)

    def _give(self, worker: Any, task: Task, attempts: int) -> None:
        self._shifts[worker.call.remote(task.call, attempts)] = Shift(worker, task)

    def _next(self) -> Any:
        """The next call that has ended, well or not."""
        quiet = all(shift.task is None for shift in self._shifts.values())
        done, _ = self._ray.wait(list(self._shifts), timeout=PATIENCE_S if quiet else None)
        if not done:
            free = {name: amount for name, amount in self._ray.available_resources().items() if name in ("CPU", "GPU")}
            shown = ", ".join(f"{amount:g} {name}" for name, amount in sorted(free.items())) or "nothing"
            text = f"waiting for the cluster to start a worker; free now: {shown} (`ray status` says more)"
            print(f"egobench: {text}", file=sys.stderr, flush=True)
            done, _ = self._ray.wait(list(self._shifts))
        return done[0]

    def _replace(self, shift: Shift, death: Exception) -> None:
        """Hires a worker in place of a dead one. Raises LoadError if it died while it loaded, and others before it."""
        self._ray.kill(shift.worker)  # one that only cannot be reached must not go on beside its successor
        if shift.task is None and not is_loss_of_node(self._ray, death):
            self._loading_deaths += 1
            lines = [line for line in str(death).splitlines() if line.strip()]
            if getattr(death, "_actor_init_failed", False):
                text = f"a worker of the cluster cannot start: {lines[-1].strip()}"
                raise LoadError(f"{text}; every node needs the same EgoBench", "worker-version", str(death))
            if self._loading_deaths == LOADING_DEATHS:
                text = f"{LOADING_DEATHS} worker processes died while they loaded; Ray's logs on their nodes say more"
                raise LoadError(text, "load-failed", str(death))
        self._hire()


def is_loss_of_node(ray: Any, death: Exception) -> bool:
    """Whether a worker was lost with its node, or cannot be reached; else its own process died."""
    return isinstance(death, ray.exceptions.ActorUnavailableError) or "node has died" in str(death)


def _after(task: Task, lost_node: bool, attempts: int) -> tuple[list[Task], list[Outcome]]:
    """What is run again after a worker was lost, and items that have failed."""
    items, deaths = items_of(task.call), task.deaths + 1
    if lost_node and task.lost < LOST_NODES:
        return [replace(task, lost=task.lost + 1)], []
    if deaths > 0 and len(items) > 1:
        return [Task(((item,),), 0, task.lost) for item in items], []
    if deaths < attempts:
        return [replace(task, deaths=deaths)], []
    answer = Answer(None, "worker-died", "the worker process died (killed, or crashed)", deaths)
    return [], [Outcome(item, answer) for item in items]
