"""The training loop of all stages: resumable to the step, the same weights however often it was stopped.

A step's draws (clips, timesteps, noise, dropped prompts) come from a generator seeded by (seed, step) alone, so the
position in the data is the number of the step. The learning rate warms up, stays, and falls over the last steps
(warm-up, stable, decay); the state from which it fell is kept, so that a recipe with more steps goes on from there.
"""

import csv
import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .distributed import agreed, fill, gathered, mean, place, processes, rank
from .muon import Muon

Loss = Callable[[int, torch.Generator], tuple[Tensor, Mapping[str, Tensor]]]
"""(step, the step's generator) → loss, and named parts of it for the log."""
Report = Callable[[int, Mapping[str, float]], None]
"""Called with steps done and the means since the last call: `loss`, its parts, `samples_per_s`.

Every process calls it, since it may run the network, which may be in shards; let only the first print."""


@dataclass(frozen=True)
class Recipe:
    """With the data and the initial weights, this fixes the trained ones."""

    steps: int
    """Optimiser steps."""
    batch: int
    """Clips a step, over all processes."""
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup: int = 200
    """Steps of linear warm-up."""
    decay: float = 0.3
    """Share of the steps, at the end, over which the rate falls linearly to 0."""
    ema: float = 0.999
    """Of the averaged weights, which are the result; it is (1 + step) / (10 + step) where that is less."""
    clip: float = 1.0
    """Largest norm of the gradient."""
    muon: float | None = None
    """Learning rate of Muon for the matrices inside the blocks of the transformer; None is AdamW for all."""
    seed: int = 0

    def share(self, step: int) -> float:
        """Share of the learning rates that step `step` (0-based) is done with."""
        up = min(1.0, (step + 1) / max(1, self.warmup))
        down = min(1.0, (self.steps - step) / max(1.0, self.decay * self.steps))
        return up * down

    @property
    def falls_at(self) -> int:
        """First step whose rate falls."""
        return self.steps - int(self.decay * self.steps)


@dataclass(frozen=True)
class Habits:
    """What does not change the result: how often to save and to report, and in which precision to multiply."""

    seconds_between_saves: float = 120.0
    steps_between_reports: int = 50
    autocast: torch.dtype | None = None
    """bfloat16 where the device multiplies it faster; None is float32."""
    device: str = "cpu"
    report: Report = lambda step, values: None
    began: Callable[[str, int, int], None] = lambda name, step, steps: None
    """Called once with the name of what is trained, the steps already done, and the recipe's."""
    until: float | None = None
    """`time.monotonic()` at which a training stops, with a checkpoint."""


class OutOfTimeError(Exception):
    """A training came to `Habits.until`; the same call goes on from its checkpoint."""


