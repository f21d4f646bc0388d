"""Does the video depend on the motion? Compares the video's loss with the clip's own motion and with another clip's.

It takes twenty seconds, and shows the coupling of the modalities long before samples do.
"""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch

from .distributed import processes, rank
from .loop import Report
from .objective import DiffusionLoss, Times

POINTS: tuple[tuple[int, int], ...] = ((300, 300), (300, 0), (600, 600), (600, 0), (850, 850), (850, 0))
"""Timesteps (t_v, t_m); t_m = 0 is the given motion of TM2V."""


@dataclass(frozen=True)
class ProbeLoss:
    """Mean video loss over clips at one pair of timesteps."""

    t_video: int
    t_motion: int
    own: float
    other: float
    """With the motion of the next clip in the list."""


@torch.no_grad()
def probe(loss: DiffusionLoss, clips: int = 128, seed: int = 0) -> list[ProbeLoss]:
    """The losses at the pairs of `POINTS` that the row was trained at; the noise is the same for both motions.

    A synchronous row has only pairs with equal timesteps. A row that is always given the motion has only t_m = 0.
    """
    latents, generator = loss.latents, torch.Generator().manual_seed(seed)
    device = latents.video.device
    assert latents.motion is not None
    count = min(clips, len(latents))
    text, video, motion = latents.text[:count], latents.video[:count].float(), latents.motion[:count].float()
    noise_video, noise_motion = (torch.randn(part.shape, generator=generator).to(device) for part in (video, motion))
    parts = torch.arange(count, device=device).split(max(1, loss.batch // processes()))  # no more than in a step
    was_training = loss.model.training
    loss.model.eval()
    losses = []
    for t_video, t_motion in POINTS:
        equal, given = t_video == t_motion, t_motion == 0
        if not {"sync": equal, "given": given, "async": True}[loss.model.variant.timesteps]:
            continue
        values = [0.0, 0.0]
        for which, shown in enumerate((motion, _another(motion))):
            for part in parts:
                times = Times(
                    torch.full((len(part),), t_video, device=device),
                    torch.full((len(part),), t_motion, device=device),
                    torch.zeros(len(part), dtype=torch.bool, device=device),
                    torch.full((len(part),), t_motion == 0, device=device),
                )
                _, terms = loss.at(text[part], video[part], shown[part], noise_video[part], noise_motion[part], times)
                values[which] += float(terms["video"]) * len(part) / count
        losses.append(ProbeLoss(t_video, t_motion, *values))
    loss.model.train(was_training)
    return losses


def with_probe(path: Path, loss: DiffusionLoss, last: int, report: Report, is_compiled: bool = False) -> Report:
    """A report that also runs the probe every thousand steps and after the last, and appends to a CSV file.

    Its columns are step, t_v, t_m, own, other.

    Args:
        is_compiled: whether the network is compiled for a training's shapes; the probe then runs it uncompiled.
    """

    def reporting(step: int, values: Mapping[str, float]) -> None:
        report(step, values)
        if step % 1000 and step != last:
            return
        with torch.compiler.set_stance("force_eager") if is_compiled else nullcontext():
            losses = probe(loss)  # by all processes, since the network may be sharded
        if rank() > 0:
            return
        with path.open("a") as file:
            for each in losses:
                file.write(f"{step},{each.t_video},{each.t_motion},{each.own:.4f},{each.other:.4f}\n")

    return reporting


def _another(motion: torch.Tensor) -> torch.Tensor:
    """The next clip's motion, after the clip's own first pose."""
    return torch.cat([motion[:, :1], motion.roll(1, dims=0)[:, 1:]], dim=1)
