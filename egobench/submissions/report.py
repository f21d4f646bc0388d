"""The report of `egobench check`: findings, counted and in a fixed order, as lines and as JSON."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from egobench.errors import BadInputError
from egobench.submissions.codes import CODES, Severity

SCHEMA = 1
SHOWN_PER_CODE = 10
"""Findings of one code that are printed; JSON has them all."""
MISSING = ("clip-missing", "seed-missing")
"""Codes that `--allow-missing` allows."""


@dataclass(frozen=True, order=True)
class Finding:
    """One difference from the format."""

    clip: str
    """Clip id, or a name in its place; empty for the submission as a whole."""
    file: str
    """Path within the folder, printable."""
    code: str
    """One of `egobench.submissions.codes.CODES`."""
    found: str
    """What was found, one line."""
    fix: str
    """What would be right."""
    severity: Severity

    def line(self) -> str:
        """One line of text."""
        place = self.file or self.clip or "the submission"
        return f"{self.severity} {self.code}: {place}: {self.found}; right: {self.fix}"


def finding(
    code: str, found: str, *, clip: str = "", file: str = "", fix: str = "", severity: Severity | None = None
) -> Finding:
    """A finding, with severity and fix from the table of codes.

    Args:
        fix: what would be right here; empty for the table's text.
        severity: None for the table's.
    """
    entry = CODES[code]
    found = show(" ".join(found.split()))
    return Finding(show(clip), show(file), code, found, show(fix) or entry.fix, severity or entry.severity)


def from_error(error: BadInputError, path: Path, *, clip: str, file: str) -> Finding:
    """A reader's error as a finding; if its code is not in the table, it is `reader-failed`."""
    code, text = error.code, str(error).removeprefix(f"{path}: ").replace(str(path), path.name)
    if code not in CODES:
        code, text = "reader-failed", f"{code}: {text}"
    return finding(code, text, clip=clip, file=file)


@dataclass(frozen=True)
class Report:
    """All findings on one folder."""

    folder: str
    split: str
    split_digest: str
    submission: dict[str, Any] | None
    """The content of submission.toml; None if it cannot be read."""
    digest: str
    """Digest of the samples' content, 64 hex digits; paths and notes do not count."""
    expected: int
    """Number of samples by the split and the seeds."""
    missing: int
    """Number of samples without files."""
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings that prevent scoring."""
        return tuple(each for each in self.findings if each.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Findings that do not."""
        return tuple(each for each in self.findings if each.severity == "warning")

    def summary(self) -> str:
        """One line."""
        clips = len({each.clip for each in self.errors if each.clip})
        counts = f"{self.expected - self.missing} of {self.expected} samples"
        if not self.errors:
            return f"{self.folder}: {counts}, ready to be scored on {self.split}; {len(self.warnings)} warnings"
        where = f" in {clips} clips" if clips else ""
        return f"{self.folder}: {counts}; {len(self.errors)} errors{where}, {len(self.warnings)} warnings"

    def lines(self) -> list[str]:
        """Findings, errors first, at most `SHOWN_PER_CODE` of each code."""
        lines: list[str] = []
        for group in (self.errors, self.warnings):
            counts = Counter(each.code for each in group)
            shown: Counter[str] = Counter()
            for each in group:
                shown[each.code] += 1
                if shown[each.code] <= SHOWN_PER_CODE:
                    lines.append(each.line())
                elif shown[each.code] == SHOWN_PER_CODE + 1:
                    more = counts[each.code] - SHOWN_PER_CODE
                    lines.append(f"{each.severity} {each.code}: … and {more} more (--json has them all)")
        return lines

    def as_json(self) -> dict[str, Any]:
        """JSON-ready; `egobench schema check-report` describes it."""
        return {
            "schema": SCHEMA,
            "folder": self.folder,
            "split": {"name": self.split, "digest": self.split_digest},
            "submission": self.submission,
            "digest": self.digest,
            "samples": {"expected": self.expected, "missing": self.missing},
            "ok": not self.errors,
            "errors": len(self.errors),
            "warnings": len(self.warnings),
            "findings": [asdict(each) for each in self.findings],
        }


def missing_as_warnings(findings: Sequence[Finding]) -> list[Finding]:
    """The same findings, with missing samples as warnings."""
    return [
        finding(each.code, each.found, clip=each.clip, file=each.file, severity="warning")
        if each.code in MISSING
        else each
        for each in findings
    ]


def show(text: str) -> str:
    """A text that is safe for a terminal: control characters, surrogates and direction marks are escaped."""
    return "".join(c if c.isprintable() and unicodedata.category(c) != "Cf" else _escape(c) for c in text)


def _escape(character: str) -> str:
    number = ord(character)
    if 0xDC80 <= number <= 0xDCFF:  # a byte of a file name that is not UTF-8
        return f"\\x{number - 0xDC00:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
