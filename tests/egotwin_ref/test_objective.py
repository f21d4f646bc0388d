"""The loss by hand, what it does not count, the shares of the draws, and what each stage trains."""

from dataclasses import replace

import pytest
import torch

from egotwin_ref.model.configs import VARIANTS
from egotwin_ref.model.diffusion import LAST, Schedule
from egotwin_ref.model.network import EgoTwin
from egotwin_ref.training.latents import Latents
from egotwin_ref.training.objective import DiffusionLoss, Draws, Times, weights_of_change

SCHEDULE = Schedule.cogvideox()
EVEN = Draws(moving=0.0, hands=0.0)
"""All places of a video count alike, all clips are drawn alike."""
NEVER = torch.zeros(2, dtype=torch.bool)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def loss_of(model: EgoTwin, batch: int = 4, **changes) -> DiffusionLoss:
    """Over 12 random clips."""
    latents = Latents(
        noise(12, 4, 3, 4, 4).bfloat16(),
        noise(12, 7, 6, seed=1).bfloat16(),
        noise(12, 5, 12, seed=2),
        torch.zeros(5, 12),
    )
    changes.setdefault("draws", EVEN)
    return DiffusionLoss(model, SCHEDULE, latents, batch, **changes)


def case(clips: int = 2) -> dict[str, torch.Tensor]:
    """Arguments of `at`, but for the times."""
    return {
        "text": noise(clips, 5, 12), "video": noise(clips, 4, 3, 4, 4, seed=1), "motion": noise(clips, 7, 6, seed=2),
        "noise_video": noise(clips, 4, 3, 4, 4, seed=3), "noise_motion": noise(clips, 7, 6, seed=4),
    }  # fmt: skip


def test_the_loss_by_hand(network):
    model, args = network(), case()
    times = Times(torch.tensor([200, 900]), torch.tensor([LAST, 50]), NEVER, NEVER)
    value, parts = loss_of(model).at(**args, times=times)
    bar = SCHEDULE.alphas_bar.float()
    shown, wanted = {}, {}
    for name, t in (("video", times.video), ("motion", times.motion)):
        x0, eps = args[name], args[f"noise_{name}"]
        signal, sigma = (part.view(2, *[1] * (x0.ndim - 1)) for part in (bar[t].sqrt(), (1 - bar[t]).sqrt()))
        shown[name] = signal * x0 + sigma * eps
        shown[name][:, 0] = x0[:, 0]
        wanted[name] = signal * eps - sigma * x0
    found = model(args["text"], shown["video"], shown["motion"], times.video, times.motion)
    by_hand = {name: (getattr(found, name) - wanted[name])[:, 1:].square().mean() for name in ("video", "motion")}
    for name, right in by_hand.items():
        torch.testing.assert_close(parts[name], right)
    torch.testing.assert_close(value, by_hand["video"] + by_hand["motion"])


def test_a_modality_that_is_given_is_shown_clean_and_not_counted(network):
    model, args = network(), case()
    seen = []
    model.register_forward_pre_hook(lambda module, given: seen.append(given))
    given = torch.tensor([True, False])
    times = Times(torch.tensor([300, 300]), torch.tensor([0, 300]), NEVER, given)
    _, parts = loss_of(model).at(**args, times=times)
    assert torch.equal(seen[0][2][0], args["motion"][0])
    assert not torch.allclose(seen[0][2][1, 1:], args["motion"][1, 1:], atol=0.1)
    second = {name: value[1:] for name, value in args.items()}
    alone = Times(torch.tensor([300]), torch.tensor([300]), NEVER[:1], NEVER[:1])
    torch.testing.assert_close(parts["motion"], loss_of(model).at(**second, times=alone)[1]["motion"])


def test_a_batch_in_which_all_is_given_costs_nothing_and_is_no_division_by_zero(network):
    times = Times(torch.zeros(2).long(), torch.tensor([5, 6]), ~NEVER, NEVER)
    value, parts = loss_of(network()).at(**case(), times=times)
    assert not parts["video"].any()
    assert bool(value.isfinite())


def test_first_frame_and_first_pose_are_not_counted(network):
    model, args = network(), case()
    times = Times(torch.tensor([200, 900]), torch.tensor([400, 50]), NEVER, NEVER)
    right, _ = loss_of(model).at(**args, times=times)
    for name in ("noise_video", "noise_motion"):
        args[name] = args[name].clone()
        args[name][:, 0] = 100.0
    assert torch.equal(loss_of(model).at(**args, times=times)[0], right)


def test_a_concatenated_first_frame_leaves_all_frames_to_be_predicted(network):
    model, args = network(first_frame="concat"), case()
    times = Times(torch.tensor([200, 900]), torch.tensor([400, 50]), NEVER, NEVER)
    right = loss_of(model).at(**args, times=times)[1]["video"]
    args["noise_video"][:, 0] += 1.0
    assert not torch.isclose(loss_of(model).at(**args, times=times)[1]["video"], right)


