"""A run's samples as they were written: their files are compared with the recorded digests before they are read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from egobench.errors import BadInputError
from egobench.files.digest import digest_file
from egobench.files.motion import read_motion
from egobench.files.video import read_video
from egobench.store.folder import MOTION_FILE, VIDEO_FILE, RunFolder
from egobench.store.tables import ItemRow
from egobench.types import Motion, Sample, Video


def unchanged(path: Path, digest: str) -> Path:
    """The path itself if its content still has the digest.

    Raises:
        BadInputError: `file-missing` or `sample-changed`.
    """
    if digest_file(path) != digest:
        raise BadInputError(f"{path.name} of {path.parent} has changed since it was written", code="sample-changed")
    return path


def sample_file(folder: RunFolder, sample: tuple[str, int], name: str, digest: str) -> Path:
    """A file of a sample as it was written; of a run under a URL it is got from there, unless it is here.

    Args:
        sample: clip id, seed.
        name: `VIDEO_FILE` or `MOTION_FILE`.

    Raises:
        BadInputError: `file-missing` or `sample-changed`.
        StorageError: the storage refused.
    """
    path = folder.sample(*sample) / name
    if folder.remote and not (path.is_file() and digest_file(path) == digest):
        folder.pull(path.relative_to(folder.path).as_posix())
    return unchanged(path, digest)


def read_sample(folder: RunFolder, item: ItemRow, facts: Mapping[str, Any]) -> Sample:
    """A sample of a run, as it was written; a part that it does not have is None.

    Args:
        facts: of the split.

    Raises:
        BadInputError: `file-missing`, `sample-changed` since it was written, or a part that cannot be read.
    """
    place, video, motion = (item.clip, item.seed), None, None
    if item.video:
        video = stored_video(sample_file(folder, place, VIDEO_FILE, item.video), facts)
    if item.motion:
        motion = stored_motion(sample_file(folder, place, MOTION_FILE, item.motion), facts)
    return Sample(video, motion)


def stored_video(path: Path, facts: Mapping[str, Any]) -> Video:
    """A sample's video at the split's rate and length. Raises BadInputError if it cannot be read."""
    return read_video(path, fps=facts["fps_video"], frames=facts["num_video_frames"])


def stored_motion(path: Path, facts: Mapping[str, Any]) -> Motion:
    """A sample's motion at the split's rate and on its skeleton. Raises BadInputError if it cannot be read."""
    return read_motion(path, fps=facts["fps_motion"], skeleton=facts["skeleton"])
