"""The rows of the table in order of importance, the trainings that each needs, and how long these take.

row ──> works (video VAE, motion VAE, stage 0, 2, 3): steps × batch samples each ──> / (samples/s) ──> seconds
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from egotwin_ref.loading.bundle import motion_vae_name
from egotwin_ref.model import sampling
from egotwin_ref.model.configs import PRESETS, VARIANTS, Variant, row_name
from egotwin_ref.model.sampling import Guidance, Mode
from egotwin_ref.training.recipes import Recipe, Recipes

from .guidance_choice import PARTNER, TEXT, has_partner

Kind = Literal["video_vae", "motion_vae", "base", "motion", "joint", "fine"]
"""A recipe's name in `Recipes`."""
FORWARD = 3.0
"""A training step takes about this many times as long per sample as a forward pass."""
SCORING = 0.3
"""Seconds per clip for features and scores in a run, on one core."""


@dataclass(frozen=True)
class TableRow:
    """A row, or a second training of one."""

    variant: str
    label: str
    """Name on the board."""
    seed: int = 0
    """Of stages 2 and 3. Trainings with a seed other than 0 are not rows of the board: they measure training noise."""

    @property
    def name(self) -> str:
        """Name of its files, and on the command line: `egotwin`, `egotwin-seed1`."""
        return row_name(self.variant, self.seed)


ROWS = (
    TableRow("egotwin", "EgoTwin"),
    TableRow("vidmld", "VidMLD"),
    TableRow("wo-im", "w/o IM"),
    TableRow("wo-mr", "w/o MR"),
    TableRow("wo-ad", "w/o AD"),
    TableRow("mm-dit", "MM-DiT"),
    TableRow("cameractrl", "CameraCtrl"),
    TableRow("mld", "MLD"),
    TableRow("egotwin", "EgoTwin", 1),
    TableRow("vidmld", "VidMLD", 1),
)
"""In the order of training: if it stops early, the most important rows are trained."""

PAPER = ("EgoTwin", "VidMLD", "w/o IM", "w/o MR", "w/o AD")
"""Labels of the rows that are in the paper's tables too, with the same modalities."""


@dataclass(frozen=True)
class Work:
    """One training of a row."""

    folder: str
    """Its folder, in the preset's folder of work."""
    kind: Kind
    recipe: Recipe
    shared: bool
    """Whether other rows share it."""

    @property
    def samples(self) -> int:
        """Number of clips, or of windows of the video VAE, that the training uses; repeats count."""
        return self.recipe.steps * self.recipe.batch


def task_of(variant: str) -> Mode:
    """The task of a row on the board: the motion is given to a row that makes none."""
    return "t2vm" if "motion" in VARIANTS[variant].makes else "tm2v"


def works_of(row: TableRow, preset: str, recipes: Recipes) -> list[Work]:
    """The trainings of a row, in order, without those that have no step."""
    variant = VARIANTS[row.variant]
    has_coarse = PRESETS[preset].coarse_patch is not None
    works = [
        Work("video-vae", "video_vae", recipes.video_vae, True),
        Work(motion_vae_name(variant), "motion_vae", recipes.body(variant.tokens), True),
        Work("stage0", "base", recipes.base, True),
        Work(f"{row.name}/stage2", "motion", recipes.motion, False),
        Work(f"{row.name}/stage3-coarse" if has_coarse else f"{row.name}/stage3", "joint", recipes.joint, False),
        Work(f"{row.name}/stage3", "fine", recipes.fine, False),
    ]
    idle = {kind for kind, has in (("motion", "motion" in variant.makes), ("fine", has_coarse)) if not has}
    return [work for work in works if work.kind not in idle and work.recipe.steps]


def evaluations(variant: Variant, mode: Mode, guidance: Guidance) -> int:
    """Number of evaluations of the network in a sampling step; an evaluation that two modalities share counts once."""
    return len(sampling.evaluations(variant, mode, guidance))


def grid_evaluations(variant: Variant, mode: Mode) -> int:
    """Evaluations per clip and step for the whole grid of guidance, if the best text strength is not 1."""
    pairs = [Guidance(text) for text in TEXT]
    pairs += [Guidance(TEXT[1], strength) for strength in PARTNER if has_partner(variant) and strength != 1.0]
    return sum(evaluations(variant, mode, pair) for pair in pairs)


def sampling_seconds(clips: int, steps: int, evaluations: int, samples_per_s: float) -> float:
    """Seconds of sampling and scoring, from the samples/s of the row's last training."""
    return clips * (steps * evaluations / (FORWARD * samples_per_s) + SCORING)


def like(variant: str) -> list[str]:
    """Rows whose trainings take as long: they make the same modalities in as many tokens. The row itself is first."""
    own = VARIANTS[variant]
    return sorted(
        (name for name, row in VARIANTS.items() if (row.makes, row.tokens) == (own.makes, own.tokens)),
        key=lambda name: name != variant,
    )


@dataclass(frozen=True)
class Log:
    """The state of a training, from its `log.csv`."""

    step: int
    seconds: float
    """Of training, over all interruptions."""
    pace: float
    """Samples/s of the last report."""

    @staticmethod
    def read(folder: Path) -> "Log | None":
        """Reads a log; None if the training has not reported yet."""
        path = folder / "log.csv"
        if not path.is_file():
            return None
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        return (
            Log(int(rows[-1]["step"]), float(rows[-1]["seconds"]), float(rows[-1]["samples_per_s"])) if rows else None
        )


def pace_of(row: TableRow, work: Work, folder: Path, measured: Mapping[Kind, float]) -> float | None:
    """Expected samples/s of a training: from its own log, from the log of a row like it, or as measured now.

    Args:
        folder: the preset's folder of work.
        measured: samples/s of this row's trainings.
    """
    stage = Path(work.folder).name
    names = [work.folder] if work.shared else [row.name, *(name for name in like(row.variant))]
    logs = (Log.read(folder / name if work.shared else folder / name / stage) for name in names)
    return next((log.pace for log in logs if log), measured.get(work.kind))


def remaining_seconds(work: Work, folder: Path, samples_per_s: float) -> float:
    """Seconds that a training still needs; 0 if its log is at the last step."""
    log = Log.read(folder / work.folder)
    return max(0, work.recipe.steps - (log.step if log else 0)) * work.recipe.batch / samples_per_s
