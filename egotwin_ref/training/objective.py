"""The loss of the transformer: the error of v of video and motion, each at its own timestep."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from egotwin_ref.model.configs import Variant
from egotwin_ref.model.diffusion import LAST, Schedule
from egotwin_ref.model.network import EgoTwin
from egotwin_ref.model.sampling import with_first

from .distributed import processes, rank
from .latents import Latents


@dataclass(frozen=True)
class Draws:
    """How clips and timesteps (t_v, t_m) are drawn; the same for all rows that have such timesteps.

    TM2V, TV2M and guidance use the corners of (t_v, t_m), and T2VM uses the diagonal. Independent draws reach these too
    rarely for a short training.
    """

    clean_motion: float = 0.2
    """Share of clips with t_m = 0: the motion is given."""
    clean_video: float = 0.05
    """Share with t_v = 0: the video is given."""
    unknown_motion: float = 0.05
    """Share with t_m = T: the motion is unknown, which guidance of the video compares with."""
    unknown_video: float = 0.05
    """Share with t_v = T: the video is unknown, which guidance of the motion compares with."""
    equal: float = 0.25
    """Share with t_v = t_m."""
    no_text: float = 0.1
    """Share of prompts that are replaced by the empty prompt."""
    hands: float = 0.25
    """Share of clips that are drawn among those where a hand comes into view after the first frame."""
    moving: float = 1.0
    """Strength of the extra weight where the recorded video changes; see `weights_of_change`."""


@dataclass(frozen=True)
class Times:
    """Timesteps (B,), and whether each clip's video and motion is given clean."""

    video: Tensor
    motion: Tensor
    video_given: Tensor
    motion_given: Tensor

    @staticmethod
    def draw(count: int, variant: Variant, draws: Draws, generator: torch.Generator) -> "Times":
        """Timesteps of `count` clips, on the generator's device.

        A synchronous row has one timestep for both modalities. If the row is given the motion, t_m is always 0.
        """
        device = generator.device
        t_video, t_motion = torch.randint(LAST + 1, (2, count), generator=generator, device=device)
        kind = torch.rand(count, generator=generator, device=device)
        never, zero = torch.zeros(count, dtype=torch.bool, device=device), torch.zeros_like(t_video)
        if variant.timesteps == "sync":
            return Times(t_video, t_video, never, never)
        if variant.timesteps == "given":
            return Times(t_video, zero, never, ~never)
        shares = (draws.clean_motion, draws.clean_video, draws.unknown_motion, draws.unknown_video)
        clean_motion, clean_video, unknown_motion, unknown_video = (
            (kind >= sum(shares[:i])) & (kind < sum(shares[: i + 1])) for i in range(4)
        )
        t_motion = torch.where(kind > 1 - draws.equal, t_video, t_motion)
        return Times(
            torch.where(clean_video, zero, torch.where(unknown_video, zero + LAST, t_video)),
            torch.where(clean_motion, zero, torch.where(unknown_motion, zero + LAST, t_motion)),
            clean_video,
            clean_motion,
        )

    def part(self, chosen: slice) -> "Times":
        """The same for some of the clips."""
        return Times(self.video[chosen], self.motion[chosen], self.video_given[chosen], self.motion_given[chosen])


@dataclass(frozen=True)
class Batch:
    """One step's draws, on the device of the training."""

    text: Tensor
    video: Tensor | None
    motion: Tensor | None
    noise_video: Tensor | None
    noise_motion: Tensor | None
    times: Times
    counts: tuple[Tensor, Tensor]
    """Numbers that the errors of video and motion are divided by; see `DiffusionLoss.at`."""


