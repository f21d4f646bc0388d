"""Parses the text of a BVH file: joints, offsets, and positions and rotations per frame. It assumes no skeleton.

    ROOT name { OFFSET x y z  CHANNELS 6 Xposition … Zrotation …  JOINT … { … End Site { OFFSET … } } }
    MOTION  Frames: T  Frame Time: seconds  T rows of numbers

Keywords may be in upper or lower case, with or without blanks before braces and after colons. A joint may have position
channels (MotionBuilder, Rokoko, GenMM, AnyTop). They are its position in its parent's frame and replace its OFFSET.
Existing libraries do not read such channels: `pybvh` refuses them. `bvhio` and `bvhTools` also wait forever if a header
is truncated.
"""

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from egobench.errors import BadInputError
from egobench.motions.axes import check_length

MAX_BYTES = 256 * 2**20
MAX_HEADER = 2**20
MAX_JOINTS = 512
AXES = "xyz"
SAME = 1e-3
"""Largest distance of a joint's position from its OFFSET that gives no warning, as a share of the longest offset."""


@dataclass
class Joint:
    """A joint as its block in the file describes it."""

    name: str
    parent: int
    offset: tuple[float, ...] = ()
    channels: list[tuple[str, int]] | None = None
    """("position" or "rotation", axis 0 … 2), in the order of the columns."""

    def columns(self, kind: str, first: int) -> list[int]:
        """Columns of the file for one kind of channel, in the order of the channels."""
        return [first + place for place, (each, _) in enumerate(self.channels or []) if each == kind]

    def axes(self, kind: str) -> list[int]:
        """The axes of these columns."""
        return [axis for each, axis in self.channels or [] if each == kind]


@dataclass(frozen=True)
class BvhFile:
    """Content of a file, in its own unit and axes."""

    names: list[str]
    """Names without end sites and without a prefix such as `mixamorig:`."""
    parents: list[int]
    rest: Float[np.ndarray, "joint 3"]
    """Zero pose; the root is at the origin."""
    positions: Float[np.ndarray, "time joint 3"]
    rotations: Float[np.ndarray, "time joint 3 3"]
    """Joint → the file's world; identity in the zero pose."""
    fps: float
    odd: list[str] = field(default_factory=list)
    """Warnings for the user."""


def read_text(path: Path | str) -> BvhFile:
    """Reads and parses a file.

    Raises:
        BadInputError: `bvh-missing`, `bvh-empty`, `bvh-too-large`, `bvh-unreadable`, `motion-frames`.
    """
    file = Path(path)
    _check_bounds(file)
    try:
        with file.open(encoding="utf-8-sig", errors="replace") as stream:
            joints = _hierarchy(_lines(stream))
            frames, fps = _rates(stream)
            numbers = _numbers(stream, frames, sum(len(joint.channels or []) for joint in joints))
    except (ValueError, OSError) as error:
        reason = str(error).replace("\n", " ")[:300]
        raise BadInputError(f"{file}: not a readable BVH file: {reason}", code="bvh-unreadable") from error
    check_length(len(numbers), file)
    with np.errstate(all="ignore"):  # the caller refuses numbers that are not finite
        return _posed(joints, numbers, fps)


def _check_bounds(file: Path) -> None:
    """Checks size, suffix and hierarchy before anything is parsed."""
    if not file.is_file():
        raise BadInputError(f"{file}: no such file", code="bvh-missing")
    size = file.stat().st_size
    if size == 0:
        raise BadInputError(f"{file}: 0 bytes; a BVH file is needed", code="bvh-empty")
    if size > MAX_BYTES:
        raise BadInputError(f"{file}: {size} bytes, at most {MAX_BYTES} are read", code="bvh-too-large")
    if file.suffix.lower() != ".bvh":
        raise BadInputError(f"{file}: a name that ends in .bvh is needed", code="bvh-unreadable")
    with file.open("rb") as stream:
        start = stream.read(MAX_HEADER)
    header = re.search(rb"(?im)^[ \t]*MOTION\b", start)
    joints = len(re.findall(rb"(?i)\b(?:ROOT|JOINT|End)\b", start[: header.start()] if header else start))
    if header is None or joints > 2 * MAX_JOINTS:
        text = f"{joints} joints before MOTION" if header else f"no MOTION in its first {MAX_HEADER} bytes"
        raise BadInputError(
            f"{file}: {text}; a BVH file of at most {MAX_JOINTS} joints is needed", code="bvh-unreadable"
        )


