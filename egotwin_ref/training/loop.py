"""The training loop of all stages: resumable to the step, the same weights however often it was stopped.

A step's draws (clips, timesteps, noise, dropped prompts) come from a generator seeded by (seed, step) alone, so the
position in the data is the number of the step. The learning rate warms up, stays, and falls over the last steps
(warm-up, stable, decay); the state from which it fell is kept, so that a recipe with more steps goes on from there.
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
"""Called with steps done and the means since the last call: `loss`, its parts, `samples_per_s`.

Every process calls it, since it may run the network, which may be in shards; let only the first print."""


@dataclass(frozen=True)
class LoopOptions:
    """What does not change the result: how often to save and to report, and in which precision to multiply."""

    seconds_between_saves: float = 120.0
    steps_between_reports: int = 50
    autocast: torch.dtype | None = None
    """bfloat16 where the device multiplies it faster; None is float32."""
    compile: bool = False
    """Whether torch compiles the transformer's blocks where video is made, which is most of the work: worth a minute on
    CUDA, not on a processor."""
    capture: bool = True
    """Whether a step may become a CUDA graph; see `stepping.Step`."""
    device: str = "cpu"
    report: Report = lambda step, values: None
    began: Callable[[str, int, int], None] = lambda name, step, steps: None
    """Called once with the name of what is trained, the steps already done, and the recipe's."""
    draw_curves: bool = True
    """Whether the log is drawn after every training: a second of it."""
    until: float | None = None
    """`time.monotonic()` at which a training stops, with a checkpoint."""


class OutOfTimeError(Exception):
    """A training came to `LoopOptions.until`; the same call goes on from its checkpoint."""


def train(module: nn.Module, loss: Loss, recipe: Recipe, folder: Path, options: LoopOptions) -> dict[str, Tensor]:
    """Trains `module` in place, or goes on from `folder`, and returns the averaged weights for `load_state_dict`.

    `folder` keeps `checkpoint.pt` (read with `weights_only`), `stable.pt` (the state before the rate fell) and
    `log.csv` (step, loss, its parts, samples/s, seconds of training). Several processes (`distributed`) see the same
    folder, and the first writes.

    Raises:
        ValueError: `folder` holds another recipe's training, and not one that only had fewer steps.
        OutOfTimeError: see `LoopOptions.until`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = State(module, recipe, options.device)
    state.restore(folder)
    log = _Log(folder / "log.csv", state.step, state.seconds)
    module.train()
    options.began(folder.name, state.step, recipe.steps)
    take = Step(loss, state, options.device, options.autocast, options.capture)
    generator = torch.Generator(options.device)
    saved = mark = time.monotonic()
    while state.step < recipe.steps:
        state.set_rates(recipe.share(state.step))
        log.add(take(state.step, generator.manual_seed(recipe.seed * 2**32 + state.step)))
        state.step += 1
        reports = state.step % options.steps_between_reports == 0 or state.step == recipe.steps
        means = log.means() if reports else {}  # waits for a GPU, whose time would else not be counted
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
    """`log.csv`; rows after the step from which a training goes on are dropped."""

    def __init__(self, path: Path, step: int, seconds: float) -> None:
        self.path, self.rows, self.sums, self.count, self.since = path, [], {}, 0, seconds
        if path.is_file():
            with path.open(newline="") as file:
                self.rows = [row for row in csv.DictReader(file) if int(row["step"]) <= step]

    def add(self, values: Mapping[str, Tensor]) -> None:
        """Stays on the device: a step that waited for its own loss would leave a GPU idle."""
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0) + value.detach().float()
        self.count += 1

    def means(self) -> dict[str, float]:
        """Of what was added since the last row, over all processes."""
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
