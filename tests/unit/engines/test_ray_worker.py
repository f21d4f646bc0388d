"""A worker of a cluster looks at itself before it works; no cluster is needed for that."""

import os
import sys
from dataclasses import dataclass, field

import pytest

import egobench
from egobench.engines import ray_engine
from egobench.engines.ray_worker import facts_of, refuse_other, suite_facts, surroundings_of, take_over
from egobench.errors import BadInputError
from egobench.plan.request import RunRequest
from egobench.plan.resolve import resolve_engine


@dataclass
class Job:
    """Has facts, and makes what they name where it is the driver."""

    found: dict = field(default_factory=lambda: {"cache": "mark 1"})
    made: list = field(default_factory=list)

    def facts(self, *, is_driver):
        if is_driver:
            self.made.append("mark")
        return self.found


def test_a_worker_like_the_driver_is_taken():
    refuse_other(Job(), suite_facts(), facts_of(Job(), is_driver=True))
    refuse_other(object(), suite_facts(), {})


@pytest.mark.parametrize("changed", [{"version": "9.9.9"}, {"code": "f" * 64}])
def test_another_version_or_other_code_is_refused_with_both(changed):
    with pytest.raises(
        BadInputError, match=f"EgoBench {egobench.__version__} .* and EgoBench .* same version"
    ) as refusal:
        refuse_other(Job(), {**suite_facts(), **changed}, {})
    assert refusal.value.code == "worker-version"


@pytest.mark.parametrize(("found", "shown"), [({"cache": "mark 2"}, "mark 2"), ({}, "none")])
def test_other_files_are_refused_with_both(found, shown):
    with pytest.raises(BadInputError, match=rf"another cache \({shown} in place of mark 1\)") as refusal:
        refuse_other(Job(found), suite_facts(), {"cache": "mark 1"})
    assert refusal.value.code == "worker-differs"


def test_only_the_driver_makes_what_the_workers_look_for():
    job = Job()
    facts_of(job, is_driver=False)
    assert job.made == []
    facts_of(job, is_driver=True)
    assert job.made == ["mark"]


def test_the_digest_of_the_code_covers_every_package_and_each_byte(tmp_path, monkeypatch):
    package = tmp_path / "egobench_baselines"
    package.mkdir()
    before = suite_facts()
    spec = type("Spec", (), {"submodule_search_locations": [str(package)]})
    monkeypatch.setattr("egobench.engines.ray_worker.module_spec", lambda name: spec)
    digests = {before["code"]}
    for text in ("a = 1", "a = 2"):
        (package / "code.py").write_text(text)
        digests.add(suite_facts()["code"])
    assert len(digests) == 3


def test_a_worker_takes_over_paths_at_the_end_own_variables_and_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("EGOBENCH_TRIAL", "before")
    monkeypatch.chdir(tmp_path)
    told = {**surroundings_of(), "path": [*sys.path, str(tmp_path), "/not/here"]}
    told["variables"] = {**told["variables"], "EGOBENCH_TRIAL": "after"}
    first = sys.path[0]
    monkeypatch.chdir("/")
    take_over(told)
    assert (sys.path[0], sys.path[-1]) == (first, str(tmp_path))
    assert os.environ["EGOBENCH_TRIAL"] == "after"
    assert os.getcwd() == str(tmp_path)
    assert set(surroundings_of()["variables"]) == {name for name in os.environ if name.startswith("EGOBENCH_")}


def test_without_ray_installed_the_engine_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.setattr(ray_engine, "find_spec", lambda name: None)
    with pytest.raises(BadInputError, match=r"pip install 'egobench\[ray\]'"):
        resolve_engine("ray", 2)


def test_no_workers_is_the_whole_cluster_with_ray_and_this_process_without(monkeypatch):
    monkeypatch.setattr(ray_engine, "find_spec", lambda name: object())
    assert resolve_engine("ray", 0, ray_address="head:6379") == ray_engine.RayEngine(0, "head:6379")
    asked = {"model": "static", "split": "egomini-smoke", "workers": 0}
    assert not RunRequest(**asked, engine="ray").is_inline
    assert RunRequest(**asked).is_inline
    with pytest.raises(BadInputError, match="-1 workers"):
        resolve_engine("ray", -1)
