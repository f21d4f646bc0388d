"""path-file: a file by hand, and every file that is wrong."""

import numpy as np
import pytest

from egobench.errors import BadInputError
from egobench.estimators.path_file import PathFile, folder_digest
from egobench.types import Camera, Video

CAMERA = Camera(np.array([[8.0, 0, 8], [0, 8, 8], [0, 0, 1]]), 16, 16, np.eye(4))
VIDEO = Video(np.zeros((4, 16, 16, 3), np.uint8), 8.0)
GOOD = ["0.000 0 0 0 0 0 0 1", "0.125 1 0 0 0 0 0 1", "0.250 2 0 0 0 0 0.70710678 0.70710678", "0.375 3 1 0 0 0 0 1"]


def seen(tmp_path, lines, clip_id="a-0", **settings):
    (tmp_path / "a-0.txt").write_text("\n".join(lines) + "\n")
    return PathFile(folder=str(tmp_path), **settings).load("cpu").camera(VIDEO, CAMERA, clip_id=clip_id)


def test_four_lines_are_four_poses(tmp_path):
    # Frame 2 is at 0.25 s: 2 m along x, turned by 90° about z, so the camera's x axis points along the world's y.
    path = seen(tmp_path, ["# timestamp tx ty tz qx qy qz qw", "", *GOOD])
    assert (path.status, path.reason) == ("ok", "")
    assert path.registered.all()
    np.testing.assert_array_equal(path.T_world_camera[:, 0, 3], [0, 1, 2, 3])
    np.testing.assert_allclose(path.T_world_camera[2, :3, 0], [0, 1, 0], atol=1e-12)
    assert not path.is_metric
    assert seen(tmp_path, GOOD, is_metric=True).is_metric


def test_frames_without_a_line_are_not_registered(tmp_path):
    path = seen(tmp_path, [GOOD[0], GOOD[3]])
    assert (path.status, path.reason) == ("partial", "2 of 4 frames in the file")
    assert path.registered.tolist() == [True, False, False, True]
    np.testing.assert_array_equal(path.T_world_camera[1], np.eye(4))


def test_a_quarter_of_a_frame_is_near_enough_and_a_third_is_not(tmp_path):
    # 8 frames a second: a quarter of a frame is 31.25 ms, a third 41.7 ms.
    assert seen(tmp_path, [GOOD[0], GOOD[1].replace("0.125", "0.156")]).registered[1]
    path = seen(tmp_path, [GOOD[0], GOOD[1].replace("0.125", "0.167")])
    assert (path.status, path.reason[:10]) == ("failed", "time 0.167")


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([GOOD[1], GOOD[0]], "times out of order, 0.125 s and then 0 s"),
        ([GOOD[0], GOOD[1], GOOD[1]], "the same time twice"),
        ([GOOD[0], "0.125 1 0 0 0 0 1"], "line 2: 7 columns; 8 are right"),
        ([GOOD[0], GOOD[1] + " 0"], "line 2: 9 columns"),
        ([GOOD[0], "0.125 nan 0 0 0 0 0 1"], "line 2: a value that is not finite"),
        ([GOOD[0], "0.125 1 0 0 0 0 0 0"], "line 2: quaternion of length 0"),
        ([GOOD[0], "0.125 1 0 0 0 0 0 2"], "line 2: quaternion of length 2"),
        ([GOOD[0], "0.125 1 0 0 zero 0 0 1"], "line 2: not numbers"),
        ([GOOD[0], "0.500 1 0 0 0 0 0 1"], "time 0.5 s is no video frame's"),
        ([GOOD[0], "1715000000.125 1 0 0 0 0 0 1"], "is no video frame's"),
        ([GOOD[0], GOOD[1], "0.130 1 0 0 0 0 0 1"], "two lines for one video frame"),
        ([GOOD[0]], "1 poses; two are needed"),
        ([], "0 poses"),
    ],
)
def test_a_file_that_is_wrong_is_a_failed_clip(tmp_path, lines, reason):
    path = seen(tmp_path, lines)
    assert path.status == "failed"
    assert reason in path.reason
    assert not path.registered.any()


def test_no_file_for_the_clip_is_a_failed_clip(tmp_path):
    path = seen(tmp_path, GOOD, clip_id="b-0")
    assert (path.status, path.reason) == ("failed", "no file b-0.txt")


def test_bytes_that_are_no_text_are_a_failed_clip(tmp_path):
    (tmp_path / "c.txt").write_bytes(b"\xff\xfe\x00")
    path = PathFile(folder=str(tmp_path)).load("cpu").camera(VIDEO, CAMERA, clip_id="c")
    assert (path.status, path.reason) == ("failed", "c.txt cannot be read: UnicodeDecodeError")


def test_the_protocol_holds_the_content_of_the_folder_and_not_its_place(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a-0.txt").write_text(GOOD[0])
    one, two = (PathFile(folder=str(tmp_path / name)).protocol() for name in ("one", "two"))
    assert one == two
    (tmp_path / "two" / "a-0.txt").write_text(GOOD[1])
    assert PathFile(folder=str(tmp_path / "two")).protocol() != one
    assert folder_digest(tmp_path / "one") == one["files_sha256"]


def test_the_folder_is_named_by_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("EGOBENCH_PATHS", str(tmp_path))
    monkeypatch.setenv("EGOBENCH_PATHS_METRIC", "1")
    assert PathFile() == PathFile(folder=str(tmp_path), is_metric=True)
    monkeypatch.delenv("EGOBENCH_PATHS")
    with pytest.raises(BadInputError, match="EGOBENCH_PATHS is not set") as refusal:
        PathFile().protocol()
    assert refusal.value.code == "paths-missing"


@pytest.mark.parametrize("clip_id", ["", "../a-0"])
def test_a_name_that_is_no_clip_id_is_refused(tmp_path, clip_id):
    with pytest.raises(BadInputError) as refusal:
        seen(tmp_path, GOOD, clip_id=clip_id)
    assert refusal.value.code == "clip-missing"


def test_a_camera_of_another_size_is_refused(tmp_path):
    with pytest.raises(BadInputError) as refusal:
        PathFile(folder=str(tmp_path)).load("cpu").camera(Video(np.zeros((4, 8, 8, 3), np.uint8), 8.0), CAMERA)
    assert refusal.value.code == "camera-form"
