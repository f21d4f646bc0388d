"""A TOML file that maps the joint names of a motion file to ours, or declares a user-defined skeleton in full.

    # Onto a known skeleton: each of its joints has a line; joints without a line (fingers) are left out.
    skeleton = "smpl22"
    names = ["Bip01", "Bip01 Spine", …]     # theirs in array order, root first; a BVH file has its own order
    [joints]                                # theirs = ours
    "Bip01" = "pelvis"

    # A user-defined skeleton: all its joints are kept; those with a line get our name.
    skeleton = "studio31"                   # a new name
    names = ["Root", "Belly", "Skull", "LAnkle", "RAnkle", …]
    parents = [-1, 0, 1, 0, 0, …]           # indices into `names`
    camera = "Visor"                        # optional: the joint that carries the camera; by default ours, `head`
    [joints]
    "Skull" = "head"                        # head, left_foot and right_foot are needed; left_hand, right_hand,
    "LAnkle" = "left_foot"                  # left_toe, left_upper_leg … are for the metrics that need them

Our names are those of `egobench.geometry.skeleton`. The camera of a split sits on the joint `head`. A `camera` joint
therefore gets that name, and the skull keeps its own name.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from egobench.errors import BadInputError, UnknownNameError
from egobench.geometry.skeleton import SKELETONS, Skeleton, add_skeleton, get_skeleton
from egobench.registry import unknown

MAX_BYTES = 2**18
MAX_JOINTS = 512
KEYS = ("skeleton", "names", "parents", "camera", "joints")
OUR_NAMES = tuple(sorted({joint for skeleton in SKELETONS.values() for joint in skeleton.joints}))
"""Joint names that the metrics know."""


@dataclass(frozen=True)
class SkeletonMap:
    """A map that has been read. From then on, its skeleton is known by its name."""

    skeleton: Skeleton
    theirs: tuple[str, ...]
    """The file's name of each joint of the skeleton."""
    names: tuple[str, ...] | None
    """The file's names, in the order of its arrays; None if the map does not state them."""
    is_own: bool
    """Whether the skeleton is user-defined. Its T pose is then unknown."""

    def columns(self, names: Sequence[str], path: Path | str) -> list[int]:
        """Indices of the skeleton's joints in a file.

        Raises:
            BadInputError: `skeleton-map`: a joint is missing or occurs twice.
        """
        missing = [name for name in self.theirs if names.count(name) != 1]
        if missing:
            found = f"{len(names)} joints ({', '.join(names[:6])}, …)"
            raise _bad(path, f"{found}; the skeleton map needs {', '.join(missing[:6])} there, once")
        return [names.index(name) for name in self.theirs]

    def pick(self, array: Shaped[np.ndarray, "..."], path: Path | str = "array") -> Shaped[np.ndarray, "..."]:
        """Selects our joints from an array (T, their joints, …).

        Args:
            path: name of the array in error messages.

        Raises:
            BadInputError: `skeleton-map`: the map has no `names`, or their number differs from the array's.
        """
        if self.names is None:
            raise _bad(path, "arrays do not say their joints' names; the skeleton map needs them in order, names = […]")
        if array.ndim < 2 or array.shape[1] != len(self.names):
            text = f"an array of shape {array.shape}; the skeleton map names {len(self.names)} joints: (T, J, …)"
            raise _bad(path, text)
        return array[:, self.columns(self.names, path)]


