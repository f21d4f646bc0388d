"""Runs and caches in an object store of the test; skipped where moto, s3fs or (for one test) Ray is absent."""

import shutil
from pathlib import Path

import pytest
from pipeline_toys import METRICS, make_split
from ray_cluster import local_cluster

from egobench.audit.verify import verify_run
from egobench.errors import StorageError, UnusablePlaceError
from egobench.files.cache_home import cache_home
from egobench.progress import Quiet
from egobench.run.run import RunRequest, resume_run, start_run
from egobench.store.remote import RemoteFolder

moto = pytest.importorskip("moto.server")
pytest.importorskip("s3fs")
BUCKET = "s3://egobench"


@pytest.fixture(scope="module")
def store():
    """Variables of the environment with which the store is found; it has one bucket."""
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
    variables = {**keys, "AWS_ENDPOINT_URL": address}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        import s3fs

        s3fs.S3FileSystem().mkdir(BUCKET)
        yield variables
    server.stop()


@pytest.fixture
def split(store, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EGOBENCH_CACHE", f"{BUCKET}/{tmp_path.name}/cache")
    return str(make_split(tmp_path / "split"))


def ask(split, out, **changes):
    options = {"metrics": METRICS, "draws": 20, "out": Path(out), "workers": 2, **changes}
    return RunRequest("pipeline_toys:ToyModel", split, **options)


@pytest.fixture
def here(split, tmp_path, monkeypatch):
    """The results of a run on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EGOBENCH_CACHE", str(tmp_path / "cache"))
        return (start_run(ask(split, tmp_path / "runs")).path / "metrics.json").read_bytes()


class Stop(Quiet):
    """Ctrl-C when a sample is there."""

    def stage(self, name, total):
        self.name = name

    def advance(self, n=1, failed=0):
        if self.name == "generate" and n:
            raise KeyboardInterrupt


def run_in(out):
    (name,) = RemoteFolder(out).folders()
    return f"{out}/{name}"


def test_a_run_in_an_object_store_is_interrupted_resumed_elsewhere_and_verified(split, here, tmp_path):
    out = f"{BUCKET}/{tmp_path.name}/runs"
    with pytest.raises(KeyboardInterrupt, match="egobench resume s3://"):
        start_run(ask(split, out), Stop())
    shutil.rmtree(cache_home() / "mirrors")
    assert (resume_run(run_in(out)).path / "metrics.json").read_bytes() == here
    assert len(RemoteFolder(f"{BUCKET}/{tmp_path.name}/cache").names()) > 5
    shutil.rmtree(cache_home() / "mirrors")
    assert not verify_run(run_in(out), share=0.2).flaws


def test_workers_of_a_cluster_share_nothing_but_the_store(store, split, here, tmp_path):
    out = f"{BUCKET}/{tmp_path.name}/runs"
    with local_cluster(1, 1, variables={**store, "XDG_CACHE_HOME": str(tmp_path / "home of the nodes")}) as cluster:
        start_run(ask(split, out, engine="ray", ray_address=cluster.address))
    assert RemoteFolder(run_in(out)).get("metrics.json") == here
    assert list((tmp_path / "home of the nodes").rglob("video.mp4"))


def test_a_bucket_that_is_not_there_is_refused_and_not_made(split, tmp_path):
    with pytest.raises(UnusablePlaceError, match="could not write s3://egobench-nowhere/runs/") as refusal:
        start_run(ask(split, "s3://egobench-nowhere/runs"))
    assert refusal.value.exit_code == 2
    assert "\n" not in str(refusal.value)
    with pytest.raises(StorageError):
        RemoteFolder("s3://egobench-nowhere/runs").put("a", b"")
