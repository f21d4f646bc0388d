"""`rotation-chain`: the camera's rotations, from points tracked by KLT. It does not estimate positions.

Rotations between frames 1, 2, 4 and 8 apart (`two_view.py`) are averaged into one rotation per frame. The long ones
limit drift. It is cheap (about a second a clip). It also works where structure from motion fails: if a head only turns.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from egobench.estimators.base import Estimator, HandEstimator, check_camera, no_path
from egobench.estimators.hand_mask import check_hands, hand_mask, hands_protocol, load_hands
from egobench.estimators.klt import (
    CORNERS,
    HOME,
    LEVELS,
    SIDE,
    WINDOW,
    follow,
    one_opencv_thread,
    shows_something,
    working_scale,
)
from egobench.estimators.optional import opencv_version
from egobench.estimators.rotation_averaging import Pair, average_rotations, linked_frames
from egobench.estimators.two_view import Shared, Turn, bearings, turns_between
from egobench.types import Camera, CameraPath, Video

BASELINES = (1, 2, 4, 8)
"""Distances between two frames that are compared, in frames."""
NOISE = 0.25
"""Standard deviation of a tracked point, pixels of the resized frame."""
PURE_SHARE = 0.9
MIN_KEPT = 0.2
"""Share of a frame's points that must also be in the next frame. With fewer there is a cut. Pure noise keeps 0.08, a
walk keeps 0.9."""
MIN_LINKED = 0.5
"""Share of all frames that must be linked; with fewer the clip has failed."""


class Chain(NamedTuple):
    """The result of tracking: rotations and parallax."""

    R: Float[np.ndarray, "time 3 3"]
    """Camera → world of the first linked frame."""
    linked: Bool[np.ndarray, " time"]
    parallax: float
    """Degrees: median angle that remains after the rotation between frames 8 apart (or the longest distance there is);
    third quartile over the pairs of frames. If a camera only turns, noise remains: below 0.1 degrees at 256 pixels."""
    reason: str
    """Why there is no result; empty if there is one."""


@dataclass(frozen=True)
class RotationChain(Estimator):
    """Rotations of the camera from followed points (KLT); positions are not estimated, so its paths serve rot-err and
    sync-lag only. Needs the extra `slam`."""

    name: ClassVar[str] = "rotation-chain"
    version: ClassVar[int] = 1
    provides: ClassVar[tuple[str, ...]] = ("camera",)
    rotations_only: ClassVar[bool] = True
    """Its paths have no positions."""
    on_cpu: ClassVar[bool] = True

    hands: str = "egomini-hands"
    """Estimator whose hands and sleeves are left out; empty: nothing is."""
    seed: int = 0
    """Of the points that are drawn."""

    def definition(self) -> Mapping[str, Any]:
        """Settings and versions. Raises BadInputError, code `extra-missing`, and the hand estimator's errors."""
        return {
            **chain_settings(self.seed),
            "hands": hands_protocol(self.hands),
        }

    def check(self, facts: Mapping[str, Any]) -> None:
        """Refuses a split that the hand estimator cannot process, code `split-form`."""
        check_hands(self.hands, facts)

    def load(self, device: str) -> "_Loaded":
        """Loads the hand estimator. Raises BadInputError for the same reasons as `protocol`."""
        self.protocol()
        return _Loaded(load_hands(self.hands, device), self.seed)


def chain_settings(seed: int) -> dict[str, Any]:
    """The part of a protocol that says how rotations are estimated. Raises BadInputError, code `extra-missing`."""
    return {
        "seed": seed,
        "points": f"KLT, {CORNERS} corners, window {WINDOW}, {LEVELS} levels, back within {HOME} px, short side {SIDE}",
        "cut": f"fewer than {MIN_KEPT} of the points go on",
        "turns": f"frames {', '.join(map(str, BASELINES))} apart, noise {NOISE} px, pure turn from {PURE_SHARE}",
        "opencv": opencv_version(),
    }


@one_opencv_thread()
def find_rotations(
    video: Video, camera: Camera, mask: Bool[np.ndarray, "time height width"] | None, seed: int
) -> Chain:
    """Tracks points through a video and averages the rotations between its frames.

    Args:
        mask: pixels that do not belong to the world; None if all do.
    """
    frames, number = video.frames, len(video.frames)
    nothing = np.broadcast_to(np.eye(3), (number, 3, 3)), np.zeros(number, dtype=bool), 0.0
    if number < 2:
        return Chain(*nothing, f"{number} frame; two are needed")
    if not shows_something(frames):
        return Chain(*nothing, "black or of one colour throughout")
    K = np.asarray(camera.intrinsics, dtype=np.float64)
    rays = bearings(follow(frames, mask), K)
    noise = NOISE / (np.sqrt(K[0, 0] * K[1, 1]) * working_scale(*frames.shape[1:3]))
    turns = _turns(rays, noise, seed)
    linked = linked_frames(number, turns)
    if linked.sum() < max(2, MIN_LINKED * number):
        return Chain(*nothing, f"lost track: at most {linked.sum()} of {number} frames are linked")
    return Chain(average_rotations(linked, turns), linked, _parallax(turns), "")


def _turns(rays: np.ndarray, noise: float, seed: int) -> dict[Pair, Turn]:
    seen = ~np.isnan(rays[..., 0])
    kept = (seen[:-1] & seen[1:]).sum(axis=1) / np.maximum(seen[:-1].sum(axis=1), 1)
    cuts = np.concatenate([[0], np.cumsum(kept < MIN_KEPT)])
    pairs = [(k, k + d) for d in BASELINES for k in range(len(rays) - d) if cuts[k] == cuts[k + d]]
    shared = []
    for i, j in pairs:
        both = seen[i] & seen[j]
        shared.append(Shared(rays[i, both], rays[j, both], np.random.default_rng([seed, i, j])))
    turns = turns_between(shared, noise=noise, pure_share=PURE_SHARE)
    return {pair: turn for pair, turn in zip(pairs, turns, strict=True) if turn is not None}


def _parallax(turns: Mapping[Pair, Turn]) -> float:
    longest = max(j - i for i, j in turns)
    return float(np.degrees(np.quantile([turn.rest for (i, j), turn in turns.items() if j - i == longest], 0.75)))


def rotation_path(chain: Chain, reason: str) -> CameraPath:
    """A path of status `rotation_only`, or `failed` if the chain gives a reason."""
    if chain.reason:
        return no_path(len(chain.R), "failed", chain.reason, is_metric=False)
    poses = np.broadcast_to(np.eye(4), (len(chain.R), 4, 4)).copy()
    poses[:, :3, :3] = chain.R
    missing = int((~chain.linked).sum())
    lost = f"; lost track of {missing} of {len(chain.R)} frames" if missing else ""
    return CameraPath(poses, chain.linked, "rotation_only", reason + lost, is_metric=False)


@dataclass(frozen=True)
class _Loaded:
    """The loaded estimator."""

    hands: HandEstimator | None
    seed: int

    def camera(self, video: Video, camera: Camera, *, clip_id: str = "") -> CameraPath:
        """Rotations of one video. Raises BadInputError, code `camera-form`."""
        check_camera(video, camera)
        mask = hand_mask(self.hands, video, camera, clip_id)
        return rotation_path(find_rotations(video, camera, mask, self.seed), "positions are not estimated")
