"""submission.toml: what made the samples, for which split, in which form. Unknown keys are refused.

schema = 1               # of this format
model = "my-model"       # what tables call it
split = "egomini-test"
task = "t2vm"            # t2vm (default), tm2v, tv2m
fps_video = 8
fps_motion = 16
skeleton = "xsens23"
seeds = 1                # samples per clip, or their names as a list: [7, 42]
parts = ["video", "motion"]    # default; a model that makes no video says ["motion"]
notes = "…"
"""

import difflib
import math
import re
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from egobench.catalog import MODELS
from egobench.submissions.form import Form
from egobench.submissions.report import Finding, finding
from egobench.types import Task

NAME = "submission.toml"
SCHEMA = 1
MAX_BYTES = 2**16
MAX_SEEDS = 1000
Part = Literal["video", "motion"]
PARTS: tuple[Part, ...] = get_args(Part)
REQUIRED = ("schema", "model", "split", "fps_video", "fps_motion", "skeleton")
KEYS = (*REQUIRED, "task", "seeds", "parts", "notes")
MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+ ()-]{0,79}")
RESERVED = (*MODELS.builtin, "reseeded")
"""Names of controls in tables."""
RATE_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Description:
    """A submission.toml that has no errors."""

    model: str
    split: str
    task: Task
    fps_video: float
    fps_motion: float
    skeleton: str
    seeds: tuple[int, ...]
    """Names of the samples' folders, ascending; sample k of a clip has `seeds[k]`."""
    parts: tuple[Part, ...]
    notes: str

    def as_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "seeds": list(self.seeds), "parts": list(self.parts)}


def read_description(path: Path) -> tuple[Description | None, list[Finding]]:
    """The description and what is wrong with it; None if anything is."""
    content, findings = _read(path)
    if content is None:
        return None, findings
    findings += _keys(content)
    findings += [each for name, value in content.items() if name in KEYS for each in _value(name, value)]
    if findings:
        return None, findings
    seeds = content.get("seeds", 1)
    description = Description(
        model=content["model"],
        split=content["split"],
        task=content.get("task", "t2vm"),
        fps_video=float(content["fps_video"]),
        fps_motion=float(content["fps_motion"]),
        skeleton=content["skeleton"],
        seeds=tuple(range(seeds)) if isinstance(seeds, int) else tuple(sorted(seeds)),
        parts=tuple(part for part in PARTS if part in content.get("parts", PARTS)),
        notes=content.get("notes", ""),
    )
    return description, []


def compare_with_split(description: Description, split: str, form: Form) -> list[Finding]:
    """Findings where a description differs from the split."""
    findings = []
    if description.split != split:
        text = f"split is {description.split!r}, checked against {split!r}"
        findings.append(finding("toml-split", text, file=NAME))
    for name in ("fps_video", "fps_motion"):
        stated, expected = getattr(description, name), getattr(form, name)
        if abs(stated - expected) > RATE_TOLERANCE * expected:
            findings.append(finding("toml-rate", f"{name} is {stated:g}; {split} has {expected:g}", file=NAME))
    if description.skeleton != form.skeleton:
        text = f"skeleton is {description.skeleton!r}; {split} has {form.skeleton!r}"
        findings.append(finding("toml-skeleton", text, file=NAME))
    return findings


def _read(path: Path) -> tuple[dict[str, Any] | None, list[Finding]]:
    if not path.is_file():
        inside = sorted(
            each.parent.name for each in path.parent.glob(f"*/{NAME}")
        )  # an archive unpacked with its folder
        fix = f"give the folder {path.parent / inside[0]}, which has one" if len(inside) == 1 else ""
        return None, [finding("toml-missing", f"no {NAME}", file=NAME, fix=fix)]
    try:
        if path.stat().st_size > MAX_BYTES:
            text = f"{path.stat().st_size} bytes; at most {MAX_BYTES} are read"
            return None, [finding("toml-unreadable", text, file=NAME)]
        return tomllib.loads(path.read_bytes().decode("utf-8-sig")), []
    except (ValueError, RecursionError) as error:  # TOMLDecodeError and UnicodeDecodeError are ValueErrors
        return None, [finding("toml-unreadable", f"not TOML in UTF-8: {error}", file=NAME)]
    except OSError as error:
        return None, [finding("file-unreadable", str(error.strerror), file=NAME)]


def _keys(content: dict[str, Any]) -> list[Finding]:
    findings = []
    for name in content:
        if name not in KEYS:
            near = difflib.get_close_matches(name, KEYS, n=1, cutoff=0.6)
            fix = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(KEYS)}"
            findings.append(finding("toml-key-unknown", f"key {name[:80]!r}", file=NAME, fix=fix))
    for name in REQUIRED:
        if name not in content:
            findings.append(finding("toml-key-missing", f"no key {name!r}", file=NAME, fix=f"add {name} = …"))
    return findings


def _value(name: str, value: Any) -> list[Finding]:
    if name == "schema" and _is_int(value) and value > SCHEMA:
        text = f"schema is {str(value)[:20]}; this version reads up to {SCHEMA}"
        return [finding("toml-schema", text, file=NAME)]
    rule = _RULES[name]
    if rule[0](value):
        return []
    return [finding("toml-value", f"{name} is {repr(value)[:80]}", file=NAME, fix=rule[1])]


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_rate(value: Any) -> bool:
    return (_is_int(value) or isinstance(value, float)) and 0 < value <= 1000 and math.isfinite(value)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 200 and value.isprintable()


def _are_seeds(value: Any) -> bool:
    if _is_int(value):
        return 1 <= value <= MAX_SEEDS
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_SEEDS:
        return False
    return all(_is_int(seed) and 0 <= seed < 2**31 for seed in value) and len(set(value)) == len(value)


def _are_parts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(part in PARTS for part in value) and _distinct(value)


def _distinct(value: list) -> bool:
    return len({str(each) for each in value}) == len(value)


_RULES = {
    "schema": (lambda value: _is_int(value) and value == SCHEMA, f"schema = {SCHEMA}"),
    "model": (
        lambda value: isinstance(value, str) and bool(MODEL_NAME.fullmatch(value)) and value not in RESERVED,
        "a name of 1 to 80 letters, digits, spaces and . _ + - ( ), a letter or digit first, and none of a built-in "
        f"model ({', '.join(RESERVED)})",
    ),
    "split": (_is_name, "the split's name"),
    "task": (lambda value: value in get_args(Task), f"one of {', '.join(get_args(Task))}"),
    "fps_video": (_is_rate, "frames per second, a positive number"),
    "fps_motion": (_is_rate, "frames per second, a positive number"),
    "skeleton": (_is_name, "the name of a skeleton, such as xsens23"),
    "seeds": (_are_seeds, f"samples per clip (1 to {MAX_SEEDS}), or a list of different whole numbers from 0"),
    "parts": (_are_parts, 'a list of "video", "motion", or both'),
    "notes": (lambda value: isinstance(value, str), "a text"),
}
