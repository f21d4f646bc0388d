"""How the shipped weights were trained, as data. All rows of a preset have the same recipes."""

from dataclasses import dataclass, field, replace

from .objective import Draws


@dataclass(frozen=True)
class Recipe:
    """With the data and the initial weights, it determines the trained weights."""

    steps: int
    """Optimiser steps."""
    batch: int
    """Clips per step, over all processes."""
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup: int = 200
    """Steps of linear warm-up."""
    decay: float = 0.3
    """Share of the steps, at the end, in which the rate falls linearly to 0."""
    ema: float = 0.999
    """Decay of the averaged weights, which are the result; it is (1 + step) / (10 + step) while that is less."""
    clip: float = 1.0
    """Largest norm of the gradient."""
    muon: float | None = None
    """Learning rate of Muon for the matrices inside the blocks of the transformer; None is AdamW for all."""
    seed: int = 0

    def share(self, step: int) -> float:
        """Factor of the learning rates at step `step`, from 0."""
        up = min(1.0, (step + 1) / max(1, self.warmup))
        down = min(1.0, (self.steps - step) / max(1.0, self.decay * self.steps))
        return up * down

    @property
    def falls_at(self) -> int:
        """First step whose rate falls."""
        return self.steps - int(self.decay * self.steps)


@dataclass(frozen=True)
class Recipes:
    """The recipes of one preset. Batches are clips, except for the video VAE: windows of 17 frames."""

    video_vae: Recipe
    """Stage 1, the video VAE."""
    motion_vae: Recipe
    """Stage 1, the motion VAE."""
    kl_video: float
    """Weight of the KL in nats per latent value."""
    kl_motion: float
    spread: float = field(default=0.0, kw_only=True)
    """Extra noise in the motion VAEs' latents; see `MotionVAE.loss`."""
    base: Recipe
    """Stage 0: first frame + text → video, without motion. The paper starts from CogVideoX, and `small` and `mini` have
    no such weights. It is trained once, and all rows start from it."""
    motion: Recipe
    """Stage 2: text → motion with the text + video branch frozen."""
    joint: Recipe
    """Stage 3: all together."""
    fine: Recipe
    """Stage 3, continued with the preset's own patches, if they were coarser before (`Preset.coarse_patch`)."""
    draws: Draws = field(default_factory=Draws)
    windows_with_hands: float = field(default=0.4, kw_only=True)
    """Share of the video VAE's windows that are taken around a frame with a hand."""
    global_vae: Recipe | None = field(default=None, kw_only=True)
    """MLD's motion VAE, whose loss needs more steps than others to become flat; None: as `motion_vae`."""

    def body(self, tokens: str) -> Recipe:
        """The recipe of the motion VAE for a kind of tokens (`Variant.tokens`). For a given path nothing is trained."""
        if tokens == "path":
            return replace(self.motion_vae, steps=0)
        return (self.global_vae or self.motion_vae) if tokens == "global" else self.motion_vae


EVEN = Draws(unknown_motion=0.0, unknown_video=0.0, hands=0.0, moving=0.0)
"""Draws of `mini`: without weights, and a modality is never unknown."""
MINI = Recipes(
    video_vae=Recipe(steps=1800, batch=6, learning_rate=1e-3, warmup=100, decay=0.3, ema=0.998),
    motion_vae=Recipe(steps=1500, batch=32, learning_rate=2e-3, warmup=100, decay=0.3, ema=0.998),
    kl_video=1e-5,
    kl_motion=1e-5,
    base=Recipe(steps=900, batch=32, learning_rate=1e-3, warmup=100),
    motion=Recipe(steps=300, batch=32, learning_rate=1e-3, warmup=50),
    joint=Recipe(steps=1_800, batch=64, learning_rate=1e-3, warmup=50, muon=2e-3),
    fine=Recipe(steps=1_400, batch=32, learning_rate=1e-3, warmup=30, ema=0.997, muon=2e-3),
    draws=EVEN,
    windows_with_hands=0.0,
)
SMALL = Recipes(
    video_vae=Recipe(steps=6_000, batch=8, learning_rate=1e-3, warmup=100, decay=0.4, ema=0.998),
    motion_vae=Recipe(steps=6_000, batch=32, learning_rate=1e-3, warmup=200, decay=0.4, ema=0.998),
    kl_video=1e-5,
    kl_motion=1e-5,
    spread=0.15,
    base=Recipe(steps=9_400, batch=32, learning_rate=1e-3, warmup=100, ema=0.998, muon=2e-3),
    motion=Recipe(steps=600, batch=32, learning_rate=1e-3, warmup=50, muon=2e-3),
    joint=Recipe(steps=2_000, batch=32, learning_rate=1e-3, warmup=50, ema=0.998, muon=2e-3),
    fine=Recipe(steps=0, batch=1),
    global_vae=Recipe(steps=5_900, batch=128, learning_rate=1e-3, warmup=200, decay=0.4, ema=0.998),
)
SMALL_GPU = replace(
    SMALL,
    video_vae=replace(SMALL.video_vae, steps=8_000, batch=64),
    motion_vae=replace(SMALL.motion_vae, batch=128),
    base=replace(SMALL.base, steps=1_200, batch=256),
    motion=replace(SMALL.motion, steps=200, batch=256),
    joint=replace(SMALL.joint, steps=6_000, batch=256),
)
"""The same on a GPU that is available for minutes, in which it trains on ten times as many clips."""
LARGE = Recipes(
    video_vae=Recipe(steps=0, batch=1),  # CogVideoX's VAE
    motion_vae=Recipe(steps=100_000, batch=128, learning_rate=1e-4, weight_decay=0.01, warmup=1000),
    kl_video=0.0,
    kl_motion=1e-4,
    base=Recipe(steps=0, batch=1),  # CogVideoX's weights
    motion=Recipe(steps=50_000, batch=64, learning_rate=1e-4, warmup=1000),
    joint=Recipe(steps=20_000, batch=64, learning_rate=2e-5, warmup=1000),
    fine=Recipe(steps=0, batch=1),  # one size of patches throughout
)
RECIPES = {"mini": MINI, "small": SMALL, "cogvideox-2b": LARGE, "cogvideox-5b": LARGE, "cogvideox-5b-i2v": LARGE}
"""Recipes by preset. Those of the large presets were never run; they are a first guess."""
