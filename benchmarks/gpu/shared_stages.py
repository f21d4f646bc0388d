"""A row's trainings on a GPU with little time: data that rows share stays on the GPU."""

import argparse
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import speed
import torch

from egomini.splits.arrays import ClipArrays
from egotwin_ref.loading.bundle import motion_vae_name
from egotwin_ref.model.configs import VARIANTS
from egotwin_ref.training.clips import Clips
from egotwin_ref.training.latents import Latents
from egotwin_ref.training.loop import LoopOptions
from egotwin_ref.training.precision import fast_dtype
from egotwin_ref.training.recipes import SMALL_GPU, Recipe, Recipes
from egotwin_ref.training.stages import Stages

PRESET = "small"
TWO = Recipe(steps=2, batch=4, warmup=1, muon=2e-3)
PLAIN = replace(TWO, muon=None)
TOY = Recipes(PLAIN, PLAIN, kl_video=1e-5, kl_motion=1e-5, base=TWO, motion=TWO, joint=TWO, fine=TWO, spread=0.1)
LEAST_VAE_STEPS = 300
"""Least number of steps of a motion VAE, even if no time is left."""


class SharedStages(Stages):
    """A row's trainings, one row after the other in one process; data that rows share stays on the device."""

    cached: ClassVar[dict[tuple[str, ...], Any]] = {}

    def words(self) -> tuple[str, ...]:
        return self._once(("words", self.clips.digest), super().words)

    def video_latents(self, clips: Clips, name: str) -> Latents:
        return self._once(
            ("pictures", clips.digest), lambda: super(SharedStages, self).video_latents(clips, name).to(self._device)
        )

    def motion_latents(self, clips: Clips) -> torch.Tensor:
        key = (motion_vae_name(VARIANTS[self.variant]), clips.digest)
        return self._once(key, lambda: super(SharedStages, self).motion_latents(clips).to(self._device))

    @property
    def _device(self) -> str:
        return self.options.device

    def _once(self, key: tuple[str, ...], make: Callable[[], Any]) -> Any:
        if key not in self.cached:
            self.cached[key] = make()
        return self.cached[key]


def make_motion_vaes(
    options: argparse.Namespace, ids: tuple[str, ...], positions: np.ndarray, rotations: np.ndarray, digest: str
) -> None:
    """What `motion_vaes.py` does once it has the motions."""
    if options.device.startswith("cuda"):
        torch.set_float32_matmul_precision("high")
    none = np.zeros((len(ids), 0))
    drawn = ClipArrays(ids, ("",) * len(ids), none, positions, rotations, none, digest)
    clips, recipes = as_clips(drawn), (TOY if options.toy else SMALL_GPU)
    print_step: Callable[[int, Any], None] = lambda step, values: print(step, named_values(values), flush=True)  # noqa: E731
    loop = LoopOptions(
        device=options.device,
        autocast=fast_dtype(options.device),
        draw_curves=False,
        report=print_step,
        steps_between_reports=200,
    )
    for row in options.rows:
        recipe = recipes.motion_vae
        if VARIANTS[row].tokens != "path":  # whose code has nothing to learn
            rate, why_not = speed.rate_of_vae(PRESET, row, recipe, loop, 1 if options.toy else 40)
            affordable = int(options.seconds / len(options.rows) * rate / recipe.batch)
            recipe = replace(recipe, steps=min(recipe.steps, max(LEAST_VAE_STEPS, affordable - affordable % 100)))
            print(f"{row}: {rate:,.0f} motions/s {why_not or ''}: {recipe.steps} steps", flush=True)
        SharedStages(
            PRESET, row, options.folder, clips, clips, replace(recipes, motion_vae=recipe, global_vae=None), loop
        ).motion_vae()  # fmt: skip


def as_clips(drawn: ClipArrays, count: int | None = None) -> Clips:
    """The first `count` clips for a training; the digest says how many."""
    chosen = slice(count)
    return Clips(
        drawn.ids[chosen], drawn.texts[chosen], drawn.frames[chosen], drawn.positions[chosen],
        drawn.rotations[chosen], drawn.hand_share[chosen], f"{drawn.digest[:48]}{len(drawn.ids[chosen]):016d}",
    )  # fmt: skip


def named_values(values: Any) -> str:
    """Names and numbers in a line."""
    return ", ".join(f"{name} {value:.4g}" for name, value in values.items())
