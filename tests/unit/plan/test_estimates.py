"""Estimators in a run: what they find reaches metrics unchanged, and what cannot be an estimate becomes no number."""

import json
from dataclasses import replace

import numpy as np
import pytest
from pipeline_toys import FACTS, ToyEyes, make_split

from egobench.data.open import open_split
from egobench.errors import BadInputError
from egobench.plan.estimates import pack_estimate, split_camera, unpack_estimate
from egobench.run.run import RunRequest, start_run
from egobench.store.tables import read_scores
from egobench.types import CameraPath, HandDetections

METRICS = "pipeline_toys:Astray,pipeline_toys:Grip"


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    return str(make_split(tmp_path_factory.mktemp("toy") / "split"))


@pytest.fixture
def ask(split, tmp_path, monkeypatch):
    monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path / "cache"))
    return lambda **changes: RunRequest(
        **{
            **{"model": "pipeline_toys:ToyModel", "split": split, "metrics": METRICS, "draws": 50},
            **{"out": str(tmp_path / "runs"), "engine": "local" if "workers" in changes else "inline"},
            **changes,
        }
    )


def a_path(frames=3, **changes):
    poses = np.broadcast_to(np.eye(4), (frames, 4, 4)).copy()
    return replace(CameraPath(poses, np.ones(frames, dtype=bool), "ok", "", True), **changes)


def test_the_value_is_the_one_computed_without_a_pipeline(ask, split):
    report = start_run(ask())
    truth = open_split(split)
    rows = {row.clip: row for row in read_scores(report.path / "scores.parquet") if row.metric == "toy-astray"}
    for info in truth.infos():
        from egobench.files.video import read_video

        video = read_video(report.path / "samples" / info.clip_id / "0" / "video.mp4", fps=8, frames=9)
        seen = ToyEyes().camera(video, split_camera(truth), clip_id=info.clip_id)
        gone = float(np.ptp(seen.T_world_camera[:, 0, 3]))
        said = json.loads(rows[info.clip_id].detail)
        assert said == {"gone": pytest.approx(gone, abs=1e-12), "status": "ok", "focal": None}


def test_details_are_summed_up_with_the_floor_and_hands_score_as_a_set(ask):
    results = start_run(ask()).results
    astray = results["toy-astray"]
    assert astray.detail["floor_was"] == astray.floor is not None
    assert astray.detail["farthest"] > 0
    assert 0 < results["toy-grip"].value < 1


def test_two_workers_and_a_second_run_from_the_cache_give_the_same_bytes(ask, tmp_path):
    first = start_run(ask())
    second = start_run(ask(out=str(tmp_path / "again"), workers=2))
    assert (first.path / "metrics.json").read_bytes() == (second.path / "metrics.json").read_bytes()


def test_a_partial_path_keeps_its_status_scale_and_focal_length(ask, monkeypatch):
    monkeypatch.setenv("TOY_FORM", "half")
    rows = read_scores(start_run(ask()).path / "scores.parquet")
    assert {json.loads(row.detail)["focal"] for row in rows if row.detail} == {1.25}


def test_what_is_no_estimate_fails_the_item_and_not_the_run(ask, monkeypatch):
    monkeypatch.setenv("TOY_FORM", "sheared")
    report = start_run(ask(allow_failed=8))
    result = report.results["toy-astray"]
    assert result.value is None
    assert result.coverage == 0
    assert all(reason.startswith("estimate-form") for reason in result.detail["failed"])
    assert report.results["toy-grip"].value is not None


def test_the_estimator_and_the_camera_stand_in_the_protocol(ask):
    report = start_run(ask())
    manifest = json.loads((report.path / "manifest.json").read_text())
    record = manifest["protocols"][report.results["toy-astray"].protocol]
    assert record["estimators"]["pipeline_toys:ToyEyes"]["estimator"] == "toy-eyes"
    assert record["camera"]["intrinsics"] == FACTS.intrinsics


def test_a_split_that_does_not_say_its_camera_is_refused(split):
    class Blind:
        name, facts = "blind", {"width": 4}

    with pytest.raises(BadInputError, match="intrinsics, height, T_head_camera") as refusal:
        split_camera(Blind())
    assert refusal.value.code == "split-form"


def test_a_split_whose_intrinsics_cannot_be_is_refused_before_anything_is_sampled(ask, tmp_path):
    place = make_split(tmp_path / "absurd")
    index = json.loads((place / "split.json").read_text())
    index["facts"]["intrinsics"][0][0] = 0.0
    (place / "split.json").write_text(json.dumps(index))
    with pytest.raises(BadInputError, match="split 'toy': focal length 0, 16 px") as refusal:
        start_run(ask(split=str(place)))
    assert refusal.value.code == "camera-form"
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (a_path(4), "shapes"),
        (a_path(T_world_camera=np.full((3, 4, 4), np.nan)), "finite"),
        (a_path(T_world_camera=np.broadcast_to(np.diag([1.0, 1, -1, 1]), (3, 4, 4))), "rigid"),
        (a_path(status="fine"), "status 'fine'"),
        (a_path(status="failed"), "status 'failed' with 3"),
        (a_path(registered=np.zeros(3, dtype=bool)), "status 'ok' with 0"),
    ],
)
def test_a_path_that_cannot_be_is_refused(found, message):
    with pytest.raises(BadInputError, match=message) as refusal:
        pack_estimate("camera-path", found, 3)
    assert refusal.value.code == "estimate-form"


@pytest.mark.parametrize(
    ("scores", "palms", "message"),
    [
        (np.zeros((2, 2)), np.zeros((3, 2, 2)), "shapes"),
        (np.full((3, 2), 1.5), np.zeros((3, 2, 2)), "outside 0 … 1"),
        (np.full((3, 2), np.nan), np.zeros((3, 2, 2)), "outside 0 … 1"),
        (np.zeros((3, 2)), np.full((3, 2, 2), np.inf), "infinite"),
    ],
)
def test_hands_that_cannot_be_are_refused(scores, palms, message):
    with pytest.raises(BadInputError, match=message):
        pack_estimate("hands", HandDetections(scores, palms, 0.5), 3)


def test_estimates_come_out_of_the_cache_as_they_went_in():
    path = a_path(status="partial", reason="dark", focal_ratio=0.9, is_metric=False)
    back = unpack_estimate("camera-path", pack_estimate("camera-path", path, 3))
    assert (back.status, back.reason, back.focal_ratio, back.is_metric) == ("partial", "dark", 0.9, False)
    np.testing.assert_array_equal(back.T_world_camera, path.T_world_camera)
    hands = HandDetections(np.eye(3)[:, :2], np.full((3, 2, 2), np.nan), 0.25, np.ones((3, 4, 4), dtype=bool))
    again = unpack_estimate("hands", pack_estimate("hands", hands, 3))
    assert (again.threshold, again.mask) == (0.25, None)
    np.testing.assert_array_equal(again.palms, hands.palms)
