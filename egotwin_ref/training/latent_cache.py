"""Latents of all clips: compressed once, kept in files, and read by every row that has the same VAE and clips."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from egotwin_ref.loading import weights
from egotwin_ref.loading.bundle import build_motion_vae, load_video_vae, motion_vae_name, representation_of
from egotwin_ref.model.configs import PRESETS, Variant
from egotwin_ref.model.text import Prompts

from .cards import sha256
from .clips import Clips
from .distributed import agreed
from .latents import Latents, compress, features_of, late_hands, motion_latents

CLIPS_AT_ONCE = 32
"""Clips that the small video VAE compresses at once; CogVideoX's takes one."""


@dataclass(frozen=True)
class LatentCache:
    """Latents of one preset, on one device."""

    preset: str
    folder: Path
    """The preset's folder of work."""
    device: str
    pretrained: Path | None = None
    """Folder of a CogVideoX download, for the large presets."""

    def video(self, clips: Clips, name: str, vae_file: Path, prompts: Callable[[], Prompts]) -> Latents:
        """Latents of video and text, from a file; the file is written first if it does not exist.

        Args:
            name: begins the file's name, which also has the digests of VAE and clips.
            vae_file: weights of the video VAE.
            prompts: makes the text encoder, if it is needed.
        """
        path = self.folder / "latents" / f"{name}-{sha256(vae_file)[:8]}-{clips.digest[:8]}.safetensors"
        is_large = PRESETS[self.preset].video_vae == "cogvideox"
        if not agreed(path.is_file(), self.device):
            path.parent.mkdir(parents=True, exist_ok=True)
            vae = load_video_vae(self.preset, vae_file, self.pretrained).to(self.device)
            compress(path, vae, clips.frames, prompts(), clips.texts, batch=1 if is_large else CLIPS_AT_ONCE)
        return replace(Latents.load(path, mapped=is_large), late_hands=late_hands(clips))

    def motion(self, clips: Clips, row: Variant, vae_file: Path) -> Tensor:
        """Latents (n, tokens, C_m) of all motions, by the row's motion VAE; made anew each time, which is quick."""
        vae = build_motion_vae(PRESETS[self.preset], row)
        weights.load(vae_file, vae, {"kind": motion_vae_name(row), "preset": self.preset})
        return motion_latents(vae.eval().to(self.device), self.features(clips, row))

    def features(self, clips: Clips, row: Variant) -> Tensor:
        """Motion features (n, T_m, dim) of all clips, in the row's representation."""
        return features_of(representation_of(row), clips, self.device)
