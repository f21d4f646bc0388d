"""Control `egotwin-vae`: the VAEs' reconstruction of the reference. No transformer with these VAEs can do better."""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch

from egobench import BadInputError, Condition, Motion, Sample, Split, Video, open_split
from egotwin_ref.autoencoders.reconstruction import reconstructed
from egotwin_ref.loading.bundle import Bundle, representation_of
from egotwin_ref.model.configs import BOTH, VARIANTS
from egotwin_ref.model.representation import place

from .model import EgoTwinModel, Variant


@dataclass(frozen=True)
class VaeControl:
    """Takes the recorded video and motion, encodes them by the VAEs, and returns the decoded ones."""

    is_control: ClassVar[bool] = True

    variant: Variant = "egotwin"
    """Row whose motion VAE is used; all rows have the same video VAE."""
    preset: Literal["mini", "small"] = "small"
    """Size of the networks."""
    weights: Path | None = None
    """Folder of safetensors files; by default the weights that come with the package."""
    weights_sha256: dict[str, str] = field(init=False, default_factory=dict)
    """SHA-256 of the files that are read."""

    def __post_init__(self) -> None:
        if VARIANTS[self.variant].makes != BOTH:
            raise BadInputError(
                f"{self.variant} makes {VARIANTS[self.variant].makes[0]} alone; a row that makes both is needed, "
                "since it has both VAEs",
                code="option-range",
            )
        self.weights_sha256.update(self._model().weights_sha256)

    def _model(self) -> EgoTwinModel:
        return EgoTwinModel(self.variant, preset=self.preset, weights=self.weights)

    def check_split(self, split: Split) -> None:
        """As `EgoTwinModel.check_split`."""
        self._model().check_split(split)

    def load(self, device: str) -> "Loaded":
        """Reads the weights. Raises BadInputError: `weights-other`."""
        try:
            return Loaded(Bundle.load(self.preset, self.variant, self.weights, device))
        except ValueError as error:
            raise BadInputError(str(error), code="weights-other") from None


class Loaded:
    """Both VAEs."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    @torch.no_grad()
    def sample(self, condition: Condition, *, seed: int) -> Sample:
        """The reconstruction of the reference; it does not depend on the seed."""
        del seed
        reference = _split(condition.split).clip(condition.clip_id).reference
        assert self.bundle.video_vae is not None, "the row makes both"
        frames = reconstructed(self.bundle.video_vae, reference.video.frames[None])[0]
        motion, vae = representation_of(self.bundle.variant), self.bundle.motion_vae
        positions, rotations = (
            torch.from_numpy(part)[None] for part in (reference.motion.positions, reference.motion.rotations)
        )
        features = vae.decode(vae.encode(motion.encode(positions, rotations)))
        at, turned = place(motion.canonical_frame(positions, rotations), *motion.decode(features))
        return Sample(
            Video(frames, condition.fps_video), Motion(at[0].numpy(), turned[0].numpy(), condition.fps_motion)
        )


@lru_cache(maxsize=2)
def _split(locator: str) -> Any:
    return open_split(locator)
