"""The three stages of training, and stage 0 that the small presets need: what each starts from, trains and leaves.

    stage 1   video VAE · motion VAE of the row          (each by itself; then all clips are compressed once)
    stage 0   first frame + text → video                 (shared by all rows; CogVideoX's weights for the large presets)
    stage 2   text → motion                              (text + video branch frozen)
    stage 3   all together                               (in coarse patches first, where the preset has them)

Each stage leaves an artefact (`artefacts`): weights and a card in a folder of its own. A finished artefact is not
trained again, unless its recipe has more steps now.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from egotwin_ref.autoencoders.video_vae import to_unit
from egotwin_ref.loading.bundle import build_motion_vae, build_video_vae, download_of, motion_vae_name, prompts_of
from egotwin_ref.loading.cogvideox import Download
from egotwin_ref.model.configs import PRESETS, VARIANTS, Preset, Variant, row_name
from egotwin_ref.model.diffusion import Schedule
from egotwin_ref.model.network import EgoTwin, is_motion
from egotwin_ref.model.text import Words

from .artefacts import Artefacts
from .clips import Clips
from .latent_cache import LatentCache
from .latents import Latents
from .loop import LoopOptions
from .networks import NetworkBuilder, seeded
from .objective import DiffusionLoss
from .probe import with_probe
from .recipes import Recipe, Recipes
from .vae_losses import MotionVAELoss, VideoVAELoss, on_device

BASIS_CLIPS, STATISTICS_CLIPS, STATISTICS_MOTIONS = 200, 512, 4096
"""Training clips that set the video VAE's principal components, its latents' statistics, and the motion VAE's."""


