"""`egobench train egotwin`: turns the clips of splits into arrays, and runs the stages."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import torch

from egobench import BadInputError, Progress, Quiet, TrainRequest, UnknownNameError, open_split
from egotwin_ref.model.configs import PRESETS, VARIANTS, row_name
from egotwin_ref.training.clips import Clips, Row, write
from egotwin_ref.training.distributed import agreed, join, launched, leave, rank, wait
from egotwin_ref.training.loop import LoopOptions, OutOfTimeError
from egotwin_ref.training.precision import Precision, dtype_of
from egotwin_ref.training.recipes import RECIPES, Recipes
from egotwin_ref.training.shipping import ship
from egotwin_ref.training.stages import Stages

STAGES = {"1": ("video_vae", "motion_vae"), "0": ("base",), "2": ("motion",), "3": ("joint", "fine")}
"""Stage → methods of `Stages`, which have the names of their recipes, in the order in which `all` runs them."""


class EgoTwinTraining:
    """Trains EgoTwin's rows; see `egotwin_ref.training.stages`."""

    def train(self, request: TrainRequest, progress: Progress) -> list[Path]:
        """Runs the requested stages, and the stages that they need.

        Raises:
            UnknownNameError: there is no such preset, variant, stage or precision.
            BadInputError: `recipe-other`: the folder holds a training by another recipe; `train-option`: options do not
                fit together, or a package is missing.
        """
        for kind, name, known in (
            ("presets", request.preset, PRESETS), ("variants", request.variant, VARIANTS),
            ("stages", request.stage, [*STAGES, "all"]), ("precisions", request.precision, get_args(Precision)),
        ):  # fmt: skip
            if name not in known:
                raise UnknownNameError(f"no {name!r} among the {kind} of egotwin; known: {', '.join(known)}")
        if PRESETS[request.preset].video_vae == "cogvideox" and request.pretrained is None:
            raise BadInputError(
                f"{request.preset} starts from CogVideoX's weights: name the folder of a download in diffusers' format "
                "with --pretrained",
                code="train-option",
            )
        if request.steps and request.stage == "all":
            raise BadInputError("--steps needs one --stage", code="train-option")
        if request.threads:
            torch.set_num_threads(request.threads)
        device = join() if launched() else request.device
        try:
            return _train(request, progress if rank() == 0 else Quiet(), device)
        finally:
            leave()


def _train(request: TrainRequest, progress: Progress, device: str) -> list[Path]:
    folder = request.work / request.preset
    report = _Reporter(progress)
    options = LoopOptions(
        device=device,
        autocast=dtype_of(request.precision, device),  # pyright: ignore[reportArgumentType]
        compile=device.startswith("cuda") and PRESETS[request.preset].video_vae == "groups",
        report=report,
        began=report.begin,
        until=time.monotonic() + 60 * request.minutes if request.minutes else None,
    )
    clips, held_out = (_clips(name, folder, progress, device) for name in (request.split, request.val))
    stages = Stages(
        request.preset, request.variant, folder, clips, held_out, _recipes(request), options, request.pretrained,
        request.adopt, request.seed,
    )  # fmt: skip
    made = []
    try:
        for step in (step for stage in STAGES if request.stage in (stage, "all") for step in STAGES[stage]):
            if step != "fine" or PRESETS[request.preset].coarse_patch:
                made.append(getattr(stages, step)())
    except OutOfTimeError:
        return made
    except ValueError as error:
        raise BadInputError(str(error), code="recipe-other") from None
    except ImportError as error:
        raise BadInputError(
            f"{request.preset} needs more packages: pip install 'egobench[cogvideox]' ({error})", code="train-option"
        ) from None
    finally:
        progress.done()
    if request.out is None or rank() > 0:
        return made
    row, form = row_name(request.variant, request.seed), PRESETS[request.preset].form
    return [ship(path, request.out, row, form) for path in made]


class _Reporter:
    """Reports steps to EgoBench's progress; losses are in `log.csv`."""

    def __init__(self, progress: Progress) -> None:
        self.progress, self.done = progress, 0

    def begin(self, name: str, done: int, steps: int) -> None:
        self.progress.stage(f"training {name}", steps)
        self.progress.advance(done)
        self.done = done

    def __call__(self, step: int, values: Mapping[str, float]) -> None:
        del values
        self.progress.advance(step - self.done)
        self.done = step


def _clips(name: str, folder: Path, progress: Progress, device: str) -> Clips:
    """The split's clips as arrays, which are written once."""
    split = open_split(name)
    path = folder / "clips" / f"{split.name}-{split.digest[:8]}"
    if agreed((path / "clips.json").is_file(), device):
        return Clips.load(path)
    infos = split.infos()
    progress.stage(f"reading {split.name}", len(infos))

    def rows() -> Iterator[Row]:
        for info in infos:
            reference = split.clip(info.clip_id).reference
            motion = reference.motion
            frames, hands = reference.video.frames, reference.hand_pixels
            hands = np.zeros((len(frames), 2), np.float32) if hands is None else hands
            yield info.clip_id, info.text, frames, motion.positions, motion.rotations, hands
            progress.advance()

    if rank() == 0:
        write(path, rows(), len(infos), split.digest)
    wait()
    progress.done()
    return Clips.load(path)


def _recipes(request: TrainRequest) -> Recipes:
    recipes = RECIPES[request.preset]
    if request.steps is None:
        return recipes
    changed = list(STAGES[request.stage])
    if request.stage == "1" and recipes.global_vae:
        changed.append("global_vae")
    return replace(recipes, **{name: replace(getattr(recipes, name), steps=request.steps) for name in changed})
