"""Stage 1: every clip × seed → a checked sample in the run folder, an event in the journal.

A model that raises, a sample of the wrong form and a reference that cannot be read make failed items with a code.
None of them ends the run.
"""

import faulthandler
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from egobench.catalog import MODELS
from egobench.engines.worker import one_line
from egobench.errors import BadInputError, StorageError
from egobench.files.atomic import make_folder
from egobench.files.digest import digest_file
from egobench.files.motion import write_motion
from egobench.files.time_limit import time_limit
from egobench.files.video import write_video
from egobench.geometry.border import check_motion, check_video
from egobench.motions.conventions import look_over
from egobench.plan.model_code import check_code
from egobench.plan.resolve import resolve_model, resolve_split
from egobench.store.folder import MOTION_FILE, VIDEO_FILE, RunFolder
from egobench.submissions.model import LoadedSubmission
from egobench.submissions.pictures import Picture, check_pictures, picture_notes
from egobench.types import Clip, Condition, Control, Sample, Task

OTHER_JOINTS = "egobench.read_skeleton_map brings arrays with joints of your own to the split's (docs/motion-files.md)"


@dataclass(frozen=True)
class GenerateJob:
    """Samples one item (clip id, seed) after another."""

    model: str
    options: dict[str, str]
    split: str
    task: Task
    device: str
    folder: Path
    split_digest: str = ""
    """The split must still have this digest."""
    code: str = ""
    """Digest of the model's code that this run is made with; empty where any will do."""
    clip_timeout: float | None = None
    """Seconds that one sample may take."""

    @property
    def error_code(self) -> str:
        """Code of an error that neither the model nor the sample caused."""
        return "item-raised"

    def prepare(self) -> Callable[[tuple[str, int]], dict[str, str]]:
        """Loads the model. The task writes a sample and returns the digests of its files (empty for a missing part), in
        `odd` the code of a remark on its pictures, and `code` and `reason` of its warnings if there are any."""
        try:
            model = resolve_model(self.model, self.options)
            sampler = model.load(self.device)
        except BadInputError:
            raise
        except (Exception, SystemExit, KeyboardInterrupt) as error:  # no Ctrl-C: a worker leaves that to its parent
            raise BadInputError(
                f"model '{self.model}' cannot be loaded: {one_line(error)}", code="model-load"
            ) from error
        if self.code:
            check_code(MODELS.target(self.model), self.code)
        split, folder = resolve_split(self.split, digest=self.split_digest), RunFolder(self.folder)
        is_control = self.model in MODELS.builtin and isinstance(model, Control) and model.is_control

        @lru_cache(maxsize=1)
        def open_clip(clip_id: str) -> Clip:
            try:
                return split.clip(clip_id)
            except BadInputError as error:
                raise BadInputError(str(error), code=f"reference-{error.code}") from error

        def task(item: tuple[str, int]) -> dict[str, str]:
            clip_id, seed = item
            clip = open_clip(clip_id)
            condition = condition_for(clip, self.task)
            given = deepcopy(condition)  # what a model does to its arrays in place, the next seed must not see
            returned = _ask(sampler, given, seed, self.clip_timeout)
            sample, warnings = check_sample(returned, condition, second_frame(clip), may_be_turned=is_control)
            odd = picture_notes(sample.video.frames) if sample.video is not None else []
            written = write_sample(folder.sample(clip_id, seed), sample)
            return {**written, "odd": odd[0][0] if odd else "", **warning_of(warnings)}

        return task


def condition_for(clip: Clip, task: Task) -> Condition:
    """The clip's condition for a task: `tm2v` gives the motion, `tv2m` the video."""
    if task == "tm2v":
        return replace(clip.condition, task=task, motion=clip.reference.motion)
    if task == "tv2m":
        return replace(clip.condition, task=task, video=clip.reference.video)
    return clip.condition


def second_frame(clip: Clip) -> Picture | None:
    """Frame 1 of the recorded video, uint8 RGB (height, width, 3); None of a single frame."""
    frames = clip.reference.video.frames
    return frames[1] if len(frames) > 1 else None


