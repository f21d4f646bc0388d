"""`colmap`: the camera's path by structure from motion, accepted only if a chain of rotations agrees with it.

Global mapping registers every frame even of a video that cannot be mapped, and then the rotations are wrong. So "all
frames registered" does not mean success. Three checks are made, the cheapest first. Can points be tracked? If not, the
clip has failed. Is there parallax? If not, positions would be noise, so the result is the chain's rotations without
positions. Do the map's rotations agree with the chain's? If not, the clip has failed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np

from egobench.errors import BadInputError
from egobench.estimators.base import ALL_OF_THEM, Estimator, HandEstimator, check_camera, no_path
from egobench.estimators.child import Child, ChildCrashError, ChildError, ChildTimeoutError
from egobench.estimators.colmap_mapping import mapping_settings
from egobench.estimators.hand_mask import check_hands, hand_mask, hands_protocol, load_hands
from egobench.estimators.optional import pycolmap_version
from egobench.estimators.rotation_chain import Chain, chain_settings, find_rotations, rotation_path
from egobench.geometry.alignment import rotation_gauge
from egobench.geometry.path_errors import mean_over_frames, rotation_errors
from egobench.types import Camera, CameraPath, Video

MAP_VIDEO = "egobench.estimators.colmap_mapping:map_video"
GPU_FLAW = "egobench.estimators.colmap_mapping:gpu_flaw"
MIN_PARALLAX_PIXELS = 0.5
"""At 64 pixels, noise alone moves the points of a head that stands still by 0.2 … 0.6 degrees."""


@dataclass(frozen=True)
class Colmap(Estimator):
    """Structure from motion by COLMAP (SIFT, sequential pairs, global mapping, fixed intrinsics, hands left out),
    cross-checked by `rotation-chain`; up to one unknown scale. Needs the extra `slam`."""

    name: ClassVar[str] = "colmap"
    version: ClassVar[int] = 1
    provides: ClassVar[tuple[str, ...]] = ("camera",)
    on_cpu: ClassVar[bool] = True

    hands: str = "egomini-hands"
    """Estimator whose hands and sleeves are left out; empty: nothing is."""
    seed: int = 0
    """Of every random draw. With it and one thread, the same video gives the same bytes."""
    max_disagreement: float = 3.0
    """Degrees: mean angle between the map's and the chain's rotations, the first laid on the second, above which the
    clip has failed. On egomini-hd it is 2.5 and less where the map is right and 7 and more where it is wrong."""
    min_parallax: float = 0.3
    """Degrees (`rotation_chain.Chain.parallax`) below which positions mean nothing, or half a pixel if that is more."""
    min_focal_parallax: float = 0.6
    """Degrees (as above) below which no focal length is answered: it would be off by tens of percent."""
    seconds: float = 120.0
    """Of processor time for mapping one clip; status `timeout` beyond."""

    def definition(self) -> Mapping[str, Any]:
        """Settings and versions. Raises BadInputError, code `extra-missing`, and the hand estimator's errors."""
        return {
            "mapping": mapping_settings(on_gpu=not self.on_cpu),
            "pycolmap": pycolmap_version(),
            "chain": chain_settings(self.seed),
            "max_disagreement_degrees": self.max_disagreement,
            "min_parallax_degrees": self.min_parallax,
            "min_parallax_pixels": MIN_PARALLAX_PIXELS,
            "min_focal_parallax_degrees": self.min_focal_parallax,
            "seconds": self.seconds,
            "seed": self.seed,
            "hands": hands_protocol(self.hands),
        }

    def check(self, facts: Mapping[str, Any]) -> None:
        """Refuses a split that the hand estimator cannot process, code `split-form`."""
        check_hands(self.hands, facts)

    def load(self, device: str) -> "LoadedColmap":
        """Loads the hand estimator. COLMAP's own process starts with the first clip that needs it.

        Raises:
            BadInputError: for the same reasons as `protocol`.
        """
        self.protocol()
        gpu = None if self.on_cpu else device.partition(":")[2] or "-1"
        return LoadedColmap(self, load_hands(self.hands, device), Child(MAP_VIDEO, self.seconds), gpu)


