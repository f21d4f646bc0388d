"""The split format: a folder that any data set can be turned into, and its reader. Metres, z up, seconds.

    split.json                 schema, name, facts (rates, frames, size, skeleton, camera), clips, digest. A skeleton
                               that is not built in has its `joints` and `parents` in the facts. Each clip states the
                               digest of its content, which is checked (`egobench data index` writes the digests)
    <clip_id>/video.mp4        the reference video, at the split's rate and length
    <clip_id>/motion.npz       positions (T, J, 3) and rotations (T, J, 3, 3) or (T, J, 4) wxyz, or the compact form
    <clip_id>/truth.npz        optional: hand_pixels (T, 2) float, contacts (T, 4) bool, further arrays

The compact form keeps a rigid body exactly and small: `root` int32 (T, 3) in 0.1 mm, `quats` int16 (T, J, 4)
xyzw, `offsets` float64 (J, 3); positions are forward kinematics of it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from egobench.data.compact import dequantise
from egobench.errors import BadInputError, UnknownNameError
from egobench.files.arrays import read_npz
from egobench.files.atomic import read_json, write_json
from egobench.files.digest import digest_arrays, digest_json
from egobench.files.motion import read_motion
from egobench.files.safe_names import SAFE_WORDS, unsafe_names
from egobench.files.video import read_video
from egobench.geometry.border import check_motion
from egobench.geometry.skeleton import Skeleton, add_skeleton, forward_kinematics, get_skeleton
from egobench.registry import unknown
from egobench.types import Camera, Clip, ClipInfo, Condition, Motion, Reference, Video

SCHEMA = 1
MAX_CLIP_BYTES = 256 * 2**20
INDEX = "split.json"
MAX_INDEX_BYTES = 2**31
"""Largest index that is read; a clip takes 300 to 1,200 bytes."""
LISTED = 4
"""Clips that a message names."""


@dataclass(frozen=True)
class SplitFacts:
    """The facts that all clips of a split share."""

    fps_video: float
    fps_motion: float
    num_video_frames: int
    num_motion_frames: int
    width: int
    height: int
    """Pixels."""
    skeleton: str
    intrinsics: list[list[float]]
    """K, pixels."""
    T_head_camera: list[list[float]]
    """Camera → head joint."""
    joints: list[str] | None = None
    """Of a skeleton that is not built in: its joints' names in array order, the root first."""
    parents: list[int] | None = None
    """Of a skeleton that is not built in: each joint's parent, -1 for the root."""

    def as_json(self) -> dict[str, Any]:
        """JSON-ready, for an index; fields that are None are left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def add_skeleton(self) -> None:
        """Registers the skeleton if it is the split's own. Raises BadInputError if it is no tree of joints."""
        if self.joints is not None:
            add_skeleton(Skeleton(self.skeleton, tuple(self.joints), tuple(self.parents or ())))

    def camera(self) -> Camera:
        """The split's one camera."""
        return Camera(np.array(self.intrinsics), self.width, self.height, np.array(self.T_head_camera))


@dataclass(frozen=True)
class FolderSplit:
    """A split in a folder; implements `egobench.types.Split`."""

    path: Path
    locator: str
    """The argument with which `open_split` opens it again: the catalogue name, or the folder."""
    name: str
    digest: str
    facts: Mapping[str, Any]
    common: SplitFacts
    rows: tuple[ClipInfo, ...]
    known_files: str = ""
    """`egobench.data.content.files_digest` of a shipped split; else empty."""

    @cached_property
    def _by_id(self) -> dict[str, ClipInfo]:
        return {row.clip_id: row for row in self.rows}

    def infos(self) -> tuple[ClipInfo, ...]:
        """All rows, sorted by clip id."""
        return self.rows

    def clip(self, clip_id: str) -> Clip:
        """Opens one clip and compares its content with the digest in the index.

        Raises:
            UnknownNameError: no such clip.
            BadInputError: a file is missing or damaged, or breaks the split's facts; `split-content`: the content has
                another digest.
        """
        info = self.info(clip_id)
        video, motion, truth = self._read(clip_id)
        digest = _digest_of(info, video, motion, truth)
        if digest != info.digest:
            text = f"{clip_id}: content digest is {digest}, the index says {info.digest}"
            raise BadInputError(text, code="split-content")
        return make_clip(info, self.locator, self.common, video, motion, truth)

    def content_digest(self, clip_id: str) -> str:
        """Digest of a clip's present content (files and row), whatever digest the index states.

        Raises:
            UnknownNameError, BadInputError: as `clip`.
        """
        return _digest_of(self.info(clip_id), *self._read(clip_id))

    def motion(self, clip_id: str) -> Motion:
        """A clip's motion, without its video. Its content is not compared with the digest, which covers the video too.

        Raises:
            UnknownNameError, BadInputError: as `clip`.
        """
        return _read_motion(self.path / self.info(clip_id).clip_id, self.common)

    def info(self, clip_id: str) -> ClipInfo:
        """A clip's row. Raises UnknownNameError."""
        if clip_id not in self._by_id:
            raise UnknownNameError(unknown(f"clips of {self.name}", clip_id, list(self._by_id)))
        return self._by_id[clip_id]

    def _read(self, clip_id: str) -> tuple[Video, Motion, dict[str, np.ndarray]]:
        facts, folder = self.common, self.path / clip_id
        video = read_video(folder / "video.mp4", fps=facts.fps_video, frames=facts.num_video_frames)
        if video.frames.shape[1:3] != (facts.height, facts.width):
            raise BadInputError(
                f"{clip_id}: video is {video.frames.shape[2]} × {video.frames.shape[1]} pixels; "
                f"{self.name} has {facts.width} × {facts.height}",
                code="video-size",
            )
        return video, *_read_truth(folder, facts)


