"""Every metric of the catalogue loads, says what it is and how it can be fooled, and refuses rubbish."""

import inspect
import json
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest

from egobench.catalog import ESTIMATORS, EXTRACTORS, METRICS
from egobench.errors import BadInputError
from egobench.metrics.base import ESTIMATED, Need

NAMES = METRICS.names()


def is_motion(value):
    return hasattr(value, "positions")


def is_set_metric(metric):
    return hasattr(metric, "score")


SHAPES = {"frames": (41, 6), "clip": (1, 6), "text": (6,), "motion-features": (6,)}
SET_SIZE = 40
"""Clips of a set, more than a pool of 32."""


def sound_input(need, standing):
    """What the pipeline would hand over: a motion, a caption, features of 41 frames, of a clip, a text, a motion."""
    if need.extractor is None:
        return standing() if need.what == "motion" else "a caption"
    return np.random.default_rng(len(need.source)).normal(size=SHAPES[need.what]).astype("f4")


def spoilt(value):
    return value * np.nan if isinstance(value, np.ndarray) else replace(value, positions=value.positions * np.nan)


def score(metric, inputs):
    if not is_set_metric(metric):
        return metric(**inputs)
    lists = {
        key: [value if isinstance(value, str) else (1 + k) * value for k in range(SET_SIZE)]
        for key, value in inputs.items()
    }
    clips = [f"clip-{k:02d}" for k in range(SET_SIZE)]
    return metric.score(lists, clips, np.arange(SET_SIZE), draws=10, seed=0).value


@pytest.mark.parametrize("name", NAMES)
def test_it_is_a_frozen_dataclass_that_needs_no_argument_and_bears_its_catalogue_name(name):
    cls = METRICS.load(name)
    assert is_dataclass(cls)
    assert cls.__dataclass_params__.frozen
    metric = cls()
    assert metric.name == name
    assert isinstance(metric.version, int)
    assert metric.version >= 1
    assert metric.unit
    assert metric.better in ("lower", "higher")


@pytest.mark.parametrize("name", NAMES)
def test_its_docstring_says_how_it_differs_and_how_it_can_be_fooled(name):
    text = inspect.getdoc(METRICS.load(name))
    for heading in ("Source:", "Differs from the paper:", "How it can be fooled:"):
        assert any(line.startswith(heading) for line in text.splitlines()), f"{name}: no line '{heading}'"


@pytest.mark.parametrize("name", NAMES)
def test_its_needs_are_named_things_of_known_extractors(name):
    metric = METRICS.load(name)()
    needs = metric.needs()
    assert needs
    for need in needs.values():
        assert isinstance(need, Need)
        assert need.extractor is not None or need.what in ("motion", "text", "camera")
        makers = ESTIMATORS if need.what in ESTIMATED else EXTRACTORS
        assert need.extractor is None or need.extractor in makers.names()
    if not is_set_metric(metric):
        accepted = inspect.signature(metric).parameters
        assert set(needs) <= set(accepted)


@pytest.mark.parametrize("name", NAMES)
def test_its_record_is_plain_json_and_holds_name_version_and_settings(name):
    metric = METRICS.load(name)()
    record = json.loads(json.dumps(metric.record()))
    assert record["metric"] == name
    assert record["version"] == metric.version
    if any(field.name == "preset" for field in fields(metric)):
        assert record["preset"] == metric.preset


@pytest.mark.parametrize("name", NAMES)
def test_sound_inputs_give_one_finite_number_and_are_not_changed(name, standing):
    metric = METRICS.load(name)()
    inputs = {key: sound_input(need, standing) for key, need in metric.needs().items()}
    for value in inputs.values():
        arrays = [] if isinstance(value, str) else [value.positions, value.rotations] if is_motion(value) else [value]
        for array in arrays:
            array.flags.writeable = False
    value = score(metric, inputs)
    assert isinstance(value, float)
    assert np.isfinite(value)
    assert score(metric, inputs) == value


@pytest.mark.parametrize("name", NAMES)
def test_nan_in_any_input_is_refused(name, standing):
    metric = METRICS.load(name)()
    inputs = {key: sound_input(need, standing) for key, need in metric.needs().items()}
    for key in (key for key, value in inputs.items() if not isinstance(value, str)):
        with pytest.raises(BadInputError) as caught:
            score(metric, inputs | {key: spoilt(inputs[key])})
        assert caught.value.code.endswith("nonfinite")
