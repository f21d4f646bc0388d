"""Guidance as a weighted list, what each mode gives back untouched, and what a sample does not depend on."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from egotwin_ref.model.diffusion import LAST, Schedule
from egotwin_ref.model.network import EgoTwin
from egotwin_ref.model.sampling import TABLE, Given, Guidance, Term, sample, terms, with_first

SCHEDULE = Schedule.cogvideox()
STRONG = Guidance(text=6.0, partner=2.0)
CLIPS = 3


@pytest.fixture(scope="session")
def given(inputs) -> Callable[..., Given]:
    """Makes random conditions for a network."""

    def make(model: EgoTwin, clips: int = CLIPS) -> Given:
        all_of = inputs(model, batch=CLIPS)
        video = all_of["video"][:clips, :, : model.config.video_channels]
        text = all_of["text"][:clips]
        return Given(text, torch.zeros_like(text), video, all_of["motion"][:clips])

    return make


def counted(model: EgoTwin) -> list[dict]:
    """Arguments of all calls of the network from now on."""
    calls = []
    model.register_forward_pre_hook(
        lambda module, args, kwargs: calls.append({"args": args, **kwargs}), with_kwargs=True
    )
    return calls


@pytest.mark.parametrize("mode", TABLE)
@pytest.mark.parametrize("timesteps", ["async", "sync"])
def test_weights_add_up_to_one(mode, timesteps):
    for guidance in (Guidance(), Guidance(6.0, 2.0), Guidance(0.3, 7.5)):
        for part in ("video", "motion"):
            assert sum(terms(part, mode, timesteps, guidance).values()) == pytest.approx(1.0)


def test_the_weights_are_those_of_the_papers_equation():
    assert terms("video", "tm2v", "async", STRONG) == {
        Term(False, "unknown"): -5.0,  # 1 - w_t
        Term(True, "unknown"): 4.0,  # w_t - w_m
        Term(True, "clean"): 2.0,  # w_m
    }
    assert terms("motion", "t2vm", "sync", STRONG) == {Term(False, "now"): -5.0, Term(True, "now"): 6.0}


@pytest.mark.parametrize("mode", TABLE)
def test_guidance_of_one_is_the_conditional_call_alone(mode):
    for part in ("video", "motion"):
        assert list(terms(part, mode, "async", Guidance(1.0, 1.0)).values()) == [1.0]


@pytest.mark.parametrize(
    ("mode", "variant", "evaluations"),
    [
        ("t2vm", "egotwin", 5),
        ("tm2v", "egotwin", 3),
        ("tv2m", "egotwin", 3),
        ("t2vm", "wo-ad", 2),
        ("tm2v", "wo-ad", 2),
    ],
)
def test_a_guided_step_takes_the_counted_evaluations(network, given, mode, variant, evaluations):
    model = network(variant)
    calls = counted(model)
    sample(model, SCHEDULE, given(model), [0, 1, 2], mode=mode, steps=2, guidance=STRONG)
    assert len(calls) == 2 * evaluations


def test_evaluations_show_what_the_table_says(network, given):
    model = network()
    calls, start = counted(model), given(model)
    sample(model, SCHEDULE, start, [0, 1, 2], mode="tm2v", steps=1, guidance=STRONG)
    seen = set()
    for call in calls:
        text, video, motion, t_video, t_motion = call["args"]
        assert call["predict"] == ("video",)
        assert torch.equal(video[:, 0], start.video[:, 0])
        assert torch.equal(motion[:, 0], start.motion[:, 0])  # also where the motion is unknown
        assert torch.equal(motion, start.motion) == (int(t_motion[0]) == 0)
        seen.add((bool(text.any()), int(t_video[0]), int(t_motion[0])))
    assert seen == {(False, LAST, LAST), (True, LAST, LAST), (True, LAST, 0)}


def test_an_unguided_step_is_the_networks_own_answer(network, given):
    model = network()
    start = given(model)
    video, motion = sample(model, SCHEDULE, start, [0, 1, 2], steps=1)
    rows = [torch.Generator().manual_seed(seed) for seed in range(3)]
    noise = [(torch.randn(4, 3, 4, 4, generator=g), torch.randn(7, 6, generator=g)) for g in rows]
    noise_video, noise_motion = (torch.stack(parts) for parts in zip(*noise, strict=True))
    xv = with_first("video", noise_video, start.video, model)
    xm = with_first("motion", noise_motion, start.motion, model)
    t = torch.full((CLIPS,), LAST)
    with torch.no_grad():
        found = model(start.text, xv, xm, t, t)
    torch.testing.assert_close(video[:, 1:], -found.video[:, 1:])  # x_0 = -v where ᾱ = 0
    torch.testing.assert_close(motion[:, 1:], -found.motion[:, 1:])


@pytest.mark.parametrize("sampler", ["ddim", "dpm++"])
@pytest.mark.parametrize("variant", ["egotwin", "wo-ad", "vidmld"])
def test_what_was_given_comes_back_bit_for_bit(network, given, variant, sampler):
    model = network(variant)
    start = given(model)
    found = {
        mode: sample(model, SCHEDULE, start, [0, 1, 2], mode=mode, steps=3, sampler=sampler, guidance=STRONG)
        for mode in TABLE
    }
    assert torch.equal(found["tm2v"][1], start.motion)
    assert torch.equal(found["tv2m"][0], start.video)
    for mode, (video, motion) in found.items():
        assert torch.equal(video[:, 0], start.video[:, 0])
        assert torch.equal(motion[:, 0], start.motion[:, 0])
        assert mode == "tv2m" or not torch.equal(video, start.video)
        assert mode == "tm2v" or not torch.equal(motion, start.motion)


@pytest.mark.parametrize("mode", TABLE)
def test_a_sample_depends_on_its_seed_and_not_on_its_company(network, given, mode):
    model = network()
    start = given(model)
    together = sample(model, SCHEDULE, start, [7, 8, 9], mode=mode, steps=3, guidance=STRONG)
    order = [2, 0, 1]
    turned = Given(*(getattr(start, name)[order] for name in ("text", "empty", "video", "motion")))
    shuffled = sample(model, SCHEDULE, turned, [9, 7, 8], mode=mode, steps=3, guidance=STRONG)
    alone = sample(model, SCHEDULE, given(model, clips=1), [7], mode=mode, steps=3, guidance=STRONG)
    other = sample(model, SCHEDULE, start, [7, 8, 10], mode=mode, steps=3, guidance=STRONG)
    for part in (0, 1):
        torch.testing.assert_close(shuffled[part], together[part][order], atol=1e-4, rtol=1e-5)
        torch.testing.assert_close(alone[part], together[part][:1], atol=1e-4, rtol=1e-5)
        torch.testing.assert_close(other[part][:2], together[part][:2], atol=1e-4, rtol=1e-5)
    made = 1 if mode == "tv2m" else 0
    assert not torch.allclose(other[made][2], together[made][2], atol=0.01)


def test_motion_from_video_needs_the_lower_half_alone(network, given):
    model = network()
    start = given(model)
    half = sample(model, SCHEDULE, start, [0, 1, 2], mode="tv2m", steps=3)
    whole, used = network(), []
    for block in whole.blocks:
        block.register_forward_hook(lambda module, args, out: used.append(module))
    forward = whole.forward
    whole.forward = lambda *args, predict=(), **kwargs: forward(*args, **kwargs)  # the upper half as well
    assert torch.equal(half[1], sample(whole, SCHEDULE, start, [0, 1, 2], mode="tv2m", steps=3)[1])
    assert len(used) == 3 * 4
    used.clear()
    whole.forward = forward
    sample(whole, SCHEDULE, start, [0, 1, 2], mode="tv2m", steps=3)
    assert len(used) == 3 * 2


def test_without_guidance_two_timesteps_that_are_equal_are_one(network, given):
    asynchronous, synchronous = network("egotwin"), network("wo-ad")
    start = given(asynchronous)
    for ours, theirs in zip(
        sample(asynchronous, SCHEDULE, start, [0, 1, 2], steps=4),
        sample(synchronous, SCHEDULE, start, [0, 1, 2], steps=4),
        strict=True,
    ):
        assert torch.equal(ours, theirs)


def test_a_row_with_one_timestep_is_shown_the_given_motion_as_noisy_as_the_video(network, given):
    model = network("wo-ad")
    calls, start = counted(model), given(model)
    sample(model, SCHEDULE, start, [0, 1, 2], mode="tm2v", steps=4)
    for call in calls:
        _, _, motion, t_video, t_motion = call["args"]
        assert torch.equal(t_video, t_motion)
        assert not torch.allclose(motion[:, 1:], start.motion[:, 1:], atol=0.01)


def test_a_first_frame_beside_all_frames_stays_out_of_the_latents(network, given):
    model = network(first_frame="concat")
    start = given(model)
    beside = with_first("video", torch.ones_like(start.video), start.video, model)
    assert torch.equal(beside[:, :, :3], torch.ones_like(start.video))
    assert torch.equal(beside[:, 0, 3:], start.video[:, 0])
    assert not beside[:, 1:, 3:].any()
    video, motion = sample(model, SCHEDULE, start, [0, 1, 2], steps=2)
    assert not torch.equal(video[:, 0], start.video[:, 0])  # frame 0 is made like the others
    assert torch.equal(motion[:, 0], start.motion[:, 0])


def test_what_is_not_given_may_hold_anything(network, given):
    model = network()
    start = given(model)
    hidden = replace(start, video=start.video.clone(), motion=start.motion.clone())
    hidden.video[:, 1:], hidden.motion[:, 1:] = torch.nan, torch.nan
    for ours, theirs in zip(
        sample(model, SCHEDULE, start, [0, 1, 2], steps=2, guidance=STRONG),
        sample(model, SCHEDULE, hidden, [0, 1, 2], steps=2, guidance=STRONG),
        strict=True,
    ):
        assert torch.equal(ours, theirs)


def test_wrong_numbers_of_seeds_and_steps_are_refused(network, given):
    model = network()
    with pytest.raises(ValueError, match="one seed per clip is needed: there are 3 clips and 2 seeds"):
        sample(model, SCHEDULE, given(model), [0, 1])
    with pytest.raises(ValueError, match="1 to 1000 steps, not 0"):
        sample(model, SCHEDULE, given(model), [0, 1, 2], steps=0)
