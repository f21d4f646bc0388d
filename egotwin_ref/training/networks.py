"""The transformer as a stage trains it: filled, partly frozen, compiled, and in shards on several processes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch

from egotwin_ref.loading import weights
from egotwin_ref.model.attention import Flex, Masked
from egotwin_ref.model.configs import PRESETS, Variant
from egotwin_ref.model.network import EgoTwin, compile_blocks, is_motion, is_video
from egotwin_ref.model.text import Words

from .distributed import shard
from .loop import LoopOptions
from .patches import refine

Built = TypeVar("Built")


@dataclass(frozen=True)
class NetworkBuilder:
    """Builds networks of one preset for training."""

    preset: str
    words: tuple[str, ...]
    """The vocabulary; empty where prompts come encoded."""
    options: LoopOptions

    def build(
        self,
        row: Variant,
        seed: int,
        start: Path | None = None,
        trained: Callable[[str], bool] = lambda name: True,
        is_fine: bool = False,
        may_compile: bool = True,
    ) -> EgoTwin:
        """The network of a row, with fresh weights or with those of `start`.

        Args:
            seed: of the fresh weights.
            start: weights of an earlier stage; what they lack keeps its fresh weights.
            trained: which parameters are trained, by name; the others are frozen.
            is_fine: the network has the preset's own patches, and `start` has coarse ones.
            may_compile: false for a training that is shorter than a compilation.
        """
        size = PRESETS[self.preset]
        vocabulary = Words(self.words, size.network.text_tokens).vocabulary if self.words else 0
        is_long = size.video_vae == "cogvideox"
        attention = Flex if is_long and self.options.device.startswith("cuda") else Masked
        network = replace(size.network, patch=size.coarse_patch or size.network.patch)
        model = seeded(lambda: EgoTwin(network, row, vocabulary, attention, size.recompute), seed)
        if start is not None:
            metadata = {"kind": "transformer", "preset": self.preset}
            weights.load(start, model, metadata, may_miss=is_motion, may_have=is_video)
        if is_fine:
            coarse, model = model, EgoTwin(size.network, row, vocabulary, attention, size.recompute)
            refine(model, coarse)
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(trained(name))
        if self.options.compile and may_compile and "video" in row.makes:
            compile_blocks(model)
        return shard(model, self.options.autocast)


def seeded(build: Callable[[], Built], seed: int) -> Built:
    """What `build` returns with torch's global generator at `seed`; the generator's state is put back afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()
