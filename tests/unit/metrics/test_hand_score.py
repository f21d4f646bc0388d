"""HandScore: four frames by hand, what does and does not move it, scikit-learn, what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from egobench.errors import BadInputError, Undefined
from egobench.geometry.border import motion_arrays
from egobench.geometry.palms import motion_frames_of, palm_points, palms_travel, view_palms
from egobench.geometry.skeleton import KIT21, XSENS23
from egobench.metrics.hand_score import HandScore
from egobench.types import Camera, HandDetections, Motion

SIZE, DEPTH = 100, 0.5
HEAD = np.array([0.0, 0.0, 1.6])
AXES = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
"""Camera right, down, forward in the head's frame: it looks straight ahead."""
LEVER = np.array([0.1, 0.0, 0.05])
AWAY = (np.nan, np.nan)


def make_camera():
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = AXES, LEVER
    return Camera(np.array([[50.0, 0, 50], [0, 50, 50], [0, 0, 1]]), SIZE, SIZE, T)


def body(standing, pixels, depth=DEPTH):
    """A person whose palms project to given pixels (frame, side, 2); NaN is behind the back."""
    motion = standing(2 * len(pixels) - 1)
    positions = motion.positions + (HEAD - motion.positions[0, XSENS23.index("head")])
    for k in range(len(positions)):
        for side, name in enumerate(("left_hand", "right_hand")):
            pixel = np.array(pixels[k // 2][side])
            at = np.array([-0.4, 0, 0]) if np.isnan(pixel).any() else AXES @ (np.append((pixel - 50) / 50, 1) * depth)
            palm = HEAD + LEVER + at
            positions[k, XSENS23.index(name)] = palm - 0.08 * np.array(XSENS23.palm_direction[name])
    return replace(motion, positions=positions)


def found(scores, palms=None):
    scores = np.array(scores, dtype=float)
    return HandDetections(scores, np.full((*scores.shape, 2), np.nan) if palms is None else np.array(palms), 0.5)


def inputs_of(hands, motions, references):
    return {"hands": hands, "motion": motions, "camera": [make_camera()] * len(hands), "reference": references}


def score_of(hands, motions, draws=0, groups=None, seed=0, references=None):
    groups = np.arange(len(hands)) if groups is None else groups
    inputs = inputs_of(hands, motions, motions if references is None else references)
    return HandScore().score(inputs, [f"c{k}" for k in range(len(hands))], groups, draws=draws, seed=seed)


def by_hand(standing):
    """Frame by frame: both in the picture; left in, right behind; left on the border, right far out; left in, right
    just outside."""
    return body(standing, [[(30, 60), (70, 60)], [(30, 60), AWAY], [(3, 50), (120, 50)], [(50, 50), (50, 104)]])


def test_four_frames_by_hand(standing):
    # left: hit, miss, ignored (3 px of 100 inside), hit; right: hit, false alarm, right silence, ignored.
    hands = found([[0.9, 0.5], [0.4, 0.6], [0.9, 0.0], [0.8, 0.9]])
    score = score_of([hands], [by_hand(standing)])
    assert score.value == pytest.approx(2 * 3 / (2 * 3 + 1 + 1))
    detail = score.detail
    named = ("true_positive", "false_positive", "false_negative", "true_negative")
    assert [detail[name] for name in named] == [3, 1, 1, 1]
    assert (detail["precision"], detail["recall"], detail["prevalence"]) == pytest.approx((3 / 4, 3 / 4, 4 / 6))
    assert detail["mcc"] == pytest.approx((3 * 1 - 1 * 1) / np.sqrt(4 * 4 * 2 * 2))
    assert detail["ignored"] == pytest.approx(2 / 8)
    assert detail["nulls"] == {"always": pytest.approx(2 * 4 / (2 * 4 + 2)), "never": 0.0}
    assert detail["sides"]["left"]["f1"] == pytest.approx(2 * 2 / (2 * 2 + 0 + 1))
    assert detail["sides"]["right"]["f1"] == pytest.approx(2 * 1 / (2 * 1 + 1 + 0))
    # any hand: hit; hit (the false alarm of the right side covers for the left); ignored; hit.
    assert detail["any_hand"]["f1"] == 1.0
    assert detail["any_hand"]["true_positive"] == 3
    assert (detail["distance_percent_of_diagonal"], detail["located_hits"]) == (None, 0)


def test_the_palm_is_8_cm_beyond_the_wrist_along_the_hand_whatever_the_skeleton(standing):
    motion = standing(1)
    left, right = palm_points(motion_arrays(motion))[0]
    wrists = [motion.positions[0, XSENS23.index(f"{side}_hand")] for side in ("left", "right")]
    assert left - wrists[0] == pytest.approx([0, 0.08, 0])
    assert right - wrists[1] == pytest.approx([0, -0.08, 0])
    arrays = motion_arrays(motion)
    silent = arrays._replace(skeleton=replace(XSENS23, palm_direction={}))  # goes on along the forearm
    assert palm_points(silent)[0] == pytest.approx(np.stack([left, right]))
    assert all(f"{side}_hand" in KIT21.joints for side in ("left", "right"))


def test_projection_by_hand_and_nearer_than_5_cm_is_not_in_front(standing):
    view = view_palms(motion_arrays(body(standing, [[(30, 60), (70, 20)]])), make_camera())
    assert view.pixels[0] == pytest.approx(np.array([(30, 60), (70, 20)]))
    for depth, visible in ((0.049, False), (0.051, True)):
        view = view_palms(motion_arrays(body(standing, [[(30, 60), (70, 20)]], depth)), make_camera())
        assert view.visible.tolist() == [[visible, visible]]
        assert not view.ignored.any()


@pytest.mark.parametrize(
    ("pixel", "visible", "ignored"),
    [((5.1, 50), True, False), ((4.9, 50), False, True), ((50, -4.9), False, True), ((50, -5.1), False, False)],
)
def test_the_band_lies_to_both_sides_of_the_border(standing, pixel, visible, ignored):
    view = view_palms(motion_arrays(body(standing, [[pixel, AWAY]])), make_camera())
    assert (view.visible[0, 0], view.ignored[0, 0]) == (visible, ignored)


def test_a_hit_that_lies_3_and_4_pixels_off_is_5_of_141_off(standing):
    hands = found([[0.9, 0.9]], [[(33, 64), (np.nan, np.nan)]])
    detail = score_of([hands], [body(standing, [[(30, 60), (70, 60)]])]).detail
    assert detail["distance_percent_of_diagonal"] == pytest.approx(100 * 5 / np.hypot(SIZE, SIZE))
    assert detail["located_hits"] == 1


@pytest.mark.parametrize(
    ("video", "motion", "expected"),
    [(5, 9, [0, 2, 4, 6, 8]), (4, 8, [0, 2, 4, 6]), (3, 3, [0, 1, 2]), (3, 4, [0, 2, 3]), (5, 3, [0, 1, 1, 2, 2])],
)
def test_motion_frames_at_the_times_of_video_frames(video, motion, expected):
    assert motion_frames_of(video, motion).tolist() == expected


def test_where_the_body_is_and_faces_does_not_enter(standing, moved):
    hands = found([[0.9, 0.5], [0.4, 0.6], [0.9, 0.0], [0.8, 0.9]])
    here, there = by_hand(standing), moved(by_hand(standing), yaw=1.1, shift=(3.0, -2.0, 0.5))
    assert score_of([hands], [there]).detail == score_of([hands], [here]).detail


HELD, LIFTED = [[AWAY, AWAY]] * 4, [[AWAY, AWAY], [(30, 60), AWAY], [(50, 60), AWAY], [(60, 60), AWAY]]


def test_a_still_body_is_held_against_its_reference_by_hand(standing):
    # the reference shows its left palm in three of four frames; the frozen video in none, which fits the frozen body.
    # pooled with a clip of one hit, frozen scores 2 * 1 / (2 * 1 + 3)
    hit = body(standing, [[(30, 60), AWAY], [(60, 60), AWAY]])
    hands = [found(np.zeros((4, 2))), found([[1, 0], [1, 0]])]
    frozen = score_of(hands, [body(standing, HELD), hit], references=[body(standing, LIFTED), hit])
    assert (frozen.value, frozen.detail["still"]) == (pytest.approx(4 / 7), 1)
    assert frozen.detail["reference_prevalence"] == pytest.approx((3 / 8 + 2 / 4) / 2)
    inputs = inputs_of(hands, [body(standing, HELD), hit], [body(standing, LIFTED), hit])
    assert [terms.tolist() for terms in HandScore().terms(inputs, ["a", "b"])] == [[0.0, 4.0], [3.0, 4.0]]


def test_a_body_that_should_stand_still_is_not_still(standing):
    calm = body(standing, [[(50, 50), AWAY]] * 4)
    score = score_of([found([[1, 0]] * 4)], [calm], references=[calm])
    assert (score.value, score.detail["still"]) == (1.0, 0)


def test_standing_still_never_pays(standing):
    # the frozen video errs against its own body more often than against the reference: its own errors stay
    lifted, hands = body(standing, LIFTED), found([[1, 0]] * 4)
    frozen = score_of([hands, hands], [body(standing, HELD), lifted], references=[lifted, lifted])
    assert frozen.detail["false_positive"] == 4 + 1


def test_a_body_that_moves_is_held_against_itself_alone(standing):
    own, other = body(standing, LIFTED), body(standing, [[AWAY, AWAY], [AWAY, (70, 60)], [AWAY, AWAY], [AWAY, AWAY]])
    hands = found([[0, 0], [1, 0], [1, 0], [1, 0]])
    assert score_of([hands], [own], references=[other]).value == 1.0


def test_how_far_a_palm_travels_does_not_hang_on_where_the_body_goes(standing, moved):
    there = palms_travel(motion_arrays(moved(body(standing, LIFTED), yaw=0.7, shift=(2.0, 1.0, 0.0))), make_camera())
    assert there == pytest.approx(palms_travel(motion_arrays(body(standing, LIFTED)), make_camera()), abs=1e-6)
    assert palms_travel(motion_arrays(body(standing, [[(50, 50), (60, 50)]] * 3)), make_camera()) < 1e-6
    # 50 px of focal length, 0.5 m ahead: 20 px are 0.2 m
    moving = motion_arrays(body(standing, [[(30, 60), (50, 50)], [(50, 60), (50, 50)]]))
    assert palms_travel(moving, make_camera()) == pytest.approx(0.2, abs=1e-6)


def test_swapped_hands_collapse_the_sides_but_not_any_hand(standing):
    motion = body(standing, [[(30, 60), AWAY]] * 3 + [[AWAY, AWAY]])
    hands = found([[1, 0]] * 3 + [[0, 0]])
    right, wrong = (score_of([each], [motion]) for each in (hands, replace(hands, scores=hands.scores[:, ::-1])))
    assert (right.value, wrong.value) == (1.0, 0.0)
    assert (right.detail["mcc"], wrong.detail["mcc"]) == (1.0, pytest.approx(-0.6))
    assert right.detail["any_hand"] == wrong.detail["any_hand"]


def test_clips_are_pooled_and_their_order_does_not_matter(standing):
    rng = np.random.default_rng(3)
    hands = [found(rng.random((4, 2))) for _ in range(6)]
    motions = [by_hand(standing)] * 6
    score = score_of(hands, motions, draws=300, groups=np.array([0, 0, 1, 1, 2, 2]))
    assert score.ci95[0] <= score.value <= score.ci95[1]
    turned = score_of(hands[::-1], motions, draws=300, groups=np.array([2, 2, 1, 1, 0, 0]))
    assert (turned.value, turned.ci95) == (score.value, score.ci95)
    assert score_of(hands, motions, draws=50, groups=np.zeros(6, dtype=int)).ci95 is None


def test_agrees_with_scikit_learn(standing):
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(5)
    pixels = [[(50, 50) if rng.random() < 0.6 else AWAY for _ in range(2)] for _ in range(40)]
    scores = rng.random((40, 2))
    truth = np.array([[not np.isnan(pixel[0]) for pixel in row] for row in pixels]).ravel()
    score = score_of([found(scores)], [body(standing, pixels)])
    said = (scores >= 0.5).ravel()
    assert score.value == pytest.approx(metrics.f1_score(truth, said), rel=1e-12)
    assert score.detail["mcc"] == pytest.approx(metrics.matthews_corrcoef(truth, said), rel=1e-12)
    assert score.detail["precision"] == pytest.approx(metrics.precision_score(truth, said), rel=1e-12)
    assert score.detail["recall"] == pytest.approx(metrics.recall_score(truth, said), rel=1e-12)


def test_no_palm_in_any_picture_is_undefined_and_not_zero(standing):
    with pytest.raises(Undefined, match="no palm is in the picture in any of 4 decided"):
        score_of([found([[1, 1], [0, 0]])], [body(standing, [[AWAY, AWAY]] * 2)])


def test_rubbish_is_refused_with_its_code(standing):
    motion = by_hand(standing)
    good = found(np.zeros((4, 2)))
    for hands, body_, code in (
        (replace(good, scores=good.scores * np.nan), motion, "hands-nonfinite"),
        (replace(good, palms=good.palms[:3]), motion, "hands-shape"),
        (good, Motion(motion.positions * np.nan, motion.rotations, motion.fps), "motion-nonfinite"),
    ):
        with pytest.raises(BadInputError) as caught:
            score_of([hands], [body_])
        assert caught.value.code == code
