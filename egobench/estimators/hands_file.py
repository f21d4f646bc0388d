"""`hands-file`: the hands that another program detected, from one small file per clip.

FOLDER/<clip id>.csv     a line per hand seen: frame,side,score,x,y   with these names as the first line
FOLDER/<clip id>.json    {"detections": [{"frame": 0, "side": "left", "score": 0.9, "x": 12.5, "y": 40.0}, …]}

Frames count from 0, sides are left and right of the wearer, scores are 0 … 1. x and y are the palm in pixels of the
video (x right, y down, 0 at the image's corner) and may be empty. A hand without a line was not seen. A file without
lines says that no hand was seen.
"""

import csv
import io
import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from egobench.errors import BadInputError
from egobench.estimators.base import Estimator, check_camera
from egobench.files.digest import digest_file, digest_json
from egobench.types import SIDES, Camera, HandDetections, Video

VARIABLE = "EGOBENCH_HANDS"
SUFFIXES = (".csv", ".json")
COLUMNS = ("frame", "side", "score", "x", "y")
MAX_BYTES = 10_000_000


@dataclass(frozen=True)
class HandsFile(Estimator):
    """Reads detections of the videos that are scored; a clip without a sound file is a failed clip.

    The files belong to one set of videos. So there is no floor and no chance: these look at the reference's videos, of
    which the files say nothing.
    """

    name: ClassVar[str] = "hands-file"
    version: ClassVar[int] = 1
    provides: ClassVar[tuple[str, ...]] = ("hands",)
    of_one_run: ClassVar[bool] = True
    """The files are for one run's videos and say nothing about a reference. So there is no floor and no chance."""
    on_cpu: ClassVar[bool] = True

    folder: Path = field(default_factory=lambda: Path(os.environ.get(VARIABLE, "")))
    """Where the files are; the environment variable EGOBENCH_HANDS if not given."""
    threshold: float = 0.5
    """Least score to count as seen."""

    def definition(self) -> Mapping[str, Any]:
        """Digest of all files, and the threshold. Raises BadInputError, code `hands-folder`, if there is no folder."""
        files = self._files()
        digest = digest_json({path.name: digest_file(path) for path in files})
        return {
            "files": len(files),
            "files_sha256": digest,
            "threshold": self.threshold,
        }

    def load(self, device: str) -> "HandsFile":
        """Checks that the folder is there; nothing is loaded."""
        del device
        self._files()
        return self

    def hands(self, video: Video, camera: Camera, *, clip_id: str = "") -> HandDetections:
        """The hands that the clip's file lists.

        Raises:
            BadInputError: `hands-file-missing`, `hands-file-form`, `camera-form`.
        """
        check_camera(video, camera)
        path = self._path(clip_id)
        scores = np.zeros((len(video.frames), 2))
        palms = np.full((len(video.frames), 2, 2), np.nan)
        try:
            if path.stat().st_size > MAX_BYTES:
                raise ValueError(f"more than {MAX_BYTES} bytes")
            for row in _rows(path):
                frame, side, score, place = _detection(row, len(scores))
                if score > scores[frame, side]:
                    scores[frame, side], palms[frame, side] = score, place
        except (OSError, ValueError, KeyError, TypeError, csv.Error, RecursionError) as error:
            raise BadInputError(f"{path.name}: {error or 'not readable'}", code="hands-file-form") from None
        return HandDetections(scores, palms, self.threshold)

    def _files(self) -> list[Path]:
        if not self.folder.is_dir() or self.folder == Path():
            where = f"no folder {self.folder}" if self.folder != Path() else f"{VARIABLE} is not set"
            raise BadInputError(f"{self.name}: {where}; a folder of <clip id>.csv is needed", code="hands-folder")
        return sorted(path for path in self.folder.iterdir() if path.suffix in SUFFIXES)

    def _path(self, clip_id: str) -> Path:
        found = [self.folder / f"{clip_id}{suffix}" for suffix in SUFFIXES]
        found = [path for path in found if path.is_file()] if clip_id and Path(clip_id).name == clip_id else []
        if len(found) != 1:
            what = "two files" if found else "no file"
            text = f"{what} for clip '{clip_id}' in {self.folder}; one, {clip_id}.csv or .json, is needed"
            raise BadInputError(text, code="hands-file-missing")
        return found[0]


def _rows(path: Path) -> Iterable[Mapping[str, Any]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        return json.loads(text)["detections"]
    reader = csv.DictReader(io.StringIO(text), strict=True)
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise ValueError(f"columns {', '.join(reader.fieldnames or ())}; {', '.join(COLUMNS)} are needed")
    return list(reader)


def _detection(row: Mapping[str, Any], frames: int) -> tuple[int, int, float, tuple[float, float]]:
    """Frame, side, score and palm of one line. Raises ValueError, KeyError or TypeError."""
    frame, side, score = int(row["frame"]), row["side"], float(row["score"])
    if not 0 <= frame < frames:
        raise ValueError(f"frame {frame} of a video of {frames}")
    if side not in SIDES:
        raise ValueError(f"side {side!r}; left or right is needed")
    if not 0 <= score <= 1:
        raise ValueError(f"score {score:g}; 0 … 1 is needed")
    x, y = (math.nan if row.get(axis) in (None, "") else float(row[axis]) for axis in ("x", "y"))
    if math.isnan(x) != math.isnan(y) or math.isinf(x) or math.isinf(y):
        raise ValueError(f"palm {x:g}, {y:g}; two numbers, or none, are needed")
    return frame, SIDES.index(side), score, (x, y)
