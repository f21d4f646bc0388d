"""The three stages of training, and stage 0 that the small preset needs: what each starts from, trains and leaves.

    stage 1   video VAE · motion VAE of the row          (picture and body apart; then all clips compressed once)
    stage 0   first frame + text → video                 (shared by all rows; CogVideoX's weights for the large presets)
    stage 2   text → motion                              (text + video branch frozen)
    stage 3   all together                               (in coarse patches first, where the preset has them)

Every artefact has a folder with its checkpoint and log, and once done `weights.safetensors` and `card.json`; what is
done is not done again, unless its recipe has more steps now.
"""

import hashlib
import json
import platform
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from . import cogvideox, curves, weights
from .attention import Flex, Masked
from .bundle import (
    build_motion_vae,
    build_video_vae,
    download_of,
    load_video_vae,
    motion_vae_name,
    prompts_of,
    representation_of,
)  # fmt: skip
from .clips import Clips
from .configs import PRESETS, VARIANTS
from .diffusion import Schedule
from .distributed import agreed, gathered, processes, rank, shard, wait
from .latents import Latents, compress
from .model import EgoTwin
from .objective import DiffusionLoss
from .patches import refine
from .probe import watching
from .recipes import Recipes
from .text import Prompts, Words
from .training import Habits, Loss, Recipe, train
from .video_training import VideoVAELoss
from .video_vae import to_unit

Built = TypeVar("Built")
CARD = "card.json"
MOTION_PARTS = ("motion_in.", "time_motion.", "motion_out.")


