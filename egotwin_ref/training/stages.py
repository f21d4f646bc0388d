"""The three stages of training, and stage 0 that the small preset needs: what each starts from, trains and leaves.

    stage 1   video VAE · motion VAE of the row          (picture and body apart; then all clips compressed once)
    stage 0   first frame + text → video                 (shared by all rows; CogVideoX's weights for the large presets)
    stage 2   text → motion                              (text + video branch frozen)
    stage 3   all together                               (in coarse patches first, where the preset has them)

Every artefact has a folder with its checkpoint and log, and once done `weights.safetensors` and `card.json`; what is
done is not done again, unless its recipe has more steps now.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from egotwin_ref.autoencoders.video_vae import to_unit
from egotwin_ref.loading import cogvideox, weights
from egotwin_ref.loading.bundle import (
    build_motion_vae,
    build_video_vae,
    download_of,
    load_video_vae,
    motion_vae_name,
    prompts_of,
    representation_of,
)  # fmt: skip
from egotwin_ref.model.attention import Flex, Masked
from egotwin_ref.model.configs import PRESETS, VARIANTS, Variant, row_name
from egotwin_ref.model.diffusion import Schedule
from egotwin_ref.model.network import EgoTwin, compile_blocks, is_motion, is_video
from egotwin_ref.model.text import Prompts, Words

from . import artefacts, curves
from .artefacts import sha256
from .clips import Clips
from .distributed import agreed, gathered, rank, shard, wait
from .latents import Latents, compress, features_of, late_hands, motion_latents
from .loop import Habits, Loss, Recipe, train
from .motion_vae_loss import MotionVAELoss
from .objective import DiffusionLoss
from .patches import refine
from .probe import watching
from .recipes import Recipes
from .video_vae_loss import VideoVAELoss, on_device

Built = TypeVar("Built")
CLIPS_AT_ONCE = 32
"""That the small video VAE compresses."""


@dataclass(frozen=True)
class Workshop:
    """One row in training."""

    preset: str
    variant: str
    folder: Path
    """Of the preset; rows share what they have in common."""
    clips: Clips
    held_out: Clips
    """Never trained on; the probe looks at these."""
    recipes: Recipes
    habits: Habits
    pretrained: Path | None = None
    """Folder of a CogVideoX download; the large presets start from it."""
    adopt: Path | None = None
    """Folder of finished weights and cards, as `Bundle.load` reads it. What was trained there from the same parents is
    taken over if its recipe is the same; if only its steps are fewer, a training starts from its weights."""
    seed: int = 0
    """Of stages 2 and 3; what rows share (VAEs, stage 0) has seed 0 in all of them."""

    def video_vae(self) -> Path:
        """Stage 1: pictures. The large presets take CogVideoX's as it is."""
        if self.is_large:
            return cogvideox.Download.files(download_of(self.pretrained).vae)[0]
        recipe = self.recipes.video_vae
        if done := self._done("video-vae", recipe, []):
            return done
        device = self.habits.device
        vae = _seeded(lambda: build_video_vae(PRESETS[self.preset]), recipe.seed).to(device)
        frames = on_device(self.clips.frames, device)
        share = self.recipes.windows_with_hands
        loss = VideoVAELoss(vae, frames, self.clips.hand_share, recipe.batch, self.recipes.kl_video, share)
        if not (self.folder / "video-vae" / "checkpoint.pt").is_file():
            _seeded(lambda: vae.fit_basis(self._some_frames(200)), recipe.seed)

        def finish(_: nn.Module) -> None:
            vae.fit_latents(self._some_frames(512))

        return self._train("video-vae", vae, loss, recipe, {}, [], finish)

    def motion_vae(self) -> Path:
        """Stage 1: the body, in the row's representation. A path that is given has nothing to learn but its scale."""
        row = VARIANTS[self.variant]
        recipe = self.recipes.body(row.tokens)
        if done := self._done(motion_vae_name(row), recipe, []):
            return done
        vae = _seeded(lambda: build_motion_vae(PRESETS[self.preset], row), recipe.seed)
        features = self._features(self.clips)
        some = features[:: max(1, len(features) // 4096)]
        vae.fit_features(some.cpu())
        loss = MotionVAELoss(vae, features, recipe.batch, self.recipes.kl_motion, self.recipes.spread)
        return self._train(motion_vae_name(row), vae, loss, recipe, {}, [], lambda _: vae.fit_latents(some))

    def base(self) -> Path:
        """Stage 0: text + video, shared by all rows. CogVideoX itself for the large presets."""
        if self.is_large:
            return self._copied()
        recipe, words = self.recipes.base, self._words()
        model = self._model(recipe.seed, trained=lambda name: not is_motion(name), row=VARIANTS["egotwin"])
        loss = self._loss(model, recipe, with_motion=False)
        return self._train("stage0", model, loss, recipe, {"words": json.dumps(words)}, [self.video_vae()])

    def motion(self) -> Path:
        """Stage 2: text to motion, from stage 0. A row that makes no motion has no such stage."""
        before = self.base()
        if "motion" not in VARIANTS[self.variant].makes:
            return before
        recipe, words = self._seed(self.recipes.motion), self._words()
        model = self._model(recipe.seed, before, trained=is_motion, may_compile=False)
        loss = self._loss(model, recipe, with_video=False)
        about = {"variant": self.variant, "words": json.dumps(words)}
        return self._train(f"{self.row}/stage2", model, loss, recipe, about, [before, self.motion_vae()])

    def joint(self) -> Path:
        """Stage 3: everything, from stage 2."""
        before, name = self.motion(), "stage3-coarse" if PRESETS[self.preset].coarse_patch else "stage3"
        recipe = self._seed(self.recipes.joint)
        return self._together(name, self._model(recipe.seed, before), recipe, before)

    def fine(self) -> Path:
        """Stage 3, second half: the same with the preset's own patches, for presets that have coarser ones."""
        before, recipe = self.joint(), self._seed(self.recipes.fine)
        model = self._model(recipe.seed, before, is_fine=True)
        return self._together("stage3", model, recipe, before)

    @property
    def row(self) -> str:
        """Name of the row's folder and files: the variant's, and the seed's where it is not 0."""
        return row_name(self.variant, self.seed)

    def _seed(self, recipe: Recipe) -> Recipe:
        """The same with this training's seed; what rows share has seed 0."""
        return replace(recipe, seed=self.seed)

    def _together(self, name: str, model: EgoTwin, recipe: Recipe, before: Path) -> Path:
        makes = VARIANTS[self.variant].makes
        loss = self._loss(model, recipe, with_video="video" in makes)
        about = {"variant": self.variant, "words": json.dumps(self._words())}
        parents, habits = [before, self.video_vae(), self.motion_vae()], self.habits
        if "video" in makes:
            heard = replace(loss, latents=self._latents(self.held_out, "held-out").to(habits.device))
            path = self.folder / self.row / name / "probe.csv"
            habits = replace(habits, report=watching(path, heard, recipe.steps, habits.report, habits.compile))
        return self._train(f"{self.row}/{name}", model, loss, recipe, about, parents, habits=habits)

    def _train(
        self,
        name: str,
        module: nn.Module,
        loss: Loss,
        recipe: Recipe,
        about: Mapping[str, str],
        parents: list[Path],
        finish: Callable[[nn.Module], None] = lambda module: None,
        habits: Habits | None = None,
    ) -> Path:
        if done := self._done(name, recipe, parents):
            return done
        folder, wanted = self.folder / name, artefacts.wanted(recipe, parents)
        shipped = self.row if name.endswith("/stage3") else name
        started_from = None
        if self.adopt is not None and not self._agreed(artefacts.is_begun(folder)):
            started_from = artefacts.adopt(self.adopt, shipped, folder, wanted, module, self.preset)
        if done := self._done(name, recipe, parents):
            return done
        module.to(self.habits.device)
        try:
            if any(value.requires_grad for value in module.parameters()):
                module.load_state_dict(train(module, loss, recipe, folder, habits or self.habits))
        finally:  # also of one that was stopped
            if rank() == 0 and self.habits.draw_curves:
                curves.draw(folder, recipe.batch)
        module.eval()
        finish(module)
        told = {"kind": "transformer" if isinstance(module, EgoTwin) else name, "preset": self.preset, **about}
        kept = {key: value for key, value in module.state_dict().items() if name != "stage0" or not is_motion(key)}
        data = {"clips": len(self.clips), "data_digest": self.clips.digest, "started_from": started_from}
        return artefacts.write(folder, gathered(kept), told, {**wanted, **data})

    def _copied(self) -> Path:
        """CogVideoX's network as the weights that a row starts from."""
        folder, download = self.folder / "stage0", download_of(self.pretrained)
        path, files = folder / artefacts.FILE, cogvideox.Download.files(download.transformer)
        wanted = {"recipe": asdict(self.recipes.base), "parents": {file.name: sha256(file) for file in files}}
        if rank() == 0 and not artefacts.is_done(folder, wanted):
            model = EgoTwin(PRESETS[self.preset].network, VARIANTS[self.variant])
            cogvideox.load(model, download.transformer)
            kept = {key: value for key, value in model.state_dict().items() if not is_motion(key)}
            weights.save(path, kept, {"kind": "transformer", "preset": self.preset})
            (folder / artefacts.CARD).write_text(json.dumps({**wanted, "sha256": sha256(path)}, indent=2) + "\n")
        wait()
        return path

    def _done(self, name: str, recipe: Recipe, parents: list[Path]) -> Path | None:
        """The artefact's weights, if there are any, by this recipe from these parents."""
        folder = self.folder / name
        done = self._agreed(artefacts.is_done(folder, artefacts.wanted(recipe, parents)))
        return folder / artefacts.FILE if done else None

    def _agreed(self, wish: bool) -> bool:
        """The first process's wish: the others may look at the files when it has gone on."""
        return agreed(wish, self.habits.device)

    def _some_frames(self, count: int) -> Tensor:
        """(count, T, 3, H, W) in [-1, 1], on the device: clips spread evenly over the training set."""
        some = np.linspace(0, len(self.clips) - 1, min(count, len(self.clips))).astype(int)
        return to_unit(torch.from_numpy(np.stack([self.clips.frames[i] for i in some])).to(self.habits.device))

    def _features(self, clips: Clips) -> Tensor:
        return features_of(representation_of(VARIANTS[self.variant]), clips, self.habits.device)

    @property
    def is_large(self) -> bool:
        """Whether the preset starts from CogVideoX."""
        return PRESETS[self.preset].video_vae == "cogvideox"

    def _words(self) -> tuple[str, ...]:
        """The vocabulary; none where prompts come encoded."""
        size = PRESETS[self.preset]
        return Words.of(self.clips.texts, size.network.text_tokens).words if size.text == "words" else ()

    def _prompts(self) -> Prompts:
        return prompts_of(PRESETS[self.preset], self._words(), self.pretrained, self.habits.device)

    def _model(
        self,
        seed: int,
        start: Path | None = None,
        trained: Callable[[str], bool] = lambda name: True,
        is_fine: bool = False,
        row: Variant | None = None,
        may_compile: bool = True,
    ) -> EgoTwin:
        """The network in its weights of `start`, in shards where there are several processes.

        Args:
            is_fine: it has the preset's own patches, those of `start` are coarse.
            row: another one than this training's: what rows share is the same whichever of them comes first.
            may_compile: a training that is shorter than a compilation says no.
        """
        size, row, words = PRESETS[self.preset], row or VARIANTS[self.variant], self._words()
        vocabulary = Words(words, size.network.text_tokens).vocabulary if words else 0
        attention = Flex if self.is_large and self.habits.device.startswith("cuda") else Masked
        network = replace(size.network, patch=size.coarse_patch or size.network.patch)
        model = _seeded(lambda: EgoTwin(network, row, vocabulary, attention, size.recompute), seed)
        if start is not None:
            told = {"kind": "transformer", "preset": self.preset}
            weights.load(start, model, told, may_miss=is_motion, may_have=is_video)
        if is_fine:
            coarse, model = model, EgoTwin(size.network, row, vocabulary, attention, size.recompute)
            refine(model, coarse)
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(trained(name))
        if self.habits.compile and may_compile and "video" in row.makes:
            compile_blocks(model)
        return shard(model, self.habits.autocast)

    def _loss(self, model: EgoTwin, recipe: Recipe, with_video: bool = True, with_motion: bool = True) -> DiffusionLoss:
        latents = self._latents(self.clips, "train", with_motion)
        if not self.is_large:  # their latents stay in the file
            latents = latents.to(self.habits.device)
        schedule = Schedule.cogvideox(PRESETS[self.preset].snr_shift)
        return DiffusionLoss(model, schedule, latents, recipe.batch, self.recipes.draws, with_video, with_motion)

    def _latents(self, clips: Clips, name: str, with_motion: bool = True) -> Latents:
        """Compressed once for all rows (video and text) and for the row's motion VAE (motion)."""
        latents = self._pictures(clips, name)
        return replace(latents, motion=self._bodies(clips)) if with_motion else latents

    def _pictures(self, clips: Clips, name: str) -> Latents:
        """Video and text."""
        video_file, device = self.video_vae(), self.habits.device
        path = self.folder / "latents" / f"{name}-{sha256(video_file)[:8]}-{clips.digest[:8]}.safetensors"
        if not self._agreed(path.is_file()):
            path.parent.mkdir(parents=True, exist_ok=True)
            vae = load_video_vae(self.preset, video_file, self.pretrained).to(device)
            compress(path, vae, clips.frames, self._prompts(), clips.texts, batch=1 if self.is_large else CLIPS_AT_ONCE)
        return replace(Latents.load(path, mapped=self.is_large), late_hands=late_hands(clips))

    def _bodies(self, clips: Clips) -> Tensor:
        """Motion, as the row's VAE has it."""
        row = VARIANTS[self.variant]
        body = build_motion_vae(PRESETS[self.preset], row)
        weights.load(self.motion_vae(), body, {"kind": motion_vae_name(row), "preset": self.preset})
        return motion_latents(body.eval().to(self.habits.device), self._features(clips))


def _seeded(build: Callable[[], Built], seed: int) -> Built:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()
