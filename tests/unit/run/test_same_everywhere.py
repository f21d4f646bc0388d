"""What is compared between the nodes of a cluster: run folder, cache, model and weights, by their content."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from pipeline_toys import METRICS, make_split

from egobench.errors import BadInputError, StorageError, UnusablePlaceError
from egobench.files.atomic import check_writable
from egobench.plan.devices import check_device
from egobench.run.generate import GenerateJob
from egobench.run.run import RunRequest, start_run
from egobench.run.same_everywhere import cache_facts, folder_facts, maker_facts, model_facts
from egobench.store.cache import Cache


@dataclass(frozen=True)
class Weighted:
    """A model with a file."""

    checkpoint: Path = Path("weights.bin")

    def load(self, device):
        return self


def test_a_cache_of_the_same_path_on_another_machine_has_no_mark_or_another(tmp_path):
    cache = Cache(tmp_path / "cache")
    (name,) = cache_facts(cache, is_driver=False)
    assert cache_facts(cache, is_driver=False) == {name: "none"}
    marked = cache_facts(cache, is_driver=True)
    assert marked[name].startswith("mark ")
    assert cache_facts(cache, is_driver=False) == cache_facts(Cache(tmp_path / "cache"), is_driver=True) == marked
    other = cache_facts(Cache(tmp_path / "other"), is_driver=True)
    assert list(other.values()) != list(marked.values())


def test_a_folder_without_the_run_says_none(tmp_path, monkeypatch):
    monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path / "cache"))
    split = make_split(tmp_path / "split")
    request = RunRequest("pipeline_toys:ToyModel", str(split), metrics=METRICS, draws=5, out=tmp_path / "runs")
    path = start_run(request).path
    assert next(iter(folder_facts(path).values())).startswith("run ")
    assert list(folder_facts(tmp_path).values()) == ["none"]
    job = GenerateJob(request.model, {}, str(split), "t2vm", "cpu", path)
    assert set(job.facts(is_driver=False)) == {f"run folder {path}", "model 'pipeline_toys:ToyModel'"}


def test_weights_of_the_same_name_and_other_content_differ(tmp_path):
    options, file = {"checkpoint": str(tmp_path / "weights.bin")}, tmp_path / "weights.bin"
    found = []
    for content in (b"1", b"2", b"1"):
        file.write_bytes(content)
        found.append(model_facts(f"{__name__}:Weighted", options))
    assert found[0] == found[2] != found[1]


def test_extractors_are_compared_by_their_records():
    (fact,) = maker_facts([("frames", "pipeline_toys:ToyExtractor")]).values()
    assert fact.startswith("record ")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EPERM])
def test_a_place_without_the_right_to_write_is_bad_input_before_anything_is_sampled(tmp_path, monkeypatch, number):
    monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path / "cache"))
    split = make_split(tmp_path / "split")

    def refuse(*_, **__):
        raise OSError(number, "refused")

    monkeypatch.setattr(os, "fsync", refuse)
    request = RunRequest("pipeline_toys:ToyModel", str(split), metrics=METRICS, out=tmp_path / "runs")
    with pytest.raises(UnusablePlaceError, match=f"could not write {tmp_path / 'cache'}: ") as refusal:
        start_run(request)
    assert refusal.value.exit_code == 2
    assert not (tmp_path / "runs").exists()
    assert list((tmp_path / "cache").glob(".*")) == []


def test_a_full_disk_is_no_bad_input(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageError, match="disk is full") as refusal:
        check_writable(tmp_path)
    assert refusal.value.exit_code == 130


def test_ray_gives_each_worker_its_gpu_so_a_number_is_refused():
    check_device("cuda", of_cluster=True)
    with pytest.raises(BadInputError, match="Ray gives each worker a GPU of its own"):
        check_device("cuda:1", of_cluster=True)