def _lines(stream: TextIO) -> Iterator[str]:
    """Yields the lines up to MOTION. Each brace is a line of its own."""
    for line in iter(stream.readline, ""):
        for piece in re.split(r"([{}])", line):
            if piece.strip():
                yield piece.strip()
        if line.strip().upper() == "MOTION":
            return


def _hierarchy(lines: Iterator[str]) -> list[Joint]:
    """Parses the joints; parents come first. Raises ValueError."""
    joints: list[Joint] = []
    opened: list[Joint | None] = []
    """Open blocks; None for an end site."""
    coming: Joint | None = None
    for line in lines:
        word, _, rest = line.partition(" ") if " " in line else line.partition("\t")
        match word.upper(), rest.strip():
            case "HIERARCHY" | "MOTION", _:
                pass
            case "ROOT" | "JOINT" as kind, name:
                coming = Joint(name, _parent(joints, opened, kind, name))
                joints.append(coming)
            case "END", _:
                _parent(joints, opened, "END", "Site")
                coming = None
            case "{", _:
                opened.append(coming)
            case "}", _:
                if not opened:
                    raise ValueError("a closing brace without an opening one")
                opened.pop()
            case "OFFSET", numbers:
                offset = tuple(float(number) for number in numbers.split())
                if len(offset) != 3:
                    raise ValueError(f"OFFSET with {len(offset)} numbers; 3 are needed")
                _inside(opened, "OFFSET")
                if (block := opened[-1]) is not None:
                    block.offset = offset
            case "CHANNELS", said:
                _inside(opened, "CHANNELS")
                if (block := opened[-1]) is None:
                    raise ValueError("CHANNELS in an end site")
                block.channels = _channels(said.split(), block)
            case _:
                raise ValueError(f"{line[:40]!r} in the hierarchy")
    if opened or not joints:
        raise ValueError("a block that is not closed" if opened else "no ROOT")
    for joint in joints:
        if not joint.offset or joint.channels is None:
            raise ValueError(f"{joint.name} has no {'CHANNELS' if joint.offset else 'OFFSET'}")
    return joints


def _parent(joints: Sequence[Joint], opened: Sequence[Joint | None], kind: str, name: str) -> int:
    if kind == "ROOT":
        if joints:
            raise ValueError(f"a second ROOT, {name[:40]!r}; one skeleton is read")
        return -1
    _inside(opened, f"{kind} {name[:40]}")
    if (block := opened[-1]) is None:
        raise ValueError(f"{kind} {name[:40]!r} in an end site")
    return next(place for place, joint in enumerate(joints) if joint is block)


def _inside(opened: Sequence[Joint | None], what: str) -> None:
    if not opened:
        raise ValueError(f"{what} outside of any joint")


def _channels(words: Sequence[str], joint: Joint) -> list[tuple[str, int]]:
    if not words or not words[0].isdigit() or int(words[0]) != len(words) - 1:
        raise ValueError(f"{joint.name}: CHANNELS {' '.join(words)[:60]!r}; their number and as many names are needed")
    channels = []
    for word in words[1:]:
        found = re.fullmatch(r"([xyz])(position|rotation)", word.lower())
        if found is None:
            raise ValueError(f"{joint.name}: channel {word[:40]!r}; Xposition … Zrotation are known")
        channels.append((found[2], AXES.index(found[1])))
    for kind in ("position", "rotation"):
        axes = sorted(axis for each, axis in channels if each == kind)
        if axes != [0, 1, 2] and (axes or joint.parent < 0):
            raise ValueError(f"{joint.name}: {len(axes)} {kind} channels; one about each of x, y, z are needed")
    return channels


