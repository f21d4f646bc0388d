"""A step of training and all that it changes: weights, optimisers, the average; on CUDA as one captured graph."""

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

A loss may be in two halves, as `objective.DiffusionLoss` is: `draw(generator)` gives tensors, and `of(…)` is a function
of them alone. Then a step can be captured."""
EAGER_STEPS = 11
"""Steps before a capture, in which kernels are compiled and optimisers make their state."""


class Step:
    """Takes one step after another.

    A small network's step is some thousand short kernels, and a processor that starts them one by one keeps a GPU
    waiting. So on CUDA, in one process and where the loss has two halves, the step is captured once as a CUDA graph
    (draws stay outside) and replayed. If the capture fails, steps go on one by one, and `why_not` says why.
    """

    def __init__(
        self, loss: Loss, state: "State", device: str, dtype: torch.dtype | None, capture: bool = True
    ) -> None:
        self.loss, self.state, self.device, self.dtype = loss, state, device, dtype
        self.graph: Any = None
        self.aside = torch.cuda.Stream() if state.can_capture else None
        """Captures do not work on the default stream, nor with gradients that were first made there."""
        can = capture and state.can_capture and hasattr(loss, "draw")
        self.why_not: str | None = None if can else "not asked for"
        self.taken = 0
        self.inputs: list[Tensor] = []
        self.told: Mapping[str, Tensor] = {}

    def __call__(self, step: int, generator: torch.Generator) -> Mapping[str, Tensor]:
        """Changes the state, and returns `loss` and its parts."""
        self.taken += 1
        if self.why_not is not None or self.taken <= EAGER_STEPS:
            return self._eager(step, generator)
        loss: Any = self.loss
        batch = loss.draw(generator)
        if self.graph is None:
            self._capture(batch)
            if self.graph is None:
                return self._changed(lambda: loss.of(batch))
        for mine, new in zip(self.inputs, tensors_of(batch), strict=True):
            mine.copy_(new)
        self.graph.replay()
        return self.told

    def _eager(self, step: int, generator: torch.Generator) -> Mapping[str, Tensor]:
        return self._changed(lambda: self.loss(step, generator))

    def _changed(self, loss: Callable[[], tuple[Tensor, Mapping[str, Tensor]]]) -> Mapping[str, Tensor]:
        with _on(self.aside):
            self.state.zero_grad()
            # as in a capture, or what is compiled would be compiled again there
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
            with torch.cuda.graph(graph, stream=self.aside):
                with autocast(self.device, self.dtype, cached=False):
                    value, parts = loss.of(batch)
                value.backward()
                self.state.update()
        except RuntimeError as error:
            torch.cuda.synchronize()
            self.why_not = " ".join(str(error).split())[:200]
            return
        self.graph, self.inputs = graph, tensors_of(batch)
        self.told = {"loss": value.detach(), **{name: part.detach() for name, part in parts.items()}}


@contextmanager
def _on(stream: Any) -> Iterator[None]:
    """Work on a stream of its own, in order with what comes before and after; None: where one is."""
    if stream is None:
        yield
        return
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        yield
    torch.cuda.current_stream().wait_stream(stream)


def tensors_of(batch: Any) -> list[Tensor]:
    """The tensors in a nest of dataclasses and tuples, in order."""
    if isinstance(batch, Tensor):
        return [batch]
    parts = batch if isinstance(batch, tuple) else vars(batch).values() if hasattr(batch, "__dict__") else ()
    return [found for part in parts for found in tensors_of(part)]


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
    chosen = [group for group in groups if group["params"]]
    found.append(torch.optim.AdamW(chosen, betas=(0.9, 0.95), fused=processes() == 1))
    if recipe.muon and inside:
        stacked = [value for name, value in named if name in inside and name.endswith("qkv.weight")]
        single = [value for name, value in named if name in inside and not name.endswith("qkv.weight")]
        parts = [{"params": single}, {"params": stacked, "parts": 3}]
        found.append(Muon(parts, recipe.muon, weight_decay=recipe.weight_decay))
    return found


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
        """Whether a step may be captured: it then reads its rates from tensors."""
        self.share: Tensor | float = torch.zeros((), device=device) if self.can_capture else 0.0
        """How much of the average is kept at this step."""
        self._hold_rates()

    def set_rates(self, share: float) -> None:
        """Before a step: the learning rates, and the share of the average."""
        for optimiser, rate in zip(self.optimisers, (self.recipe.learning_rate, self.recipe.muon), strict=False):
            for group in optimiser.param_groups:
                if isinstance(group["lr"], Tensor):
                    group["lr"].fill_(share * (rate or 0.0))
                else:
                    group["lr"] = share * (rate or 0.0)
        kept = min(self.recipe.ema, (1 + self.step) / (10 + self.step))
        self.share = self.share.fill_(kept) if isinstance(self.share, Tensor) else kept

    def update(self) -> None:
        """Gradients → weights, and the average follows them."""
        nn.utils.clip_grad_norm_(self.trained, self.recipe.clip)
        for optimiser in self.optimisers:
            optimiser.step()
        with torch.no_grad():
            steps = torch._foreach_sub([value.detach().float() for value in self.trained], self.ema)
            torch._foreach_mul_(steps, 1 - self.share)
            torch._foreach_add_(self.ema, steps)

    def zero_grad(self) -> None:
        """Forgets the gradients."""
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)

    def averaged(self) -> dict[str, Tensor]:
        """The averaged weights, and what is not trained."""
        found = {name: value.detach() for name, value in self.module.state_dict().items()}
        return found | dict(zip(self.names, self.ema, strict=True))

    def _hold_rates(self) -> None:
        for optimiser in self.optimisers if self.can_capture else ():
            for group in optimiser.param_groups:
                group["lr"] = torch.zeros((), device=self.trained[0].device)
                if "capturable" in group:
                    group["capturable"] = True

    def save(self, path: Path) -> None:
        state = gathered({
            "recipe": json.dumps(asdict(self.recipe)), "step": self.step, "seconds": self.seconds,
            "module": dict(self.module.state_dict()), "optimisers": [_plain(one) for one in self.optimisers],
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
        state = torch.load(path, weights_only=True, map_location="cpu")
        before, now = Recipe(**json.loads(state["recipe"])), self.recipe
        if before != now:
            if asdict(before) | {"steps": now.steps} != asdict(now) or now.steps < before.steps:
                raise ValueError(f"{folder} holds a training by another recipe ({before}); this one is {now}")
            if state["step"] > before.falls_at:  # the rate fell for the shorter recipe's end
                state = torch.load(folder / "stable.pt", weights_only=True, map_location="cpu")
        fill(self.module, state["module"])
        for optimiser, told in zip(self.optimisers, state["optimisers"], strict=True):
            parameters = [value for group in optimiser.param_groups for value in group["params"]]
            for number, kept in told["state"].items():
                like = parameters[number]
                kept |= {name: place(value, like) for name, value in kept.items() if value.shape == like.shape}
            optimiser.load_state_dict(told)
        self._hold_rates()
        self.ema = [place(whole, like) for whole, like in zip(state["ema"], self.trained, strict=True)]
        self.step, self.seconds = int(state["step"]), float(state["seconds"])


def _plain(optimiser: torch.optim.Optimizer) -> dict[str, Any]:
    """Its state, with rates as numbers, so that it goes on on any device."""
    state = optimiser.state_dict()
    groups = [{name: float(value) if isinstance(value, Tensor) else value for name, value in group.items()}
              for group in state["param_groups"]]  # fmt: skip
    return {**state, "param_groups": [group | {"capturable": False} if "capturable" in group else group
                                      for group in groups]}  # fmt: skip
