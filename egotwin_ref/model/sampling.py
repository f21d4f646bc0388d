"""Modes and guidance: which modality is given, and which evaluations of the network are summed with which weights.

| mode | timestep of video, motion | given                  |
|------|---------------------------|------------------------|
| T2VM | t, t                      | first frame, first pose |
| TM2V | t, 0                      | and the motion         |
| TV2M | 0, t                      | and the video          |

A row that makes motion alone has T2VM without the video. A row that makes video alone has TM2V.

First frame and first pose stay clean in every evaluation, even where the rest of their modality is "unknown".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from .configs import Part, Timesteps, Variant
from .diffusion import LAST, Sampler, Schedule, Stepper, timesteps
from .network import EgoTwin

Mode = Literal["t2vm", "tm2v", "tv2m"]
State = Literal["now", "clean", "unknown"]
"""State of a modality in an evaluation: x_t at t, what is given at t = 0, or noise at t = T."""
TABLE: Mapping[Mode, Mapping[Part, State]] = {
    "t2vm": {"video": "now", "motion": "now"},
    "tm2v": {"video": "now", "motion": "clean"},
    "tv2m": {"video": "clean", "motion": "now"},
}
OTHER: Mapping[Part, Part] = {"video": "motion", "motion": "video"}


@dataclass(frozen=True)
class Guidance:
    """Strengths of guidance. With 1 and 1 a step takes one plain conditional evaluation."""

    text: float = 1.0
    """w_t."""
    partner: float = 1.0
    """w_m where video is made, w_v where motion is made: the weight of the other modality. Rows with one timestep for
    both, or with the motion always given, ignore it: they were never trained with the other modality unknown."""


PLAIN = Guidance()
"""No guidance: one conditional evaluation per step."""


@dataclass(frozen=True)
class Term:
    """One term of a modality's guided v: with or without text, and the state of the other modality (the partner)."""

    text: bool
    partner: State


def terms(part: Part, mode: Mode, timesteps: Timesteps, guidance: Guidance) -> dict[Term, float]:
    """Guided v of `part` as a weighted sum of terms. The weights add up to 1, so v, ε and x_0 forms agree.

        V(∅, unknown) + w_t [V(c, unknown) - V(∅, unknown)] + w_m [V(c, partner) - V(c, unknown)]       eq. 3, 4

    The partner is clean in TM2V and TV2M (eq. 3), and x_t itself in T2VM (eq. 4). A row that was never trained with
    the other modality unknown has plain classifier-free guidance: V(∅, partner) + w_t [V(c, partner) - V(∅, partner)].
    """
    partner = TABLE[mode][OTHER[part]]
    w_t, w_p = guidance.text, guidance.partner
    if timesteps != "async":
        weights = {Term(False, partner): 1 - w_t, Term(True, partner): w_t}
    else:
        weights = {
            Term(False, "unknown"): 1 - w_t,
            Term(True, "unknown"): w_t - w_p,
            Term(True, partner): w_p,
        }
    return {term: weight for term, weight in weights.items() if abs(weight) > 1e-12}


@dataclass(frozen=True)
class Evaluation:
    """Inputs of one evaluation of the network: with or without text, and the states of both modalities."""

    text: bool
    video: State
    motion: State


def made_parts(variant: Variant, mode: Mode) -> list[Part]:
    """The modalities that a row makes in a mode, video first."""
    return [part for part, state in TABLE[mode].items() if state == "now" and part in variant.makes]


def evaluations(variant: Variant, mode: Mode, guidance: Guidance) -> dict[Evaluation, dict[Part, float]]:
    """The network's evaluations of one sampling step, and the weight of each in the guided v of a modality.

    An evaluation that two modalities need is done once.
    """
    weights: dict[Evaluation, dict[Part, float]] = {}
    for part in made_parts(variant, mode):
        for term, weight in terms(part, mode, variant.timesteps, guidance).items():
            video, motion = ("now", term.partner) if part == "video" else (term.partner, "now")
            weights.setdefault(Evaluation(term.text, video, motion), {})[part] = weight
    return weights


