"""`RayEngine` runs items on a Ray cluster that is there already: actors on its nodes, one a GPU or one a CPU.

Run folder and cache must be the same for all nodes: a path on shared storage, or a URL (docs/cluster.md). What is
computed, and each byte of `metrics.json`, is as with `local`.
"""

import logging
import os
import socket
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from egobench.engines.batches import SINGLY, Batching
from egobench.engines.local import Job, Outcome, refusal_of
from egobench.engines.ray_crew import Crew
from egobench.engines.worker import LoadError, one_line
from egobench.errors import BadInputError

ADVICE = "`ray start --head` starts a cluster, --ray-address names one (docs/cluster.md)"
KNOCK_S = 5.0
"""Seconds that an address has to answer."""
_lock = threading.Lock()
_users: list[str] = []
"""Uses of the connection that this module has made; two rounds of a stage may have it at the same time."""


@dataclass(frozen=True)
class RayEngine:
    """Workers on the nodes of an existing Ray cluster."""

    asked: int = 0
    """Number of workers; 0 takes as many as the cluster has GPUs, or CPUs where it has none."""
    address: str = "auto"
    """`host:port` of the cluster's head; auto is the cluster that this machine belongs to."""

    def __post_init__(self) -> None:
        if self.asked < 0:
            text = f"{self.asked} workers; 0 (all that the cluster has) or more are needed"
            raise BadInputError(text, code="workers")
        if find_spec("ray") is None:
            raise BadInputError("engine 'ray' needs Ray: pip install 'egobench[ray]'", code="ray-absent")
        if "://" in self.address:
            text = f"--ray-address {self.address}: host:port or auto is needed; start the run on a node of the cluster"
            raise BadInputError(text, code="ray-address")

    @property
    def workers(self) -> int:
        """Number of workers. Raises BadInputError `ray-address`."""
        if self.asked:
            return self.asked
        with connected(self.address) as ray:
            return _count(ray, "GPU" if ray.cluster_resources().get("GPU", 0) >= 1 else "CPU")

    def device(self, asked: str) -> str:
        """The device of the workers, which is there: `auto` is `cuda` where the cluster has a GPU.

        Raises:
            BadInputError: `ray-address`; `device`: there is none of the kind.
        """
        with connected(self.address) as ray:
            if asked == "auto":
                asked = "cuda" if ray.cluster_resources().get("GPU", 0) >= 1 else "cpu"
            _count(ray, _kind(asked))
        return asked

    def run(
        self, job: Job, items: Sequence[Any], *, attempts: int = 1, batching: Batching = SINGLY
    ) -> Generator[Outcome, None, None]:
        """See `Engine`. If a worker dies, its call is run again; the items of a call that kills its worker again are
        run one by one. An item whose worker dies `attempts` times more fails with code `worker-died`. The loss of a
        node counts against no item.

        Raises:
            BadInputError: also `ray-address`: no cluster is there; `device`: it has no GPU; `worker-version`,
                `worker-differs`: a worker has another version of EgoBench, or other files.
        """
        with connected(self.address) as ray:
            kind = _kind(str(getattr(job, "device", "cpu")))
            needs = {"num_cpus": 1.0, **({"num_gpus": 1.0} if kind == "GPU" else {})}
            count = _count(ray, kind)
            crew = Crew(ray, job, self.asked or count, needs)
            try:
                yield from crew.work(batching.calls(items), attempts)
            except LoadError as error:
                raise refusal_of(error, "in the worker process") from None
            finally:
                crew.dismiss()


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """The module `ray`, connected; a connection that the caller's own code has made is used, and left.

    Raises:
        BadInputError: `ray-address`: no cluster is there, or one of another version of Ray or Python.
    """
    ray: Any = import_module("ray")
    with _lock:
        if not ray.is_initialized():
            _connect(ray, address)
            _users.append(address)
        elif _users:
            _users.append(address)
    try:
        yield ray
    finally:
        with _lock:
            if _users:
                _users.pop()
                if not _users:
                    ray.shutdown()


def _connect(ray: Any, address: str) -> None:
    _knock(os.environ.get("RAY_ADDRESS", address) if address == "auto" else address)
    try:  # the output of models stays in Ray's logs: stdout is for the results
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (Exception, SystemExit) as error:
        text = f"no Ray cluster can be used at '{address}': {one_line(error)}; {ADVICE}"
        raise BadInputError(text, code="ray-address") from error


def _knock(address: str) -> None:
    """Refuses an address where nothing listens; Ray itself would try for minutes."""
    host, colon, port = address.rpartition(":")
    if not colon:
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_S).close()
    except (OSError, ValueError, OverflowError) as error:
        text = f"no Ray cluster at '{address}': {getattr(error, 'strerror', None) or error}; {ADVICE}"
        raise BadInputError(text, code="ray-address") from None


def _kind(device: str) -> str:
    return "GPU" if device.startswith("cuda") else "CPU"


def _count(ray: Any, kind: str) -> int:
    """Number of GPUs or CPUs of the cluster.

    Raises:
        BadInputError: `device`: it has none.
    """
    count = int(ray.cluster_resources().get(kind, 0))
    if not count:
        text = f"no node of the Ray cluster has a {kind} now; one must be there at the start"
        raise BadInputError(text, code="device")
    return count
