"""Runs on a Ray cluster of two nodes: the bytes of `local`, whatever dies and whoever goes on."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import pytest
from pipeline_toys import METRICS, make_split
from ray_cluster import local_cluster

import egobench
from egobench.errors import BadInputError
from egobench.progress import Quiet
from egobench.run.run import RunRequest, resume_run, start_run
from egobench.store.tables import read_items, read_scores

pytest.importorskip("ray")
TOYS = Path(__file__).parents[1] / "toys"
DRIVER = """
import json, sys
from egobench.run.run import RunRequest, start_run

class Print:
    def stage(self, name, total): print(name, flush=True)
    def advance(self, n=1, failed=0): print("+", flush=True)
    def done(self): print("done", flush=True)

start_run(RunRequest(**json.loads(sys.argv[1])), Print())
"""


@pytest.fixture(scope="module")
def toy_split(tmp_path_factory):
    return str(make_split(tmp_path_factory.mktemp("toy") / "split"))


@pytest.fixture(scope="module")
def cluster():
    with local_cluster(2, 1) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def local(toy_split, tmp_path_factory):
    """What a run of `local` comes to."""
    folder = tmp_path_factory.mktemp("calm")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EGOBENCH_CACHE", str(folder / "cache"))
        return content(start_run(request_for(toy_split, folder)).path)


@pytest.fixture
def ask(cluster, toy_split, tmp_path, monkeypatch):
    monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path / "cache"))
    on_ray = {"out": tmp_path / "runs", "engine": "ray", "ray_address": cluster.address, "workers": 2}
    return lambda **changes: request_for(toy_split, **{**on_ray, **changes})


def request_for(split, out, **changes):
    options = {"model": "pipeline_toys:ToyModel", "split": split, "metrics": METRICS, "draws": 50, "out": str(out)}
    return RunRequest(**{**options, "model_options": {"sleep": "0.1"}, **changes})


def content(path):
    items = [{**asdict(row), "seconds": 0} for row in read_items(path / "items.parquet")]
    return (path / "metrics.json").read_bytes(), items, read_scores(path / "scores.parquet")


class After(Quiet):
    """Does something once, when so many items of a stage are done."""

    def __init__(self, act, items=2, stage="generate"):
        self.act, self.left, self.at, self.now = act, items, stage, ""

    def stage(self, name, total):
        self.now = name

    def advance(self, n=1, failed=0):
        if self.now == self.at and n:
            self.left -= n
            if self.left <= 0 and self.act:
                act, self.act = self.act, None
                act()


def kill_a_worker():
    os.kill(workers()[0], signal.SIGKILL)


def workers():
    """Process ids of the actors of all runs on this machine."""
    found = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if b"ray::Worker" in line.read_bytes():
                found.append(int(line.parent.name))
    return found


def workers_after(seconds):
    """Those that are left after so many seconds."""
    deadline = time.monotonic() + seconds
    while workers() and time.monotonic() < deadline:
        time.sleep(0.2)
    return workers()


def interrupt():
    raise KeyboardInterrupt


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_any_number_of_workers_gives_the_bytes_of_local(ask, workers, local):
    assert content(start_run(ask(workers=workers)).path) == local


@pytest.mark.parametrize("stage", ["generate", "extract"])
def test_a_killed_worker_costs_nothing(ask, stage, local):
    kill = After(kill_a_worker, 1, stage)
    assert content(start_run(ask(), kill).path) == local
    assert kill.act is None


def test_a_batch_whose_worker_died_is_sampled_whole_again(ask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # workers go to this folder; a whole path of a file would count by its content
    flag = tmp_path / "flag"
    options = {"bad": "toy-03:once", "flag": "flag"}
    asked = {"model": "toy_batches:BatchModel", "batch_size": 2, "model_options": options}
    flag.touch()
    calm = content(start_run(ask(**asked, engine="local", out=tmp_path / "calm")).path)
    flag.unlink()
    assert content(start_run(ask(**asked)).path) == calm
    assert flag.exists()


def test_a_lost_node_costs_nothing(ask, cluster, local):
    node = cluster.add_node(num_cpus=2, object_store_memory=80 * 2**20)
    lose = After(lambda: node.kill_raylet(check_alive=False))
    try:
        assert content(start_run(ask(workers=5), lose).path) == local
    finally:
        cluster.remove_node(node)
    assert lose.act is None


@pytest.mark.parametrize(("first", "then"), [("local", "ray"), ("ray", "local"), ("ray", "ray")])
def test_one_engine_resumes_the_run_of_another(ask, cluster, tmp_path, first, then, local):
    with pytest.raises(KeyboardInterrupt, match="egobench resume"):
        start_run(ask(engine=first), After(interrupt, 3))
    (folder,) = (tmp_path / "runs").iterdir()
    assert json.loads((folder / "manifest.json").read_text())["status"] == "started"
    assert content(resume_run(folder, engine=then, ray_address=cluster.address).path) == local


def test_ctrl_c_leaves_a_run_that_resumes_and_no_worker(ask, tmp_path, local):
    path = os.pathsep.join([str(TOYS), *filter(None, sys.path)])
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, json.dumps(asdict(ask()), default=str)],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout
    while (line := process.stdout.readline()) != b"generate\n":
        assert line, "the run ended before it sampled"
    for _ in range(3):
        process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert not workers_after(15)
    (folder,) = (tmp_path / "runs").iterdir()
    assert content(resume_run(folder).path) == local


def test_other_nodes_must_have_this_version(toy_split, tmp_path, monkeypatch):
    monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path / "cache"))
    other = tmp_path / "other"
    source = Path(egobench.__file__).parent
    shutil.copytree(source, other / "egobench", ignore=shutil.ignore_patterns("__pycache__", "weights", "cards"))
    init = other / "egobench" / "__init__.py"
    init.write_text(init.read_text().replace(f'"{egobench.__version__}"', '"0.0.1"'))
    monkeypatch.chdir(tmp_path)  # Ray's workers look into the folder of the process that started the run
    with local_cluster(1, variables={"PYTHONPATH": str(other)}) as cluster:
        request = request_for(toy_split, tmp_path / "runs", engine="ray", ray_address=cluster.address)
        with pytest.raises(BadInputError, match=r"EgoBench 0\.0\.1 .*install the same version") as refusal:
            start_run(request)
    assert refusal.value.code == "worker-version"
    assert "\n" not in str(refusal.value)


def test_a_cluster_that_is_not_there_is_told_before_anything_is_written(ask, tmp_path):
    with pytest.raises(BadInputError, match=r"no Ray cluster at '127\.0\.0\.1:1'"):
        start_run(ask(ray_address="127.0.0.1:1"))
    assert not (tmp_path / "runs").exists()