def _rates(stream: TextIO) -> tuple[int, float]:
    """Number of frames, and frames per second. Raises ValueError."""
    found: dict[str, str] = {}
    for line in iter(stream.readline, ""):
        if not line.strip():
            continue
        said = re.fullmatch(r"\s*(frames|frame\s*time)\s*:\s*(\S+)\s*", line, flags=re.IGNORECASE)
        if said is None:
            raise ValueError(f"{line.strip()[:40]!r} after MOTION; 'Frames: T' and 'Frame Time: seconds' are needed")
        found["frames" if said[1].lower() == "frames" else "time"] = said[2]
        if len(found) == 2:
            break
    frames, seconds = int(found.get("frames", "0")), float(found.get("time", "0"))
    if frames < 1 or not 0 < seconds < np.inf:
        raise ValueError(f"frame count ({frames}) or frame time ({seconds}) is missing, zero or negative")
    rate = 1 / seconds
    whole = round(rate) if rate < 1e6 else 0
    return frames, float(whole) if whole and abs(rate - whole) < 1e-4 * rate else rate  # 0.0333333 s is 30 fps


def _numbers(stream: TextIO, frames: int, width: int) -> Float[np.ndarray, "time channel"]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy warns if there are no rows; the error below says so
        numbers = np.loadtxt(stream, ndmin=2, dtype=np.float64)
    if numbers.shape != (frames, width):
        found = f"{numbers.shape[0]} rows of {numbers.shape[1]} numbers"
        raise ValueError(f"{found}; {frames} frames of {width} channels are said")
    return numbers


def _posed(joints: Sequence[Joint], numbers: Float[np.ndarray, "time channel"], fps: float) -> BvhFile:
    frames, count = len(numbers), len(joints)
    offsets = np.array([joint.offset for joint in joints], dtype=np.float64)
    local = np.tile(offsets, (frames, 1, 1))
    turns = np.tile(np.eye(3), (frames, count, 1, 1))
    first, placed = 0, []
    for place, joint in enumerate(joints):
        columns, axes = joint.columns("position", first), joint.axes("position")
        if columns:
            local[:, place, axes] = numbers[:, columns]
            placed += [place] * (place > 0)
        columns, order = joint.columns("rotation", first), "".join("XYZ"[axis] for axis in joint.axes("rotation"))
        if columns:
            turns[:, place] = Rotation.from_euler(order, np.deg2rad(numbers[:, columns])).as_matrix()
        first += len(joint.channels or [])
    odd = _settle(local, offsets, placed, joints)
    positions, rest = local, np.zeros((count, 3))
    for place, joint in enumerate(joints[1:], start=1):
        parent = joint.parent
        turns[:, place] = turns[:, parent] @ turns[:, place]
        positions[:, place] = positions[:, parent] + np.einsum("tab,tb->ta", turns[:, parent], local[:, place])
        rest[place] = rest[parent] + offsets[place]
    names = [joint.name.rpartition(":")[2].strip() for joint in joints]
    return BvhFile(names, [joint.parent for joint in joints], rest, positions, turns, fps, odd)


def _settle(
    local: Float[np.ndarray, "time joint 3"],
    offsets: Float[np.ndarray, "joint 3"],
    placed: Sequence[int],
    joints: Sequence[Joint],
) -> list[str]:
    """Compares position channels below the root with the OFFSETs. It changes both in place and returns the warnings.

    The channels replace the OFFSETs. If all channels are zero, they are taken as shifts of the OFFSETs. If all OFFSETs
    are zero, the medians of the positions are used as OFFSETs.
    """
    if not placed or not (np.isfinite(local).all() and np.isfinite(offsets).all()):
        return []
    places = list(placed)
    length = max(float(np.linalg.norm(offsets[places], axis=-1).max()), 1e-9)
    if length <= 1e-9:
        offsets[places] = np.median(local[:, places], axis=0)
        return ["its OFFSETs are zero; bones are taken from the position channels (their medians)"]
    if not local[:, places].any():
        local[:, places] = offsets[places]
        return ["its position channels below the root are all zero; they are taken as shifts of the OFFSETs"]
    gaps = np.linalg.norm(local[:, places] - offsets[places], axis=-1).max(axis=0)
    far = [place for place, gap in zip(places, gaps, strict=True) if gap > SAME * length]
    if not far:
        return []
    worst = places[int(np.argmax(gaps))]
    return [
        f"the position channels of {len(far)} of {len(places)} joints are not their OFFSETs, by up to {gaps.max():.3g} "
        f"(its unit) at {joints[worst].name}; positions are taken as written, so bones may change their length"
    ]
