"""Stage 1: every clip × seed → a checked sample in the run folder, an event in the journal.

A model that raises, a sample of the wrong form and a reference that cannot be read make failed items with a code.
None of them ends the run.
"""

import faulthandler
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from egobench.catalog import MODELS
from egobench.engines.batches import BatchTask
from egobench.engines.worker import one_line
from egobench.errors import BadInputError, StorageError
from egobench.files.atomic import make_folder
from egobench.files.digest import digest_file
from egobench.files.motion import write_motion
from egobench.files.time_limit import time_limit
from egobench.files.video import write_video
from egobench.plan.model_code import check_code
from egobench.plan.resolve import resolve_model, resolve_split
from egobench.run.check_sample import check_sample, warning_of
from egobench.run.same_everywhere import folder_facts, model_facts
from egobench.store.folder import MOTION_FILE, VIDEO_FILE, RunFolder, folder_at
from egobench.submissions.model import LoadedSubmission
from egobench.submissions.pictures import Picture, picture_notes
from egobench.types import BatchSampler, Clip, Condition, Control, Sample, Split, Task


class SampleItem(NamedTuple):
    """One sample to be made."""

    clip: str
    seed: int
    is_wanted: bool = True
    """False: it is there already, and is made again only since its batch is; it is not written."""


@dataclass(frozen=True)
class GenerateJob:
    """Samples items, batch by batch."""

    model: str
    options: dict[str, str]
    split: str
    task: Task
    device: str
    folder: str | Path
    """As `RunFolder.place`."""
    split_digest: str = ""
    """The split must still have this digest."""
    code: str = ""
    """Digest of the model's code that this run is made with; empty where any will do."""
    clip_timeout: float | None = None
    """Seconds that one sample may take; a batch may take as many times as long as it has clips."""

    @property
    def error_code(self) -> str:
        """Code of an error that neither the model nor the sample caused."""
        return "item-raised"

    def facts(self, *, is_driver: bool) -> dict[str, str]:
        """What must be the same on every node: see `same_everywhere`."""
        return {**model_facts(self.model, self.options), **folder_facts(self.folder)}

    def prepare(self) -> "SampleTask":
        """Loads the model."""
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
        split = resolve_split(self.split, digest=self.split_digest)
        is_control = self.model in MODELS.builtin and isinstance(model, Control) and model.is_control
        return SampleTask(sampler, split, folder_at(self.folder), self.task, self.clip_timeout, is_control)


class Opened(NamedTuple):
    """What the model is given, and what its sample is compared with."""

    condition: Condition
    second: Picture | None
    """As `second_frame`."""
    seed: int


class SampleTask(BatchTask):
    """Samples items; an item is a `SampleItem`, or (clip id, seed).

    The value is the digests of the sample's files (empty for a missing part), in `odd` the code of a remark on its
    pictures, and `code` and `reason` of its warnings if there are any; None for a sample that is not wanted.
    """

    def __init__(
        self,
        sampler: Any,
        split: Split,
        folder: RunFolder,
        task: Task,
        clip_timeout: float | None,
        is_control: bool,
    ) -> None:
        super().__init__()
        self.sampler, self.folder = sampler, folder
        self.task: Task = task
        self.clip_timeout, self.is_control = clip_timeout, is_control

        @lru_cache(maxsize=1)
        def open_clip(clip_id: str) -> Clip:
            try:
                return split.clip(clip_id)
            except BadInputError as error:
                raise BadInputError(str(error), code=f"reference-{error.code}") from error

        self._open_clip = open_clip

    def open(self, item: tuple) -> Opened:
        """Raises BadInputError `reference-…`: the clip cannot be read."""
        clip = self._open_clip(item[0])
        return Opened(condition_for(clip, self.task), second_frame(clip), item[1])

    def work(self, opened: Sequence[Opened]) -> list[Any]:
        """What the model returned for each, or its error. Raises the model's error about a batch."""
        given = [deepcopy(each.condition) for each in opened]  # what a model does to its arrays, no other must see
        seeds = [each.seed for each in opened]
        if isinstance(self.sampler, BatchSampler) and (len(opened) > 1 or not hasattr(self.sampler, "sample")):
            returned = self._ask(lambda: self.sampler.sample_batch(given, seeds=seeds), len(opened))
            return _as_many(returned, len(opened))
        return [self._ask_one(condition, seed) for condition, seed in zip(given, seeds, strict=True)]

    def close(self, item: tuple, opened: Opened, result: Any) -> dict[str, str] | None:
        """Checks and writes the sample. Raises BadInputError as `check_sample`."""
        if not SampleItem(*item).is_wanted:
            return None
        clip_id, seed, *_ = item
        sample, warnings = check_sample(result, opened.condition, opened.second, may_be_turned=self.is_control)
        odd = picture_notes(sample.video.frames) if sample.video is not None else []
        place = self.folder.sample(clip_id, seed)
        written = write_sample(place, sample)
        names = [name for name, part in ((VIDEO_FILE, "video"), (MOTION_FILE, "motion")) if written[part]]
        self.folder.push(*((place / name).relative_to(self.folder.path).as_posix() for name in names))
        return {**written, "odd": odd[0][0] if odd else "", **warning_of(warnings)}

    def _ask_one(self, condition: Condition, seed: int) -> Any:
        try:
            return self._ask(lambda: self.sampler.sample(condition, seed=seed), 1)
        except StorageError:
            raise
        except BadInputError as error:
            return error

    def _ask(self, sample: Any, clips: int) -> Any:
        """Raises BadInputError: `model-raised`, `model-timeout`, or of a submission its own."""
        began, seconds = time.monotonic(), self.clip_timeout and self.clip_timeout * clips
        try:
            with _time_limit(seconds):
                return sample()
        except StorageError:
            raise
        except BaseException as error:  # no Ctrl-C: a worker leaves that to its parent, so this one is the model's own
            if seconds and isinstance(error, TimeoutError) and time.monotonic() - began >= seconds:
                text = f"not sampled after {seconds:g} s, the limit that --clip-timeout set"
                raise BadInputError(text, code="model-timeout") from error
            is_submitted = isinstance(self.sampler, LoadedSubmission)  # whose errors have codes of their own
            code = error.code if is_submitted and isinstance(error, BadInputError) else "model-raised"
            raise BadInputError(one_line(error), code=code) from error


def _as_many(returned: Any, count: int) -> list[Any]:
    """Raises BadInputError `sample-type`: not one sample for each condition."""
    if not isinstance(returned, Sequence) or len(returned) != count:
        what = f"{len(returned)} samples" if isinstance(returned, Sequence) else f"a {type(returned).__name__}"
        text = f"sample_batch returned {what} for {count} conditions; a sequence with one sample for each is needed"
        raise BadInputError(text, code="sample-type")
    return list(returned)


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