def is_motion(name: str) -> bool:
    """Whether a parameter of the transformer belongs to the motion branch."""
    return name.startswith(MOTION_PARTS) or ".motion." in name


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

    def video_vae(self) -> Path:
        """Stage 1: pictures. The large presets take CogVideoX's as it is."""
        if self.is_large:
            return cogvideox.Download.files(download_of(self.pretrained).vae)[0]
        recipe = self.recipes.video_vae
        if done := self._done("video-vae", recipe, []):
            return done
        vae = _seeded(lambda: build_video_vae(PRESETS[self.preset]), recipe.seed)
        loss = VideoVAELoss(vae, self.clips.frames, recipe.batch, self.recipes.kl_video)
        if not (self.folder / "video-vae" / "checkpoint.pt").is_file():
            _seeded(lambda: vae.fit_basis(self._some_frames(200)), recipe.seed)

        def finish(_: nn.Module) -> None:
            vae.fit_latents(self._some_frames(512))

        return self._train("video-vae", vae, loss, recipe, {}, [], finish)

    def motion_vae(self) -> Path:
        """Stage 1: the body, in the row's representation."""
        recipe, row = self.recipes.motion_vae, VARIANTS[self.variant]
        if done := self._done(motion_vae_name(row), recipe, []):
            return done
        vae = _seeded(lambda: build_motion_vae(PRESETS[self.preset], row), recipe.seed)
        features = self._features(self.clips)
        vae.fit_features(features)

        def loss(step: int, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
            del step
            chosen = torch.randint(len(features), (recipe.batch,), generator=generator)
            noise = torch.randn(vae.noise_shape(recipe.batch), generator=generator)
            return vae.loss(features[chosen], noise, self.recipes.kl_motion)

        return self._train(motion_vae_name(row), vae, loss, recipe, {}, [], lambda _: vae.fit_latents(features[:2048]))

    def base(self) -> Path:
        """Stage 0: text + video, shared by all rows. CogVideoX itself for the large presets."""
        if self.is_large:
            return self._copied()
        recipe, words = self.recipes.base, self._words()
        model = self._model(recipe.seed, trained=lambda name: not is_motion(name))
        loss = self._loss(model, recipe, with_motion=False)
        return self._train("stage0", model, loss, recipe, {"words": json.dumps(words)}, [self.video_vae()])

    def motion(self) -> Path:
        """Stage 2: text to motion, from stage 0."""
        recipe, words, before = self.recipes.motion, self._words(), self.base()
        model = self._model(recipe.seed, before, trained=is_motion)
        loss = self._loss(model, recipe, with_video=False)
        about = {"variant": self.variant, "words": json.dumps(words)}
        return self._train(f"{self.variant}/stage2", model, loss, recipe, about, [before, self.motion_vae()])

    def joint(self) -> Path:
        """Stage 3: everything, from stage 2."""
        before, name = self.motion(), "stage3-coarse" if PRESETS[self.preset].coarse_patch else "stage3"
        return self._together(name, self._model(self.recipes.joint.seed, before), self.recipes.joint, before)

    def fine(self) -> Path:
        """Stage 3, second half: the same with the preset's own patches, for presets that have coarser ones."""
        before = self.joint()
        model = self._model(self.recipes.fine.seed, before, is_fine=True)
        return self._together("stage3", model, self.recipes.fine, before)

    def _together(self, name: str, model: EgoTwin, recipe: Recipe, before: Path) -> Path:
        loss = self._loss(model, recipe)
        about = {"variant": self.variant, "words": json.dumps(self._words())}
        parents = [before, self.video_vae(), self.motion_vae()]
        heard = replace(loss, latents=self._latents(self.held_out, "held-out"))
        report = watching(self.folder / self.variant / name / "probe.csv", heard, recipe.steps, self.habits.report)
        watch = replace(self.habits, report=report)
        return self._train(f"{self.variant}/{name}", model, loss, recipe, about, parents, habits=watch)

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
        folder, asked = self.folder / name, _asked(recipe, parents)
        path, card = folder / "weights.safetensors", folder / CARD
        started_from = self._adopted(name, asked, module)
        if done := self._done(name, recipe, parents):
            return done
        module.to(self.habits.device)
        try:
            module.load_state_dict(train(module, loss, recipe, folder, habits or self.habits))
        finally:  # also of one that was stopped
            if rank() == 0:
                curves.draw(folder, recipe.batch)
        module.eval()
        finish(module)
        told = {"kind": "transformer" if isinstance(module, EgoTwin) else name, "preset": self.preset, **about}
        kept = {key: value for key, value in module.state_dict().items() if name != "stage0" or not is_motion(key)}
        whole = gathered(kept)
        if rank() == 0:
            weights.save(path, whole, told)
            facts = {
                **asked, "sha256": sha256(path), "clips": len(self.clips), "data_digest": self.clips.digest,
                "parameters": sum(value.numel() for value in module.parameters()), "torch": torch.__version__,
                "processor": platform.processor() or platform.machine(), "threads": torch.get_num_threads(),
                "processes": processes(), "started_from": started_from,
                "seconds": float((folder / "log.csv").read_text().rsplit(",", 1)[1]), "licence": "Apache-2.0",
            }  # fmt: skip
            card.write_text(json.dumps(facts, indent=2) + "\n")
        wait()
        return path

    def _copied(self) -> Path:
        """CogVideoX's network as the weights that a row starts from."""
        folder, download = self.folder / "stage0", download_of(self.pretrained)
        path, files = folder / "weights.safetensors", cogvideox.Download.files(download.transformer)
        asked = {"recipe": asdict(self.recipes.base), "parents": {file.name: sha256(file) for file in files}}
        if rank() == 0 and not _is_done(folder, asked):
            model = EgoTwin(PRESETS[self.preset].network, VARIANTS[self.variant])
            cogvideox.load(model, download.transformer)
            kept = {key: value for key, value in model.state_dict().items() if not is_motion(key)}
            weights.save(path, kept, {"kind": "transformer", "preset": self.preset})
            (folder / CARD).write_text(json.dumps({**asked, "sha256": sha256(path)}, indent=2) + "\n")
        wait()
        return path

    def _done(self, name: str, recipe: Recipe, parents: list[Path]) -> Path | None:
        """The artefact's weights, if there are any, by this recipe from these parents."""
        folder = self.folder / name
        done = self._agreed(_is_done(folder, _asked(recipe, parents)))
        return folder / "weights.safetensors" if done else None

    def _agreed(self, wish: bool) -> bool:
        """The first process's wish: the others may look at the files when it has gone on."""
        return agreed(wish, self.habits.device)

    def _adopted(self, name: str, asked: Mapping[str, Any], module: nn.Module) -> str | None:
        """Takes over what lies in `adopt`: whole, into the workshop; or as the weights to start from, whose SHA-256 is
        returned."""
        shipped = self.variant if name.endswith("/stage3") else name
        folder = self.folder / name
        if self.adopt is None or not (self.adopt / f"{shipped}.card.json").is_file():
            return None
        if self._agreed(_is_begun(folder)):
            return None
        told = json.loads((self.adopt / f"{shipped}.card.json").read_text())
        weights_file = self.adopt / f"{shipped}.safetensors"
        if told["parents"] != asked["parents"]:
            return None
        if told["recipe"] == asked["recipe"]:
            copies = (("log.csv", "log.csv"), ("safetensors", "weights.safetensors"), ("card.json", CARD))
            for suffix, target in copies if rank() == 0 else ():
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.adopt / f"{shipped}.{suffix}", folder / target)
            wait()
            return None
        if told["recipe"] | {"steps": 0} == asked["recipe"] | {"steps": 0}:
            weights.load(weights_file, module, {"preset": self.preset}, may_miss=is_motion)
            return str(told["sha256"])
        return None

    def _some_frames(self, count: int) -> Tensor:
        """(count, T, 3, H, W) in [-1, 1]: clips spread evenly over the training set."""
        some = np.linspace(0, len(self.clips) - 1, min(count, len(self.clips))).astype(int)
        return to_unit(torch.from_numpy(np.stack([self.clips.frames[i] for i in some])))

    def _features(self, clips: Clips) -> Tensor:
        """(n, T_m, dim) of all motions, in the row's representation."""
        motion, parts = representation_of(VARIANTS[self.variant]), []
        for start in range(0, len(clips), 64):
            some = slice(start, start + 64)
            positions, rotations = (torch.from_numpy(np.array(a[some])) for a in (clips.positions, clips.rotations))
            parts.append(motion.encode(positions, rotations))
        return torch.cat(parts)

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
    ) -> EgoTwin:
        """The network in its weights of `start`, in shards where there are several processes.

        Args:
            is_fine: it has the preset's own patches, those of `start` are coarse.
        """
        size, row, words = PRESETS[self.preset], VARIANTS[self.variant], self._words()
        vocabulary = Words(words, size.network.text_tokens).vocabulary if words else 0
        attention = Flex if self.is_large and self.habits.device.startswith("cuda") else Masked
        network = replace(size.network, patch=size.coarse_patch or size.network.patch)
        model = _seeded(lambda: EgoTwin(network, row, vocabulary, attention, size.recompute), seed)
        if start is not None:
            weights.load(start, model, {"kind": "transformer", "preset": self.preset}, may_miss=is_motion)
        if is_fine:
            coarse, model = model, EgoTwin(size.network, row, vocabulary, attention, size.recompute)
            refine(model, coarse)
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(trained(name))
        return shard(model, self.habits.autocast)

    def _loss(self, model: EgoTwin, recipe: Recipe, with_video: bool = True, with_motion: bool = True) -> DiffusionLoss:
        latents = self._latents(self.clips, "train", with_motion)
        schedule = Schedule.cogvideox(PRESETS[self.preset].snr_shift)
        return DiffusionLoss(model, schedule, latents, recipe.batch, self.recipes.draws, with_video, with_motion)

    def _latents(self, clips: Clips, name: str, with_motion: bool = True) -> Latents:
        """Compressed once for all rows (video and text) and for the row's motion VAE (motion)."""
        video_file, row = self.video_vae(), VARIANTS[self.variant]
        path = self.folder / "latents" / f"{name}-{sha256(video_file)[:8]}-{clips.digest[:8]}.safetensors"
        if not self._agreed(path.is_file()):
            path.parent.mkdir(parents=True, exist_ok=True)
            vae = load_video_vae(self.preset, video_file, self.pretrained).to(self.habits.device)
            compress(path, vae, clips.frames, self._prompts(), clips.texts, batch=1 if self.is_large else 16)
        latents = Latents.load(path, mapped=self.is_large)
        if not with_motion:
            return latents
        body = build_motion_vae(PRESETS[self.preset], row)
        weights.load(self.motion_vae(), body, {"kind": motion_vae_name(row), "preset": self.preset})
        features = self._features(clips)
        with torch.no_grad():
            motion = torch.cat([body.eval().encode(part) for part in features.split(64)])
        return replace(latents, motion=motion.to(torch.bfloat16))


def _asked(recipe: Recipe, parents: list[Path]) -> dict[str, Any]:
    """What a card has to say for its weights to be the ones wanted."""
    return {"recipe": asdict(recipe), "parents": {path.parent.name: sha256(path) for path in parents}}


def _is_done(folder: Path, asked: Mapping[str, Any]) -> bool:
    """Whether the folder's weights were made by this recipe from these parents."""
    if not (folder / CARD).is_file() or not (folder / "weights.safetensors").is_file():
        return False
    told = json.loads((folder / CARD).read_text())
    return {key: told[key] for key in asked} == asked


def _is_begun(folder: Path) -> bool:
    return (folder / "checkpoint.pt").is_file() or (folder / CARD).is_file()


def sha256(path: Path) -> str:
    """Of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _seeded(build: Callable[[], Built], seed: int) -> Built:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()