@dataclass(frozen=True)
class Stages:
    """The stages of one row. Each method runs one stage, after the stages that it needs, and returns its weights."""

    preset: str
    variant: str
    folder: Path
    """The preset's folder of work; rows share the artefacts that they have in common."""
    clips: Clips
    held_out: Clips
    """Clips that are never trained on; the probe uses them."""
    recipes: Recipes
    options: LoopOptions
    pretrained: Path | None = None
    """Folder of a CogVideoX download; the large presets start from it."""
    adopt: Path | None = None
    """Folder of finished weights and cards, as `Bundle.load` reads it. Weights in it that have the same parents are
    taken over if their recipe is the same. If only the number of steps differs, a training starts from them."""
    seed: int = 0
    """Of stages 2 and 3. What rows share (VAEs, stage 0) always has seed 0."""

    def video_vae(self) -> Path:
        """Stage 1: the video VAE. The large presets take CogVideoX's as it is."""
        if self.is_large:
            return Download.files(download_of(self.pretrained).vae)[0]
        recipe, device = self.recipes.video_vae, self.options.device
        if weights_file := self._artefacts.finished("video-vae", recipe, []):
            return weights_file
        vae = seeded(lambda: build_video_vae(self.size), recipe.seed).to(device)
        frames, share = on_device(self.clips.frames, device), self.recipes.windows_with_hands
        loss = VideoVAELoss(vae, frames, self.clips.hand_share, recipe.batch, self.recipes.kl_video, share)
        if not (self.folder / "video-vae" / "checkpoint.pt").is_file():
            seeded(lambda: vae.fit_basis(self._some_frames(BASIS_CLIPS)), recipe.seed)

        def finish(_: nn.Module) -> None:
            vae.fit_latents(self._some_frames(STATISTICS_CLIPS))

        return self._artefacts.train("video-vae", vae, loss, recipe, [], finish=finish)

    def motion_vae(self) -> Path:
        """Stage 1: the motion VAE, in the row's representation. Of a given path only statistics are measured."""
        name, recipe = motion_vae_name(self.row), self.recipes.body(self.row.tokens)
        if weights_file := self._artefacts.finished(name, recipe, []):
            return weights_file
        vae = seeded(lambda: build_motion_vae(self.size, self.row), recipe.seed)
        features = self._cache.features(self.clips, self.row)
        some = features[:: max(1, len(features) // STATISTICS_MOTIONS)]
        vae.fit_features(some.cpu())
        loss = MotionVAELoss(vae, features, recipe.batch, self.recipes.kl_motion, self.recipes.spread)
        return self._artefacts.train(name, vae, loss, recipe, [], finish=lambda _: vae.fit_latents(some))

    def base(self) -> Path:
        """Stage 0: text + video, shared by all rows. The large presets take CogVideoX itself."""
        if self.is_large:
            return self._artefacts.copy_cogvideox(self.row, self.recipes.base, self.pretrained)
        recipe = self.recipes.base
        # always the same network, whichever row comes first
        model = self._networks.build(VARIANTS["egotwin"], recipe.seed, trained=lambda name: not is_motion(name))
        loss = self.loss(model, recipe, with_motion=False)
        return self._artefacts.train("stage0", model, loss, recipe, [self.video_vae()], self._vocabulary())

    def motion(self) -> Path:
        """Stage 2: text to motion, from stage 0. A row that makes no motion skips this stage."""
        before = self.base()
        if "motion" not in self.row.makes:
            return before
        recipe = self._seeded(self.recipes.motion)
        model = self._networks.build(self.row, recipe.seed, before, trained=is_motion, may_compile=False)
        loss = self.loss(model, recipe, with_video=False)
        return self._artefacts.train(
            f"{self.row_name}/stage2", model, loss, recipe, [before, self.motion_vae()], self._row_metadata()
        )

    def joint(self) -> Path:
        """Stage 3: all together, from stage 2."""
        before, recipe = self.motion(), self._seeded(self.recipes.joint)
        name = "stage3-coarse" if self.size.coarse_patch else "stage3"
        return self._train_together(name, self.network(recipe.seed, before), recipe, before)

    def fine(self) -> Path:
        """Stage 3, second half, for presets with coarse patches: goes on with the preset's own patches."""
        before, recipe = self.joint(), self._seeded(self.recipes.fine)
        model = self._networks.build(self.row, recipe.seed, before, is_fine=True)
        return self._train_together("stage3", model, recipe, before)

    @property
    def size(self) -> Preset:
        """The preset's sizes."""
        return PRESETS[self.preset]

    @property
    def row(self) -> Variant:
        """The row's fields."""
        return VARIANTS[self.variant]

    @property
    def row_name(self) -> str:
        """Name of the row's folder and files: the variant's, with the seed's where it is not 0."""
        return row_name(self.variant, self.seed)

    @property
    def is_large(self) -> bool:
        """Whether the preset starts from CogVideoX."""
        return self.size.video_vae == "cogvideox"

    def network(self, seed: int, start: Path) -> EgoTwin:
        """The row's network with the weights of an earlier stage, all of it trained."""
        return self._networks.build(self.row, seed, start)

    def loss(self, model: EgoTwin, recipe: Recipe, with_video: bool = True, with_motion: bool = True) -> DiffusionLoss:
        """The loss of stages 0, 2 and 3 on the training clips."""
        latents = self.latents(self.clips, "train", with_motion)
        if not self.is_large:  # latents of a large preset stay in their file
            latents = latents.to(self.options.device)
        schedule = Schedule.cogvideox(self.size.snr_shift)
        return DiffusionLoss(model, schedule, latents, recipe.batch, self.recipes.draws, with_video, with_motion)

    def latents(self, clips: Clips, name: str, with_motion: bool = True) -> Latents:
        """Latents of clips: video and text by what all rows share, motion by the row's motion VAE."""
        latents = self.video_latents(clips, name)
        return replace(latents, motion=self.motion_latents(clips)) if with_motion else latents

    def video_latents(self, clips: Clips, name: str) -> Latents:
        """Latents of video and text; see `LatentCache.video`."""
        return self._cache.video(
            clips, name, self.video_vae(),
            lambda: prompts_of(self.size, self.words(), self.pretrained, self.options.device),
        )  # fmt: skip

    def motion_latents(self, clips: Clips) -> Tensor:
        """Latents of motion (n, tokens, C_m)."""
        return self._cache.motion(clips, self.row, self.motion_vae())

    def words(self) -> tuple[str, ...]:
        """The vocabulary: the words of the training captions; empty where prompts come encoded."""
        length = self.size.network.text_tokens
        return Words.of(self.clips.texts, length).words if self.size.text == "words" else ()

    @property
    def _artefacts(self) -> Artefacts:
        return Artefacts(self.preset, self.folder, self.clips, self.options, self.adopt)

    @property
    def _cache(self) -> LatentCache:
        return LatentCache(self.preset, self.folder, self.options.device, self.pretrained)

    @property
    def _networks(self) -> NetworkBuilder:
        return NetworkBuilder(self.preset, self.words(), self.options)

    def _seeded(self, recipe: Recipe) -> Recipe:
        """The recipe with this training's seed."""
        return replace(recipe, seed=self.seed)

    def _train_together(self, name: str, model: EgoTwin, recipe: Recipe, before: Path) -> Path:
        """Stage 3; where a video is made, the probe reports as well."""
        makes_video = "video" in self.row.makes
        loss, options = self.loss(model, recipe, with_video=makes_video), self.options
        if makes_video:
            probed = replace(loss, latents=self.latents(self.held_out, "held-out").to(options.device))
            path = self.folder / self.row_name / name / "probe.csv"
            options = replace(options, report=with_probe(path, probed, recipe.steps, options.report, options.compile))
        parents = [before, self.video_vae(), self.motion_vae()]
        return self._artefacts.train(
            f"{self.row_name}/{name}", model, loss, recipe, parents, self._row_metadata(), options=options
        )

    def _vocabulary(self) -> dict[str, str]:
        return {"words": json.dumps(self.words())}

    def _row_metadata(self) -> dict[str, str]:
        return {"variant": self.variant, **self._vocabulary()}

    def _some_frames(self, count: int) -> Tensor:
        """(count, T, 3, H, W) in [-1, 1], on the device: clips spread evenly over the training set."""
        some = np.linspace(0, len(self.clips) - 1, min(count, len(self.clips))).astype(int)
        frames = torch.from_numpy(np.stack([self.clips.frames[i] for i in some]))
        return to_unit(frames.to(self.options.device))
