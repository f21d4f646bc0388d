"""Path metrics through the pipeline, by an estimator that knows the embedded world: controls rank as they must."""

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
import pytest
from path_toys import nothing_seen, seen, standing_still

from egobench.data.open import open_split
from egobench.estimators.base import Estimator
from egobench.run.run import RunRequest, start_run
from egobench.types import Camera, CameraPath, Video

SPLIT = "egomini-smoke"
METRICS = ",".join(f"{name}:test_path_metrics_in_runs:Knowing" for name in ("rot-err", "trans-err", "sync-lag"))
METRICS += ",fov-drift:test_path_metrics_in_runs:Knowing"


@cache
def recordings():
    split = open_split(SPLIT)
    return [split.clip(info.clip_id).reference for info in split.infos()]


@dataclass(frozen=True)
class Knowing(Estimator):
    """Looks up which recording it is shown and gives its path with noise; a still picture stands still, and the first
    recording, in which little moves, it loses."""

    name: ClassVar[str] = "knowing"
    version: ClassVar[int] = 1
    provides: ClassVar[tuple[str, ...]] = ("camera",)

    def load(self, device: str) -> "Knowing":
        return self

    def camera(self, video: Video, camera: Camera, *, clip_id: str = "") -> CameraPath:
        frames = video.frames.astype(np.float64)
        if np.abs(np.diff(frames, axis=0)).mean() < 0.05:
            return standing_still()
        gaps = [np.abs(frames - reference.video.frames).mean() for reference in recordings()]
        best = int(np.argmin(gaps))
        if best == 0:
            return nothing_seen()
        return seen(recordings()[best].motion, camera, degrees=0.3, metres=0.01, seed=best)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EGOBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        for model in ("reference", "static"):
            out = str(tmp_path_factory.mktemp("runs"))
            request = RunRequest(
                model=model, split=SPLIT, metrics=METRICS, engine="inline", draws=50, out=out, allow_failed=1
            )
            found[model] = {name.partition(":")[0]: value for name, value in start_run(request).results.items()}
    return found


@pytest.mark.parametrize("name", ["rot-err", "trans-err"])
def test_the_reference_is_at_the_floor_and_no_control_beats_it(name, results):
    reference = results["reference"][name]
    assert reference.value == pytest.approx(reference.floor)
    assert reference.value < (0.6 if name == "rot-err" else 0.03)
    static = results["static"][name]
    assert (static.coverage, reference.coverage) == (1, 7 / 8)  # one recording is lost, no still picture is
    assert reference.value < 0.25 * min(static.value, reference.chance)


def test_failures_are_counted_and_cost_the_null_error(results):
    found = results["reference"]["rot-err"]
    assert found.n == 8
    assert found.detail["statuses"]["failed"]["n"] == 1
    assert found.detail["counted"] == {"measured": 7, "null": 1}
    assert found.detail["companions"]["null_deg"]["n"] == 8
    assert found.detail["companions"]["measured_deg"]["n"] == 7


def test_clips_in_which_the_reference_moves_stand_apart(results):
    for model in ("reference", "static"):
        observable = results[model]["trans-err"].detail["observable"]
        assert observable["n"] == results["reference"]["trans-err"].detail["observable"]["n"]
        assert 3 <= observable["n"] < 8


def test_the_recordings_are_in_step_where_a_moment_can_be_told(results):
    found = results["reference"]["sync-lag"]
    assert found.n + found.n_undefined == 8
    assert found.n >= 2
    assert results["static"]["sync-lag"].n == 0


def test_an_estimator_without_focal_length_leaves_the_drift_undefined(results):
    assert results["reference"]["fov-drift"].value is None
    assert results["reference"]["fov-drift"].n_undefined == 8
