"""A valid submission made from a split's references, as an example of the format; it has the best possible score."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from egobench.geometry.skeleton import get_skeleton
from egobench.submissions.form import Form
from egobench.submissions.write import write_submission
from egobench.types import Motion, Sample, Split

HEAD = """\
# Written by `egobench check --example`: the recorded truth of {split} in the form of a submission.
# `egobench check FOLDER --split {split}` looks it over, `egobench score FOLDER --split {split}` scores it.
"""
NOTES = """\
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
    ids = [info.clip_id for info in split.infos()] if clip_ids is None else clip_ids

    def references(clip_id: str) -> list[Sample]:
        reference = split.clip(clip_id).reference
        return [Sample(reference.video, reference.motion)] * seeds

    return write_submission(
        folder,
        split,
        references,
        ids,
        model=model,
        seeds=seeds,
        head=HEAD.format(split=split.name),
        foot=NOTES,
        arrays_of=motion_arrays,
        step=step,
    )


def motion_arrays(motion: Motion, form: Form) -> dict[str, np.ndarray]:
    """The arrays of a motion.npz: a motion, and the camera on its head."""
    arrays = {"positions": motion.positions, "rotations": motion.rotations}
    if form.T_head_camera is None or form.intrinsics is None:
        return arrays
    head = get_skeleton(motion.skeleton).index("head")
    T_world_head = np.tile(np.eye(4), (len(motion.positions), 1, 1))
    T_world_head[:, :3, :3], T_world_head[:, :3, 3] = motion.rotations[:, head], motion.positions[:, head]
    return {**arrays, "camera": T_world_head @ form.T_head_camera, "intrinsics": form.intrinsics}