@dataclass(frozen=True)
class DiffusionLoss:
    """Loss of a step of stage 0 (text + video), 2 (text + motion) or 3 (all).

    It is the sum over modalities of the mean squared error of v, without the given first frame and pose, and without a
    modality in clips where all of it is given. Stage 2 draws t_v too, since it modulates the text, and stage 3 has text
    at any t_v. If there is only one modality, it is never given, and its timestep is uniform.

    A step has two halves: `draw`, on the device of the generator, and `of`, which is a function of tensors alone.
    """

    model: EgoTwin
    schedule: Schedule
    latents: Latents
    batch: int
    draws: Draws = Draws()
    with_video: bool = True
    with_motion: bool = True

    def __call__(self, step: int, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        del step
        return self.of(self.draw(generator))

    def draw(self, generator: torch.Generator) -> Batch:
        """Draws clips, timesteps and noise, the same for any number of processes; each process takes its share."""
        device, draws = generator.device, self.draws
        if not (self.with_video and self.with_motion):
            alone = {"clean_motion": 0.0, "clean_video": 0.0, "unknown_motion": 0.0, "unknown_video": 0.0}
            draws = replace(draws, **alone, equal=0.0)
        clips = self._clips(generator)
        times = Times.draw(self.batch, self.model.variant, draws, generator)
        is_emptied = torch.rand(self.batch, generator=generator, device=device) < draws.no_text
        mine = slice(rank(), None, processes())

        def of_clips(latents: Tensor) -> Tensor:
            chosen = latents[clips.to(latents.device)].to(device)
            return chosen.float() if chosen.is_floating_point() else chosen

        def with_noise(latents: Tensor) -> tuple[Tensor, Tensor]:
            chosen = of_clips(latents)
            return chosen[mine], torch.randn(chosen.shape, generator=generator, device=device)[mine]

        text = of_clips(self.latents.text)
        empty = self.latents.empty.to(text)
        text = torch.where(is_emptied.view(-1, *[1] * (text.ndim - 1)), empty, text)
        video = noise_video = motion = noise_motion = None
        if self.with_video:
            video, noise_video = with_noise(self.latents.video)
        if self.with_motion:
            assert self.latents.motion is not None
            motion, noise_motion = with_noise(self.latents.motion)
        counts = ((~times.video_given).sum() / processes(), (~times.motion_given).sum() / processes())
        return Batch(text[mine], video, motion, noise_video, noise_motion, times.part(mine), counts)

    def of(self, batch: Batch) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The loss of a batch, and its parts."""
        return self.at(
            batch.text, batch.video, batch.motion, batch.noise_video, batch.noise_motion, batch.times, batch.counts
        )

    def at(
        self,
        text: Tensor,
        video: Tensor | None,
        motion: Tensor | None,
        noise_video: Tensor | None,
        noise_motion: Tensor | None,
        times: Times,
        counts: tuple[Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The loss of these clips at these timesteps with this noise, and its parts `video`, `motion`.

        Args:
            counts: numbers that the summed errors of video and motion are divided by; None: the numbers of clips here
                whose video, or motion, is not given. With several processes it is the mean over the processes, so that
                the mean loss is that of one process.
        """
        text = text.float() if text.is_floating_point() else text
        input_video = input_motion = None
        if video is not None and noise_video is not None:
            noised = self.schedule.noised(video, noise_video, times.video)
            noised = torch.where(times.video_given.view(-1, 1, 1, 1, 1), video, noised)
            input_video = with_first("video", noised, video, self.model)
        if motion is not None and noise_motion is not None:
            noised = self.schedule.noised(motion, noise_motion, times.motion)
            noised = torch.where(times.motion_given.view(-1, 1, 1), motion, noised)
            input_motion = with_first("motion", noised, motion, self.model)
        predicted = self.model(text, input_video, input_motion, times.video, times.motion)
        parts = {}
        if video is not None and noise_video is not None and predicted.video is not None:
            first = 0 if self.model.config.first_frame == "concat" else 1
            target = self.schedule.v(video, noise_video, times.video)
            weight = self._weights(video)
            error = (predicted.video.float() - target).square() * weight
            parts["video"] = _mean(error[:, first:], ~times.video_given, counts[0] if counts else None)
        if motion is not None and noise_motion is not None and predicted.motion is not None:
            target = self.schedule.v(motion, noise_motion, times.motion)
            error = (predicted.motion.float() - target).square()
            parts["motion"] = _mean(error[:, 1:], ~times.motion_given, counts[1] if counts else None)
        return torch.stack(list(parts.values())).sum(), parts

    def _clips(self, generator: torch.Generator) -> Tensor:
        """Indices of the step's clips (B,)."""
        device, late = generator.device, self._late_hands
        clips = torch.randint(len(self.latents), (self.batch,), generator=generator, device=device)
        if late is None or not self.draws.hands:
            return clips
        chosen = late[torch.randint(len(late), (self.batch,), generator=generator, device=device)]
        return torch.where(torch.rand(self.batch, generator=generator, device=device) < self.draws.hands, chosen, clips)

    @cached_property
    def _late_hands(self) -> Tensor | None:
        late = self.latents.late_hands
        return None if late is None or not bool(late.any()) else late.nonzero()[:, 0]

    def _weights(self, video: Tensor) -> Tensor:
        if not self.draws.moving:
            return video.new_ones(())
        usual, scale = self._change
        return weights_of_change(video, self.draws.moving, usual) / scale

    @cached_property
    def _change(self) -> tuple[float, float]:
        """The mean change of the training latents, and their mean weight."""
        some = self.latents.video[:: max(1, len(self.latents) // 512)].float()
        usual = max(1e-6, float(_change(some).mean()))
        return usual, float(weights_of_change(some, self.draws.moving, usual).mean())


MOST_CHANGE = 4.0
"""Limit of the change, in units of the usual change."""


def weights_of_change(video: Tensor, strength: float, usual: float) -> Tensor:
    """1 + strength · min(change / usual, 4) at each position of each latent frame (B, K + 1, 1, h, w).

    The change is the mean square of the steps from the latent frame before and to the one after. It is large at hands
    and moving edges. Most of a room is smooth and still, and without weights its error is most of the loss. A weight
    that depends on the clip biases the prediction towards clips with more movement, so it is kept small.
    """
    change = _change(video)
    return 1 + strength * (change / usual).clamp(max=MOST_CHANGE)


def _change(video: Tensor) -> Tensor:
    steps = video.diff(dim=1).square().mean(dim=2, keepdim=True)
    before = torch.cat([steps[:, :1], steps], dim=1)
    after = torch.cat([steps, steps[:, -1:]], dim=1)
    return (before + after) / 2


def _mean(error: Tensor, counted: Tensor, count: Tensor | None) -> Tensor:
    """Mean of the error (B, …) over the clips where `counted` (B,) is true."""
    per_clip = error.flatten(1).mean(1)
    count = (counted.sum() if count is None else count).clamp(min=1 / processes())
    return (per_clip * counted).sum() / count
