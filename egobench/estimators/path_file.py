"""`path-file`: camera paths that another program estimated, one TUM file per clip. So any SLAM can be scored.

`<clip_id>.txt` has lines `timestamp tx ty tz qx qy qz qw`: seconds from the video's first frame, pose camera → world.
Lines that begin with # are skipped. A line belongs to the video frame k whose time k / fps is within a quarter of a
frame. Frames without a line are not registered. If any line of a file is wrong, the clip has failed, with a reason. The
files belong to one run's samples. Another run needs another folder.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from scipy.spatial.transform import Rotation

from egobench.errors import BadInputError
from egobench.estimators.base import ALL_OF_THEM, Estimator, check_camera, no_path
from egobench.files.digest import digest_file
from egobench.types import Camera, CameraPath, Video

ENVIRONMENT = "EGOBENCH_PATHS"
METRIC_ENVIRONMENT = "EGOBENCH_PATHS_METRIC"
TOLERANCE = 0.25
"""Share of the time between two frames. With a quarter on either side it is clear which frame is meant."""
COLUMNS = 8
UNIT = 0.01
"""How far the length of a quaternion may be from 1. Files have rounded numbers, but rounding is smaller than this."""


class _WrongFileError(Exception):
    """A file is wrong; the text says why in one line."""


@dataclass(frozen=True)
class PathFile(Estimator):
    """Camera paths of this run's samples from TUM files (`<clip_id>.txt`) in the folder `$EGOBENCH_PATHS`, made by a
    program of your own; `$EGOBENCH_PATHS_METRIC=1` says that they are in metres."""

    name: ClassVar[str] = "path-file"
    version: ClassVar[int] = 1
    provides: ClassVar[tuple[str, ...]] = ("camera",)
    of_one_run: ClassVar[bool] = True
    """The files are for one run's videos and say nothing about a reference. So there is no floor and no chance."""
    on_cpu: ClassVar[bool] = True

    folder: str = field(default_factory=lambda: os.environ.get(ENVIRONMENT, ""))
    """Where the files lie; the protocol keeps the digest of their content, not the place."""
    is_metric: bool = field(default_factory=lambda: os.environ.get(METRIC_ENVIRONMENT, "") == "1")
    """Positions are metres (stereo, depth, inertial); otherwise they have one unknown scale per clip."""

    def definition(self) -> Mapping[str, Any]:
        """Settings and the digest of all files. Raises BadInputError, code `paths-missing`."""
        return {
            "format": "TUM: timestamp tx ty tz qx qy qz qw, camera to world",
            "tolerance_frames": TOLERANCE,
            "is_metric": self.is_metric,
            "files_sha256": folder_digest(self._folder()),
        }

    def load(self, device: str) -> "_Loaded":
        """Opens no file yet. Raises BadInputError, code `paths-missing`."""
        return _Loaded(self._folder(), self.is_metric)

    def _folder(self) -> Path:
        if not self.folder or not Path(self.folder).is_dir():
            found = f"'{self.folder}' is no folder" if self.folder else f"{ENVIRONMENT} is not set"
            raise BadInputError(f"{found}; path-file needs a folder of <clip_id>.txt", code="paths-missing")
        return Path(self.folder)


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of all `*.txt`, 64 hex digits."""
    state = hashlib.sha256()
    for path in sorted(folder.glob("*.txt")):
        state.update(f"{path.name}\n{digest_file(path)}\n".encode())
    return state.hexdigest()


@dataclass(frozen=True)
class _Loaded:
    """The loaded estimator."""

    folder: Path
    is_metric: bool

    def camera(self, video: Video, camera: Camera, *, clip_id: str = "") -> CameraPath:
        """Path of one clip. Only the number of frames and the rate are taken from the video.

        Raises:
            BadInputError: `camera-form`; `clip-missing`: no clip id was given.
        """
        check_camera(video, camera)
        if not clip_id or Path(clip_id).name != clip_id:
            raise BadInputError(f"'{clip_id}' is no clip id; path-file needs one to find the file", code="clip-missing")
        number = len(video.frames)
        try:
            times, poses = read_tum(self.folder / f"{clip_id}.txt")
            frames = _frames_of(times, video.fps, number)
        except _WrongFileError as error:
            return no_path(number, "failed", str(error), is_metric=self.is_metric)
        path = np.broadcast_to(np.eye(4), (number, 4, 4)).copy()
        registered = np.zeros(number, dtype=bool)
        path[frames], registered[frames] = poses, True
        is_whole = len(frames) >= ALL_OF_THEM * number
        reason = "" if is_whole else f"{len(frames)} of {number} frames in the file"
        return CameraPath(path, registered, "ok" if is_whole else "partial", reason, self.is_metric)


def read_tum(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Times (n,) in seconds and poses (n, 4, 4), in the order of the file. Every line is checked."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise _WrongFileError(f"no file {path.name}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise _WrongFileError(f"{path.name} cannot be read: {type(error).__name__}") from None
    rows = [_row(path.name, k, line) for k, line in enumerate(lines, 1) if line.strip() and line.strip()[0] != "#"]
    if len(rows) < 2:
        raise _WrongFileError(f"{path.name}: {len(rows)} poses; two are needed")
    table = np.array(rows)
    steps = np.diff(table[:, 0])
    if (steps <= 0).any():
        k = int((steps <= 0).argmax())
        kind = "the same time twice" if steps[k] == 0 else "times out of order"
        raise _WrongFileError(f"{path.name}: {kind}, {table[k, 0]:g} s and then {table[k + 1, 0]:g} s")
    poses = np.broadcast_to(np.eye(4), (len(table), 4, 4)).copy()
    poses[:, :3, :3] = Rotation.from_quat(table[:, 4:]).as_matrix()
    poses[:, :3, 3] = table[:, 1:4]
    return table[:, 0], poses


def _row(name: str, number: int, line: str) -> list[float]:
    words = line.replace(",", " ").split()
    if len(words) != COLUMNS:
        raise _WrongFileError(f"{name} line {number}: {len(words)} columns; {COLUMNS} are right")
    try:
        values = [float(word) for word in words]
    except ValueError:
        raise _WrongFileError(f"{name} line {number}: not numbers") from None
    if not np.isfinite(values).all():
        raise _WrongFileError(f"{name} line {number}: a value that is not finite")
    length = float(np.linalg.norm(values[4:]))
    if abs(length - 1.0) > UNIT:
        raise _WrongFileError(f"{name} line {number}: quaternion of length {length:.4g}; 1 is right")
    return values


def _frames_of(times: np.ndarray, fps: float, number: int) -> np.ndarray:
    """Video frame of each time."""
    at = times * fps
    frames = np.rint(at).astype(np.int64)
    strange = (np.abs(at - frames) > TOLERANCE) | (frames < 0) | (frames >= number)
    if strange.any():
        time = times[strange.argmax()]
        text = f"time {time:g} s is no video frame's; frames are at k / {fps:g} s from 0 to {(number - 1) / fps:g} s"
        raise _WrongFileError(text)
    if len(np.unique(frames)) < len(frames):
        raise _WrongFileError("two lines for one video frame")
    return frames
