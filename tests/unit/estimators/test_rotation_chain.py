"""rotation-chain: a known turn, walking, gauge and direction of time, and videos in which nothing turns."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

pytest.importorskip("cv2", reason="extra 'slam'")

from scenes import camera, turning, video, walking

from egobench.errors import BadInputError
from egobench.estimators.epipolar import Start, descend
from egobench.estimators.hand_mask import palm_discs
from egobench.estimators.rotation_averaging import average_rotations, linked_frames
from egobench.estimators.rotation_chain import RotationChain, find_rotations
from egobench.estimators.two_view import Shared, Turn, turns_between
from egobench.types import Camera, HandDetections, Video

CHAIN = RotationChain(hands="")


@pytest.fixture(scope="module")
def turned():
    return video(turning())


@pytest.fixture(scope="module")
def walked():
    return video(walking())


def angles(R):
    """Degrees from the first frame to each."""
    return np.degrees(Rotation.from_matrix(R[0].T @ R).magnitude())


def test_two_degrees_a_frame_are_found(turned):
    # 12 frames, 2° apart: the last is turned by 22° about the camera's own y axis, which points down: to the right.
    path = CHAIN.load("cpu").camera(turned, camera())
    assert path.status == "rotation_only"
    assert path.registered.all()
    assert not path.is_metric
    assert path.focal_ratio is None
    R = path.T_world_camera[:, :3, :3]
    np.testing.assert_allclose(angles(R), 2.0 * np.arange(12), atol=0.1)
    np.testing.assert_allclose(Rotation.from_matrix(R[0].T @ R[-1]).as_rotvec(degrees=True), [0, 22, 0], atol=0.1)
    assert (path.T_world_camera[:, :3, 3] == 0).all()


def test_walking_does_not_bias_the_turn(walked):
    chain = find_rotations(walked, camera(), None, 0)
    true = walking()[:, :3, :3]
    apart = Rotation.from_matrix((true[0].T @ true).transpose(0, 2, 1) @ (chain.R[0].T @ chain.R)).magnitude()
    assert np.degrees(apart).max() < 0.4
    assert chain.parallax > 1.0


def test_a_turn_alone_has_no_parallax(turned):
    assert find_rotations(turned, camera(), None, 0).parallax < 0.1


def test_backwards_in_time_the_turns_go_back(turned):
    there = find_rotations(turned, camera(), None, 0).R
    back = find_rotations(Video(turned.frames[::-1].copy(), 8.0), camera(), None, 0).R[::-1]
    np.testing.assert_allclose(back[0].T @ back[-1], there[0].T @ there[-1], atol=2e-3)


def test_a_known_turn_between_bearings_survives_outliers():
    rng = np.random.default_rng(1)
    a = rng.normal(size=(60, 3)) * [1, 1, 0.2] + [0, 0, 2]
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    R = Rotation.from_rotvec([1.0, -6.0, 3.0], degrees=True).as_matrix()
    b = a @ R.T
    b[:18] = b[rng.permutation(18)]
    (turn,) = turns_between([Shared(a, b, np.random.default_rng(0))], noise=0.002, pure_share=0.9)
    assert turn is not None
    assert turn.is_pure
    np.testing.assert_allclose(turn.R, R, atol=1e-6)


def test_with_translation_the_turn_is_that_of_the_essential_matrix():
    rng = np.random.default_rng(2)
    points = rng.uniform([-2, -2, 2], [2, 2, 5], (80, 3))
    R, t = Rotation.from_rotvec([0.5, 4.0, -1.0], degrees=True).as_matrix(), np.array([0.3, 0.05, 0.2])
    a, b = points, points @ R.T + t
    a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b))
    (turn,) = turns_between([Shared(a, b, np.random.default_rng(0))], noise=0.002, pure_share=0.9)
    assert turn is not None
    assert not turn.is_pure
    np.testing.assert_allclose(turn.R, R, atol=1e-5)


def walking_pair(seed, points):
    """Bearings of points before and after a turn and a step, with noise, and the turn."""
    rng = np.random.default_rng(seed)
    before = rng.uniform([-2, -2, 2], [2, 2, 5], (points, 3))
    R = Rotation.from_rotvec(rng.normal(0, 3, 3), degrees=True).as_matrix()
    a, b = before, before @ R.T + rng.normal(0, 0.2, 3)
    a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b))
    return a, b + rng.normal(0, 5e-4, b.shape), R


def test_a_descent_ends_at_the_turn_also_beside_other_descents():
    pairs = [walking_pair(seed, 60 + 7 * seed) for seed in range(20)]  # more than one stack, of unequal lengths
    nudge = Rotation.from_rotvec([0.5, -0.5, 0.5], degrees=True).as_matrix()
    starts = [Start(nudge @ R, a, b) for a, b, R in pairs]
    for start, end, (_, _, R) in zip(starts, descend(starts, noise=5e-4), pairs, strict=True):
        deviations = Rotation.from_matrix(end.R @ R.T).as_rotvec() @ np.linalg.cholesky(end.information)
        assert np.abs(deviations).max() < 5  # standard deviations
        (alone,) = descend([start], noise=5e-4)
        np.testing.assert_allclose(end.R, alone.R, rtol=0, atol=1e-8)
        np.testing.assert_allclose(end.distance, alone.distance, rtol=0, atol=1e-8)
        assert end.cost == pytest.approx(alone.cost, rel=1e-6)


def test_a_turn_does_not_depend_on_the_pairs_beside_it():
    shared = [Shared(*walking_pair(seed, 50 + seed)[:2], np.random.default_rng(seed)) for seed in range(6)]
    few = Shared(shared[0].a[:5], shared[0].b[:5], np.random.default_rng(0))
    *together, none = turns_between([*shared, few], noise=5e-4, pure_share=0.9)
    assert none is None
    for k, (pair, turn) in enumerate(zip(shared, together, strict=True)):
        (alone,) = turns_between([pair._replace(rng=np.random.default_rng(k))], noise=5e-4, pure_share=0.9)
        assert alone is not None
        assert turn is not None
        np.testing.assert_allclose(turn.R, alone.R, rtol=0, atol=1e-8)


def test_an_average_agrees_with_turns_that_agree_and_outvotes_one_that_does_not():
    true = Rotation.from_rotvec(np.radians([[0, 3 * k, k] for k in range(6)])).as_matrix()
    sure = 1e6 * np.eye(3)
    turns = {(i, j): Turn(true[j].T @ true[i], sure, True, 0.0) for i in range(6) for j in range(i + 1, 6) if j - i < 4}
    turns[1, 2] = Turn(np.eye(3), sure, True, 0.0)
    linked = linked_frames(6, turns)
    assert linked.all()
    R = average_rotations(linked, turns)
    np.testing.assert_allclose(R[0].T @ R, true[0].T @ true, atol=1e-3)


def test_frames_that_no_turn_leads_to_are_not_linked():
    turn = Turn(np.eye(3), np.eye(3), True, 0.0)
    assert linked_frames(5, {(0, 1): turn, (2, 3): turn, (3, 4): turn}).tolist() == [False, False, True, True, True]
    assert not linked_frames(3, {}).any()


def test_the_same_video_gives_the_same_bytes(walked):
    first, second = (CHAIN.load("cpu").camera(walked, camera()) for _ in range(2))
    assert first.T_world_camera.tobytes() == second.T_world_camera.tobytes()


def test_a_still_video_has_the_identity_and_no_positions(turned):
    path = CHAIN.load("cpu").camera(Video(turned.frames[:1].repeat(6, axis=0), 8.0), camera())
    assert path.status == "rotation_only"
    np.testing.assert_allclose(path.T_world_camera, np.tile(np.eye(4), (6, 1, 1)), atol=1e-6)


NOISE = np.random.default_rng(3).integers(0, 256, (6, 160, 160, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        (np.zeros((6, 160, 160, 3), np.uint8), "black or of one colour"),
        (np.full((6, 160, 160, 3), 200, np.uint8), "black or of one colour"),
        (NOISE[:1], "1 frame; two are needed"),
        (NOISE, "lost track"),
    ],
)
def test_what_cannot_be_followed_has_failed_with_a_reason(frames, reason):
    path = CHAIN.load("cpu").camera(Video(frames, 8.0), camera())
    assert path.status == "failed"
    assert reason in path.reason
    assert not path.registered.any()


def test_a_cut_in_the_middle_is_told(turned):
    frames = np.concatenate([turned.frames[:9], NOISE[:3]])
    path = CHAIN.load("cpu").camera(Video(frames, 8.0), camera())
    assert path.status == "rotation_only"
    assert path.registered.tolist() == [True] * 9 + [False] * 3
    assert "lost track of 3 of 12 frames" in path.reason


def test_masked_pixels_are_not_followed(turned):
    # The upper half shows another world, which stands still; the mask takes it away.
    frames = turned.frames.copy()
    frames[:, :96] = NOISE[0, :96]
    mask = np.zeros(frames.shape[:3], bool)
    mask[:, :96] = True
    assert angles(find_rotations(Video(frames, 8.0), camera(), None, 0).R)[-1] < 2
    assert angles(find_rotations(Video(frames, 8.0), camera(), mask, 0).R)[-1] == pytest.approx(22, abs=0.3)


def test_palms_without_a_mask_are_discs():
    palms = np.full((2, 2, 2), np.nan)
    palms[0, 1] = 30.0, 10.0
    palms[1, 0] = 10.0, 10.0  # not visible: its score is below the threshold
    found = HandDetections(np.array([[0.0, 0.9], [0.2, 0.0]]), palms, 0.5)
    mask = palm_discs(found, 40, 60)
    assert mask[0, 10, 30]
    assert mask[0].sum() == pytest.approx(np.pi * 6**2, rel=0.1)
    assert not mask[1].any()


@pytest.mark.parametrize("wrong", [camera(64), Camera(np.diag([np.nan, 80, 1]), 160, 160, np.eye(4))])
def test_a_camera_that_cannot_be_the_videos_is_refused(turned, wrong):
    with pytest.raises(BadInputError) as refusal:
        CHAIN.load("cpu").camera(turned, wrong)
    assert refusal.value.code == "camera-form"


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr("egobench.estimators.optional.OPENCV", ("opencv-not-there",))
    with pytest.raises(BadInputError, match=r"pip install 'egobench\[slam\]'") as refusal:
        CHAIN.protocol()
    assert refusal.value.code == "extra-missing"


def test_an_estimator_that_sees_no_hands_is_refused_as_mask():
    with pytest.raises(BadInputError, match="does not see hands"):
        RotationChain(hands="rotation-chain").protocol()