def test_draws_have_their_shares():
    count, draws = 100_000, Draws()
    times = Times.draw(count, VARIANTS["egotwin"], draws, torch.Generator().manual_seed(0))
    drawn = ~times.video_given & (times.video != LAST)
    shares = {
        "motion": times.motion_given, "video": times.video_given, "equal": times.video == times.motion,
        "no motion": times.motion == LAST, "no video": times.video == LAST, "first half": times.video[drawn] < 500,
    }  # fmt: skip
    found = {name: float(which.float().mean()) for name, which in shares.items()}
    right = {"motion": 0.2, "video": 0.05, "equal": 0.25, "no motion": 0.05, "no video": 0.05, "first half": 0.5}
    assert found == pytest.approx(right, abs=0.006)
    assert not times.motion[times.motion_given].any()
    assert not times.video[times.video_given].any()
    assert not bool((times.video_given & times.motion_given).any())


def test_a_synchronous_row_draws_one_timestep_and_is_given_nothing():
    times = Times.draw(1000, VARIANTS["wo-ad"], Draws(), torch.Generator().manual_seed(0))
    assert torch.equal(times.video, times.motion)
    assert not bool((times.video_given | times.motion_given).any())


def test_a_row_that_is_given_the_motion_never_has_another_timestep_for_it():
    times = Times.draw(1000, VARIANTS["cameractrl"], Draws(), torch.Generator().manual_seed(0))
    assert bool(times.motion_given.all())
    assert not bool(times.motion.any())
    assert not bool(times.video_given.any())


def test_weights_of_change_by_hand():
    video = torch.zeros(1, 4, 2, 1, 2)
    video[0, 2:, :, 0, 0] = 3.0  # one place changes once, between latent frames 1 and 2, by 3 in both channels
    found = weights_of_change(video, strength=0.5, usual=1.5)[0, :, 0, 0]
    # change² is 9 in that step; a frame has the mean of the steps before and after it: 0, 4.5, 4.5, 0; / 1.5 = 3
    torch.testing.assert_close(found, torch.tensor([[1.0, 1.0], [2.5, 1.0], [2.5, 1.0], [1.0, 1.0]]))
    assert weights_of_change(10 * video, 0.5, 1.5).max() == 1 + 0.5 * 4  # and no more than four times the usual


def test_what_changes_counts_more_and_the_mean_weight_is_one(network):
    model = network()
    still, moving = (loss_of(model, draws=Draws(hands=0.0, moving=share)) for share in (0.0, 2.0))
    video = moving.latents.video.float()
    assert float(moving._weights(video).mean()) == pytest.approx(1.0, rel=1e-3)
    times = Times(torch.tensor([200, 900]), torch.tensor([400, 50]), NEVER, NEVER)
    one, other = (loss.at(**case(), times=times)[1] for loss in (still, moving))
    assert not torch.isclose(one["video"], other["video"])
    assert torch.equal(one["motion"], other["motion"])


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0.1, 0.25), (0.5, 0.5, 0.65), (1.0, 1.0, 1.0)])
def test_clips_whose_hands_come_late_are_drawn_as_often_as_asked(network, share, least, most):
    late = torch.zeros(12, dtype=torch.bool)
    late[[3, 7]] = True
    loss = loss_of(network(), batch=2000, draws=Draws(hands=share))
    loss = replace(loss, latents=replace(loss.latents, late_hands=late))
    clips = loss._clips(torch.Generator().manual_seed(0))
    assert least <= float(late[clips].float().mean()) <= most


def test_the_two_halves_of_a_step_are_the_step(network):
    loss = loss_of(network(), draws=Draws())
    whole, _ = loss(0, torch.Generator().manual_seed(3))
    halves, _ = loss.of(loss.draw(torch.Generator().manual_seed(3)))
    assert torch.equal(whole, halves)


def test_independent_timesteps_that_happen_to_be_equal_cost_what_one_timestep_costs(network):
    times = Times(torch.tensor([200, 900]), torch.tensor([200, 900]), NEVER, NEVER)
    ours, theirs = (loss_of(network(name)).at(**case(), times=times)[0] for name in ("egotwin", "wo-ad"))
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize(
    ("stage", "changes", "parts"),
    [(0, {"with_motion": False}, {"video"}), (2, {"with_video": False}, {"motion"}), (3, {}, {"video", "motion"})],
)
def test_a_stage_trains_the_branches_it_has(network, stage, changes, parts):
    model = network()
    value, found = loss_of(model, **changes)(0, torch.Generator().manual_seed(0))
    value.backward()
    assert set(found) == parts
    reached = {name for name, p in model.named_parameters() if p.grad is not None and bool(p.grad.any())}
    assert any("motion" in name for name in reached) == (stage > 0)
    assert any(name.startswith("blocks.3") for name in reached) == (stage != 2)  # the upper half is video's
    assert "time_video.body.0.weight" in reached  # the text is modulated by it in every stage


def test_alone_a_modality_is_never_given(network):
    every = replace(EVEN, clean_motion=1.0, clean_video=0.0)
    value, _ = loss_of(network(), with_video=False, draws=every)(0, torch.Generator().manual_seed(0))
    assert bool(value > 0.1)


def test_prompts_are_emptied_as_often_as_asked(network):
    model, seen = network(), []
    model.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    loss = loss_of(model, batch=64, with_video=False)
    for share in (0.0, 0.5, 1.0):
        replace(loss, draws=replace(EVEN, no_text=share))(0, torch.Generator().manual_seed(0))
        assert float((seen[-1] == 0).all(dim=(1, 2)).float().mean()) == pytest.approx(share, abs=0.15)
