"""The training loop of all fitted networks. It resumes at the exact step; interruptions do not change the weights.

Every step has its own seeds, so a step does not depend on what ran before it in the same process.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from egobench.files.atomic import atomic_path

if TYPE_CHECKING:
    import torch

SECONDS_BETWEEN_SAVES = 60.0
STEPS_BETWEEN_REPORTS = 50


@dataclass(frozen=True)
class Recipe:
    """Settings that all recipes share. Recipe and data together determine the weights."""

    steps: int = 3000
    """Optimiser steps."""
    batch: int = 256
    """Clips per step."""
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.1
    warmup: int = 200
    """Steps of linear warm-up before the cosine decay."""
    seed: int = 0


Report = Callable[[int, float], None]
"""Called with (steps done, mean loss since the last call)."""


def train(
    network: "torch.nn.Module",
    loss_of_step: "Callable[[int, np.random.Generator], torch.Tensor]",
    recipe: Recipe,
    checkpoint: Path,
    report: Report,
    after_step: Callable[[], None] = lambda: None,
) -> "dict[str, torch.Tensor]":
    """Trains from the network's present weights, or from `checkpoint` if it exists, and returns the state.

    Args:
        loss_of_step: takes the step and a generator of that step; torch's own generator is seeded by the step.
        checkpoint: written once a minute; read only if the same recipe made it.
        after_step: called after each update, for instance to clamp a parameter.
    """
    import torch

    decayed = [p for p in network.parameters() if p.ndim >= 2]
    plain = [p for p in network.parameters() if p.ndim < 2]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.98))
    step, losses, saved = _restore(checkpoint, recipe, network, optimiser), [], time.monotonic()
    network.train()
    while step < recipe.steps:
        for group in optimiser.param_groups:
            group["lr"] = recipe.learning_rate * _schedule(step, recipe)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed * 2**20 + step)
            loss = loss_of_step(step, np.random.default_rng([recipe.seed, step]))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        with torch.no_grad():
            after_step()
        step += 1
        losses.append(loss.item())
        if step == recipe.steps or time.monotonic() - saved > SECONDS_BETWEEN_SAVES:
            _save(checkpoint, recipe, network, optimiser, step)
            saved = time.monotonic()
        if step % STEPS_BETWEEN_REPORTS == 0 or step == recipe.steps:
            report(step, float(np.mean(losses)))
            losses = []
    return {name: value.detach() for name, value in network.state_dict().items()}


def seeded(build: Callable[[], Any], seed: int) -> Any:
    """The result of `build` if torch's generator starts from `seed`. The generator itself is left as it was."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()


def half_precision() -> "AbstractContextManager[Any]":
    """Uses bfloat16 if the processor has instructions for it. Without them, it is many times slower than float32."""
    import torch

    return torch.autocast("cpu", torch.bfloat16, enabled=has_bfloat16())


def has_bfloat16() -> bool:
    """Whether this processor has instructions that multiply bfloat16 matrices."""
    import torch

    found = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    amx = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return bool((found and found()) or (amx and amx()))


def _schedule(step: int, recipe: Recipe) -> float:
    if step < recipe.warmup:
        return (step + 1) / recipe.warmup
    share = (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)
    return 0.5 * (1 + float(np.cos(np.pi * share))) + 1e-3


def _save(path: Path, recipe: Recipe, network: Any, optimiser: Any, step: int) -> None:
    import torch

    state = {"recipe": asdict(recipe), "step": step, "network": network.state_dict(), "optim": optimiser.state_dict()}
    with atomic_path(path) as temporary:
        torch.save(state, temporary)


def _restore(path: Path, recipe: Recipe, network: Any, optimiser: Any) -> int:
    import torch

    if not path.is_file():
        return 0
    state = torch.load(path, weights_only=True)  # never unpickles code
    if state["recipe"] != asdict(recipe):
        return 0
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optim"])
    return int(state["step"])
