"""What a training step asks of the transformer: v of video and motion, at timesteps of their own."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .configs import Variant
from .diffusion import LAST, Schedule
from .distributed import processes, rank
from .latents import Latents
from .model import EgoTwin
from .sampling import with_first


@dataclass(frozen=True)
class Draws:
    """Shares of the draws of (t_v, t_m) that are not two independent uniform ones; the same for all asynchronous rows.

    Independent draws reach the corners that TM2V and TV2M use, and the diagonal that T2VM uses, too rarely for a short
    training.
    """

    clean_motion: float = 0.2
    """t_m = 0, the motion given."""
    clean_video: float = 0.05
    """t_v = 0, the video given."""
    equal: float = 0.25
    """t_v = t_m."""
    no_text: float = 0.1
    """Prompts that are emptied."""


@dataclass(frozen=True)
class Times:
    """Timesteps (B,), and which modality of which clip is given clean."""

    video: Tensor
    motion: Tensor
    video_given: Tensor
    motion_given: Tensor

    @staticmethod
    def draw(count: int, variant: Variant, draws: Draws, generator: torch.Generator) -> "Times":
        """Of `count` clips; one timestep for both where the variant is synchronous."""
        t_video, t_motion = torch.randint(LAST + 1, (2, count), generator=generator)
        kind = torch.rand(count, generator=generator)
        if variant.timesteps == "sync":
            never = torch.zeros(count, dtype=torch.bool)
            return Times(t_video, t_video, never, never)
        clean_motion = kind < draws.clean_motion
        clean_video = ~clean_motion & (kind < draws.clean_motion + draws.clean_video)
        equal = kind > 1 - draws.equal
        t_motion = torch.where(equal, t_video, t_motion)
        zero = torch.zeros_like(t_video)
        return Times(
            torch.where(clean_video, zero, t_video),
            torch.where(clean_motion, zero, t_motion),
            clean_video,
            clean_motion,
        )


@dataclass(frozen=True)
class DiffusionLoss:
    """Loss of a step of stage 0 (text + video), 2 (text + motion) or 3 (all).

    The sum over modalities of the mean squared error of v, without the given first frame and pose, and without a
    modality where it is given whole. Stage 2 draws t_v too: the text is modulated by it, and in stage 3 by any. Where
    only one modality is there, it is never given, and its timestep is uniform.
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
        clips = torch.randint(len(self.latents), (self.batch,), generator=generator)
        both = self.with_video and self.with_motion
        draws = self.draws if both else replace(self.draws, clean_motion=0.0, clean_video=0.0, equal=0.0)
        times = Times.draw(self.batch, self.model.variant, draws, generator)
        emptied = torch.rand(self.batch, generator=generator) < self.draws.no_text
        video = self.latents.video[clips].float()
        noise_video = torch.randn(video.shape, generator=generator)
        motion = noise_motion = None
        if self.with_motion:
            assert self.latents.motion is not None
            motion = self.latents.motion[clips].float()
            noise_motion = torch.randn(motion.shape, generator=generator)
        text = self.latents.text[clips]
        text = torch.where(emptied.view(-1, *[1] * (text.ndim - 1)), self.latents.empty, text)
        mine = slice(rank(), None, processes())
        counts = ((~times.video_given).sum() / processes(), (~times.motion_given).sum() / processes())
        return self.at(
            text[mine],
            video[mine] if self.with_video else None,
            None if motion is None else motion[mine],
            noise_video[mine],
            None if noise_motion is None else noise_motion[mine],
            Times(times.video[mine], times.motion[mine], times.video_given[mine], times.motion_given[mine]),
            counts,
        )

    def at(
        self,
        text: Tensor,
        video: Tensor | None,
        motion: Tensor | None,
        noise_video: Tensor,
        noise_motion: Tensor | None,
        times: Times,
        counts: tuple[Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The loss of these clips at these timesteps with this noise, and its parts `video`, `motion`.

        Args:
            counts: how many clips the error of video, and that of motion, is divided by; None is those here that
                count. With several processes it is their mean number, so that the mean loss is that of one process.
        """
        device = next(self.model.parameters()).device
        text = text.float() if text.is_floating_point() else text
        seen_video = seen_motion = None
        if video is not None:
            noised = self.schedule.noised(video, noise_video, times.video)
            noised = torch.where(times.video_given.view(-1, 1, 1, 1, 1), video, noised)
            seen_video = with_first("video", noised, video, self.model).to(device)
        if motion is not None and noise_motion is not None:
            noised = self.schedule.noised(motion, noise_motion, times.motion)
            noised = torch.where(times.motion_given.view(-1, 1, 1), motion, noised)
            seen_motion = with_first("motion", noised, motion, self.model).to(device)
        found = self.model(text.to(device), seen_video, seen_motion, times.video.to(device), times.motion.to(device))
        parts = {}
        if video is not None and found.video is not None:
            first = 0 if self.model.config.first_frame == "concat" else 1
            target = self.schedule.v(video, noise_video, times.video)
            parts["video"] = _error(found.video, target, ~times.video_given, first, counts[0] if counts else None)
        if motion is not None and noise_motion is not None and found.motion is not None:
            target = self.schedule.v(motion, noise_motion, times.motion)
            parts["motion"] = _error(found.motion, target, ~times.motion_given, 1, counts[1] if counts else None)
        return torch.stack(list(parts.values())).sum(), parts


def _error(found: Tensor, target: Tensor, counted: Tensor, first: int, count: Tensor | None) -> Tensor:
    """Mean squared error over the clips that count, from frame or token `first` on."""
    per_clip = (found[:, first:].float() - target[:, first:].to(found.device)).square().flatten(1).mean(1)
    count = (counted.sum() if count is None else count).clamp(min=1 / processes())
    return (per_clip * counted.to(found.device)).sum() / count.to(found.device)
