"""Frame 0 against the given first frame: which mistakes are named, and what is left alone."""

import numpy as np
import pytest

from egobench.data.open import open_split
from egobench.errors import BadInputError
from egobench.submissions.pictures import check_pictures, picture_notes

SPLIT = open_split("egomini-smoke")
TRUTH = {info.clip_id: SPLIT.clip(info.clip_id).reference.video.frames for info in SPLIT.infos()[:3]}
MISTAKES = {
    "BGR": ("video-bgr", "colours read as BGR", lambda f: f[..., ::-1]),
    "180": ("video-turned", "turned by 180°", lambda f: f[:, ::-1, ::-1]),
    "upside down": ("video-turned", "upside down", lambda f: f[:, ::-1]),
    "mirrored": ("video-turned", "mirrored left to right", lambda f: f[:, :, ::-1]),
    "clockwise": ("video-turned", "90° counterclockwise", lambda f: np.rot90(f, -1, axes=(1, 2))),
    "counterclockwise": ("video-turned", "90° clockwise", lambda f: np.rot90(f, 1, axes=(1, 2))),
    "late": ("video-late", "one frame later", lambda f: np.concatenate([np.zeros_like(f[:1]), f[:-1]])),
}


def noisy(frames, strength):
    noise = np.random.default_rng(0).normal(0, strength, frames.shape)
    return np.clip(frames + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("noise", [0, 6])
@pytest.mark.parametrize("name", MISTAKES)
def test_a_known_mistake_is_named_with_what_mends_it(name, noise):
    code, says, make = MISTAKES[name]
    for frames in TRUTH.values():
        with pytest.raises(BadInputError, match=says) as caught:
            check_pictures(noisy(make(frames), noise), frames[0])
        assert caught.value.code == code


def test_a_video_that_lacks_the_given_frame_is_named_where_the_recorded_one_is_known():
    for frames in TRUTH.values():
        early = np.concatenate([frames[1:], frames[-1:]])
        check_pictures(early, frames[0])
        with pytest.raises(BadInputError, match=r"frame 0 is the recorded video's frame 1: .* is missing") as caught:
            check_pictures(early, frames[0], frames[1])
        assert caught.value.code == "video-early"


@pytest.mark.parametrize("noise", [0, 6, 20])
def test_the_recorded_second_frame_accuses_no_other_video(noise):
    first, second, third = TRUTH.values()
    assert all(np.any(frames[0] != frames[1]) for frames in TRUTH.values())
    still = np.repeat(first[:1], len(first), axis=0)
    for frames in (first, still, second, third, (first + first[::-1]) // 2):
        check_pictures(noisy(frames, noise), first[0], first[1])
    check_pictures(first[1:], first[0], first[0])  # the recorded video stands still


@pytest.mark.parametrize("noise", [0, 6, 40])
def test_the_given_frame_coded_with_loss_is_left_alone(noise):
    for frames in TRUTH.values():
        check_pictures(noisy(frames, noise), frames[0])


def test_a_first_frame_of_the_models_own_is_left_alone():
    first, second, third = TRUTH.values()
    for frames in (second, third, 255 - first, noisy(np.zeros_like(first), 60), np.zeros_like(first)):
        check_pictures(frames, first[0])


def test_a_picture_that_looks_the_same_either_way_is_left_alone():
    grey = np.repeat(TRUTH["test-0001-0"][..., :1], 3, axis=-1)
    check_pictures(grey[..., ::-1], grey[0])
    both = np.concatenate([grey, grey[:, :, ::-1]], axis=2)
    check_pictures(both[:, :, ::-1], both[0])


def test_a_video_of_one_frame_and_one_that_is_not_square_are_looked_at():
    frames = TRUTH["test-0001-0"][:, :40]
    check_pictures(frames[:1], frames[0])
    with pytest.raises(BadInputError, match="mirrored"):
        check_pictures(frames[:1, :, ::-1], frames[0])


def test_what_no_filmed_video_is_has_a_note():
    frames = TRUTH["test-0001-0"]
    colours = np.broadcast_to(np.arange(len(frames), dtype=np.uint8)[:, None, None, None], frames.shape)
    assert picture_notes(frames) == []
    assert picture_notes(frames[:1]) == []
    assert [code for code, _ in picture_notes(0 * frames)] == ["video-black"]
    assert [code for code, _ in picture_notes(colours)] == ["video-constant"]
    assert [code for code, _ in picture_notes(np.repeat(frames[:1], 9, axis=0))] == ["video-frozen"]