def read_skeleton_map(path: Path | str) -> SkeletonMap:
    """Reads a map and registers its skeleton.

    Raises:
        BadInputError: `skeleton-map` (no such file, not TOML, wrong keys or names), `skeleton-name`, `skeleton-tree`
            (see `add_skeleton`).
    """
    content = _content(Path(path))
    joints, names = content["joints"], content.get("names")
    if "parents" in content:
        return _declared(content, path)
    try:
        skeleton = get_skeleton(content["skeleton"])
    except UnknownNameError as error:
        raise _bad(path, f"{error}; a skeleton of one's own has `names` and `parents`") from None
    if "camera" in content:
        raise _bad(path, f"`camera` is for a skeleton of one's own; that of {skeleton.name} sits on its head")
    ours = {our: their for their, our in joints.items()}
    strange = [our for our in joints.values() if our not in skeleton.joints]
    missing = [joint for joint in skeleton.joints if joint not in ours]
    if strange:
        raise _bad(path, unknown(f"joints of {skeleton.name}", strange[0], list(skeleton.joints)))
    if missing:
        raise _bad(path, f"no joint of theirs is {', '.join(missing[:6])}; all {len(skeleton)} of {skeleton.name} are")
    order = None if names is None else tuple(names)
    found = SkeletonMap(skeleton, tuple(ours[joint] for joint in skeleton.joints), order, is_own=False)
    if order is not None:
        found.columns(order, path)
    return found


def _declared(content: dict[str, Any], path: Path | str) -> SkeletonMap:
    """Registers a user-defined skeleton and returns its map."""
    names, parents, ours = content.get("names"), content["parents"], dict(content["joints"])
    if names is None or len(names) != len(parents):
        found = "no names" if names is None else f"{len(names)} names"
        raise _bad(path, f"{found} and {len(parents)} parents; one of each is needed for every joint")
    strange = [their for their in (*ours, *_stated(content, "camera")) if their not in names]
    if strange:
        raise _bad(path, unknown("names", strange[0], list(names)))
    unfit = [our for our in ours.values() if our not in OUR_NAMES]
    if unfit:
        raise _bad(path, unknown("joints of ours", unfit[0], list(OUR_NAMES)))
    for camera in _stated(content, "camera"):
        ours = {their: our for their, our in ours.items() if our != "head"} | {camera: "head"}
    joints = tuple(ours.get(name, name) for name in names)
    if len(set(joints)) != len(joints):
        twice = next(joint for joint in joints if joints.count(joint) > 1)
        raise _bad(path, f"two joints are called {twice!r}")
    skeleton = Skeleton(content["skeleton"], joints, tuple(parents))
    add_skeleton(skeleton)
    return SkeletonMap(skeleton, tuple(names), tuple(names), is_own=True)


def _content(path: Path) -> dict[str, Any]:
    """The file's content, in which every value has the right type. Raises BadInputError `skeleton-map`."""
    if not path.is_file():
        raise _bad(path, "no such skeleton map")
    if path.stat().st_size > MAX_BYTES:
        raise _bad(path, f"{path.stat().st_size} bytes; at most {MAX_BYTES} are read")
    try:
        content = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _bad(path, f"not TOML in UTF-8: {error}") from None
    for key in content:
        if key not in KEYS:
            raise _bad(path, unknown("keys of a skeleton map", key, list(KEYS)))
    wanted = {
        "skeleton": _is_name,
        "names": lambda value: _is_list(value, str),
        "parents": lambda value: _is_list(value, int),
        "camera": _is_name,
        "joints": lambda value: isinstance(value, dict) and all(map(_is_name, value.values())),
    }
    for key, is_right in wanted.items():
        if key in content and not is_right(content[key]):
            raise _bad(path, f"{key} is {repr(content[key])[:60]}; docs/motion-files.md shows one")
    for key in ("skeleton", "joints"):
        if key not in content:
            raise _bad(path, f"no {key}; a skeleton map has `skeleton` and a table `joints` (theirs = ours)")
    joints = list(content["joints"].values())
    if len(set(joints)) != len(joints):
        twice = next(joint for joint in joints if joints.count(joint) > 1)
        raise _bad(path, f"two joints of theirs are {twice!r}")
    return content


def _stated(content: dict[str, Any], key: str) -> list[str]:
    return [content[key]] if key in content else []


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 200 and value.isprintable()


def _is_list(value: Any, kind: type) -> bool:
    right = isinstance(value, list) and 0 < len(value) <= MAX_JOINTS
    return right and all(type(each) is kind and (kind is int or _is_name(each)) for each in value)


def _bad(path: Path | str, text: str) -> BadInputError:
    return BadInputError(f"{path}: {text}", code="skeleton-map")
