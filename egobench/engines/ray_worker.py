"""Code of a worker of engine `ray`: an actor, a process of its own on any node of the cluster.

Before it takes work, it makes sure that it computes what the process that started the run would compute: the same code
of EgoBench, the same split, weights and model, and the same files under the same paths.
"""

import os
import pickle
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import egobench
from egobench.engines import worker
from egobench.errors import BadInputError, EgoBenchError
from egobench.files.digest import digest_file, digest_json
from egobench.files.modules import OWN_PACKAGES, SOURCE_SUFFIXES, module_spec

OWN_VARIABLES = "EGOBENCH_"
"""Start of the names of the environment variables that a worker takes over."""
Reply = tuple[Any, EgoBenchError | worker.LoadError | None]
"""A value, or the error that ends the run. It is returned and not raised, so that it stays what it is."""


class Worker:
    """Runs the items of one job; `ray_crew` makes it an actor."""

    def __init__(self, job: bytes, surroundings: Mapping[str, Any]) -> None:
        self._job = job
        take_over(surroundings)
        worker.start(job)

    def ready(self, suite: Mapping[str, str], facts: Mapping[str, str]) -> Reply:
        """Compares this worker with the process that started the run, and prepares the job.

        Args:
            suite: `suite_facts` there.
            facts: `facts` of the job there.
        """
        job = self._job  # these bytes come from the process that started the run
        return _reply(lambda: (refuse_other(pickle.loads(job), suite, facts), worker.ready()))

    def call(self, batches: Sequence[Sequence[Any]], attempts: int) -> Reply:
        """Runs batches; the value is as of `egobench.engines.worker.call`."""
        return _reply(lambda: worker.call(batches, attempts))


def refuse_other(job: Any, suite: Mapping[str, str], facts: Mapping[str, str]) -> None:
    """Refuses to work in a process that differs from the one that started the run; arguments as `Worker.ready`.

    Raises:
        BadInputError: `worker-version`, `worker-differs`.
        StorageError: a folder of the run cannot be written here.
    """
    host, here = socket.gethostname(), suite_facts()
    if here != suite:
        shown = " and ".join(f"EgoBench {each['version']} (code {each['code'][:12]})" for each in (here, suite))
        text = f"the worker on {host} and the process that started the run differ: {shown}"
        raise BadInputError(f"{text}; install the same version on every node", code="worker-version")
    found = facts_of(job, is_driver=False)
    for name, right in facts.items():
        if found.get(name) != right:
            text = f"the worker on {host} has another {name} ({found.get(name) or 'none'} in place of {right})"
            text += "; every node needs the same files under the same paths"
            raise BadInputError(text, code="worker-differs")


def surroundings_of() -> dict[str, Any]:
    """What a worker takes over from this process: where it looks for modules, its folder, and EgoBench's variables."""
    own = {name: value for name, value in os.environ.items() if name.startswith(OWN_VARIABLES)}
    return {"path": [os.path.abspath(each) for each in sys.path], "folder": os.getcwd(), "variables": own}


def take_over(surroundings: Mapping[str, Any]) -> None:
    """Makes this process find a user's own modules and files as the one does that started the run. Paths come last, so
    that what is installed here stays what is imported."""
    sys.path.extend(path for path in surroundings["path"] if path not in sys.path and os.path.exists(path))
    os.environ.update(surroundings["variables"])
    if os.path.isdir(surroundings["folder"]):
        os.chdir(surroundings["folder"])


def suite_facts() -> dict[str, str]:
    """`version` of EgoBench, and `code`: the digest of all code of its packages."""
    files: dict[str, str] = {}
    for package in OWN_PACKAGES:
        spec = module_spec(package)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            for path in sorted(Path(place).rglob("*")):
                if path.suffix in SOURCE_SUFFIXES and path.is_file():
                    files[f"{package}/{path.relative_to(place).as_posix()}"] = digest_file(path)
    return {"version": egobench.__version__, "code": digest_json(files)}


def facts_of(job: Any, *, is_driver: bool) -> dict[str, str]:
    """The job's `facts`: name → what must be equal wherever the job is done; empty for a job without.

    Args:
        is_driver: in the process that started the run, which may make what the workers will look for.
    """
    facts: Callable[..., dict[str, str]] | None = getattr(job, "facts", None)
    return facts(is_driver=is_driver) if facts else {}


def _reply(work: Callable[[], Any]) -> Reply:
    try:
        return work(), None
    except (EgoBenchError, worker.LoadError) as error:
        return None, error
