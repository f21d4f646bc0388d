"""The border: sound motions and videos pass unchanged, broken ones are refused with code, place and remedy."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from egobench.errors import BadInputError
from egobench.geometry.border import check_motion, check_video
from egobench.types import Video


def refusal(check, *args, **options):
    with pytest.raises(BadInputError) as caught:
        check(*args, **options)
    return caught.value.code, str(caught.value)


def changed(motion, field, where, value):
    array = getattr(motion, field).copy()
    array[where] = value
    return replace(motion, **{field: array})


def test_a_sound_motion_comes_back_as_a_float64_copy_with_its_rotations_as_given(swaying):
    motion = swaying()
    single = replace(motion, positions=motion.positions.astype("f4"), rotations=motion.rotations.astype("f4"))
    back = check_motion(single, frames=81, fps=16)
    assert back.positions.dtype == back.rotations.dtype == np.float64
    np.testing.assert_array_equal(back.rotations, single.rotations)
    np.testing.assert_array_equal(back.positions, single.positions)
    again = check_motion(motion)
    assert not np.shares_memory(again.positions, motion.positions)


def test_the_first_bad_frame_and_joint_are_named(standing):
    motion = changed(standing(), "positions", (12, 6, 1), np.nan)
    code, message = refusal(check_motion, motion)
    assert code == "motion-nonfinite"
    assert "frame 12, joint head" in message
    code, message = refusal(check_motion, changed(standing(), "rotations", (3, 22, 0, 0), np.inf))
    assert (code, "frame 3, joint left_toe" in message) == ("motion-nonfinite", True)


@pytest.mark.parametrize(
    ("entry", "word"), [(1.01, "orthonormal"), (0.0, "orthonormal"), (1e300, "orthonormal"), (-1.0, "mirror")]
)
def test_matrices_that_are_no_rotations_are_refused(standing, entry, word):
    code, message = refusal(check_motion, changed(standing(), "rotations", (5, 4, 0, 0), entry))
    assert code == "motion-rotation"
    assert word in message
    assert "frame 5, joint t8" in message


def test_rounding_to_half_precision_is_tolerated(swaying):
    motion = swaying()
    check_motion(replace(motion, rotations=motion.rotations.astype("f2").astype("f4")))


@pytest.mark.parametrize(
    ("scale", "word"), [(1000, "millimetres"), (100, "centimetres"), (39.37, "inches"), (3.281, "feet")]
)
def test_other_units_are_guessed(standing, scale, word):
    motion = standing()
    code, message = refusal(check_motion, replace(motion, positions=motion.positions * scale))
    assert code == "motion-units"
    assert f"looks like {word}" in message


def test_a_child_of_three_a_collapsed_body_and_a_far_one_are_refused(standing):
    motion = standing()
    for positions in (motion.positions * 0.5, motion.positions * 0, motion.positions + 1e6, motion.positions + 1e300):
        assert refusal(check_motion, replace(motion, positions=positions))[0] == "motion-units"


def test_shapes_lengths_rates_and_skeletons_are_checked(standing):
    motion = standing()
    cases = [
        (replace(motion, positions=motion.positions[0]), {}, "motion-shape", "(23, 3)"),
        (replace(motion, positions=motion.positions[:0], rotations=motion.rotations[:0]), {}, "motion-shape", "T ≥ 1"),
        (replace(motion, rotations=motion.rotations[:-1]), {}, "motion-shape", "(81, 23, 3, 3)"),
        (replace(motion, positions=motion.positions.astype(object)), {}, "motion-shape", "object"),
        (replace(motion, positions=motion.positions.astype(complex)), {}, "motion-shape", "complex"),
        (
            replace(motion, positions=motion.positions[:, :22], rotations=motion.rotations[:, :22]),
            {},
            "motion-skeleton",
            "xsens23 has 23",
        ),
        (replace(motion, skeleton="xsens32"), {}, "motion-skeleton", "xsens23"),
        (motion, {"frames": 80}, "motion-frames", "81 frames; 80"),
        (motion, {"fps": 20}, "motion-rate", "16 frames per second; 20"),
        (replace(motion, fps=0.0), {}, "motion-rate", "positive"),
        (replace(motion, fps=float("nan")), {}, "motion-rate", "positive"),
    ]
    for broken, options, code, words in cases:
        found, message = refusal(check_motion, broken, **options)
        assert found == code
        assert words in message


def test_a_sound_video_comes_back_unchanged():
    video = Video(np.zeros((41, 64, 48, 3), np.uint8), 8.0)
    assert check_video(video, frames=41, fps=8, size=(64, 48)) is video


def test_frames_in_a_list_become_one_array_if_they_are_of_one_size():
    frames = [np.full((8, 6, 3), k, np.uint8) for k in range(4)]
    assert check_video(Video(frames, 8.0), frames=4).frames.shape == (4, 8, 6, 3)
    code, text = refusal(check_video, Video([*frames, np.zeros((8, 8, 3), np.uint8)], 8.0))
    assert code == "video-shape"
    assert "unequal shape: (8, 6, 3), (8, 8, 3)" in text


@pytest.mark.parametrize(
    ("frames", "fps", "options", "code", "words"),
    [
        (np.zeros((4, 8, 8, 3)), 8.0, {}, "video-dtype", "expected uint8 0…255"),
        (np.zeros((4, 8, 8), np.uint8), 8.0, {}, "video-shape", "(4, 8, 8)"),
        (np.zeros((4, 8, 8, 4), np.uint8), 8.0, {}, "video-shape", "(4, 8, 8, 4)"),
        (np.zeros((0, 8, 8, 3), np.uint8), 8.0, {}, "video-shape", "T ≥ 1"),
        (np.zeros((4, 8, 8, 3), np.uint8), 8.0, {"frames": 5}, "video-frames", "4 frames; 5"),
        (np.zeros((4, 8, 8, 3), np.uint8), 8.0, {"fps": 10.0}, "video-rate", "8.0 frames per second; 10"),
        (np.zeros((4, 8, 8, 3), np.uint8), float("inf"), {}, "video-rate", "positive"),
        (np.zeros((4, 8, 6, 3), np.uint8), 8.0, {"size": (6, 8)}, "video-size", "8 × 6 (height × width); 6 × 8"),
    ],
)
def test_broken_videos_are_refused(frames, fps, options, code, words):
    found, message = refusal(check_video, Video(frames, fps), **options)
    assert found == code
    assert words in message


class Rate:
    """A number as torch, or another library, holds it."""

    def __float__(self):
        return 16.0


@pytest.mark.parametrize("rate", [16, np.float32(16), np.array(16.0), Fraction(16), Rate()])
def test_a_rate_may_be_any_librarys_number(standing, rate):
    motion, video = check_motion(replace(standing(), fps=rate)), Video(np.zeros((2, 4, 4, 3), np.uint8), rate)
    assert (motion.fps, type(motion.fps)) == (16.0, float)
    assert (check_video(video).fps, isinstance(check_video(video).fps, float | int)) == (16.0, True)


@pytest.mark.parametrize("rate", [None, "16", True, 16j, [16.0, 16.0]])
def test_what_is_no_rate_is_named(standing, rate):
    with pytest.raises(BadInputError, match="frames per second are needed, as a number") as error:
        check_motion(replace(standing(), fps=rate))
    assert error.value.code == "motion-rate"
    with pytest.raises(BadInputError, match=type(rate).__name__) as error:
        check_video(Video(np.zeros((2, 4, 4, 3), np.uint8), rate))
    assert error.value.code == "video-rate"


def test_masked_values_are_refused_and_not_taken_from_under_the_mask(standing):
    motion = standing()
    positions = np.ma.array(motion.positions, mask=False)
    assert np.array_equal(check_motion(replace(motion, positions=positions)).positions, motion.positions)
    positions[1] = np.ma.masked
    with pytest.raises(BadInputError, match="69 values of the positions are masked") as error:
        check_motion(replace(motion, positions=positions))
    assert error.value.code == "motion-nonfinite"
    with pytest.raises(BadInputError, match="96 values of the frames are masked") as error:
        check_video(Video(np.ma.array(np.zeros((2, 4, 4, 3), np.uint8), mask=True), 8.0))
    assert error.value.code == "video-dtype"


class OnDevice:
    """A tensor that numpy cannot have, as one with a gradient or on a GPU."""

    def __array__(self, *_, **__):
        raise TypeError("can't convert cuda:0 device type tensor to numpy")


def test_tensors_that_numpy_cannot_have_and_ragged_lists_are_named(standing):
    for positions, word in ((OnDevice(), "cuda:0"), ([[1.0], [1.0, 2.0]], "inhomogeneous")):
        with pytest.raises(BadInputError, match=word) as error:
            check_motion(replace(standing(), positions=positions))
        assert error.value.code == "motion-shape"
    with pytest.raises(BadInputError, match=r"of this OnDevice .*cuda:0.*give a numpy array") as error:
        check_video(Video(OnDevice(), 8.0))
    assert error.value.code == "video-dtype"
