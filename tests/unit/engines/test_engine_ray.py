"""Workers on a cluster: which items fail, which errors end a run, and what is told in one line."""

import os
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from ray_cluster import local_cluster

from egobench.engines.ray_engine import RayEngine
from egobench.errors import BadInputError, StorageError

pytest.importorskip("ray")


@dataclass
class Numbers:
    """Gives back each item, unless that one is told to do harm."""

    folder: Path
    harm: str = ""
    error_code: str = "item-raised"
    device: str = "cpu"
    driver: int = 0

    def facts(self, *, is_driver):
        return {"number": str(os.getpid())} if self.harm == "differ" else {}

    def prepare(self):
        if self.harm == "load":
            raise RuntimeError("no weights")
        if self.harm == "die-loading":
            os.kill(os.getpid(), signal.SIGKILL)

        def task(item):
            time.sleep(0.1 if item else 2.0)
            if item == 3 and self.harm == "raise":
                raise ValueError("three")
            if item == 3 and self.harm == "disk":
                raise StorageError("the disk is full")
            if item == 3 and self.harm == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            if item == 3 and self.harm == "die-once" and not (self.folder / "died").exists():
                (self.folder / "died").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return item, os.getpid()

        return task


@pytest.fixture(scope="module")
def cluster():
    with local_cluster(1, 1) as cluster:
        yield cluster


@pytest.fixture
def run(cluster, tmp_path):
    def run(harm="", workers=0, attempts=1, **changes):
        engine = RayEngine(workers, cluster.address)
        return sorted(
            engine.run(Numbers(tmp_path, harm, **changes), list(range(8)), attempts=attempts), key=lambda o: o.item
        )

    return run


def test_the_workers_of_two_nodes_do_every_item_once(run):
    found = run()
    assert [outcome.item for outcome in found] == list(range(8))
    assert [outcome.answer.value[0] for outcome in found] == list(range(8))
    assert len({outcome.answer.value[1] for outcome in found}) == 2


def test_an_item_that_raises_fails_alone(run):
    assert [outcome.answer.code for outcome in run("raise", 1)] == ["", "", "", "item-raised", "", "", "", ""]


@pytest.mark.parametrize("attempts", [1, 2])
def test_an_item_that_kills_its_worker_each_time_fails_alone(run, attempts):
    found = run("die", attempts=attempts)
    assert [outcome.answer.code for outcome in found] == ["", "", "", "worker-died", "", "", "", ""]
    assert found[3].answer.attempts == attempts


def test_an_item_that_was_in_a_worker_that_died_is_done_by_another(run):
    assert [outcome.answer.code for outcome in run("die-once")] == [""] * 8


def test_a_full_disk_ends_the_run(run):
    with pytest.raises(StorageError, match="the disk is full"):
        run("disk")


def test_a_job_that_cannot_be_prepared_is_refused_with_its_traceback(run):
    with pytest.raises(BadInputError, match="RuntimeError: no weights") as refusal:
        run("load")
    assert refusal.value.code == "load-failed"
    assert "raise RuntimeError" in refusal.value.__notes__[0]


def test_workers_that_die_while_they_load_end_the_run(run):
    with pytest.raises(BadInputError, match="3 worker processes died while they loaded"):
        run("die-loading")


def test_a_worker_with_other_files_is_refused_in_one_line(run):
    with pytest.raises(BadInputError, match=r"has another number \(\d+ in place of \d+\)") as refusal:
        run("differ")
    assert refusal.value.code == "worker-differs"
    assert "\n" not in str(refusal.value)


def test_a_cluster_without_a_gpu_is_refused_for_cuda_and_is_cpu_for_auto(run, cluster):
    with pytest.raises(BadInputError, match="no node of the Ray cluster has a GPU"):
        run(device="cuda")
    assert RayEngine(0, cluster.address).device("auto") == "cpu"


def test_leaving_early_kills_the_workers(cluster, tmp_path):
    outcomes = RayEngine(2, cluster.address).run(Numbers(tmp_path), range(8))
    process = next(outcomes).answer.value[1]
    outcomes.close()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{process}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(f"/proc/{process}").exists()


def test_an_address_without_a_cluster_is_refused_at_once():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    began = time.monotonic()
    with pytest.raises(BadInputError, match=f"no Ray cluster at '{address}'.*ray start --head") as refusal:
        list(RayEngine(1, address).run(Numbers(Path()), [1]))
    assert refusal.value.code == "ray-address"
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("address", ["ray://head:10001", "nowhere:port"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(BadInputError, match=r"ray-address|no Ray cluster at"):
        list(RayEngine(1, address).run(Numbers(Path()), [1]))
