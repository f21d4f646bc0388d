"""The noise schedule and the two samplers: identities, diffusers as witness, and the measured order of convergence."""

import math
from itertools import pairwise

import pytest
import torch

from egotwin_ref.model.diffusion import LAST, Sampler, Schedule, Stepper, timesteps

SCHEDULE = Schedule.cogvideox()
DIFFUSERS = "diffusers is not installed"


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_last_timestep_is_pure_noise_exactly():
    for shift in (1.0, 3.0):
        bar = Schedule.cogvideox(shift).alphas_bar
        assert float(bar[LAST]) == 0.0
        assert bool((bar.diff() < 0).all())
    x0, eps, last = noise(2, 3), noise(2, 3, seed=1), torch.tensor([LAST, LAST])
    assert torch.equal(SCHEDULE.noised(x0, eps, last), eps)
    assert torch.equal(SCHEDULE.v(x0, eps, last), -x0)


def test_v_noise_and_clean_are_three_names_of_one_thing():
    x0, eps, t = noise(4, 2, 3), noise(4, 2, 3, seed=1), torch.tensor([0, 250, 700, LAST])
    xt, v = SCHEDULE.noised(x0, eps, t), SCHEDULE.v(x0, eps, t)
    torch.testing.assert_close(SCHEDULE.x0(xt, v, t), x0)
    torch.testing.assert_close(SCHEDULE.noise(xt, v, t), eps)


def test_noising_worked_by_hand():
    schedule = Schedule(torch.tensor([0.64, 0.36], dtype=torch.float64))
    x0, eps, t = torch.tensor([[10.0], [10.0]]), torch.tensor([[1.0], [-1.0]]), torch.tensor([0, 1])
    torch.testing.assert_close(schedule.noised(x0, eps, t), torch.tensor([[8.6], [5.2]]))  # .8·10 + .6 ; .6·10 - .8
    torch.testing.assert_close(schedule.v(x0, eps, t), torch.tensor([[-5.2], [-8.6]]))  # .8 - .6·10 ; -.6 - .8·10


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_the_schedule_is_that_of_diffusers(shift):
    pytest.importorskip("diffusers", reason=DIFFUSERS)
    from diffusers import CogVideoXDDIMScheduler

    theirs = CogVideoXDDIMScheduler(snr_shift_scale=shift, rescale_betas_zero_snr=True)
    torch.testing.assert_close(Schedule.cogvideox(shift).alphas_bar, theirs.alphas_cumprod, atol=1e-6, rtol=0)


@pytest.mark.parametrize("steps", [1, 7, 20, 50, 1000])
def test_timesteps_are_the_trailing_ones_of_diffusers(steps):
    pytest.importorskip("diffusers", reason=DIFFUSERS)
    from diffusers import CogVideoXDDIMScheduler

    theirs = CogVideoXDDIMScheduler(timestep_spacing="trailing")
    theirs.set_timesteps(steps)
    assert timesteps(steps) == [*theirs.timesteps.tolist(), -1]


@pytest.mark.parametrize("steps", [0, -3, 1001])
def test_a_number_of_steps_that_cannot_be_is_refused(steps):
    with pytest.raises(ValueError, match=f"1 to 1000 steps, not {steps}"):
        timesteps(steps)


def answer(xt: torch.Tensor, t: int) -> torch.Tensor:
    """Some v that is no constant."""
    return torch.tanh(xt) + 0.3 * math.cos(t / 100)


def walk(kind: Sampler, xt: torch.Tensor, steps: int, schedule: Schedule = SCHEDULE) -> torch.Tensor:
    stepper = Stepper(schedule, kind)
    for t, to in pairwise(timesteps(steps)):
        xt = stepper(xt, answer(xt, t), t, to)
    return xt


@pytest.mark.parametrize("steps", [1, 5, 20])
def test_ddim_walks_as_diffusers_does(steps):
    pytest.importorskip("diffusers", reason=DIFFUSERS)
    from diffusers import CogVideoXDDIMScheduler

    theirs = CogVideoXDDIMScheduler(
        prediction_type="v_prediction", rescale_betas_zero_snr=True, timestep_spacing="trailing", snr_shift_scale=1.0,
        clip_sample=False,
    )  # fmt: skip
    theirs.set_timesteps(steps)
    theirs.alphas_cumprod = SCHEDULE.alphas_bar
    start = xt = noise(3, 4)
    for t in theirs.timesteps:
        xt = theirs.step(answer(xt, int(t)), t, xt, eta=0.0).prev_sample
    torch.testing.assert_close(walk("ddim", start, steps), xt, atol=1e-6, rtol=0)


@pytest.mark.parametrize("steps", [2, 8, 20])
def test_dpm_solver_walks_as_diffusers_does(steps):
    pytest.importorskip("diffusers", reason=DIFFUSERS)
    from diffusers import DPMSolverMultistepScheduler

    theirs = DPMSolverMultistepScheduler(
        beta_schedule="scaled_linear", beta_start=8.5e-4, beta_end=0.012, prediction_type="v_prediction",
        rescale_betas_zero_snr=True, timestep_spacing="trailing", final_sigmas_type="zero", solver_order=2,
    )  # fmt: skip
    theirs.alphas_cumprod[:-1] = SCHEDULE.alphas_bar[:-1]
    same = Schedule(theirs.alphas_cumprod.double())  # but at T: it divides by ᾱ, and has 2^-24 there
    theirs.alphas_cumprod = theirs.alphas_cumprod.numpy()
    theirs.set_timesteps(steps)
    start = xt = noise(3, 4)
    for t in theirs.timesteps:
        xt = theirs.step(answer(xt, int(t)), t, xt).prev_sample
    torch.testing.assert_close(walk("dpm++", start, steps, same), xt, atol=2e-5, rtol=0)


def test_one_step_from_noise_gives_what_the_network_believes():
    xt, v = noise(2, 3), noise(2, 3, seed=1)
    for kind in ("ddim", "dpm++"):
        torch.testing.assert_close(Stepper(SCHEDULE, kind)(xt, v, LAST, -1), -v)


def gaussian_error(kind: Sampler, steps: int, first: int = 900, last: int = 100, spread: float = 0.5) -> float:
    """Distance to the exact solution where clean latents are N(0, spread²): the flow only rescales x_t."""
    bar = SCHEDULE.alphas_bar
    deviation = (bar * spread**2 + 1 - bar).sqrt()  # of x_t
    xt, stepper = torch.ones(1, 1, dtype=torch.float64), Stepper(SCHEDULE, kind)
    for t, to in pairwise(torch.linspace(first, last, steps + 1).round().long().tolist()):
        gain = bar[t].sqrt() * spread**2 / deviation[t] ** 2  # E[x_0 | x_t] = gain · x_t
        v = (bar[t].sqrt() * xt - gain * xt) / (1 - bar[t]).sqrt()
        xt = stepper(xt, v, t, to)
    return abs(float(xt) - float(deviation[last] / deviation[first]))


@pytest.mark.parametrize(("kind", "order"), [("ddim", 1), ("dpm++", 2)])
def test_the_error_falls_with_the_order_of_the_sampler(kind, order):
    errors = [gaussian_error(kind, steps) for steps in (50, 100, 200, 400)]
    measured = [math.log2(a / b) for a, b in pairwise(errors)]
    assert measured[-1] == pytest.approx(order, abs=0.15), measured
    assert errors == sorted(errors, reverse=True)
