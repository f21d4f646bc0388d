"""CLIP similarity: by hand, what does not enter, torch as witness, undefined and refused inputs."""

import numpy as np
import pytest

from egobench.errors import BadInputError, Undefined
from egobench.metrics.clip_sim import ClipSim


def features(seed=0, frames=9, d=16):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(frames, d)), rng.normal(size=d)


def test_two_frames_by_hand_without_the_conditioning_frame():
    # text along x; frame 0 is not scored; cosines 0.6 and -1: mean -0.2
    frames = np.array([[1.0, 0], [3, 4], [-2, 0]])
    assert ClipSim()(frames=frames, text=np.array([5.0, 0])) == pytest.approx(-20.0)


def test_lengths_and_the_conditioning_frame_do_not_enter():
    frames, text = features()
    value = ClipSim()(frames=frames, text=text)
    frames[0] = 100.0
    assert ClipSim()(frames=frames * np.arange(1, 10)[:, None], text=7 * text) == pytest.approx(value)


def test_order_of_frames_does_not_enter_and_repetition_neither():
    frames, text = features()
    value = ClipSim()(frames=frames, text=text)
    assert ClipSim()(frames=frames[[0, *range(8, 0, -1)]], text=text) == pytest.approx(value)
    assert ClipSim()(frames=np.concatenate([frames, frames[1:]]), text=text) == pytest.approx(value)


def test_torch_agrees():
    torch = pytest.importorskip("torch")
    frames, text = features(1)
    theirs = torch.cosine_similarity(torch.from_numpy(frames[1:]), torch.from_numpy(text)[None]).mean()
    assert ClipSim()(frames=frames, text=text) == pytest.approx(100 * float(theirs))


def test_what_has_no_direction_is_undefined_and_named():
    frames, text = features()
    with pytest.raises(Undefined, match="text"):
        ClipSim()(frames=frames, text=0 * text)
    frames[4] = 0
    with pytest.raises(Undefined, match="frame 4"):
        ClipSim()(frames=frames, text=text)
    with pytest.raises(Undefined, match="conditioning"):
        ClipSim()(frames=frames[:1], text=text)


def test_features_of_two_extractors_or_of_nan_are_refused():
    frames, text = features()
    for broken, code in (((frames[:, :3], text), "dimension"), ((frames * np.nan, text), "nonfinite")):
        with pytest.raises(BadInputError) as caught:
            ClipSim()(frames=broken[0], text=broken[1])
        assert caught.value.code == f"features-{code}"


def test_the_preset_names_the_extractor_of_both_inputs():
    needs = ClipSim(preset="other").needs()
    assert {need.extractor for need in needs.values()} == {"other"}
    assert ClipSim(preset="other").record()["preset"] == "other"
