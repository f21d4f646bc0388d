"""All networks of a row, ready to sample: prompts, frames and poses in; frames and motion out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from egotwin_ref.autoencoders.mld_vae import GlobalMotionVAE
from egotwin_ref.autoencoders.motion_vae import ConvMotionVAE, MotionVAE
from egotwin_ref.autoencoders.path_tokens import PathTokens
from egotwin_ref.autoencoders.video_vae import CogVideoXVAE, GroupVAE, to_pixels, to_unit
from egotwin_ref.model.attention import Masked, Split
from egotwin_ref.model.configs import BOTH, PRESETS, VARIANTS, Preset, Variant
from egotwin_ref.model.diffusion import Sampler, Schedule
from egotwin_ref.model.network import EgoTwin
from egotwin_ref.model.representation import HeadCentric, HeadPath, RootCentric, place
from egotwin_ref.model.sampling import PLAIN, TABLE, Given, Guidance, Mode, sample
from egotwin_ref.model.skeleton import XSENS23
from egotwin_ref.model.text import T5, Prompts, Words

from . import weights
from .cogvideox import Download
from .shipped import SHIPPED

FUSE_FRAMES = 4.0
"""Length in frames of the fusion of absolute poses, which jitter, with relative poses; see `fuse_head`, and
`fuse_positions` for the joints of root-centric motion."""


def representation_of(variant: Variant) -> HeadCentric | RootCentric | HeadPath:
    """The motion representation of a row, for the skeleton of the weights; all rows are fused over as many frames."""
    if variant.representation == "path":
        return HeadPath(XSENS23)
    if variant.representation == "root":
        return RootCentric(XSENS23, fuse_frames=FUSE_FRAMES)
    return HeadCentric(XSENS23, FUSE_FRAMES)


def build_video_vae(preset: Preset) -> GroupVAE:
    """The video VAE of a preset that trains its own, with fresh weights."""
    block = preset.frame_size[0] // preset.network.latent_size[0]
    return GroupVAE(preset.network.video_channels, block, preset.vae_width)


def load_video_vae(preset: str, path: Path, pretrained: Path | None) -> GroupVAE | CogVideoXVAE:
    """The video VAE of a preset: from `path`, or CogVideoX's own."""
    if PRESETS[preset].video_vae == "cogvideox":
        return CogVideoXVAE(download_of(pretrained).vae)
    vae = build_video_vae(PRESETS[preset])
    weights.load(path, vae, {"kind": "video-vae", "preset": preset})
    return vae.eval()


def prompts_of(preset: Preset, words: Sequence[str], pretrained: Path | None, device: str = "cpu") -> Prompts:
    """The encoding of prompts for a preset: by a vocabulary, or by T5."""
    length = preset.network.text_tokens
    if preset.text == "words":
        return Words(tuple(words), length)
    download = download_of(pretrained)
    return T5(download.text_encoder, download.tokenizer, length, device)


def download_of(pretrained: Path | None) -> Download:
    """The CogVideoX download of a large preset. ValueError: there is none."""
    if pretrained is None:
        raise ValueError("the cogvideox presets need `pretrained`, the folder of a CogVideoX download")
    return Download(pretrained)


def build_motion_vae(preset: Preset, variant: Variant) -> MotionVAE:
    """The motion VAE of a row, with fresh weights."""
    motion, channels = representation_of(variant), preset.network.motion_size(variant)
    if variant.tokens == "path":
        return PathTokens(motion.dim, motion.groups, channels)
    if variant.tokens == "global":
        width, layers = preset.global_vae
        return GlobalMotionVAE(motion.dim, motion.groups, channels, preset.motion_frames, width, layers)
    return ConvMotionVAE(motion.dim, motion.groups, channels)


def motion_vae_name(variant: Variant) -> str:
    """Name of the row's motion VAE; rows with the same representation and tokens share it."""
    return f"motion-vae-{variant.representation}-{variant.tokens}"


@dataclass(frozen=True)
class Inputs:
    """What is given for B clips, in their world frame."""

    texts: Sequence[str]
    frames: np.ndarray
    """uint8 (B, T, H, W, 3) where the video is given (TV2M), else (B, 1, H, W, 3)."""
    positions: np.ndarray
    """(B, T_m, J, 3) where the motion is given (TM2V), else (B, 1, J, 3); metres."""
    rotations: np.ndarray
    """(B, T_m or 1, J, 3, 3), joint → world."""


@dataclass(frozen=True)
class Outputs:
    """B clips."""

    frames: np.ndarray | None
    """uint8 (B, T, H, W, 3); None for a row that makes no video."""
    positions: np.ndarray
    """float64 (B, T_m, J, 3)."""
    rotations: np.ndarray
    """float64 (B, T_m, J, 3, 3)."""


