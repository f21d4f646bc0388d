"""Names that are nearly right: another case, characters that look the same, an additional suffix."""

import difflib
import re
import unicodedata
from collections.abc import Collection, Sequence
from typing import Any

from egobench.submissions.report import Finding, finding, show

SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")
"""Allowed clip ids; all names of the format have this form."""
UNSAFE = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")
"""Controls, backslashes, bytes that are not UTF-8."""
JUNK = (".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX", ".gitkeep", ".gitignore", ".gitattributes")
LOOKALIKES = str.maketrans(
    "асеорхуіјѕԁԛԝһոսցΑΒΕΖΗΙΚΜΝΟΡΤΥΧοανρτικАВЕКМНОРСТХУѴ‐‑‒–—―−ーㅡ․·∙０１２３４５６７８９",
    "aceopxyijsdqwhnugABEZHIKMNOPTYXoavptikABEKMHOPCTXYV---------...0123456789",
)
"""Letters of other scripts, dashes, dots and wide digits → the ASCII character that looks the same."""


def folded(name: str) -> str:
    """A name as it looks: look-alikes in ASCII, without invisible characters and accents, in lower case, trimmed."""
    plain = unicodedata.normalize("NFKD", name.translate(LOOKALIKES)).translate(LOOKALIKES)
    seen = "".join(c for c in plain if unicodedata.category(c) not in ("Mn", "Cf", "Cc", "Cs"))
    return seen.strip().lower()


def clip_finding(name: str, clip_ids: Collection[str]) -> Finding:
    """The finding on a folder that is no clip of the split."""
    place: dict[str, Any] = {"clip": name, "file": name}
    if name in JUNK or name.startswith("."):
        return finding("file-unexpected", "a folder that the format does not know", file=name)
    same = [clip for clip in clip_ids if clip.lower() == name.lower()]
    if same:
        return finding("clip-case", f"{name!r} is {same[0]!r} in another case", fix=f"name it {same[0]}", **place)
    lookalikes = [clip for clip in clip_ids if folded(clip) == folded(name)]
    if lookalikes:
        unusual = [c for c in name if not c.isascii()] or [c for c in name if c.isspace()]
        what = ", ".join(f"U+{ord(c):04X} {unicodedata.name(c, 'without a name')}" for c in unusual[:3])
        text = f"{name!r} looks like {lookalikes[0]!r} but has {what or 'other characters'} in it"
        return finding("clip-lookalike", text, fix=f"name it {lookalikes[0]}", **place)
    if not SAFE.fullmatch(name):
        return finding("name-unsafe", f"the name {name!r}", **place)
    near = difflib.get_close_matches(name, sorted(clip_ids), n=1, cutoff=0.75)
    return finding(
        "clip-unknown",
        f"{name!r} is no clip of the split",
        fix=f"did you mean {near[0]!r}?" if near else "",
        **place,
    )


def seed_finding(parts: Sequence[str], seeds: Sequence[int]) -> Finding:
    """The finding on a folder in a clip's folder that belongs to no seed."""
    listed = ", ".join(map(str, seeds[:10])) + (", …" if len(seeds) > 10 else "")
    return finding("seed-unknown", f"folder {parts[-1]!r}; the seeds are {listed}", clip=parts[0], file="/".join(parts))


def file_finding(parts: Sequence[str], names: Sequence[str]) -> Finding:
    """The finding on a file that is not one of the format's."""
    name = parts[-1]
    place: dict[str, Any] = {"clip": parts[0] if len(parts) > 1 else "", "file": "/".join(parts)}
    if name in JUNK or name.startswith("."):
        return finding("file-unexpected", "not read", **place)
    stem = folded(name)
    near = [each for each in names if folded(each) == stem or (stem.startswith(each) and "." in each)]
    near = near or difflib.get_close_matches(name, names, n=1, cutoff=0.7)
    if near:
        return finding("file-name", f"the name {show(name)!r}", fix=f"name it {near[0]}", **place)
    return finding("file-unexpected", "not read", **place)
