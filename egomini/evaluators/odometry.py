"""`egomini-odometry`: the metric path of the camera in a video of the embedded world, robust to blur and codecs.

Videos are RGB uint8 of 64 × 64 pixels with a 90° field of view at 8 frames a second. The path is in metres, in the
world of the first camera.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from egobench.errors import BadInputError
from egobench.estimators.base import check_camera, no_path
from egobench.types import Camera, CameraPath, Video
from egomini.evaluators.estimator import MEAN, RESOLUTION, STD, EgominiEstimator, is_fitted_view
from egomini.evaluators.twists import MIRROR, path_of

if TYPE_CHECKING:
    import torch

WEIGHTS = Path(__file__).parent / "weights"
LEAST_TEXTURE = 2.0
"""Grey levels: with a smaller standard deviation a frame counts as empty."""


@dataclass(frozen=True)
class EgominiOdometry(EgominiEstimator):
    """A small CNN over frame pairs and time, fitted on `egomini-train`: the metric path of the camera."""

    name: ClassVar[str] = "egomini-odometry"
    version: ClassVar[int] = 1
    provides: ClassVar[tuple[str, ...]] = ("camera",)

    weights: Path = field(default=WEIGHTS / "egomini-odometry.safetensors")
    """File that `egobench fit egomini-odometry` wrote; the protocol keeps its SHA-256, not its path."""

    def settings(self) -> Mapping[str, Any]:
        return {
            "is_metric": True,
            "video": [
                f"all frames, RGB uint8, {RESOLUTION} × {RESOLUTION}, 90° field of view",
                f"minus {MEAN}, divided by {STD}; float32, one clip a batch",
                "seen four ways: as it is, in a mirror, backwards, both; twists of the steps averaged; poses composed",
                f"failed: fewer than two frames, or no frame with a deviation of {LEAST_TEXTURE} grey levels",
            ],
        }

    def size_flaw(self, width: int, height: int) -> str:
        return "" if (width, height) == (RESOLUTION, RESOLUTION) else f"sees {RESOLUTION} × {RESOLUTION}"

    def load(self, device: str) -> "LoadedEgominiOdometry":
        """Builds the network.

        Raises:
            BadInputError: the weight file is missing, is not safetensors, or holds another network.
        """
        from egomini.evaluators.odometry_network import OdometryNetwork

        return LoadedEgominiOdometry(self.on_device(OdometryNetwork(), device), device)


def prepare(frames: "torch.Tensor") -> "torch.Tensor":
    """uint8 (clip, time, 64, 64, 3) → float32 (clip, time, 3, 64, 64), about -2 … 2."""
    return ((frames.float() - MEAN) / STD).permute(0, 1, 4, 2, 3)


@dataclass(frozen=True)
class LoadedEgominiOdometry:
    """The loaded network."""

    network: Any
    device: str

    def camera(self, video: Video, camera: Camera, *, clip_id: str = "") -> CameraPath:
        """The camera's path with all frames registered, or `failed` if the video shows nothing.

        Raises:
            BadInputError: `video-dtype`: the frames are not uint8; `camera-form`: the camera is not that of the
                embedded world, or has another size than the video.
        """
        del clip_id
        check_camera(video, camera)
        if (camera.width, camera.height) != (RESOLUTION, RESOLUTION):
            text = f"{camera.width} × {camera.height} pixels; egomini-odometry sees {RESOLUTION} × {RESOLUTION}"
            raise BadInputError(text, code="camera-form")
        if not is_fitted_view(np.asarray(camera.intrinsics), RESOLUTION):
            K = camera.intrinsics
            text = f"focal length {K[0, 0]:g}, {K[1, 1]:g} px, centre {K[0, 2]:g}, {K[1, 2]:g}; 32 px are expected"
            raise BadInputError(text, code="camera-form")
        count = len(video.frames)
        if count < 2:
            return no_path(count, "failed", f"{count} frame has no motion; two or more are needed", is_metric=True)
        texture = video.frames.std(axis=(1, 2)).max()
        if texture < LEAST_TEXTURE:
            reason = f"no texture: the deviation within a frame is at most {texture:.1f} of 255 grey levels"
            return no_path(count, "failed", reason, is_metric=True)
        path = path_of(self._twists(video.frames))
        return CameraPath(path, np.ones(count, dtype=bool), "ok", "", is_metric=True)

    def _twists(self, frames: np.ndarray) -> np.ndarray:
        """Mean over the four versions of the video (mirrored or not, backwards or not); float64 (time - 1, 6)."""
        import torch

        total = np.zeros((len(frames) - 1, 6))
        with torch.inference_mode():
            for mirror, signs in ((1, 1.0), (-1, MIRROR)):
                clip = torch.from_numpy(np.ascontiguousarray(frames[:, :, ::mirror]))[None].to(self.device)
                seen = self.network.look(prepare(clip))
                onward = self.network.twists(seen)[0].double().cpu().numpy()
                backward = self.network.twists([part.flip(1) for part in seen])[0].double().cpu().numpy()
                total += signs * (onward - backward[::-1])
        return total / 4
