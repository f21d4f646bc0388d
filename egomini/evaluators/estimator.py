"""Shared part of the two fitted estimators of the embedded world: the camera they are fitted for, weights, loading."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from egobench.errors import BadInputError
from egobench.estimators.base import Estimator
from egobench.files.network_weights import FittedWeights

RESOLUTION = 64
"""Pixels, square."""
FOCAL = 0.5
"""Focal length over the picture's width, for a field of view of 90°."""
TOLERANCE = 0.01
"""Tolerance of focal length and centre, as a share of the width."""
MEAN, STD = 127.5, 64.0
"""Grey levels."""


def is_fitted_view(K: np.ndarray, size: int) -> bool:
    """Whether the intrinsics are those of a 90° wide square picture of `size` pixels."""
    expected = np.array([[FOCAL, 0, 0.5], [0, FOCAL, 0.5], [0, 0, 1 / size]]) * size
    return K.shape == (3, 3) and bool(np.isfinite(K).all()) and bool((np.abs(K - expected) < TOLERANCE * size).all())


@dataclass(frozen=True)
class EgominiEstimator(FittedWeights, Estimator):
    """A network fitted on `egomini-train`, for videos with a 90° field of view."""

    @abstractmethod
    def size_flaw(self, width: int, height: int) -> str:
        """What is wrong with a video's size in pixels; empty if it is right."""

    @abstractmethod
    def settings(self) -> Mapping[str, Any]:
        """The part of the protocol besides the weights."""

    def definition(self) -> Mapping[str, Any]:
        """The steps applied to a video, and the weights."""
        return {"weights_sha256": self.weights_sha256, **self.settings()}

    def check(self, facts: Mapping[str, Any]) -> None:
        """Refuses a split whose videos have another size or field of view, code `split-form`."""
        width, height = facts["width"], facts["height"]
        flaw = self.size_flaw(width, height)
        if flaw:
            raise BadInputError(f"videos of {width} × {height} pixels; {self.name} {flaw}", code="split-form")
        if facts.get("intrinsics") is not None and not is_fitted_view(np.asarray(facts["intrinsics"]), width):
            raise BadInputError(f"a camera other than 90° wide; {self.name} was fitted on 90°", code="split-form")

    def on_device(self, network: Any, device: str) -> Any:
        """The network with its weights, ready on a device.

        Raises:
            BadInputError: the weight file is missing, is not safetensors, or holds another network.
        """
        import torch

        return self.filled(network).to(device, memory_format=torch.channels_last).eval()
