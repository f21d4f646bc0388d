"""Samples in memory → a submission: a folder with submission.toml and lossless files, as docs/submissions.md has it."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from egobench.errors import BadInputError
from egobench.files.arrays import write_npz
from egobench.files.atomic import make_folder, write_bytes
from egobench.files.video import write_video
from egobench.submissions.description import NAME, SCHEMA
from egobench.submissions.form import Form, form_of
from egobench.submissions.inventory import MOTION, VIDEO
from egobench.types import Motion, Sample, Split, Task

TEXT = """\
schema = {schema}            # of this format
model = {model}    # what tables call it
split = {split}
task = "{task}"         # given besides text, first frame and first pose: nothing, the motion (tm2v), the video (tv2m)
fps_video = {fps_video:g}
fps_motion = {fps_motion:g}
skeleton = {skeleton}
seeds = {seeds}             # samples per clip; with several, CLIP/0/…, CLIP/1/…
parts = {parts}
"""


def write_submission(
    folder: Path,
    split: Split,
    samples_of: Callable[[str], Sequence[Sample]],
    clip_ids: Sequence[str],
    *,
    model: str,
    seeds: int,
    task: Task = "t2vm",
    parts: Sequence[str] = ("video", "motion"),
    head: str = "",
    foot: str = "",
    arrays_of: Callable[[Motion, Form], Mapping[str, np.ndarray]] | None = None,
    step: Callable[[], None] = lambda: None,
) -> Path:
    """Writes it; submission.toml comes last, so that with it the folder is whole.

    Args:
        samples_of: clip id → its samples, one for each seed.
        head: comment lines for the top of submission.toml.
        foot: further lines for its end.
        arrays_of: the arrays of a motion file; positions and rotations by default.
        step: called after each clip.

    Raises:
        BadInputError: `folder-not-empty`.
        StorageError: the disk refused.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInputError(f"{folder} is there and not empty; a new folder is needed", code="folder-not-empty")
    form = form_of(split.facts)
    make_folder(folder)
    for clip_id in clip_ids:
        for seed, sample in enumerate(samples_of(clip_id)):
            place = folder / clip_id if seeds == 1 else folder / clip_id / str(seed)
            make_folder(place)
            if sample.video is not None:
                write_video(place / VIDEO, sample.video.frames, sample.video.fps)
            if sample.motion is not None:
                write_npz(place / MOTION, **(arrays_of or _arrays)(sample.motion, form))
        step()
    text = TEXT.format(
        schema=SCHEMA,
        model=_quoted(model),
        split=_quoted(split.name),
        task=task,
        fps_video=form.fps_video,
        fps_motion=form.fps_motion,
        skeleton=_quoted(form.skeleton),
        seeds=seeds,
        parts="[" + ", ".join(map(_quoted, parts)) + "]",
    )
    write_bytes(folder / NAME, (head + text + foot).encode())
    return folder


def _quoted(text: str) -> str:
    """The text as a string of TOML, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)


def _arrays(motion: Motion, form: Form) -> dict[str, np.ndarray]:
    del form
    return {"positions": motion.positions, "rotations": motion.rotations}