@dataclass(frozen=True)
class ColmapGpu(Colmap):
    """`colmap` with features that a GPU extracts and matches. They differ from the CPU's: it is another column. Needs
    the extra `slam`, with `pycolmap-cuda12` in place of `pycolmap`."""

    name: ClassVar[str] = "colmap.gpu"
    on_cpu: ClassVar[bool] = False

    def definition(self) -> Mapping[str, Any]:
        """Settings and versions.

        Raises:
            BadInputError: as `colmap`; `extra-missing`: pycolmap has no CUDA, or there is no GPU.
        """
        settings, flaw = super().definition(), _gpu_flaw()
        if flaw:
            raise BadInputError(f"{self.name}: {flaw}", code="extra-missing")
        return settings


@cache
def _gpu_flaw() -> str:
    child = Child(GPU_FLAW, 60.0)
    try:
        return child.call()
    except (ChildCrashError, ChildError, ChildTimeoutError) as error:
        return f"pycolmap cannot say whether it has CUDA: {error}"
    finally:
        child.close()


@dataclass(frozen=True)
class LoadedColmap:
    """The loaded estimator."""

    settings: Colmap
    hands: HandEstimator | None
    mapper: Child
    """Runs `colmap_mapping.map_video`, or a test's replacement for it."""
    gpu: str | None = None
    """Number of the GPU for features, -1 for any; None for the CPU."""

    def camera(self, video: Video, camera: Camera, *, clip_id: str = "") -> CameraPath:
        """The camera's path through one video. Raises BadInputError, code `camera-form`."""
        check_camera(video, camera)
        mask = hand_mask(self.hands, video, camera, clip_id)
        settings = self.settings
        chain = find_rotations(video, camera, mask, settings.seed)
        if chain.reason:
            return rotation_path(chain, "")
        K = np.asarray(camera.intrinsics, dtype=np.float64)
        needed = max(settings.min_parallax, float(np.degrees(MIN_PARALLAX_PIXELS / np.sqrt(K[0, 0] * K[1, 1]))))
        if chain.parallax < needed:
            return rotation_path(chain, f"parallax {chain.parallax:.2f} degrees; positions need {needed:.2f}")
        params = tuple(float(value) for value in (K[0, 0], K[1, 1], K[0, 2], K[1, 2]))
        number = len(video.frames)
        try:
            made = self.mapper.call(np.ascontiguousarray(video.frames), mask, params, settings.seed, self.gpu)
        except ChildTimeoutError:
            return no_path(
                number, "timeout", f"no map within {settings.seconds:g} s of processor time", is_metric=False
            )
        except ChildCrashError as error:
            return no_path(number, "crashed", f"COLMAP died: {error}", is_metric=False)
        except ChildError as error:
            return no_path(number, "failed", f"COLMAP: {error}", is_metric=False)
        if made["reason"]:
            return no_path(number, "failed", made["reason"], is_metric=False)
        path = _as_path(made, tells_focal=chain.parallax >= settings.min_focal_parallax)
        return _checked(path, chain, settings.max_disagreement)


def _as_path(made: Mapping[str, Any], *, tells_focal: bool) -> CameraPath:
    registered = made["registered"]
    number, found = len(registered), int(registered.sum())
    is_whole = found >= ALL_OF_THEM * number
    return CameraPath(
        T_world_camera=made["T_world_camera"],
        registered=registered,
        status="ok" if is_whole else "partial",
        reason="" if is_whole else f"{found} of {number} frames registered",
        is_metric=False,
        focal_ratio=made["focal_ratio"] if tells_focal else None,
    )


def _checked(path: CameraPath, chain: Chain, limit: float) -> CameraPath:
    """The path, or a failure if its rotations do not agree with the chain's."""
    both = path.registered & chain.linked
    number = len(path.registered)
    if both.sum() < 2:
        return no_path(number, "failed", "map and chain of turns share fewer than 2 frames", is_metric=False)
    apart = rotations_apart(path.T_world_camera[:, :3, :3], chain.R, both)
    if apart > limit:
        text = f"map and chain of turns disagree by {apart:.2f} degrees; at most {limit:g} is believed"
        return no_path(number, "failed", text, is_metric=False)
    return path


def rotations_apart(R: np.ndarray, R_other: np.ndarray, both: np.ndarray) -> float:
    """Mean angle in degrees between two sets of rotations (time, 3, 3), after the first world is rotated onto the
    second. The mean is over the frames `both` (time,)."""
    gauge = rotation_gauge(R_other, R, both).R
    return float(np.degrees(mean_over_frames(rotation_errors(gauge, R_other, R, both))))
