"""BibTeX of what a run used: the suite at its version, the papers behind metrics and extractors, the weight files.

The "Source:" line of a metric's docstring names its papers, and `references.toml` lists them by these names. A weight
file is an entry of its own, with the SHA-256 that the run recorded.
"""

import inspect
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from egobench.catalog import METRICS
from egobench.errors import EgoBenchError
from egobench.extractors.weights_manifest import WeightFile, read_manifest
from egobench.store.folder import open_run
from egobench.store.manifest import read_manifest as read_run
from egobench.store.manifest import refuse_unfinished

REFERENCES = Path(__file__).with_name("references.toml")
NOT_BIBTEX = ("type", "cited_as", "used_by")
SUITE_TITLE = "{EgoBench}: evaluation of joint first-person video and body motion generation"
SUITE_YEAR = "2026"
SOURCE = re.compile(r"^Source:(.*?)(?=^[A-Z][\w ]+:|\Z)", re.DOTALL | re.MULTILINE)
NAMED_PAPER = re.compile(r"[A-ZÀ-Ž][\w-]+ (?:et al\.,?|& [A-ZÀ-Ž]\w+)[^;.()]*? ?(?:19|20)\d\d|[A-ZÀ-Ž]\w+, PAMI \d{4}")
"""What looks like a citation in a "Source:" line."""


@dataclass
class Citation:
    """One entry."""

    key: str
    type: str
    fields: Mapping[str, str]
    why: list[str] = field(default_factory=list)
    """The parts of the run that it is cited for."""

    @property
    def bibtex(self) -> str:
        """The entry, below a comment that says what it is cited for."""
        lines = [f"% {self.key}: {', '.join(self.why)}", f"@{self.type}{{{self.key},"]
        return "\n".join([*lines, *(f"  {name} = {{{value}}}," for name, value in self.fields.items()), "}"])


def cite_run(path: Path | str) -> tuple[list[Citation], list[str]]:
    """Entries for a run, the suite first, and a sentence for each part that has no entry.

    Raises:
        BadInputError: no run, a damaged one, or one that is not done.
    """
    manifest = refuse_unfinished(read_run(open_run(path)), path)
    citations = {"egobench": _suite(manifest)}
    papers = references()
    uncited: list[str] = []
    records = sorted(manifest["protocols"].values(), key=lambda record: record["metric"]["metric"])
    for record in records:
        label = record["metric"]["metric"]
        keys = list(metric_keys(label, papers))
        if not keys and label not in METRICS.builtin:
            uncited.append(f"metric {label} is no part of EgoBench; cite where it comes from")
        for key in keys:
            _add(citations, papers, key, label)
        for maker in [*record["extractors"], *record.get("estimators", {})]:
            for key in (key for key, entry in papers.items() if maker in entry.get("used_by", ())):
                _add(citations, papers, key, f"{maker} ({label})")
    model = str(manifest["model"]["name"])
    for key in (key for key, entry in papers.items() if model.lower() in entry.get("used_by", ())):
        _add(citations, papers, key, f"model {model}")
    for name, sha256 in manifest["weights"].items():
        weights = _weights(name, sha256)
        if weights is None:
            uncited.append(f"the weights of {name}, sha256 {sha256}, are no public file; they come with the code")
        else:
            citations.setdefault(weights.key, weights).why.append(name)
    return list(citations.values()), list(dict.fromkeys(uncited))


def references() -> dict[str, dict[str, Any]]:
    """All papers by their keys."""
    return tomllib.loads(REFERENCES.read_text(encoding="utf-8"))


def source_text(metric: str) -> str:
    """The "Source:" paragraph of a built-in metric's docstring, on one line; empty where there is none."""
    try:
        match = SOURCE.search(inspect.getdoc(METRICS.load(metric)) or "")
    except (EgoBenchError, ImportError):
        return ""
    return " ".join(match[1].split()) if match else ""


def metric_keys(metric: str, papers: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Keys of the papers that a metric's source names."""
    if metric not in METRICS.names():
        return
    text = source_text(metric)
    yield from (key for key, entry in papers.items() if any(name in text for name in entry.get("cited_as", ())))


def _add(citations: dict[str, Citation], papers: Mapping[str, Mapping[str, Any]], key: str, why: str) -> None:
    entry = papers[key]
    fields = {name: value for name, value in entry.items() if name not in NOT_BIBTEX}
    reasons = citations.setdefault(key, Citation(key, entry["type"], fields)).why
    if why not in reasons:
        reasons.append(why)


def _suite(manifest: Mapping[str, Any]) -> Citation:
    metrics = [f"{record['metric']['metric']} {digest[:8]}" for digest, record in manifest["protocols"].items()]
    commit = f"commit {manifest['commit']}; " if manifest.get("commit") else ""
    split = manifest["split"]
    note = (
        f"{commit}run {manifest['run']}; split {split['name']}, digest {split['digest'][:12]}; "
        f"protocols: {', '.join(sorted(metrics))}"
    )
    fields = {
        "title": SUITE_TITLE,
        "author": "{The EgoBench authors}",
        "year": SUITE_YEAR,
        "version": str(manifest.get("version", "")),
        "note": _escape(note),
    }
    return Citation("egobench", "software", fields, ["the suite, as it was run"])


def _weights(name: str, sha256: str) -> Citation | None:
    """The weight file of a public extractor; None for weights that come with the suite or with a model."""
    entry: WeightFile | None = next((each for each in read_manifest().values() if name in each.used_by), None)
    if entry is None:
        return None
    fields = {"title": _escape(f"Weights {entry.file}"), "howpublished": f"\\url{{{entry.urls[0]}}}"}
    fields["note"] = _escape(f"SHA-256 {sha256}; {entry.licence}")
    return Citation(f"weights-{entry.id}", "misc", fields)


def _escape(text: str) -> str:
    return re.sub(r"([&%$#_{}])", r"\\\1", text)
