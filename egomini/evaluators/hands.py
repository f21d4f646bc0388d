"""`egomini-hands`: which of the wearer's hands a video of the embedded world shows, where, and with how much sleeve.

Videos are RGB uint8, square, 64 pixels or more, with a 90° field of view. Every frame is processed alone, at 64 × 64.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import binary_dilation

from egobench.errors import BadInputError
from egobench.estimators.base import check_camera
from egobench.types import Camera, HandDetections, Video
from egomini.evaluators.estimator import MEAN, RESOLUTION, STD, EgominiEstimator, is_fitted_view

if TYPE_CHECKING:
    import torch

WEIGHTS = Path(__file__).parent / "weights"
THRESHOLD = 0.5
"""The fit shifts the scores so that this threshold is the best one on the validation split."""
DILATION = 1
"""The mask is wider than the detected hands and sleeves by this number of pixels at 64 × 64."""
FRAMES_A_PASS = 64


@dataclass(frozen=True)
class EgominiHands(EgominiEstimator):
    """A small CNN over single frames, fitted on `egomini-train`: the wearer's hands, palms, and a mask with sleeves."""

    name: ClassVar[str] = "egomini-hands"
    version: ClassVar[int] = 1
    provides: ClassVar[tuple[str, ...]] = ("hands",)

    weights: Path = field(default=WEIGHTS / "egomini-hands.safetensors")
    """File that `egobench fit egomini-hands` wrote; the protocol keeps its SHA-256, not its path."""

    def settings(self) -> Mapping[str, Any]:
        return {
            "threshold": THRESHOLD,
            "video": [
                f"every frame alone, RGB uint8, square, 90° field of view, by area to {RESOLUTION} × {RESOLUTION}",
                f"minus {MEAN}, divided by {STD}; float32, {FRAMES_A_PASS} frames a pass",
                "palm: mean of the hand's pixels, weighted by their probability from half of the highest one up",
                f"mask: pixels more likely hand or sleeve than not, {DILATION} of {RESOLUTION} pixels wider",
            ],
        }

    def size_flaw(self, width: int, height: int) -> str:
        fits = width == height and width >= RESOLUTION
        return "" if fits else f"needs a square of {RESOLUTION} or more"

    def load(self, device: str) -> "LoadedEgominiHands":
        """Builds the network.

        Raises:
            BadInputError: the weight file is missing, is not safetensors, or holds another network.
        """
        from egomini.evaluators.hands_network import HandsNetwork

        return LoadedEgominiHands(self.on_device(HandsNetwork(), device), device)


def prepare_frames(frames: "torch.Tensor") -> "torch.Tensor":
    """uint8 (frame, size, size, 3) → float32 (frame, 3, 64, 64), about -2 … 2."""
    from torch.nn import functional

    pictures = frames.permute(0, 3, 1, 2).float()
    if pictures.shape[-1] != RESOLUTION:
        pictures = functional.adaptive_avg_pool2d(pictures, RESOLUTION)
    return (pictures - MEAN) / STD


@dataclass(frozen=True)
class LoadedEgominiHands:
    """The loaded network."""

    network: Any
    device: str

    def hands(self, video: Video, camera: Camera, *, clip_id: str = "") -> HandDetections:
        """The wearer's hands in every frame. Palms and mask are in pixels of the video.

        Raises:
            BadInputError: `video-dtype`: frames that are not uint8; `camera-form`: a camera that is not square, 64
                pixels or more and 90° wide, or of another size than the video.
        """
        del clip_id
        _check_view(video, camera)
        return _detections(*self.look(video.frames), camera.width)

    def hands_batch(self, videos: Sequence[Video], camera: Camera, *, clip_ids: Sequence[str]) -> list[HandDetections]:
        """As `hands`, of several videos."""
        del clip_ids
        for video in videos:
            _check_view(video, camera)
        scores, likely = self.look(np.concatenate([video.frames for video in videos]))
        ends = np.cumsum([len(video.frames) for video in videos])[:-1]
        pairs = zip(np.split(scores, ends), np.split(likely, ends), strict=True)
        return [_detections(*pair, camera.width) for pair in pairs]

    def look(self, frames: np.ndarray) -> tuple[Float[np.ndarray, "time 2"], Float[np.ndarray, "time class 64 64"]]:
        """Scores per side, and for each pixel the probability of each class of `hands_network.CLASSES`."""
        import torch

        scores, likely = [], []
        with torch.inference_mode():
            for start in range(0, len(frames), FRAMES_A_PASS):
                part = torch.from_numpy(np.ascontiguousarray(frames[start : start + FRAMES_A_PASS]))
                seen = self.network(prepare_frames(part.to(self.device)))
                scores.append(seen.presence.double().sigmoid().cpu().numpy())
                likely.append(seen.pixels.softmax(1).double().cpu().numpy())
        return np.concatenate(scores), np.concatenate(likely)


def _check_view(video: Video, camera: Camera) -> None:
    """Raises BadInputError: no video, or a camera that the network was not fitted for."""
    check_camera(video, camera)
    size = camera.width
    if camera.height != size or size < RESOLUTION or not is_fitted_view(np.asarray(camera.intrinsics), size):
        found = f"{size} × {camera.height} pixels, focal length {camera.intrinsics[0, 0]:g} px"
        text = f"{found}; egomini-hands needs a square of {RESOLUTION} or more and a focal length of half of it"
        raise BadInputError(text, code="camera-form")


def _detections(
    scores: Float[np.ndarray, "time 2"], likely: Float[np.ndarray, "time class 64 64"], size: int
) -> HandDetections:
    palms = _palms(likely[:, 1:3]) * (size / RESOLUTION)
    palms[scores < THRESHOLD] = np.nan
    return HandDetections(scores, palms, THRESHOLD, _enlarged(_wider(likely[:, 0] < 0.5), size))


def _palms(likely: Float[np.ndarray, "time 2 64 64"]) -> Float[np.ndarray, "time 2 2"]:
    """Weighted mean of the centres of the most likely pixels, in pixels at 64 × 64."""
    kept = np.where(likely >= likely.max(axis=(2, 3), keepdims=True) / 2, likely, 0.0)
    centres = np.arange(likely.shape[-1]) + 0.5
    total = np.maximum(kept.sum(axis=(2, 3)), 1e-12)
    return np.stack([kept.sum(axis=2) @ centres / total, kept.sum(axis=3) @ centres / total], axis=-1)


def _wider(mask: Bool[np.ndarray, "time 64 64"]) -> Bool[np.ndarray, "time 64 64"]:
    return binary_dilation(mask, np.ones((1, 2 * DILATION + 1, 2 * DILATION + 1), dtype=bool))


def _enlarged(mask: Bool[np.ndarray, "time 64 64"], size: int) -> Bool[np.ndarray, "time size size"]:
    """Enlarges a picture. Every pixel of the larger picture gets the cell that contains its centre."""
    cells = ((np.arange(size) + 0.5) * RESOLUTION / size).astype(int)
    return mask[:, cells[:, None], cells]
