"""`egobench verify RUN`: checks that a run is unchanged and that its results follow from its own samples."""

import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from tyro.conf import Positional

from egobench.cli.options import parse, print_json
from egobench.cli.progress import progress
from egobench.cli.quiet import note
from egobench.cli.stdout import print


@dataclass(frozen=True)
class VerifyOptions:
    """Compares everything that a finished run recorded with what lies there, then derives a share of its items again in
    a fresh process. Exits 0 if all of it fits, else 2 with a line for each flaw."""

    run: Positional[Path]
    """Run folder."""
    share: float = 0.02
    """Of the items, 0 … 1, at least one; 0 derives nothing and needs neither split nor weights."""
    seed: int = 0
    """Of the choice of items."""
    no_trust: bool = False
    """Read every clip of the split and compare it with its digest, also where its files look untouched since then."""
    json: bool = False
    """Machine-readable output."""


def main(arguments: list[str]) -> int:
    """Verifies a run. The exit code is 2 if there is a flaw."""
    options = parse(VerifyOptions, "verify", arguments)
    from egobench.audit.verify import verify_run
    from egobench.files.digest import digest_file

    choice = {"share": options.share, "seed": options.seed}
    found = verify_run(options.run, **choice, progress=progress(), trust=not options.no_trust)
    if options.json:
        print_json(
            {
                "path": found.path,
                "ok": not found.flaws,
                "flaws": [asdict(flaw) for flaw in found.flaws],
                "checked": found.checked,
                "unchecked": found.unchecked,
                "derived": found.derived,
                "manifest_sha256": digest_file(found.path / "manifest.json"),
            }
        )
        return 2 if found.flaws else 0
    for line in found.unchecked:
        note(f"not checked: {line}")
    for flaw in found.flaws:
        print(flaw.line)
    if found.flaws:
        count = len(found.flaws)
        print(f"egobench: {found.path}: {count} flaw{'s' if count > 1 else ''}", file=sys.stderr)
        return 2
    print(f"{found.path}: whole; " + ", ".join(f"{count} {what}" for what, count in found.checked.items()))
    return 0
