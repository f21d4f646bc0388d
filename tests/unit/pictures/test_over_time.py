"""Errors over the time of a clip: the metric's own, frame by frame; what is not measured costs what it says."""

import csv
import io
import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from egobench.boards.board import read_board
from egobench.geometry.border import motion_arrays
from egobench.geometry.head_camera import head_camera_path
from egobench.metrics.rot_err import RotErr
from egobench.metrics.trans_err import TransErr
from egobench.pictures.over_time import PATH_METRICS, clip_errors, courses_csv, error_course, metric_label
from egobench.pictures.over_time_plot import over_time_picture
from egobench.pictures.picture_rows import PictureRow, open_row
from egobench.stats.bootstrap import cluster_mean_interval
from egobench.store.folder import RunFolder
from egobench.store.tables import ItemRow, ScoreRow, write_scores
from egobench.types import Camera, CameraPath

TRANS, ROT = PATH_METRICS
FRAMES = 9
V = np.abs(np.arange(FRAMES) - 4) / 4
"""1 at both ends, 0 in the middle."""


@pytest.fixture
def row(tmp_path, standing):
    """A standing head; a video whose camera turns evenly from -a to a degrees and goes from -b to b metres."""
    motion, camera = standing(frames=17), Camera(np.eye(3), 16, 16, np.eye(4))
    head = head_camera_path(motion_arrays(motion), camera, FRAMES)
    scores, items = [], []
    for number, (turn_deg, way_m) in enumerate([(8.0, 0.4), (4.0, 0.2), (6.0, 0.6)]):
        steps = np.linspace(-1, 1, FRAMES)
        poses = np.tile(np.eye(4), (FRAMES, 1, 1))
        poses[:, :3, :3] = Rotation.from_euler("z", (turn_deg * steps)[:, None], degrees=True).as_matrix() @ head.R
        poses[:, :3, 3] = head.positions + way_m * steps[:, None] * [1.0, 0.0, 0.0] + [7.0, 8.0, 9.0]
        path = CameraPath(poses, np.ones(FRAMES, dtype=bool), "ok", "", is_metric=True)
        clip = f"clip-{number}"
        items.append(ItemRow(clip, 0, "ok", "", "", 1, 0.1, "v", "m", "d", f"s{number}", "p", "walk"))
        for metric in (TransErr(), RotErr()):
            found = metric(path, motion, camera)
            scores.append(ScoreRow(clip, 0, metric.name, found.value, "ok", "", json.dumps(found.detail)))
    write_scores(tmp_path / "scores.parquet", scores)
    facts = {"fps_video": 8.0, "num_video_frames": FRAMES}
    manifest = {"split": {"facts": facts}, "model": {"name": "m"}, "protocols": {"x": {"estimators": {"eyes": {}}}}}
    results = {name: {"protocol": "x"} for name in ("trans-err", "rot-err")}
    return PictureRow("row", RunFolder(tmp_path), manifest, results, tuple(items))


def test_a_path_of_known_error_has_it_at_every_time(row):
    course = error_course(row, ROT, "rot-err")
    np.testing.assert_allclose(course.mean, 6.0 * V, atol=1e-9)
    np.testing.assert_allclose(course.times_s, np.arange(FRAMES) / 8)
    assert (course.unit, course.clips, course.estimator) == ("deg", 3, "eyes")
    assert course.measured.tolist() == [3] * FRAMES
    np.testing.assert_allclose(error_course(row, TRANS, "trans-err").mean, 0.4 * V, atol=1e-9)


def test_the_band_is_that_of_a_mean_over_sequences(row):
    course = error_course(row, ROT, "rot-err")
    for frame in (0, 1, 8):
        wanted = cluster_mean_interval(V[frame] * np.array([8.0, 4.0, 6.0]), np.array(["s0", "s1", "s2"]))
        assert (course.low[frame], course.high[frame]) == pytest.approx(wanted)


def test_a_frame_that_was_lost_costs_the_null_error_and_no_less_than_the_others():
    detail = {"counted": "measured", "error_by_frame_deg": [1.0, None, 3.0], "measured_deg": 2.0, "null_deg": 5.0}
    errors, is_measured = clip_errors(detail, 3.0, ROT, 3)
    assert errors.tolist() == [1.0, 5.0, 3.0]
    assert is_measured.tolist() == [True, False, True]
    assert clip_errors({**detail, "null_deg": 0.5}, 2.0, ROT, 3)[0].tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("counted", ["null", "still"])
def test_a_clip_that_is_charged_costs_its_value_at_every_time(counted):
    detail = {"counted": counted, "error_by_frame_m": [0.0, 0.0], "measured_m": 0.0, "null_m": 0.7}
    errors, is_measured = clip_errors(detail, 0.7, TRANS, 2)
    assert errors.tolist() == [0.7, 0.7]
    assert not is_measured.any()
    assert clip_errors({"counted": "null"}, 0.7, TRANS, 2)[0].tolist() == [0.7, 0.7]


def test_the_mean_over_time_of_a_real_run_is_the_value_of_its_table(toy_runs, toy_board):
    row = open_row(read_board(toy_board), "whole", toy_runs["whole"])
    label = metric_label([row], "rot-err")
    assert label == "rot-err"
    course = error_course(row, ROT, label, draws=50)
    assert course.mean.mean() == pytest.approx(row.results[label]["value"], rel=1e-9)


def test_a_run_without_video_or_without_the_metric_says_so(toy_runs, toy_board):
    row = open_row(read_board(toy_board), "a", toy_runs["body only"])
    assert isinstance(error_course(row, ROT, "rot-err"), str)
    assert "was not scored" in error_course(row, ROT, "rot-err:colmap")


def test_the_csv_has_a_line_per_frame_with_numbers_in_full(row):
    course = error_course(row, TRANS, "trans-err")
    lines = list(csv.DictReader(io.StringIO(courses_csv([course]))))
    assert [line["frame"] for line in lines] == [str(k) for k in range(FRAMES)]
    assert float(lines[0]["mean"]) == course.mean[0]
    assert float(lines[3]["ci95_high"]) == course.high[3]
    assert (lines[2]["time_s"], lines[2]["clips"], lines[2]["measured"]) == ("0.25", "3", "3")


def test_the_picture_is_the_same_bytes_twice_also_without_any_line(row, tmp_path):
    courses = [error_course(row, kind, kind.name) for kind in PATH_METRICS]
    first, second, bare = (tmp_path / f"{name}.png" for name in "abc")
    for path in (first, second):
        over_time_picture("Toys", courses, ["walker has no line"], path)
    assert first.read_bytes() == second.read_bytes()
    assert over_time_picture("Toys", [], [], bare).read_bytes().startswith(b"\x89PNG")