def make_clip(
    info: ClipInfo, split: str, facts: SplitFacts, video: Video, motion: Motion, truth: Mapping[str, np.ndarray]
) -> Clip:
    """Puts a clip's parts together; the condition sees the first frame and the first pose only."""
    condition = Condition(
        clip_id=info.clip_id,
        split=split,
        text=info.text,
        first_frame=video.frames[0],
        first_pose=Motion(motion.positions[:1], motion.rotations[:1], motion.fps, motion.skeleton),
        camera=facts.camera(),
        num_video_frames=facts.num_video_frames,
        fps_video=facts.fps_video,
        num_motion_frames=facts.num_motion_frames,
        fps_motion=facts.fps_motion,
    )
    return Clip(info, condition, Reference(video, motion, truth.get("hand_pixels"), truth.get("contacts")))


def open_folder(
    path: Path,
    *,
    name: str | None = None,
    subset: Sequence[str] | None = None,
    check_digest: bool = True,
    known_files: str = "",
) -> FolderSplit:
    """Opens a split folder, or a subset of its clips.

    Args:
        name: the catalogue name of the split; None for a user's folder, whose name is in its index.
        check_digest: False accepts an index whose digest is not that of its rows, so that it can be written anew.
        known_files: see `FolderSplit`.

    Raises:
        BadInputError: no index, a newer schema, or a damaged index; `clip-id`: ids that cannot name a folder, or are
            listed twice; `split-digest`: the index states another digest than that of its rows.
    """
    index = path / INDEX
    if not index.is_file():
        raise BadInputError(f"no {INDEX} in {path}: not a split folder", code="split-missing")
    content = read_index(path)
    try:
        if content["schema"] > SCHEMA:
            raise BadInputError(
                f"{index} has schema {content['schema']}, this version reads up to {SCHEMA}; update egobench",
                code="split-schema",
            )
        rows = tuple(sorted((ClipInfo(**row) for row in content["clips"]), key=lambda row: row.clip_id))
        facts = SplitFacts(**content["facts"])
        facts.add_skeleton()
    except (KeyError, TypeError) as error:
        raise BadInputError(f"{index} is damaged: {error!r}", code="split-damaged") from None
    _check_rows(index, rows, content.get("digest") if check_digest else None)
    if subset is not None:
        wanted = set(subset)
        rows = tuple(row for row in rows if row.clip_id in wanted)
    return FolderSplit(
        path=path,
        locator=name or str(path),
        name=name or content["name"],
        digest=split_digest(rows),
        facts={**content["facts"], "made_by": content.get("made_by")},
        common=facts,
        rows=rows,
        known_files=known_files,
    )


def read_index(path: Path) -> dict[str, Any]:
    """Content of the index in a folder. Raises BadInputError as `read_json`."""
    return read_json(path / INDEX, MAX_INDEX_BYTES)


def write_index(path: Path, name: str, facts: SplitFacts, rows: Sequence[ClipInfo], **extra: Any) -> None:
    """Writes `split.json`. Write it last, so that a split with an index is complete."""
    rows = sorted(rows, key=lambda row: row.clip_id)
    content = {
        "schema": SCHEMA,
        "name": name,
        "digest": split_digest(rows),
        "facts": facts.as_json(),
        "clips": [asdict(row) for row in rows],
        **extra,
    }
    write_json(path / INDEX, content)


