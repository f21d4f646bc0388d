"""A valid submission made from a split's references, as an example of the format; it has the best possible score."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from egobench.errors import BadInputError
from egobench.files.arrays import write_npz
from egobench.files.atomic import make_folder, write_bytes
from egobench.files.video import write_video
from egobench.geometry.skeleton import get_skeleton
from egobench.submissions.description import NAME, SCHEMA
from egobench.submissions.form import Form, form_of
from egobench.submissions.inventory import MOTION, VIDEO
from egobench.types import Motion, Split

TEXT = """\
# Written by `egobench check --example`: the recorded truth of {split} in the form of a submission.
# `egobench check FOLDER --split {split}` looks it over, `egobench score FOLDER --split {split}` scores it.
schema = {schema}            # of this format
model = "{model}"    # what tables call it
split = "{split}"
task = "t2vm"         # given besides text, first frame and first pose: nothing, the motion (tm2v), the video (tv2m)
fps_video = {fps_video:g}
fps_motion = {fps_motion:g}
skeleton = "{skeleton}"
seeds = {seeds}             # samples per clip; with several, CLIP/0/…, CLIP/1/…
parts = ["video", "motion"]
notes = "what a reader should know: checkpoint, steps, guidance"
"""


def write_example(
    folder: Path,
    split: Split,
    *,
    model: str = "example",
    seeds: int = 1,
    clip_ids: Sequence[str] | None = None,
    step: Callable[[], None] = lambda: None,
) -> Path:
    """Writes the example. submission.toml comes last, so that a folder with it is complete.

    Args:
        seeds: samples per clip; all of them are the reference, so they are equal.
        clip_ids: None for all clips.
        step: called after each clip.

    Raises:
        BadInputError: `folder-not-empty`; codes of the split's clips.
        StorageError: the disk refused.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInputError(f"{folder} is there and not empty; a new folder is needed", code="folder-not-empty")
    form = form_of(split.facts)
    make_folder(folder)
    for clip_id in [info.clip_id for info in split.infos()] if clip_ids is None else clip_ids:
        reference = split.clip(clip_id).reference
        for seed in range(seeds):
            place = folder / clip_id if seeds == 1 else folder / clip_id / str(seed)
            make_folder(place)
            write_video(place / VIDEO, reference.video.frames, reference.video.fps)
            write_npz(place / MOTION, **motion_arrays(reference.motion, form))
        step()
    text = TEXT.format(
        schema=SCHEMA,
        model=model,
        split=split.name,
        fps_video=form.fps_video,
        fps_motion=form.fps_motion,
        skeleton=form.skeleton,
        seeds=seeds,
    )
    write_bytes(folder / NAME, text.encode())
    return folder


def motion_arrays(motion: Motion, form: Form) -> dict[str, np.ndarray]:
    """The arrays of a motion.npz: a motion, and the camera on its head."""
    arrays = {"positions": motion.positions, "rotations": motion.rotations}
    if form.T_head_camera is None or form.intrinsics is None:
        return arrays
    head = get_skeleton(motion.skeleton).index("head")
    T_world_head = np.tile(np.eye(4), (len(motion.positions), 1, 1))
    T_world_head[:, :3, :3], T_world_head[:, :3, 3] = motion.rotations[:, head], motion.positions[:, head]
    return {**arrays, "camera": T_world_head @ form.T_head_camera, "intrinsics": form.intrinsics}
