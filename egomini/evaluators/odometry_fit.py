"""Fits and checks `egomini-odometry`: videos of a split against the path of the recorded head's camera.

The loss covers every stretch of 1, 2, 4 … steps. It measures the distance between the composed pose of the steps and
the true pose. So drift costs as much as a wrong step. Clips are also shown mirrored, backwards, and with faults of time
and picture.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from jaxtyping import Float, UInt8

from egobench.fit.base import FitRequest, Fitter, Fitting
from egobench.fit.training import Recipe, Report, half_precision, seeded, train
from egobench.fit.video_faults import TIME_FAULTS, frame_order, spoil_somehow
from egobench.progress import Progress
from egobench.types import Split
from egomini.evaluators.estimator import RESOLUTION
from egomini.evaluators.filmed import read_filmed
from egomini.evaluators.odometry import EgominiOdometry, prepare
from egomini.evaluators.odometry_health import check_egomini_odometry
from egomini.evaluators.twists import MIRROR, twists_of

if TYPE_CHECKING:
    import torch

ANGLE, SHIFT = 0.02, 0.03
"""Errors of a stretch, in rad and m, that have the same weight."""
PARTS = (1, 2, 4)
"""A batch has whole clips, or two or four times as many clips of a half or a quarter of the length. Short clips teach
steps sooner."""
SMALL = 0.1
"""As a share of ANGLE and SHIFT: for smaller errors the loss is quadratic."""


@dataclass(frozen=True)
class OdometryRecipe(Recipe):
    """All settings that change the weights."""

    steps: int = 950
    batch: int = 8
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    warmup: int = 50
    faulty_time: float = 0.2
    """Share of clips with a fault of time. The target path is then that of the shown video."""
    faulty_picture: float = 0.4
    """Share of clips with a fault of the picture."""


@dataclass(frozen=True)
class FilmedPaths:
    """Videos of one length, with the paths of their cameras."""

    frames: UInt8[np.ndarray, "clip time 64 64 3"]
    camera: Float[np.ndarray, "clip time 4 4"]
    """`T_world_camera` per video frame, metres."""


def fit_egomini_odometry(
    paths: FilmedPaths, recipe: OdometryRecipe, checkpoint: Path, report: Report
) -> "dict[str, torch.Tensor]":
    """Trains from the recipe's seed, or from `checkpoint` if it exists, and returns the state."""
    import torch

    from egomini.evaluators.odometry_network import OdometryNetwork

    network = seeded(OdometryNetwork, recipe.seed).to(memory_format=torch.channels_last)

    def loss_of_step(step: int, rng: np.random.Generator) -> Any:
        del step  # the random generator already depends on it
        parts = int(rng.choice(PARTS))
        count = (paths.frames.shape[1] - 1) // parts + 1
        chosen = rng.choice(len(paths.frames), size=min(recipe.batch * parts, len(paths.frames)), replace=False)
        seen = []
        for clip in chosen:
            start = int(rng.integers(paths.frames.shape[1] - count + 1))
            window = slice(start, start + count)
            seen.append(_seen(paths.frames[clip, window], paths.camera[clip, window], recipe, rng))
        frames = torch.from_numpy(np.stack([frames for frames, _ in seen]))
        twists = torch.from_numpy(np.stack([twists for _, twists in seen]).astype(np.float32))
        with half_precision():
            found = network(prepare(frames))
        return path_loss(found, twists)

    return train(network, loss_of_step, recipe, checkpoint, report)


def _seen(
    frames: np.ndarray, camera: np.ndarray, recipe: OdometryRecipe, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A clip in the form for one step, and its twists."""
    order = np.arange(len(frames))
    if rng.random() < recipe.faulty_time:
        kind = TIME_FAULTS[int(rng.integers(1, len(TIME_FAULTS)))]
        if kind != "shuffle":  # shuffled frames show no path from one to the next
            order = frame_order(kind, float(rng.random()), len(frames), rng)
    if rng.random() < 0.5:
        order = order[::-1]
    frames, twists = frames[order], twists_of(camera[order])
    if rng.random() < 0.5:
        frames, twists = frames[:, :, ::-1], twists * MIRROR
    if rng.random() < recipe.faulty_picture:
        frames = spoil_somehow(frames, rng)
    return np.ascontiguousarray(frames), twists


def path_loss(found: "torch.Tensor", true: "torch.Tensor") -> "torch.Tensor":
    """Error of the poses after stretches of 1, 2, 4 … steps, axis by axis. A stretch of n steps has weight 1 / √n."""
    import torch

    def cost(error: "torch.Tensor") -> "torch.Tensor":
        return ((error.square() + SMALL**2).sqrt() - SMALL).sum(-1).mean()

    here, there = _poses(found), _poses(true)
    total, span = torch.zeros(()), 1
    while True:
        turned = here[0].transpose(-1, -2) @ there[0]
        about = torch.stack([turned[..., (k + 2) % 3, (k + 1) % 3] for k in range(3)], dim=-1)
        about = about - torch.stack([turned[..., (k + 1) % 3, (k + 2) % 3] for k in range(3)], dim=-1)
        total = total + (cost(about / 2 / ANGLE) + cost((here[1] - there[1]) / SHIFT)) / span**0.5
        if here[0].shape[1] <= span:
            return total
        here, there = _doubled(here, span), _doubled(there, span)
        span *= 2


_Poses = tuple["torch.Tensor", "torch.Tensor"]


def _poses(twists: "torch.Tensor") -> _Poses:
    """Rotations (…, 3, 3) and shifts (…, 3) of single steps."""
    half = _turn(twists[..., :3] / 2)
    return half @ half, (half @ twists[..., 3:, None])[..., 0]


def _doubled(poses: _Poses, span: int) -> _Poses:
    """From stretches of `span` steps to stretches of twice as many."""
    (R, t), (S, u) = [part[:, :-span] for part in poses], [part[:, span:] for part in poses]
    return R @ S, t + (R @ u[..., None])[..., 0]


def _turn(vectors: "torch.Tensor") -> "torch.Tensor":
    """Rotation vectors (…, 3) → matrices (…, 3, 3) by Rodrigues' formula."""
    import torch

    angle = (vectors.square().sum(-1, keepdim=True) + 1e-12).sqrt()[..., None]
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).unflatten(-1, (3, 3))
    return torch.eye(3) + torch.sin(angle) / angle * cross + (1 - torch.cos(angle)) / angle**2 * (cross @ cross)


class OdometryFit(Fitter):
    """The network of `egomini-odometry`."""

    evaluator: ClassVar[str] = "egomini-odometry"

    recipe: ClassVar[type[Recipe]] = OdometryRecipe

    def prepare(
        self, request: FitRequest, recipe: OdometryRecipe, train: Split, val: Split, progress: Progress
    ) -> Fitting:
        """Reads all frames of the split into memory (4 GB for 8,000 clips), and the paths of their cameras."""
        EgominiOdometry().check(train.facts)
        filmed = read_filmed(train, [row.clip_id for row in train.infos()], RESOLUTION, progress)
        paths = FilmedPaths(filmed.frames, filmed.camera)
        return Fitting(lambda checkpoint, report: fit_egomini_odometry(paths, recipe, checkpoint, report))

    def check(self, weights: Path, split: Split, progress: Progress) -> dict[str, Any]:
        """Errors on a split's reference, clean and with faults; see `odometry_health`."""
        return check_egomini_odometry(EgominiOdometry(weights), split, progress)
