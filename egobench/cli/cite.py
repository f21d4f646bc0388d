"""`egobench cite RUN`: BibTeX of what a run used."""

from dataclasses import asdict, dataclass
from pathlib import Path

from tyro.conf import Positional

from egobench.cli.options import parse, print_json
from egobench.cli.quiet import note
from egobench.cli.stdout import print


@dataclass(frozen=True)
class CiteOptions:
    """BibTeX of exactly what a finished run used: the suite with version, run and protocols, the papers behind its
    metrics, extractors and estimators, and its weight files with their SHA-256."""

    run: Positional[Path]
    """Run folder."""
    json: bool = False
    """Machine-readable output."""


def main(arguments: list[str]) -> int:
    """Prints the entries."""
    options = parse(CiteOptions, "cite", arguments)
    from egobench.tables.citations import cite_run

    entries, unknown = cite_run(options.run)
    if options.json:
        print_json({"entries": [asdict(entry) for entry in entries], "without_entry": unknown})
        return 0
    print("\n\n".join(entry.bibtex for entry in entries))
    for line in unknown:
        note(f"not cited: {line}")
    return 0
