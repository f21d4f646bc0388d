"""A cache under a URL: entries that other machines see, copies on this one, and numbers of a run that do not change."""

import numpy as np
import pytest
from pipeline_toys import METRICS, make_split

from egobench.errors import BadInputError
from egobench.run.run import RunRequest, start_run
from egobench.store.cache import Cache, cache_at, cache_home, cache_key, open_cache
from egobench.store.remote import RemoteFolder

pytest.importorskip("fsspec")
KEY = cache_key(a=1)


@pytest.fixture
def url(tmp_path):
    return f"memory://{tmp_path.name}/cache"


@pytest.fixture
def machines(url, tmp_path):
    return [Cache(tmp_path / name, remote=RemoteFolder(url)) for name in ("one", "two")]


def test_what_one_machine_puts_another_gets_and_keeps_a_copy_of(machines, url):
    one, two = machines
    assert two.get(KEY) is None
    assert two.state(KEY) == "absent"
    one.put(KEY, {"x": np.arange(3)})
    assert two.get(KEY)["x"].tolist() == [0, 1, 2]
    RemoteFolder(url).remove(f"{KEY[:2]}/{KEY}")
    assert two.state(KEY) == "whole"
    assert two.get(KEY)["x"].tolist() == [0, 1, 2]


def test_a_damaged_copy_is_got_again_and_a_damaged_entry_is_a_miss(machines, url):
    one, two = machines
    one.put(KEY, {"x": np.arange(3)})
    two.get(KEY)
    two.entry(KEY).write_bytes(two.entry(KEY).read_bytes()[:-1])
    assert two.get(KEY)["x"].tolist() == [0, 1, 2]
    assert two.entry(KEY).read_bytes() == one.entry(KEY).read_bytes()
    for each in (one.entry(KEY), two.entry(KEY)):
        each.unlink()
    RemoteFolder(url).put(f"{KEY[:2]}/{KEY}", b"nonsense")
    assert one.get(KEY) is None
    assert one.state(KEY) == "damaged"


def test_all_machines_of_one_url_have_one_mark(machines):
    one, two = machines
    assert two.mark() == ""
    assert one.mark(make=True) == two.mark() == two.mark(make=True) != ""


def test_the_variable_takes_a_url_and_stamps_stay_on_this_machine(url, monkeypatch):
    monkeypatch.setenv("EGOBENCH_CACHE", url)
    cache = open_cache()
    assert cache.place == url
    assert cache_at(cache.place) == cache
    assert cache.root.is_relative_to(cache_home())
    assert "://" not in str(cache_home())


def test_a_run_with_its_cache_under_a_url_has_the_bytes_of_one_without(tmp_path, url, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    split = str(make_split(tmp_path / "split"))
    found = []
    for place in (str(tmp_path / "plain"), url, url):
        monkeypatch.setenv("EGOBENCH_CACHE", place)
        asked = {"metrics": METRICS, "draws": 20, "workers": 0, "out": tmp_path / "runs"}
        report = start_run(RunRequest("pipeline_toys:ToyModel", split, **asked))
        found.append((report.path / "metrics.json").read_bytes())
    assert found[0] == found[1] == found[2]
    assert len(RemoteFolder(url).names()) == len([p for p in (tmp_path / "plain").glob("??/*") if p.is_file()]) > 5


def test_storage_of_one_process_is_refused_for_workers_before_anything_is_sampled(tmp_path, url, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EGOBENCH_CACHE", url)
    split = str(make_split(tmp_path / "split"))
    with pytest.raises(BadInputError, match="seen by one process alone"):
        start_run(RunRequest("pipeline_toys:ToyModel", split, metrics=METRICS, out=tmp_path / "runs"))
    assert not (tmp_path / "runs").exists()
