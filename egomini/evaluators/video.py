"""`egomini-video`: features of whole clips, of content and of motion, for fvd on the embedded world.

Videos are RGB uint8 of any size and are resized to 64 × 64. All frames are used. Features are 128-d, float32, one row
per clip.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from jaxtyping import Float

from egobench.errors import BadInputError
from egobench.extractors.base import Extractor
from egobench.files.network_weights import FittedWeights
from egobench.types import Video
from egomini.evaluators.clip import MEAN, RESOLUTION, STD, prepare

if TYPE_CHECKING:
    import torch

WEIGHTS = Path(__file__).parent / "weights"
MIN_FRAMES = 10


@dataclass(frozen=True)
class EgominiVideo(FittedWeights, Extractor):
    """A small CNN over frame pairs and time, fitted on `egomini-train`: 128-d features of whole clips."""

    name: ClassVar[str] = "egomini-video"
    provides: ClassVar[tuple[str, ...]] = ("clip",)

    weights: Path = field(default=WEIGHTS / "egomini-video.safetensors")
    """File that `egobench fit egomini-video` wrote; the protocol keeps its SHA-256, not its path."""

    def definition(self) -> Mapping[str, Any]:
        """The steps applied to a video, and the weights."""
        return {
            "weights_sha256": self.weights_sha256,
            "video": [
                f"all frames, {MIN_FRAMES} or more, the conditioning frame among them; rate as it is",
                "RGB uint8 to float32 in 0 … 1",
                f"bilinear with antialias to {RESOLUTION} × {RESOLUTION} if the size differs",
                f"minus {MEAN}, divided by {STD}",
                "8 × 8 patches of each frame and of the one before, convolutions over time, means of five "
                "stretches; float32, one clip a batch; 128-d",
            ],
        }

    def check(self, facts: Mapping[str, Any]) -> None:
        """Refuses a split whose videos are too short, code `split-form`."""
        if facts["num_video_frames"] < MIN_FRAMES:
            found = facts["num_video_frames"]
            raise BadInputError(f"{found} video frames; {self.name} needs {MIN_FRAMES} or more", code="split-form")

    def load(self, device: str) -> "LoadedEgominiVideo":
        """Builds the network.

        Raises:
            BadInputError: the weight file is missing, is not safetensors, or holds another network.
        """
        from egomini.evaluators.video_network import VideoNetwork

        return LoadedEgominiVideo(self.filled(VideoNetwork()).to(device).eval(), device)


def prepare_clips(frames: "torch.Tensor") -> "torch.Tensor":
    """uint8 (clip, time, H, W, 3) → normalised float32 (clip, time, 64, 64, 3)."""
    if frames.shape[2:4] == (RESOLUTION, RESOLUTION):
        return (frames.float() / 255 - MEAN) / STD
    return prepare(frames.flatten(0, 1)).permute(0, 2, 3, 1).unflatten(0, tuple(frames.shape[:2]))


@dataclass(frozen=True)
class LoadedEgominiVideo:
    """The loaded network."""

    network: Any
    device: str

    def clip(self, video: Video) -> Float[np.ndarray, "item feature"]:
        """Features of a whole video, (1, 128) float32.

        Raises:
            BadInputError: the frames are not uint8 (`video-dtype`), or are fewer than 10 (`video-frames`).
        """
        return self.clip_batch([video])[0]

    def clip_batch(self, videos: Sequence[Video]) -> list[np.ndarray]:
        """As `clip`, of several videos of one length and size."""
        import torch

        for video in videos:
            if video.frames.dtype != np.uint8:
                raise BadInputError(f"frames are {video.frames.dtype}; expected uint8 0 … 255", code="video-dtype")
            if len(video.frames) < MIN_FRAMES:
                text = f"video has {len(video.frames)} frames; egomini-video needs {MIN_FRAMES} or more"
                raise BadInputError(text, code="video-frames")
        with torch.inference_mode():
            frames = torch.from_numpy(np.stack([video.frames for video in videos])).to(self.device)
            return list(self.network(prepare_clips(frames)).cpu().numpy()[:, None])
