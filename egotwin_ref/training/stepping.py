"""A training step and all that it changes: weights, optimisers, averaged weights. On CUDA it is one captured graph."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from egotwin_ref.loading.shards import place

from .distributed import fill, gathered, processes, rank
from .muon import Muon
from .precision import autocast
from .recipes import Recipe

Loss = Callable[[int, torch.Generator], tuple[Tensor, Mapping[str, Tensor]]]
"""(step, the step's generator) → loss, and named parts of it for the log. The generator is on the training's device.

A loss may have two halves, as `objective.DiffusionLoss` has: `draw(generator)` gives tensors, and `of(…)` is a function
of them alone. Only then can a step be captured."""
EAGER_STEPS = 11
"""Steps before a capture: in these, kernels are compiled and optimisers make their state."""


class Step:
    """Takes one step per call.

    A small network's step has some thousand short kernels, and the GPU waits while the CPU starts them one by one. So
    the step is captured once as a CUDA graph, without the draws, and then replayed; this needs CUDA, one process and a
    loss of two halves. If the capture fails, kernels are started one by one as before, and `why_not` says why.
    """

    def __init__(
        self, loss: Loss, state: "State", device: str, dtype: torch.dtype | None, capture: bool = True
    ) -> None:
        self.loss, self.state, self.device, self.dtype = loss, state, device, dtype
        self.graph: Any = None
        self.stream = torch.cuda.Stream() if state.can_capture else None
        """A capture fails on the default stream, and with gradients that were first made there."""
        can = capture and state.can_capture and hasattr(loss, "draw")
        self.why_not: str | None = None if can else "not requested"
        self.taken = 0
        self.inputs: list[Tensor] = []
        self.values: Mapping[str, Tensor] = {}

    def __call__(self, step: int, generator: torch.Generator) -> Mapping[str, Tensor]:
        """Takes a step, which changes the state; returns `loss` and its parts."""
        self.taken += 1
        if self.why_not is not None or self.taken <= EAGER_STEPS:
            return self._eager(step, generator)
        loss: Any = self.loss
        batch = loss.draw(generator)
        if self.graph is None:
            self._capture(batch)
            if self.graph is None:
                return self._update(lambda: loss.of(batch))
        for mine, new in zip(self.inputs, tensors_of(batch), strict=True):
            mine.copy_(new)
        self.graph.replay()
        return self.values

    def _eager(self, step: int, generator: torch.Generator) -> Mapping[str, Tensor]:
        return self._update(lambda: self.loss(step, generator))

    def _update(self, loss: Callable[[], tuple[Tensor, Mapping[str, Tensor]]]) -> Mapping[str, Tensor]:
        with _on(self.stream):
            self.state.zero_grad()
            # as in the capture: otherwise it would compile everything again
            with autocast(self.device, self.dtype, cached=self.why_not is not None):
                value, parts = loss()
            value.backward()
            self.state.update()
            return {"loss": value.detach(), **{name: part.detach() for name, part in parts.items()}}

    def _capture(self, batch: Any) -> None:
        loss: Any = self.loss
        graph = torch.cuda.CUDAGraph()
        self.state.zero_grad()
        torch.cuda.synchronize()
        try:
            with torch.cuda.graph(graph, stream=self.stream):
                with autocast(self.device, self.dtype, cached=False):
                    value, parts = loss.of(batch)
                value.backward()
                self.state.update()
        except RuntimeError as error:
            torch.cuda.synchronize()
            self.why_not = " ".join(str(error).split())[:200]
            return
        self.graph, self.inputs = graph, tensors_of(batch)
        self.values = {"loss": value.detach(), **{name: part.detach() for name, part in parts.items()}}


@contextmanager
def _on(stream: Any) -> Iterator[None]:
    """Runs work on this stream, after earlier and before later work; None is the current stream."""
    if stream is None:
        yield
        return
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        yield
    torch.cuda.current_stream().wait_stream(stream)


def tensors_of(batch: Any) -> list[Tensor]:
    """The tensors in nested dataclasses and tuples, in order."""
    if isinstance(batch, Tensor):
        return [batch]
    parts = batch if isinstance(batch, tuple) else vars(batch).values() if hasattr(batch, "__dict__") else ()
    return [tensor for part in parts for tensor in tensors_of(part)]


def optimisers(named: list[tuple[str, nn.Parameter]], recipe: Recipe) -> list[torch.optim.Optimizer]:
    """AdamW, and Muon if the recipe has it; vectors have no weight decay.

    Raises:
        ValueError: the recipe has Muon and there are several processes, of which none has a whole matrix.
    """
    if recipe.muon and processes() > 1:
        raise ValueError("Muon needs whole matrices: recipes for several processes have muon=None")
    inside = {name for name, value in named if recipe.muon and value.ndim == 2 and name.startswith("blocks.")}
    matrices = [value for name, value in named if value.ndim >= 2 and name not in inside]
    vectors = [value for _, value in named if value.ndim < 2]
    groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    chosen = [group for group in groups if group["params"]]
    made: list[torch.optim.Optimizer] = [torch.optim.AdamW(chosen, betas=(0.9, 0.95), fused=processes() == 1)]
    if recipe.muon and inside:
        stacked = [value for name, value in named if name in inside and name.endswith("qkv.weight")]
        single = [value for name, value in named if name in inside and not name.endswith("qkv.weight")]
        parts = [{"params": single}, {"params": stacked, "parts": 3}]
        made.append(Muon(parts, recipe.muon, weight_decay=recipe.weight_decay))
    return made


class State:
    """Everything that a step changes."""

    def __init__(self, module: nn.Module, recipe: Recipe, device: str = "cpu") -> None:
        self.module, self.recipe, self.step, self.seconds = module, recipe, 0, 0.0
        named = [(name, value) for name, value in module.named_parameters() if value.requires_grad]
        self.trained = [value for _, value in named]
        self.optimisers = optimisers(named, recipe)
        self.names = [name for name, _ in named]
        self.ema = [value.detach().clone().float() for value in self.trained]
        self.can_capture = device.startswith("cuda") and processes() == 1
        """Whether a step may be captured; the learning rates are then tensors."""
        self.share: Tensor | float = torch.zeros((), device=device) if self.can_capture else 0.0
        """Share of the averaged weights that is kept at this step."""
        self._rates_as_tensors()

    def set_rates(self, share: float) -> None:
        """Sets the learning rates of the next step, and the share of the average that it keeps.

        Args:
            share: factor of the recipe's learning rates.
        """
        for optimiser, rate in zip(self.optimisers, (self.recipe.learning_rate, self.recipe.muon), strict=False):
            for group in optimiser.param_groups:
                if isinstance(group["lr"], Tensor):
                    group["lr"].fill_(share * (rate or 0.0))
                else:
                    group["lr"] = share * (rate or 0.0)
        kept = min(self.recipe.ema, (1 + self.step) / (10 + self.step))
        self.share = self.share.fill_(kept) if isinstance(self.share, Tensor) else kept

    def update(self) -> None:
        """Updates the weights by their gradients, and then the averaged weights."""
        nn.utils.clip_grad_norm_(self.trained, self.recipe.clip)
        for optimiser in self.optimisers:
            optimiser.step()
        with torch.no_grad():
            steps = torch._foreach_sub([value.detach().float() for value in self.trained], self.ema)
            torch._foreach_mul_(steps, 1 - self.share)
            torch._foreach_add_(self.ema, steps)

    def zero_grad(self) -> None:
        """Deletes the gradients."""
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)

    def averaged(self) -> dict[str, Tensor]:
        """The averaged weights, with all parameters and buffers that are not trained."""
        state = {name: value.detach() for name, value in self.module.state_dict().items()}
        return state | dict(zip(self.names, self.ema, strict=True))

    def _rates_as_tensors(self) -> None:
        for optimiser in self.optimisers if self.can_capture else ():
            for group in optimiser.param_groups:
                group["lr"] = torch.zeros((), device=self.trained[0].device)
                if "capturable" in group:
                    group["capturable"] = True

    def save(self, path: Path) -> None:
        """Writes a checkpoint atomically, by the first process; all processes must call it."""
        state = gathered({
            "recipe": json.dumps(asdict(self.recipe)), "step": self.step, "seconds": self.seconds,
            "module": dict(self.module.state_dict()), "optimisers": [_with_plain_rates(one) for one in self.optimisers],
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
        """Continues from the checkpoint in a folder, if there is one.

        Raises:
            ValueError: it is of another recipe, which differs in more than a smaller number of steps.
        """
        path = folder / "checkpoint.pt"
        if not path.is_file():
            return
        state = torch.load(path, weights_only=True, map_location="cpu")
        before, now = Recipe(**json.loads(state["recipe"])), self.recipe
        if before != now:
            if asdict(before) | {"steps": now.steps} != asdict(now) or now.steps < before.steps:
                raise ValueError(f"{folder} holds a training by another recipe ({before}); this one is {now}")
            if state["step"] > before.falls_at:  # the rate has fallen for the end of the shorter recipe
                state = torch.load(folder / "stable.pt", weights_only=True, map_location="cpu")
        fill(self.module, state["module"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            parameters = [value for group in optimiser.param_groups for value in group["params"]]
            for number, buffers in saved["state"].items():
                like = parameters[number]
                buffers |= {name: place(value, like) for name, value in buffers.items() if value.shape == like.shape}
            optimiser.load_state_dict(saved)
        self._rates_as_tensors()
        self.ema = [place(whole, like) for whole, like in zip(state["ema"], self.trained, strict=True)]
        self.step, self.seconds = int(state["step"]), float(state["seconds"])


def _with_plain_rates(optimiser: torch.optim.Optimizer) -> dict[str, Any]:
    """State of an optimiser with rates as plain numbers, so that any device can load it."""
    state = optimiser.state_dict()
    groups = [{name: float(value) if isinstance(value, Tensor) else value for name, value in group.items()}
              for group in state["param_groups"]]  # fmt: skip
    return {**state, "param_groups": [group | {"capturable": False} if "capturable" in group else group
                                      for group in groups]}  # fmt: skip