def check_sample(
    sample: Any, condition: Condition, second: Picture | None = None, *, may_be_turned: bool = False
) -> tuple[Sample, list[tuple[str, str]]]:
    """The sample, if both parts have the condition's form and the motion keeps the conventions of `egobench check`; and
    warnings as (code, text).

    Args:
        second: as `second_frame`.
        may_be_turned: do not compare the pictures with the first frame; for controls, which corrupt them on purpose.

    Raises:
        BadInputError: `sample-type`, `sample-empty`, `sample-skeleton`, or a code of `check_video`, `check_pictures`,
            `check_motion` and `egobench.motions.conventions.look_over`.
    """
    if not isinstance(sample, Sample):
        text = f"the model returned {type(sample).__name__}; an egobench.Sample is needed"
        raise BadInputError(text, code="sample-type")
    if sample.video is None and sample.motion is None:
        raise BadInputError("the model returned neither video nor motion", code="sample-empty")
    video, motion = sample.video, sample.motion
    _check_part(video, "video", ("frames", "fps"))
    _check_part(motion, "motion", ("positions", "rotations", "fps", "skeleton"))
    odd: list[tuple[str, str]] = []
    if video is not None:
        size = condition.first_frame.shape[:2]
        video = check_video(video, frames=condition.num_video_frames, fps=condition.fps_video, size=size)
        if not may_be_turned:
            check_pictures(video.frames, condition.first_frame, second)
    if motion is not None:
        right = condition.first_pose.skeleton
        if motion.skeleton != right:
            text = f"the motion is on the skeleton {motion.skeleton}; the split's is {right}, and nothing is retargeted"
            raise BadInputError(f"{text}; {OTHER_JOINTS}", code="sample-skeleton")
        try:
            motion = check_motion(motion, frames=condition.num_motion_frames, fps=condition.fps_motion)
        except BadInputError as error:
            if error.code != "motion-skeleton":
                raise
            raise BadInputError(f"{error}; {OTHER_JOINTS}", code=error.code) from None
        odd = look_over(motion)
    return Sample(video, motion), odd


def _check_part(part: Any, name: str, fields: tuple[str, ...]) -> None:
    """Refuses an object without these fields, such as a bare array, or a motion in place of the video."""
    lacking = [field for field in fields if part is not None and not hasattr(part, field)]
    if lacking:
        text = f"Sample.{name} is of type {type(part).__name__}, without {' and '.join(lacking)}"
        raise BadInputError(f"{text}; an egobench.{name.title()} is needed", code="sample-type")


def warning_of(odd: list[tuple[str, str]]) -> dict[str, str]:
    """Warnings of a good sample as its row holds them: the codes, and all texts in one line. Empty for none."""
    if not odd:
        return {}
    return {"code": " ".join(code for code, _ in odd), "reason": "; ".join(text for _, text in odd)}


def write_sample(folder: Path, sample: Sample) -> dict[str, str]:
    """Writes the sample's parts, lossless. Returns the SHA-256 of their files as `video` and `motion`, empty if absent.

    Raises:
        StorageError: the disk refused.
    """
    make_folder(folder)
    digests = {"video": "", "motion": ""}
    if sample.video is not None:
        write_video(folder / VIDEO_FILE, sample.video.frames, sample.video.fps)
        digests["video"] = digest_file(folder / VIDEO_FILE)
    if sample.motion is not None:
        write_motion(folder / MOTION_FILE, sample.motion)
        digests["motion"] = digest_file(folder / MOTION_FILE)
    return digests


def is_of_form(code: str) -> bool:
    """Whether an error's code means a wrong form, which the model's other samples will have too."""
    return code.startswith(("sample-", "video-", "motion-"))


def _ask(sampler: Any, condition: Condition, seed: int, clip_timeout: float | None) -> Any:
    began = time.monotonic()
    try:
        with _time_limit(clip_timeout):
            return sampler.sample(condition, seed=seed)
    except StorageError:
        raise
    except BaseException as error:  # no Ctrl-C: a worker leaves that to its parent, so this one is the model's own
        if clip_timeout and isinstance(error, TimeoutError) and time.monotonic() - began >= clip_timeout:
            text = f"not sampled after {clip_timeout:g} s, the limit that --clip-timeout set"
            raise BadInputError(text, code="model-timeout") from error
        is_submitted = isinstance(sampler, LoadedSubmission)  # whose errors have codes of their own
        code = error.code if is_submitted and isinstance(error, BadInputError) else "model-raised"
        raise BadInputError(one_line(error), code=code) from error


@contextmanager
def _time_limit(seconds: float | None) -> Iterator[None]:
    """Stops the block after so many seconds. Code that Python cannot interrupt ends after twice as many, and its
    process with it."""
    if not seconds:
        yield
        return
    faulthandler.dump_traceback_later(2 * seconds + 1, exit=True)
    try:
        with time_limit(seconds, "sampled"):
            yield
    finally:
        faulthandler.cancel_dump_traceback_later()