@dataclass(frozen=True)
class Bundle:
    """A row with its VAEs; all modules in evaluation mode, on one device."""

    preset: Preset
    variant: Variant
    prompts: Prompts
    model: EgoTwin
    video_vae: GroupVAE | CogVideoXVAE | None
    """None in a row that makes no video."""
    motion_vae: MotionVAE
    schedule: Schedule

    @staticmethod
    def load(
        preset: str,
        variant: str,
        folder: Path | None = None,
        device: str = "cpu",
        pretrained: Path | None = None,
        row: str | None = None,
    ) -> "Bundle":
        """Reads `video-vae`, the row's motion VAE and the row (.safetensors) from a folder.

        Args:
            pretrained: folder of a CogVideoX download, whose VAE and text encoder the large presets use.
            row: name of the row's file, if it is not the variant's; for example that of another training seed.

        Raises:
            KeyError: no such preset or variant.
            ValueError: a file is missing, damaged, or of another preset or variant.
            ImportError: a large preset needs diffusers and transformers.
        """
        size, plays = PRESETS[preset], VARIANTS[variant]
        folder = folder or SHIPPED / preset
        sees = "video" in plays.makes
        video_vae = load_video_vae(preset, folder / "video-vae.safetensors", pretrained) if sees else None
        motion_vae, name = build_motion_vae(size, plays), motion_vae_name(plays)
        weights.load(folder / f"{name}.safetensors", motion_vae, {"kind": name, "preset": preset})
        path = folder / f"{row or variant}.safetensors"
        words = json.loads(weights.about(path).get("words", "[]"))
        prompts = prompts_of(size, words, pretrained, device)
        attention = Split if size.video_vae == "cogvideox" else Masked  # fast for long sequences
        model = EgoTwin(size.network, plays, prompts.vocabulary, attention)
        weights.load(path, model, {"kind": "transformer", "preset": preset, "variant": variant})
        modules: list[nn.Module] = [module for module in (model, video_vae, motion_vae) if module is not None]
        for module in modules:
            module.eval().requires_grad_(False).to(device)
        return Bundle(size, plays, prompts, model, video_vae, motion_vae, Schedule.cogvideox(size.snr_shift))

    @torch.no_grad()
    def sample(
        self,
        inputs: Inputs,
        seeds: Sequence[int],
        mode: Mode = "t2vm",
        steps: int = 20,
        sampler: Sampler = "dpm++",
        guidance: Guidance = PLAIN,
    ) -> Outputs:
        """Samples B clips; what is given comes back unchanged.

        Raises:
            ValueError: a prompt is empty or too long, frames or poses do not have the preset's shape, or the row does
                not have this mode.
        """
        self.check(inputs, mode)
        given = self.given(inputs)
        return self.decoded(
            inputs, *sample(self.model, self.schedule, given, seeds, mode, steps, sampler, guidance), mode
        )

    @torch.no_grad()
    def given(self, inputs: Inputs) -> Given:
        """The inputs as latents, on the network's device."""
        device = next(self.model.parameters()).device
        positions, rotations = (torch.from_numpy(np.asarray(part)) for part in (inputs.positions, inputs.rotations))
        return Given(
            self.prompts.tokens(inputs.texts).to(device),
            self.prompts.tokens([""]).repeat_interleave(len(inputs.texts), dim=0).to(device),
            self._video_latents(inputs.frames).to(device),
            self._motion_latents(representation_of(self.variant).encode(positions, rotations)).to(device),
        )

    @torch.no_grad()
    def decoded(self, inputs: Inputs, video: Tensor, motion: Tensor, mode: Mode = "t2vm") -> Outputs:
        """Latents of video and motion → clips in the world of their inputs; what is given comes back unchanged."""
        representation = representation_of(self.variant)
        positions, rotations = (torch.from_numpy(np.asarray(part)) for part in (inputs.positions, inputs.rotations))
        frames = np.asarray(inputs.frames)
        if self.video_vae is None:
            frames = None
        elif mode != "tv2m":
            frames = to_pixels(self.video_vae.decode(video)).cpu().numpy()
            frames[:, 0] = inputs.frames[:, 0]
        if mode != "tm2v":
            world = representation.canonical_frame(positions[:, :1], rotations[:, :1])
            features = self.motion_vae.decode(motion).cpu()
            positions, rotations = place(world, *representation.decode(features))
        return Outputs(frames, positions.double().numpy(), rotations.double().numpy())

    def check(self, inputs: Inputs, mode: Mode) -> None:
        """Raises ValueError if the preset was not made for such inputs, or the row not for this mode."""
        size, joints, makes = self.preset, self.preset.joints, self.variant.makes
        modes: tuple[Mode, ...] = tuple(TABLE) if makes == BOTH else ("tm2v",) if "video" in makes else ("t2vm",)
        if mode not in modes:
            raise ValueError(f"this row makes {' and '.join(makes)}; its task is {', '.join(modes)}, not {mode}")
        empty = [text for text in inputs.texts if not text.strip()]
        if empty:
            raise ValueError("a prompt is empty; it has to say what happens")
        frames = size.video_frames if mode == "tv2m" else 1
        poses = size.motion_frames if mode == "tm2v" else 1
        for what, shape, right in (
            ("frames", np.shape(inputs.frames)[1:], (frames, *size.frame_size, 3)),
            ("positions", np.shape(inputs.positions)[1:], (poses, joints, 3)),
            ("rotations", np.shape(inputs.rotations)[1:], (poses, joints, 3, 3)),
        ):
            if shape != right:
                raise ValueError(f"the given {what} are {shape}; the model was trained on {right}")

    def _video_latents(self, frames: np.ndarray) -> Tensor:
        """Latents of the frames that are given, padded with zeros to K + 1."""
        network = self.preset.network
        if self.video_vae is None:
            return torch.zeros(len(frames), network.latent_frames, network.video_channels, *network.latent_size)
        pixels = to_unit(torch.from_numpy(np.asarray(frames)))
        latents = self.video_vae.encode(pixels.to(self.video_vae.device))
        missing = network.latent_frames - latents.shape[1]
        return torch.cat([latents, latents.new_zeros(len(latents), missing, *latents.shape[2:])], dim=1)

    def _motion_latents(self, features: Tensor) -> Tensor:
        """Latents of the poses that are given, padded with zeros to M."""
        device = self.motion_vae.latent_mean.device  # path tokens have no weights, but statistics
        missing = self.preset.motion_frames - features.shape[1]
        if missing:  # only the first pose is given: its token depends on frame 0 alone, so the padding has no effect
            features = torch.cat([features, features[:, -1:].expand(-1, missing, -1)], dim=1)
        return self.motion_vae.encode(features.to(device))
