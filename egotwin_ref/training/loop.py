"""The training loop of all stages. It can be resumed at any step, and stops do not change the resulting weights.

A step's draws (clips, timesteps, noise, dropped prompts) come from a generator seeded by (seed, step) alone, so the
position in the data is the number of the step. The learning rate has warm-up, a stable phase, and decay over the last
steps. The state at the start of the decay is kept, so that a recipe with more steps can continue from there.
"""

import csv
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from .distributed import agreed, mean, rank
from .recipes import Recipe
from .stepping import Loss, State, Step

Report = Callable[[int, Mapping[str, float]], None]
"""Called with the number of steps done and the means since the last call: `loss`, its parts, `samples_per_s`.

Every process calls it, since it may run the network, which may be sharded. Only the first process should print."""


@dataclass(frozen=True)
class LoopOptions:
    """Settings of the loop that are not part of the recipe: saving, reports, device, precision, compilation, time."""

    seconds_between_saves: float = 120.0
    steps_between_reports: int = 50
    autocast: torch.dtype | None = None
    """bfloat16 if the device multiplies it faster; None is float32."""
    compile: bool = False
    """Whether torch compiles the transformer's blocks in stages that make video, which are most of the work. It takes a
    minute, which pays on CUDA but not on a CPU."""
    capture: bool = True
    """Whether a step may become a CUDA graph; see `stepping.Step`."""
    device: str = "cpu"
    report: Report = lambda step, values: None
    began: Callable[[str, int, int], None] = lambda name, step, steps: None
    """Called once with the name of the training, the number of steps already done, and the recipe's number."""
    draw_curves: bool = True
    """Whether the log is drawn after every training, which takes a second."""
    until: float | None = None
    """Time of `time.monotonic()` at which a training stops, with a checkpoint."""


class OutOfTimeError(Exception):
    """A training reached `LoopOptions.until`; the same call continues from its checkpoint."""


def train(module: nn.Module, loss: Loss, recipe: Recipe, folder: Path, options: LoopOptions) -> dict[str, Tensor]:
    """Trains `module` in place, or continues from `folder`; returns the averaged weights for `load_state_dict`.

    `folder` keeps `checkpoint.pt` (read with `weights_only`), `stable.pt` (the state before the rate fell) and
    `log.csv` (step, loss, its parts, samples/s, seconds of training). Several processes (`distributed`) see the same
    folder, and the first writes.

    Raises:
        ValueError: `folder` holds a training by another recipe that differs in more than a smaller number of steps.
        OutOfTimeError: see `LoopOptions.until`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = State(module, recipe, options.device)
    state.restore(folder)
    log = _Log(folder / "log.csv", state.step, state.seconds)
    module.train()
    options.began(folder.name, state.step, recipe.steps)
    step = Step(loss, state, options.device, options.autocast, options.capture)
    generator = torch.Generator(options.device)
    saved = mark = time.monotonic()
    while state.step < recipe.steps:
        state.set_rates(recipe.share(state.step))
        log.add(step(state.step, generator.manual_seed(recipe.seed * 2**32 + state.step)))
        state.step += 1
        reports = state.step % options.steps_between_reports == 0 or state.step == recipe.steps
        means = log.means() if reports else {}  # waits for the GPU, so that its time is counted
        state.seconds += time.monotonic() - mark
        if state.step == recipe.falls_at:
            state.save(folder / "stable.pt")
        late = agreed(options.until is not None and time.monotonic() > options.until, options.device)
        due = agreed(time.monotonic() - saved > options.seconds_between_saves, options.device)
        if late or due or state.step == recipe.steps:
            log.flush()
            state.save(folder / "checkpoint.pt")
            saved = time.monotonic()
        if late and state.step < recipe.steps:
            raise OutOfTimeError
        if reports:
            options.report(state.step, log.row(means, state.step, state.seconds, recipe.batch))
        mark = time.monotonic()
    log.flush()
    return state.averaged()


class _Log:
    """`log.csv`. Rows after the step at which a training continues are dropped."""

    def __init__(self, path: Path, step: int, seconds: float) -> None:
        self.path, self.rows, self.sums, self.count, self.since = path, [], {}, 0, seconds
        if path.is_file():
            with path.open(newline="") as file:
                self.rows = [row for row in csv.DictReader(file) if int(row["step"]) <= step]

    def add(self, values: Mapping[str, Tensor]) -> None:
        """Adds values without reading them: a step that waits for its own loss leaves the GPU idle."""
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0) + value.detach().float()
        self.count += 1

    def means(self) -> dict[str, float]:
        """Means of the values added since the last row, over all processes."""
        return {name: value / self.count for name, value in mean(self.sums).items()}

    def row(self, means: Mapping[str, float], step: int, seconds: float, batch: int) -> dict[str, float]:
        """Adds a row, and returns it."""
        rate = self.count * batch / max(1e-9, seconds - self.since)
        self.rows.append({"step": step, **{name: f"{value:.5g}" for name, value in means.items()},
                          "samples_per_s": f"{rate:.4g}", "seconds": f"{seconds:.1f}"})  # fmt: skip
        self.sums, self.count, self.since = {}, 0, seconds
        return {**means, "samples_per_s": rate}

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
