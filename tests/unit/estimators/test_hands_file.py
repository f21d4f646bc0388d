"""`hands-file`: both formats by hand, what a missing line and a missing file mean, broken files."""

import json

import numpy as np
import pytest

from egobench.errors import BadInputError
from egobench.estimators.hands_file import HandsFile
from egobench.types import Camera, Video

VIDEO = Video(np.zeros((3, 32, 64, 3), np.uint8), 8.0)
CAMERA = Camera(np.array([[32.0, 0, 32], [0, 32, 16], [0, 0, 1]]), 64, 32, np.eye(4))
LINES = "frame,side,score,x,y\n0,left,0.9,12.5,20\n2,right,0.3,,\n2,left,0.4,1,2\n2,left,0.7,3,4\n"
RECORDS = [
    {"frame": 0, "side": "left", "score": 0.9, "x": 12.5, "y": 20},
    {"frame": 2, "side": "right", "score": 0.3},
    {"frame": 2, "side": "left", "score": 0.4, "x": 1, "y": 2},
    {"frame": 2, "side": "left", "score": 0.7, "x": 3, "y": 4},
]


def read(folder, clip_id="c", **options):
    return HandsFile(folder, **options).load("cpu").hands(VIDEO, CAMERA, clip_id=clip_id)


@pytest.mark.parametrize(("name", "text"), [("c.csv", LINES), ("c.json", json.dumps({"detections": RECORDS}))])
def test_both_formats_by_hand(tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8")
    found = read(tmp_path, threshold=0.6)
    assert found.scores.tolist() == [[0.9, 0], [0, 0], [0.7, 0.3]]  # the better of two lines for one hand
    expected = np.full((3, 2, 2), np.nan)
    expected[0, 0], expected[2, 0] = (12.5, 20), (3, 4)
    assert np.array_equal(found.palms, expected, equal_nan=True)
    assert found.threshold == 0.6


def test_a_file_without_lines_says_that_no_hand_was_seen(tmp_path):
    (tmp_path / "c.csv").write_text("frame,side,score,x,y\n")
    assert read(tmp_path).scores.max() == 0


def test_a_clip_without_a_file_fails_and_is_not_taken_for_one_without_hands(tmp_path):
    (tmp_path / "c.csv").write_text(LINES)
    for clip_id in ("d", "", "../c"):
        with pytest.raises(BadInputError, match="no file") as caught:
            read(tmp_path, clip_id)
        assert caught.value.code == "hands-file-missing"
    (tmp_path / "c.json").write_text('{"detections": []}')
    with pytest.raises(BadInputError, match="two files"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("c.csv", "frame,side\n0,left\n", "columns frame, side; frame, side, score, x, y are needed"),
        ("c.csv", LINES + "3,left,0.5,,\n", "frame 3 of a video of 3"),
        ("c.csv", LINES + "-1,left,0.5,,\n", "frame -1"),
        ("c.csv", LINES + "0,both,0.5,,\n", "side 'both'"),
        ("c.csv", LINES + "0,left,1.5,,\n", "score 1.5"),
        ("c.csv", LINES + "0,left,nan,,\n", "score nan"),
        ("c.csv", LINES + "0,left,0.5,7,\n", "two numbers"),
        ("c.csv", LINES + "0,left\n", "c.csv"),
        ("c.csv", LINES + "0,left,0.5,inf,1\n", "two numbers"),
        ("c.csv", "", "columns"),
        ("c.json", "{", "c.json"),
        ("c.json", "[]", "c.json"),
        ("c.json", '{"detections": 3}', "c.json"),
        ("c.json", '{"detections": [{"frame": 0}]}', "side"),
        ("c.json", "[" * 100_000, "c.json"),
    ],
)
def test_a_broken_file_fails_with_its_reason(tmp_path, name, text, said):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(BadInputError, match=said) as caught:
        read(tmp_path)
    assert caught.value.code == "hands-file-form"


def test_the_protocol_changes_with_the_content_and_needs_a_folder(tmp_path, monkeypatch):
    (tmp_path / "c.csv").write_text(LINES)
    before = HandsFile(tmp_path).protocol()
    monkeypatch.setenv("EGOBENCH_HANDS", str(tmp_path))
    assert HandsFile().protocol() == before
    (tmp_path / "c.csv").write_text(LINES + "1,left,0.5,,\n")
    assert HandsFile(tmp_path).protocol()["files_sha256"] != before["files_sha256"]
    with pytest.raises(BadInputError, match="a folder of") as caught:
        HandsFile(tmp_path / "none").protocol()
    assert caught.value.code == "hands-folder"
    monkeypatch.delenv("EGOBENCH_HANDS")
    with pytest.raises(BadInputError, match="EGOBENCH_HANDS is not set"):
        HandsFile().load("cpu")