def split_digest(rows: Sequence[ClipInfo]) -> str:
    """SHA-256 over the sorted clip ids and content digests; file names and folders do not count."""
    return digest_json(sorted((row.clip_id, row.digest) for row in rows))


def clip_digest(
    *, text: str, sequence: str, participant: str, video: Video, motion: Motion, truth: Mapping[str, np.ndarray]
) -> str:
    """First 16 hex digits of SHA-256 over the decoded content of a clip; codecs and containers do not count."""
    words = {"text": text, "sequence": sequence, "participant": participant, "skeleton": motion.skeleton}
    rates = {"fps_video": float(video.fps), "fps_motion": float(motion.fps)}
    arrays = {"frames": video.frames, "positions": motion.positions, "rotations": motion.rotations, **truth}
    # Joint poses are rounded to 1e-6, since forward kinematics may differ in the last bit between machines.
    for key in ("positions", "rotations"):
        arrays[key] = np.round(arrays[key] * 1e6).astype(np.int64)
    return digest_json([words, rates, digest_arrays(**arrays)])[:16]


def _check_rows(index: Path, rows: Sequence[ClipInfo], stated: Any) -> None:
    """Raises BadInputError for ids that cannot be used, and for a digest that is not the rows' own."""
    ids = [row.clip_id for row in rows]
    unsafe, repeated = unsafe_names(ids), sorted(clip_id for clip_id, count in Counter(ids).items() if count > 1)
    if unsafe:
        text = f"{index}: {_listed(unsafe)} cannot name a folder, which a clip id does; {SAFE_WORDS}"
        raise BadInputError(f"{text}: rename the folder and its id", code="clip-id")
    if repeated:
        raise BadInputError(f"{index}: {_listed(repeated)} stand there twice; an id is one clip's", code="clip-id")
    lower = Counter(clip_id.lower() for clip_id in ids)
    if same_but_for_case := [clip_id for clip_id in ids if lower[clip_id.lower()] > 1]:
        text = (
            f"{index}: {_listed(same_but_for_case)} differ in case alone, which macOS and Windows take for one folder"
        )
        raise BadInputError(f"{text}: rename all but one, folder and id", code="clip-id")
    digest = split_digest(rows)
    if stated is not None and stated != digest:
        text = f"{index} states digest {stated}, its clips come to {digest}; {index_advice(index.parent)}"
        raise BadInputError(text, code="split-digest")


def index_advice(folder: Path) -> str:
    """Advice for digests that are not those of the content."""
    return f"`egobench data index {folder}` writes the digests of what lies there, which makes it another split"


def _listed(ids: Sequence[str]) -> str:
    rest = len(ids) - LISTED
    return ", ".join(map(repr, ids[:LISTED])) + (f" and {rest} more" if rest > 0 else "")


def _digest_of(row: ClipInfo, video: Video, motion: Motion, truth: Mapping[str, np.ndarray]) -> str:
    words = {"text": row.text, "sequence": row.sequence, "participant": row.participant}
    return clip_digest(**words, video=video, motion=motion, truth=truth)


def _read_truth(folder: Path, facts: SplitFacts) -> tuple[Motion, dict[str, np.ndarray]]:
    """The checked motion, and the arrays of `truth.npz`."""
    truth_file = folder / "truth.npz"
    truth = read_npz(truth_file, max_bytes=MAX_CLIP_BYTES) if truth_file.is_file() else {}
    return _read_motion(folder, facts), truth


def _read_motion(folder: Path, facts: SplitFacts) -> Motion:
    """The motion, its form and values checked."""
    stored = folder / "motion.npz"
    arrays = read_npz(stored, max_bytes=MAX_CLIP_BYTES)
    if "quats" in arrays:
        skeleton = get_skeleton(facts.skeleton)
        try:
            root, rotations = dequantise(arrays["root"], arrays["quats"])
            positions = forward_kinematics(skeleton, arrays["offsets"], root, rotations)
        except (KeyError, ValueError, IndexError) as error:
            raise BadInputError(f"{stored}: not the compact form ({error})", code="motion-shape") from None
        motion = Motion(positions, rotations, facts.fps_motion, facts.skeleton)
    else:
        motion = read_motion(stored, fps=facts.fps_motion, skeleton=facts.skeleton)
    return check_motion(motion, frames=facts.num_motion_frames, fps=facts.fps_motion)
