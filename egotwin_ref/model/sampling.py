"""Modes and guidance: which modality is given, and which evaluations of the network are added with which weights.

| mode | timestep of video, motion | given                  |
|------|---------------------------|------------------------|
| T2VM | t, t                      | first frame, first pose |
| TM2V | t, 0                      | and the motion         |
| TV2M | 0, t                      | and the video          |

A row that makes motion alone has T2VM without the video; one that makes video alone has TM2V.

First frame and first pose stay clean in every evaluation, also where the rest of their modality is "unknown".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from .configs import Part, Timesteps
from .diffusion import LAST, Sampler, Schedule, Stepper, timesteps
from .network import EgoTwin

Mode = Literal["t2vm", "tm2v", "tv2m"]
State = Literal["now", "clean", "unknown"]
"""Of a modality in an evaluation: x_t at t, what was given at t = 0, or noise at t = T."""
TABLE: Mapping[Mode, Mapping[Part, State]] = {
    "t2vm": {"video": "now", "motion": "now"},
    "tm2v": {"video": "now", "motion": "clean"},
    "tv2m": {"video": "clean", "motion": "now"},
}
OTHER: Mapping[Part, Part] = {"video": "motion", "motion": "video"}


@dataclass(frozen=True)
class Guidance:
    """Strengths; 1 and 1 is one plain conditional evaluation a step."""

    text: float = 1.0
    """w_t."""
    partner: float = 1.0
    """w_m where video is made, w_v where motion is: how much the other modality counts. Rows with one timestep for
    both, or with the motion always given, never saw the other one unknown, and ignore it."""


PLAIN = Guidance()
"""One conditional evaluation a step."""


@dataclass(frozen=True)
class Evaluation:
    """Inputs of one evaluation: with or without text, and the state of the other modality."""

    text: bool
    partner: State


def terms(part: Part, mode: Mode, timesteps: Timesteps, guidance: Guidance) -> dict[Evaluation, float]:
    """Guided v of `part` as a weighted sum of evaluations; the weights add up to 1, so v, ε and x_0 forms agree.

        V(∅, unknown) + w_t [V(c, unknown) - V(∅, unknown)] + w_m [V(c, partner) - V(c, unknown)]       eq. 3, 4

    where the partner is clean (TM2V, TV2M: eq. 3) or x_t itself (T2VM: eq. 4). A row that never saw the other modality
    unknown has plain classifier-free guidance: V(∅, partner) + w_t [V(c, partner) - V(∅, partner)].
    """
    partner = TABLE[mode][OTHER[part]]
    w_t, w_p = guidance.text, guidance.partner
    if timesteps != "async":
        found = {Evaluation(False, partner): 1 - w_t, Evaluation(True, partner): w_t}
    else:
        found = {
            Evaluation(False, "unknown"): 1 - w_t,
            Evaluation(True, "unknown"): w_t - w_p,
            Evaluation(True, partner): w_p,
        }
    return {evaluation: weight for evaluation, weight in found.items() if abs(weight) > 1e-12}


@dataclass(frozen=True)
class Given:
    """What a sample starts from; latents of B clips, normalised."""

    text: Tensor
    """Word ids (B, L_t) or encoder outputs (B, L_t, D_t)."""
    empty: Tensor
    """The same of the empty prompt."""
    video: Tensor
    """(B, K + 1, C_v, h, w): frame 0 is given, or all are (TV2M); what is not given may hold anything."""
    motion: Tensor
    """(B, M, C_m): token 0 is given, or all are (TM2V)."""


@torch.no_grad()
def sample(
    model: EgoTwin,
    schedule: Schedule,
    given: Given,
    seeds: Sequence[int],
    mode: Mode = "t2vm",
    steps: int = 20,
    sampler: Sampler = "dpm++",
    guidance: Guidance = PLAIN,
) -> tuple[Tensor, Tensor]:
    """Video and motion latents of B clips; a modality that was given comes back bit for bit.

    Noise is drawn on the CPU, clip by clip from its own seed, so that a sample depends neither on the device nor on
    the clips that share its batch.

    Raises:
        ValueError: a number of seeds other than B, or of steps outside 1 … 1000.
    """
    if len(seeds) != len(given.text):
        raise ValueError(f"one seed a clip is needed: {len(given.text)} clips, {len(seeds)} seeds")
    clean: dict[Part, Tensor] = {"video": given.video, "motion": given.motion}
    noise = _noise(clean, seeds)
    makes = model.variant.makes
    made: list[Part] = [part for part in clean if TABLE[mode][part] == "now" and part in makes]
    x: dict[Part, Tensor] = {part: noise[part] if part in made else clean[part] for part in clean}
    weights: dict[Part, dict[Evaluation, float]] = {
        part: terms(part, mode, model.variant.timesteps, guidance) for part in made
    }
    steppers = {part: Stepper(schedule, sampler) for part in made}
    for t, to in pairwise(timesteps(steps)):
        guided = _guided(model, schedule, given, x, clean, noise, weights, t)
        for part in made:
            x[part] = steppers[part](x[part], guided[part], t, to)
    for part in made:
        if not (part == "video" and model.config.first_frame == "concat"):
            x[part][:, 0] = clean[part][:, 0]
    return x["video"], x["motion"]


def _guided(
    model: EgoTwin,
    schedule: Schedule,
    given: Given,
    x: Mapping[Part, Tensor],
    clean: Mapping[Part, Tensor],
    noise: Mapping[Part, Tensor],
    weights: Mapping[Part, Mapping[Evaluation, float]],
    t: int,
) -> dict[Part, Tensor]:
    """Weighted v of each modality that is made; evaluations that two modalities share are done once."""
    plan: dict[tuple[bool, State, State], dict[Part, float]] = {}
    for part, row in weights.items():
        for evaluation, weight in row.items():
            at_video: State = "now" if part == "video" else evaluation.partner
            at_motion: State = evaluation.partner if part == "video" else "now"
            plan.setdefault((evaluation.text, at_video, at_motion), {})[part] = weight
    guided: dict[Part, Tensor] = {}
    for (with_text, at_video, at_motion), wanted in plan.items():
        text = given.text if with_text else given.empty
        video, t_video = _input("video", at_video, model, schedule, x, clean, noise, t)
        if "video" not in model.variant.makes:
            video = None
        motion, t_motion = _input("motion", at_motion, model, schedule, x, clean, noise, t)
        found = model(text, video, motion, t_video, t_motion, want=tuple(wanted))
        for part, weight in wanted.items():
            v = found.video if part == "video" else found.motion
            assert v is not None
            guided[part] = guided[part] + weight * v if part in guided else weight * v
    return guided


def _input(
    part: Part,
    state: State,
    model: EgoTwin,
    schedule: Schedule,
    x: Mapping[Part, Tensor],
    clean: Mapping[Part, Tensor],
    noise: Mapping[Part, Tensor],
    t: int,
) -> tuple[Tensor, Tensor]:
    """What the network is shown of a modality, and its timesteps (B,)."""
    latents, time = {"now": (x[part], t), "clean": (clean[part], 0), "unknown": (noise[part], LAST)}[state]
    if (
        state == "clean" and model.variant.timesteps == "sync"
    ):  # it only knows one t for both: show what was given, noised
        time = t
        latents = schedule.noised(clean[part], noise[part], torch.full((len(latents),), t))
    times = torch.full((len(latents),), time, device=latents.device)
    return with_first(part, latents, clean[part], model), times


def with_first(part: Part, latents: Tensor, clean: Tensor, model: EgoTwin) -> Tensor:
    """`latents` with the given first frame or pose in place: as a clean token, or as channels beside every frame."""
    if part == "video" and model.config.first_frame == "concat":
        beside = torch.zeros_like(latents)
        beside[:, 0] = clean[:, 0]
        return torch.cat([latents, beside], dim=2)
    return torch.cat([clean[:, :1], latents[:, 1:]], dim=1)


def _noise(clean: Mapping[Part, Tensor], seeds: Sequence[int]) -> dict[Part, Tensor]:
    rows: dict[Part, list[Tensor]] = {part: [] for part in clean}
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        for part, latents in clean.items():
            rows[part].append(torch.randn(latents.shape[1:], generator=generator))
    return {part: torch.stack(row).to(clean[part]) for part, row in rows.items()}
