"""Code of one's own behind a metric, extractor or estimator is part of its protocol; that of this suite is not."""

import json

import pytest
from pipeline_toys import ToyEvaluator

from egobench.catalog import ESTIMATORS, EXTRACTORS, METRICS
from egobench.compare.comparison import compare_sides
from egobench.compare.run_side import run_side
from egobench.errors import BadInputError, NotComparableError
from egobench.files.digest import digest_json
from egobench.files.plain import plain
from egobench.plan.class_code import KEY, class_code, maker_record, refuse_changed_makers
from egobench.plan.plan import plan
from egobench.plan.resolve import resolve_metrics
from egobench.run.run import resume_run, start_run

EXTRACTOR = """
from dataclasses import dataclass
import numpy as np
from egobench.extractors.base import Extractor
import {helper}

@dataclass(frozen=True)
class Look(Extractor):
    name = "look"

    def load(self, device):
        return self

    def motion(self, motion):
        return np.array([{scale} * {helper}.SCALE], dtype=np.float32)
"""
ESTIMATOR = """
from dataclasses import dataclass, replace
import {helper}
from toy_makers import ToyEyes

@dataclass(frozen=True)
class Look(ToyEyes):
    def protocol(self):
        return {{"estimator": "look"}}

    def camera(self, video, camera, *, clip_id=""):
        found = super().camera(video, camera, clip_id=clip_id)
        poses = found.T_world_camera.copy()
        poses[:, :3, 3] *= {scale} * {helper}.SCALE
        return replace(found, T_world_camera=poses)
"""
METRIC = """
from dataclasses import dataclass
from egobench.metrics.base import ClipMetric, Need
import {helper}

@dataclass(frozen=True)
class Look(ClipMetric):
    name = "look"
    version = 1
    unit = "m"
    better = "lower"

    def needs(self):
        return {{"motion": Need("sample", "motion")}}

    def __call__(self, motion):
        return {scale} * {helper}.SCALE
"""
KINDS = {
    "extractor": (EXTRACTOR, "pipeline_toys:Deed:{}", "toy-deed", "extractors"),
    "estimator": (ESTIMATOR, "pipeline_toys:Astray:{}", "toy-astray", "estimators"),
    "metric": (METRIC, "{}", "look", "metric"),
}


@pytest.fixture
def write(tmp_path, monkeypatch, request):
    """Writes code of the user's and what it imports, as a new process would find them; returns what names it."""
    home, name = tmp_path / "home", f"look_{abs(hash(request.node.name))}"
    home.mkdir()
    monkeypatch.syspath_prepend(str(home))

    def of(code, scale=1, helper=1):
        import importlib
        import sys

        (home / f"{name}.py").write_text(f"SCALE = {helper}.0\n")
        (home / "look.py").write_text(code.format(scale=f"{scale}.0", helper=name))
        for module in [each for each in sys.modules if each == name or each.startswith("look@")]:
            del sys.modules[module]
        importlib.invalidate_caches()
        return f"{home / 'look.py'}:Look"

    yield of
    of(METRIC)  # leaves no module of another version


@pytest.mark.parametrize("kind", KINDS)
def test_changed_code_finds_no_old_features_and_is_another_protocol(ask, write, kind):
    code, metrics, label, where = KINDS[kind]
    asked = metrics.format(write(code))
    first = start_run(ask(metrics=asked))
    write(code, helper=3)
    other = start_run(ask(metrics=asked))
    results = [report.results[label] for report in (first, other)]
    assert results[1].value == pytest.approx(3 * results[0].value, rel=1e-6) if kind != "estimator" else True
    assert results[1].value != results[0].value
    assert results[1].floor != results[0].floor
    assert results[1].protocol != results[0].protocol
    with pytest.raises(NotComparableError, match=rf"{where}\..*class_code\.sha256 differ"):
        compare_sides(run_side(first.path), run_side(other.path), [label], draws=50)
    (record,) = json.loads((other.path / "manifest.json").read_text())["protocols"].values()
    found = record["metric"] if where == "metric" else next(iter(record[where].values()))
    assert found[KEY]["name"] == "look.py"
    assert found[KEY]["files"] == (2 if kind != "estimator" else 4), "what it imports of the user's own"


def test_what_this_suite_ships_keeps_its_record():
    for registry in (EXTRACTORS, ESTIMATORS):
        for name in registry.builtin:
            assert class_code(registry.load(name)()) == {}, name
    assert all(class_code(metric) == {} for metric in resolve_metrics("core"))
    shipped = EXTRACTORS.load("motion-text")()
    assert digest_json(plain(maker_record(shipped))) == digest_json(plain(shipped.protocol()))
    assert METRICS.builtin
    assert set(maker_record(ToyEvaluator())) == {*ToyEvaluator().protocol(), KEY}


def test_code_that_changes_between_the_plan_and_the_extraction_stops_the_run(ask, write):
    asked = plan(ask(metrics=f"pipeline_toys:Deed:{write(EXTRACTOR)}"))
    made_with = [(metric, asked.protocol_of(metric)[1]) for metric in asked.metrics]
    refuse_changed_makers(made_with)
    write(EXTRACTOR, scale=2)
    with pytest.raises(BadInputError, match=r"the code of .*look\.py:Look changed while the run was at work") as caught:
        refuse_changed_makers(made_with)
    assert caught.value.code == "model-code"


def test_a_run_is_not_resumed_with_another_version_of_its_extractor(ask, write, monkeypatch):
    asked = ask(metrics=f"pipeline_toys:Deed:{write(EXTRACTOR)}")

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("egobench.run.run.score_stage", stop)
        with pytest.raises(KeyboardInterrupt) as caught:
            start_run(asked)
    run = str(caught.value).split("`egobench resume ")[1].split("`")[0]
    write(EXTRACTOR, scale=2)
    with pytest.raises(NotComparableError, match="protocols changed since it was started"):
        resume_run(run)
    write(EXTRACTOR)
    assert resume_run(run).results["toy-deed"].value == 1.0