def train(module: nn.Module, loss: Loss, recipe: Recipe, folder: Path, habits: Habits) -> dict[str, Tensor]:
    """Trains `module` in place, or goes on from `folder`, and returns the averaged weights for `load_state_dict`.

    `folder` keeps `checkpoint.pt` (read with `weights_only`), `stable.pt` (the state before the rate fell) and
    `log.csv` (step, loss, its parts, samples/s, seconds of training). Several processes (`egotwin_ref.distributed`) see
    the same folder, and the first writes.

    Raises:
        ValueError: `folder` holds another recipe's training, and not one that only had fewer steps.
        OutOfTimeError: see `Habits.until`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = _State(module, recipe)
    state.restore(folder)
    log = _Log(folder / "log.csv", state.step, state.seconds)
    module.train()
    habits.began(folder.name, state.step, recipe.steps)
    saved = time.monotonic()
    while state.step < recipe.steps:
        began, step = time.monotonic(), state.step
        state.set_rates(recipe.share(step))
        generator = torch.Generator().manual_seed(recipe.seed * 2**32 + step)
        with autocast(habits.device, habits.autocast):
            value, parts = loss(step, generator)
        for optimiser in state.optimisers:
            optimiser.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(state.trained, recipe.clip)
        for optimiser in state.optimisers:
            optimiser.step()
        state.average()
        state.step += 1
        state.seconds += time.monotonic() - began
        log.add(mean({"loss": value, **parts}))
        if state.step == recipe.falls_at:
            state.save(folder / "stable.pt")
        late = agreed(habits.until is not None and time.monotonic() > habits.until, habits.device)
        due = agreed(time.monotonic() - saved > habits.seconds_between_saves, habits.device)
        if late or due or state.step == recipe.steps:
            log.flush()
            state.save(folder / "checkpoint.pt")
            saved = time.monotonic()
        if late and state.step < recipe.steps:
            raise OutOfTimeError
        if state.step % habits.steps_between_reports == 0 or state.step == recipe.steps:
            habits.report(state.step, log.row(state.step, state.seconds, recipe.batch))
    log.flush()
    return state.averaged()


def autocast(device: str, dtype: torch.dtype | None) -> "AbstractContextManager[Any]":
    """Lower precision where one is asked for."""
    return nullcontext() if dtype is None else torch.autocast(device.partition(":")[0], dtype)


def fast_dtype(device: str) -> torch.dtype | None:
    """bfloat16 where `device` multiplies it itself; elsewhere it is emulated, a hundred times slower than float32."""
    if device.startswith("cuda"):
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else None
    if device.startswith("cpu"):
        has = any(getattr(torch.cpu, name, bool)() for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
        return torch.bfloat16 if has else None
    return None


def optimisers(named: list[tuple[str, nn.Parameter]], recipe: Recipe) -> list[torch.optim.Optimizer]:
    """AdamW, and Muon where the recipe has it; no weight decay of vectors.

    Raises:
        ValueError: Muon is asked for under several processes, where no process has a whole matrix.
    """
    if recipe.muon and processes() > 1:
        raise ValueError("Muon needs whole matrices: recipes for several processes have muon=None")
    inside = {name for name, value in named if recipe.muon and value.ndim == 2 and name.startswith("blocks.")}
    matrices = [value for name, value in named if value.ndim >= 2 and name not in inside]
    vectors = [value for _, value in named if value.ndim < 2]
    groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    found: list[torch.optim.Optimizer] = []
    found.append(torch.optim.AdamW([group for group in groups if group["params"]], betas=(0.9, 0.95)))
    if recipe.muon and inside:
        stacked = [value for name, value in named if name in inside and name.endswith("qkv.weight")]
        single = [value for name, value in named if name in inside and not name.endswith("qkv.weight")]
        parts = [{"params": single}, {"params": stacked, "parts": 3}]
        found.append(Muon(parts, recipe.muon, weight_decay=recipe.weight_decay))
    return found


class _State:
    """Everything that a step changes."""

    def __init__(self, module: nn.Module, recipe: Recipe) -> None:
        self.module, self.recipe, self.step, self.seconds = module, recipe, 0, 0.0
        named = [(name, value) for name, value in module.named_parameters() if value.requires_grad]
        self.trained = [value for _, value in named]
        self.optimisers = optimisers(named, recipe)
        self.names = [name for name, _ in named]
        self.ema = [value.detach().clone().float() for value in self.trained]

    def set_rates(self, share: float) -> None:
        for optimiser, rate in zip(self.optimisers, (self.recipe.learning_rate, self.recipe.muon), strict=False):
            for group in optimiser.param_groups:
                group["lr"] = share * (rate or 0.0)

    @torch.no_grad()
    def average(self) -> None:
        share = min(self.recipe.ema, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(self.ema, [value.detach().float() for value in self.trained], 1 - share)

    def averaged(self) -> dict[str, Tensor]:
        found = {name: value.detach() for name, value in self.module.state_dict().items()}
        return found | dict(zip(self.names, self.ema, strict=True))

    def save(self, path: Path) -> None:
        state = gathered({
            "recipe": json.dumps(asdict(self.recipe)), "step": self.step, "seconds": self.seconds,
            "module": dict(self.module.state_dict()), "optimisers": [one.state_dict() for one in self.optimisers],
            "ema": self.ema,
        })  # fmt: skip
        if rank() > 0:
            return
        temporary = path.with_suffix(".tmp")
        with temporary.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)

    def restore(self, folder: Path) -> None:
        path = folder / "checkpoint.pt"
        if not path.is_file():
            return
        state = torch.load(path, weights_only=True)
        before, now = Recipe(**json.loads(state["recipe"])), self.recipe
        if before != now:
            if asdict(before) | {"steps": now.steps} != asdict(now) or now.steps < before.steps:
                raise ValueError(f"{folder} holds a training by another recipe ({before}); this one is {now}")
            if state["step"] > before.falls_at:  # the rate fell for the shorter recipe's end
                state = torch.load(folder / "stable.pt", weights_only=True)
        fill(self.module, state["module"])
        for optimiser, told in zip(self.optimisers, state["optimisers"], strict=True):
            parameters = [value for group in optimiser.param_groups for value in group["params"]]
            for number, kept in told["state"].items():
                like = parameters[number]
                kept |= {name: place(value, like) for name, value in kept.items() if value.shape == like.shape}
            optimiser.load_state_dict(told)
        self.ema = [place(whole, like) for whole, like in zip(state["ema"], self.trained, strict=True)]
        self.step, self.seconds = int(state["step"]), float(state["seconds"])


class _Log:
    """`log.csv`; rows after the step from which a training goes on are dropped."""

    def __init__(self, path: Path, step: int, seconds: float) -> None:
        self.path, self.rows, self.sums, self.count, self.since = path, [], {}, 0, seconds
        if path.is_file():
            with path.open(newline="") as file:
                self.rows = [row for row in csv.DictReader(file) if int(row["step"]) <= step]

    def add(self, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.count += 1

    def row(self, step: int, seconds: float, batch: int) -> dict[str, float]:
        means = {name: value / self.count for name, value in self.sums.items()}
        rate = self.count * batch / max(1e-9, seconds - self.since)
        self.rows.append({"step": step, **{name: f"{value:.5g}" for name, value in means.items()},
                          "samples_per_s": f"{rate:.4g}", "seconds": f"{seconds:.1f}"})  # fmt: skip
        self.sums, self.count, self.since = {}, 0, seconds
        return means | {"samples_per_s": rate}

    def flush(self) -> None:
        if not self.rows or rank() > 0:
            return
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        temporary = self.path.with_suffix(".tmp")
        with temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, names, restval="")
            writer.writeheader()
            writer.writerows(self.rows)
        temporary.replace(self.path)
