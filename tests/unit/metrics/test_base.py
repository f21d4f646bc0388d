"""The bases of metrics, extractors and estimators: records that are made of them, and classes from before them."""

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from egobench.catalog import ESTIMATORS, EXTRACTORS, INPUTS, METRICS
from egobench.errors import BadInputError
from egobench.estimators.base import as_estimator
from egobench.extractors.base import as_extractor
from egobench.metrics.base import ClipMetric, Need, SetMetric, SetScore, What, as_metric
from egobench.plan.resolve import resolve_metrics
from egobench.types import Motion

FROZEN = json.loads((Path(__file__).parents[2] / "golden" / "metric_records.json").read_text())
"""`record()` of every built-in metric with its default preset, and with two other settings, as they have been since
version 1 of each: the digests of protocols are made of them."""


@pytest.mark.parametrize("name", sorted(METRICS.builtin))
def test_the_record_of_a_metric_stays_the_same_with_every_preset(name):
    metric = METRICS.load(name)()
    assert metric.record() == FROZEN[name]
    if "preset" in {each.name for each in fields(metric)}:
        for preset in (ESTIMATORS if metric.preset_kind == "estimators" else EXTRACTORS).names():
            assert replace(metric, preset=preset).record() == {**FROZEN[name], "preset": preset}


@pytest.mark.parametrize(
    ("name", "setting", "value"), [("i-fid", "frames_per_clip", 4), ("r-precision", "identical", "strict")]
)
def test_the_record_of_a_metric_with_another_setting_stays_the_same(name, setting, value):
    assert replace(METRICS.load(name)(), **{setting: value}).record() == FROZEN[f"{name} {setting}={value}"]


def test_every_input_that_a_metric_may_need_stands_in_the_catalogue():
    assert set(INPUTS) == set(get_args(What))
    for what, kind in INPUTS.items():
        assert kind.is_raw or kind.method, f"nothing makes {what}"
        if kind.is_raw:
            Need("sample", what)
        else:
            with pytest.raises(BadInputError, match="name its extractor or estimator"):
                Need("sample", what)


@dataclass(frozen=True)
class Height(ClipMetric):
    """The shortest metric that works."""

    name = "height"
    version = 3
    unit = "m"
    better = "higher"

    joint: int = 0

    def needs(self):
        return {"motion": Need("sample", "motion")}

    def __call__(self, motion):
        return float(motion.positions[:, self.joint, 2].mean())


def test_a_metric_of_its_needs_and_its_formula_alone_has_all_defaults():
    metric = as_metric(Height(joint=2))
    assert metric.record() == {"metric": "height", "version": 3, "joint": 2}
    assert (metric.preset, metric.preset_kind, metric.needs_positions) == ("", "extractors", False)
    assert metric.check({}) is None
    assert metric.summary([], None) == {}


@dataclass(frozen=True)
class OldPace:
    """A clip metric as they were written before `ClipMetric` was a base class."""

    name = "old-pace"
    version = 2
    unit = "m"
    better = "lower"
    preset_kind = "estimators"

    preset: str = "colmap"

    def needs(self):
        return {"motion": Need("sample", "motion")}

    def __call__(self, motion):
        return float(np.ptp(motion.positions[:, 0, 0]))

    def record(self):
        return {"metric": self.name, "version": self.version, "preset": self.preset, "axis": "x"}


@dataclass(frozen=True)
class OldSpread(OldPace):
    """A set metric of that time."""

    name = "old-spread"

    def score(self, inputs, clips, groups, *, draws, seed):
        return SetScore(1.0, None)

    def terms(self, inputs, clips):
        return np.ones(len(clips)), np.ones(len(clips))


class OldEyes:
    """An estimator of that time."""

    name = "old-eyes"
    provides = ("camera",)
    rotations_only = True

    def protocol(self):
        return {"estimator": self.name}

    def load(self, device):
        return self


class OldWords:
    """An extractor of that time."""

    name = "old-words"

    def protocol(self):
        return {"extractor": self.name}

    def load(self, device):
        return self


def test_a_metric_from_before_the_bases_works_and_is_told_what_to_inherit():
    motion = Motion(np.arange(12.0).reshape(2, 2, 3), np.tile(np.eye(3), (2, 2, 1, 1)), 20.0)
    words = r"test_base:OldPace should inherit egobench\.metrics\.base\.ClipMetric"
    with pytest.warns(DeprecationWarning, match=words) as caught:
        (metric,) = resolve_metrics("test_base:OldPace:colmap")
    assert Path(caught[0].filename).name == "test_base.py"
    assert isinstance(metric, ClipMetric)
    assert isinstance(metric, OldPace)
    assert metric(motion) == OldPace()(motion) == 6.0
    assert metric.record() == OldPace().record()
    assert metric.summary([], None) == {}
    assert metric.check({}) is None
    assert replace(metric, preset="path-file").record()["preset"] == "path-file"
    assert metric == replace(metric)


def test_a_set_metric_from_before_the_bases_keeps_the_hooks_that_it_has():
    with pytest.warns(DeprecationWarning, match=r"inherit egobench\.metrics\.base\.SetMetric"):
        metric = as_metric(OldSpread())
    assert isinstance(metric, SetMetric)
    assert metric.terms({}, ["a", "b"])[0].tolist() == [1, 1]
    assert metric.left_out({}, np.zeros(2, dtype=np.int64)) is None


@pytest.mark.parametrize(
    ("adapt", "old", "base"), [(as_estimator, OldEyes, "Estimator"), (as_extractor, OldWords, "Extractor")]
)
def test_an_extractor_or_estimator_from_before_the_bases_keeps_its_protocol(adapt, old, base):
    with pytest.warns(DeprecationWarning, match=rf"{old.__name__} should inherit egobench\.\w+\.base\.{base}"):
        maker = adapt(old())
    assert maker.protocol() == old().protocol()
    assert maker.check({}) is None
    assert maker.provides == getattr(old, "provides", None)
    assert isinstance(maker, old)


def test_a_class_with_slots_that_inherits_no_base_is_refused():
    slotted = dataclass(frozen=True, slots=True)(OldWords)
    with (
        pytest.warns(DeprecationWarning, match="OldWords"),
        pytest.raises(BadInputError, match="should inherit") as caught,
    ):
        as_extractor(slotted())
    assert caught.value.code == "class-base"