@dataclass(frozen=True)
class Given:
    """What is given to sampling, for B clips; latents are normalised."""

    text: Tensor
    """Word ids (B, L_t) or encoder outputs (B, L_t, D_t)."""
    empty: Tensor
    """The same, of the empty prompt."""
    video: Tensor
    """(B, K + 1, C_v, h, w): frame 0 is given, or all frames are (TV2M). What is not given may have any value."""
    motion: Tensor
    """(B, M, C_m): token 0 is given, or all tokens are (TM2V)."""

    @property
    def latents(self) -> dict[Part, Tensor]:
        """Both modalities by name."""
        return {"video": self.video, "motion": self.motion}


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
    """Video and motion latents of B clips; a modality that is given comes back bit for bit.

    Noise is drawn on the CPU, and each clip has a seed of its own. So a sample depends neither on the device nor on
    the other clips of its batch.

    Raises:
        ValueError: the number of seeds is not B, or `steps` is outside 1 … 1000.
    """
    if len(seeds) != len(given.text):
        raise ValueError(f"one seed per clip is needed: there are {len(given.text)} clips and {len(seeds)} seeds")
    noise = _noise(given.latents, seeds)
    made = made_parts(model.variant, mode)
    denoiser = Denoiser(model, schedule, given, noise, evaluations(model.variant, mode, guidance))
    steppers = {part: Stepper(schedule, sampler) for part in made}
    x: dict[Part, Tensor] = {part: noise[part] if part in made else clean for part, clean in given.latents.items()}
    for t, to in pairwise(timesteps(steps)):
        v = denoiser.guided_v(x, t)
        for part in made:
            x[part] = steppers[part](x[part], v[part], t, to)
    for part in made:
        if not (part == "video" and model.config.first_frame == "concat"):
            x[part][:, 0] = given.latents[part][:, 0]
    return x["video"], x["motion"]


@dataclass(frozen=True)
class Denoiser:
    """The guided network of one sampling call: all that stays the same from step to step."""

    model: EgoTwin
    schedule: Schedule
    given: Given
    noise: Mapping[Part, Tensor]
    """Of each modality, shaped as its latents: x_T where it is made, and what is shown where it is "unknown"."""
    evaluations: Mapping[Evaluation, Mapping[Part, float]]
    """The network's evaluations of a step, with their weights; see `evaluations`."""

    def guided_v(self, x: Mapping[Part, Tensor], t: int) -> dict[Part, Tensor]:
        """Weighted v of each modality that is made, from the latents x_t of both modalities."""
        guided: dict[Part, Tensor] = {}
        for evaluation, weights in self.evaluations.items():
            text = self.given.text if evaluation.text else self.given.empty
            video, t_video = self._input("video", evaluation.video, x, t)
            motion, t_motion = self._input("motion", evaluation.motion, x, t)
            shown = video if "video" in self.model.variant.makes else None
            predicted = self.model(text, shown, motion, t_video, t_motion, predict=tuple(weights))
            for part, weight in weights.items():
                v = predicted.video if part == "video" else predicted.motion
                assert v is not None
                guided[part] = guided[part] + weight * v if part in guided else weight * v
        return guided

    def _input(self, part: Part, state: State, x: Mapping[Part, Tensor], t: int) -> tuple[Tensor, Tensor]:
        """What the network gets of a modality, and its timesteps (B,)."""
        clean, noise = self.given.latents[part], self.noise[part]
        latents, time = {"now": (x[part], t), "clean": (clean, 0), "unknown": (noise, LAST)}[state]
        if state == "clean" and self.model.variant.timesteps == "sync":
            # the row has one timestep for both modalities, so what is given is noised to that timestep
            latents, time = self.schedule.noised(clean, noise, torch.full((len(clean),), t)), t
        times = torch.full((len(latents),), time, device=latents.device)
        return with_first(part, latents, clean, self.model), times


def with_first(part: Part, latents: Tensor, clean: Tensor, model: EgoTwin) -> Tensor:
    """`latents` with the given first frame or pose: as a clean token, or as extra channels of every frame."""
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
