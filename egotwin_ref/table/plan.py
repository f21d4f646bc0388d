"""The rows of the table in order of importance, what training each takes, and how long that is.

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
"""A forward pass alone is about so many times faster than a training step's sample."""
SCORING = 0.3
"""Seconds a clip that a run spends on features and scores, on a core."""


@dataclass(frozen=True)
class TableRow:
    """A row, or a second training of one."""

    variant: str
    label: str
    """On the board."""
    seed: int = 0
    """Of stages 2 and 3. Trainings with another seed than 0 are no rows: they give the training noise."""

    @property
    def name(self) -> str:
        """Of its files, and on the command line: `egotwin`, `egotwin-seed1`."""
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
"""In the order in which they are trained: whoever stops early has the rows that matter most."""

PAPER = ("EgoTwin", "VidMLD", "w/o IM", "w/o MR", "w/o AD")
"""Labels of the rows that the paper's tables have too, and make what they make there."""


@dataclass(frozen=True)
class Work:
    """One training of a row."""

    folder: str
    """In the preset's folder of work."""
    kind: Kind
    recipe: Recipe
    shared: bool
    """Whether other rows have it in common with this one."""

    @property
    def samples(self) -> int:
        """Clips, or windows of the video VAE, that the training sees, repeats counted."""
        return self.recipe.steps * self.recipe.batch


def task_of(variant: str) -> Mode:
    """The task of the board that a row does: with the motion given where it makes none."""
    return "t2vm" if "motion" in VARIANTS[variant].makes else "tm2v"


def works_of(row: TableRow, preset: str, recipes: Recipes) -> list[Work]:
    """The trainings of a row, in order; those without a step are left out."""
    variant = VARIANTS[row.variant]
    has_coarse = PRESETS[preset].coarse_patch is not None
    found = [
        Work("video-vae", "video_vae", recipes.video_vae, True),
        Work(motion_vae_name(variant), "motion_vae", recipes.body(variant.tokens), True),
        Work("stage0", "base", recipes.base, True),
        Work(f"{row.name}/stage2", "motion", recipes.motion, False),
        Work(f"{row.name}/stage3-coarse" if has_coarse else f"{row.name}/stage3", "joint", recipes.joint, False),
        Work(f"{row.name}/stage3", "fine", recipes.fine, False),
    ]
    idle = {kind for kind, has in (("motion", "motion" in variant.makes), ("fine", has_coarse)) if not has}
    return [work for work in found if work.kind not in idle and work.recipe.steps]


def evaluations(variant: Variant, mode: Mode, guidance: Guidance) -> int:
    """Evaluations of the network that a sampling step takes; those that two modalities share count once."""
    return len(sampling.evaluations(variant, mode, guidance))


def grid_evaluations(variant: Variant, mode: Mode) -> int:
    """Evaluations a clip and step of the whole grid of guidance; the best text strength is taken to be none of 1."""
    pairs = [Guidance(text) for text in TEXT]
    pairs += [Guidance(TEXT[1], strength) for strength in PARTNER if has_partner(variant) and strength != 1.0]
    return sum(evaluations(variant, mode, pair) for pair in pairs)


def sampling_seconds(clips: int, steps: int, evaluations: int, samples_per_s: float) -> float:
    """Seconds of sampling and scoring, from the pace of the row's last training."""
    return clips * (steps * evaluations / (FORWARD * samples_per_s) + SCORING)


def like(variant: str) -> list[str]:
    """Rows whose trainings take as long as this one's: they make the same, in as many tokens. Itself comes first."""
    own = VARIANTS[variant]
    return sorted(
        (name for name, row in VARIANTS.items() if (row.makes, row.tokens) == (own.makes, own.tokens)),
        key=lambda name: name != variant,
    )


@dataclass(frozen=True)
class Log:
    """What a training's `log.csv` says."""

    step: int
    seconds: float
    """Of training, over all sittings."""
    pace: float
    """Samples/s of the last report."""

    @staticmethod
    def read(folder: Path) -> "Log | None":
        """None where no training has reported yet."""
        path = folder / "log.csv"
        if not path.is_file():
            return None
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        return (
            Log(int(rows[-1]["step"]), float(rows[-1]["seconds"]), float(rows[-1]["samples_per_s"])) if rows else None
        )


def pace_of(row: TableRow, work: Work, folder: Path, measured: Mapping[Kind, float]) -> float | None:
    """Samples/s that a training is expected to run at: by its own log, by that of a row like it, or as measured now.

    Args:
        folder: the preset's folder of work.
        measured: of this row.
    """
    stage = Path(work.folder).name
    names = [work.folder] if work.shared else [row.name, *(name for name in like(row.variant))]
    logs = (Log.read(folder / name if work.shared else folder / name / stage) for name in names)
    return next((log.pace for log in logs if log), measured.get(work.kind))


def remaining_seconds(work: Work, folder: Path, samples_per_s: float) -> float:
    """Seconds that a training still takes; 0 where its log is at the last step."""
    log = Log.read(folder / work.folder)
    return max(0, work.recipe.steps - (log.step if log else 0)) * work.recipe.batch / samples_per_s
