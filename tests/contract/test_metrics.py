"""Every metric of the catalogue loads, says what it is and how it can be fooled, and refuses rubbish."""

import inspect
import json
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest

from egobench.catalog import ESTIMATORS, EXTRACTORS, METRICS
from egobench.errors import BadInputError
from egobench.geometry.skeleton import XSENS23
from egobench.metrics.base import ESTIMATED, ClipScore, Need, SetMetric
from egobench.types import Camera, CameraPath, HandDetections, Motion

NAMES = METRICS.names()


def is_set_metric(metric):
    return isinstance(metric, SetMetric)


SHAPES = {"frames": (41, 6), "clip": (1, 6), "text": (6,), "motion-features": (6,)}
SET_SIZE = 40
"""Clips of a set, more than a pool of 32."""


LEFTWARD = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
"""Camera → head, looking to where a stretched left arm is."""
CAMERA = Camera(np.array([[16.0, 0, 32], [0, 16, 32], [0, 0, 1]]), 64, 64, LEFTWARD)


def sound_input(need, motion):
    """What the pipeline would hand over: a motion, a caption, the camera, features of 41 frames, of a clip, a text, a
    motion; the camera's path with noise and the hands, as an estimator would see them."""
    if need.what in ESTIMATED:
        return seen(need.what, motion)
    if need.extractor is None:
        return {"motion": motion, "text": "a caption", "camera": CAMERA}[need.what]
    return np.random.default_rng(len(need.source)).normal(size=SHAPES[need.what]).astype("f4")


def seen(what, motion):
    head, frames = XSENS23.index("head"), slice(None, None, 2)
    rng = np.random.default_rng(0)
    poses = np.tile(np.eye(4), (len(motion.positions[frames]), 1, 1))
    if what == "hands":
        return HandDetections(rng.uniform(size=(len(poses), 2)), rng.uniform(0, 64, (len(poses), 2, 2)), 0.5)
    poses[:, :3, :3], poses[:, :3, 3] = motion.rotations[frames, head], motion.positions[frames, head]
    poses = poses @ LEFTWARD
    poses[:, :3, 3] += rng.normal(size=(len(poses), 3)) * 0.01
    return CameraPath(poses, np.ones(len(poses), dtype=bool), "ok", "", is_metric=True, focal_ratio=1.05)


def arrays_of(value):
    """Arrays in an input whose numbers a metric may not change, by the name of their field."""
    if isinstance(value, np.ndarray):
        return {"": value}
    return {} if isinstance(value, str) else {k: v for k, v in vars(value).items() if isinstance(v, np.ndarray)}


def spoilt(value):
    if isinstance(value, np.ndarray):
        return value * np.nan
    name = {Motion: "positions", CameraPath: "T_world_camera", HandDetections: "scores", Camera: "T_head_camera"}
    field = name[type(value)]
    return replace(value, **{field: getattr(value, field) * np.nan})


def sound_inputs(metric, standing, swaying):
    """For every need; a body that turns where a camera's turning is compared with it."""
    motion = swaying() if any(need.what == "camera" for need in metric.needs().values()) else standing()
    return {key: sound_input(need, motion) for key, need in metric.needs().items()}


def score(metric, inputs):
    if not is_set_metric(metric):
        given = metric(**inputs)
        return given.value if isinstance(given, ClipScore) else given
    lists = {
        key: [(1 + k) * value if isinstance(value, np.ndarray) else value for k in range(SET_SIZE)]
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
def test_sound_inputs_give_one_finite_number_and_are_not_changed(name, standing, swaying):
    metric = METRICS.load(name)()
    inputs = sound_inputs(metric, standing, swaying)
    for value in inputs.values():
        for array in arrays_of(value).values():
            array.flags.writeable = False
    value = score(metric, inputs)
    assert isinstance(value, float)
    assert np.isfinite(value)
    assert score(metric, inputs) == value


@pytest.mark.parametrize("name", NAMES)
def test_nan_in_any_input_is_refused(name, standing, swaying):
    metric = METRICS.load(name)()
    inputs = sound_inputs(metric, standing, swaying)
    for key in (key for key, value in inputs.items() if not isinstance(value, str)):
        with pytest.raises(BadInputError) as caught:
            score(metric, inputs | {key: spoilt(inputs[key])})
        assert caught.value.code.endswith("nonfinite")
