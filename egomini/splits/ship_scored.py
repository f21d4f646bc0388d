"""Makes the pack of what evaluators make of the shipped references: `python -m egomini.splits.ship_scored`.

Part of `make weights`, since every new weight file or metric makes it stale (`tests/egomini/test_shipped_pack.py` says
so). The user's cache keeps features, so an interrupted call goes on. `--check` derives the whole pack again and
compares; `--share 0.02` does so for a fiftieth of the clips.
"""

import argparse
import os
import sys
from pathlib import Path

from egobench.fit.pack_check import check_again
from egobench.fit.reference_pack import make_pack
from egomini.splits.frozen import SCORED, SPECS
from egomini.splits.ship import Bar

NAMES = tuple(name for name, spec in SPECS.items() if spec.shipped)
"""Splits whose clips lie in the package."""


SHIPPED_BUDGET = 400_000
"""Bytes: the room that the package has left. Scores, floors, chances and the features of motions and whole clips fit;
features of frames (0.9 MB) and captions do not, and are made in the first run."""


def main(words: list[str]) -> int:
    """Makes or checks the pack; returns the exit code, 1 for a pack with flaws."""
    parser = argparse.ArgumentParser(prog="python -m egomini.splits.ship_scored", description=__doc__)
    parser.add_argument("--check", action="store_true", help="derive the entries again and compare")
    parser.add_argument("--share", type=float, default=1.0, help="share of the clips that --check derives")
    parser.add_argument("--metrics", default="core", help="metrics whose inputs go in")
    parser.add_argument("--budget", type=int, default=SHIPPED_BUDGET, help="most bytes of the pack")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--out", type=Path, default=SCORED, help="the file")
    asked = parser.parse_args(words)
    with Bar() as bar:
        common = {"metrics": asked.metrics, "workers": asked.workers, "progress": bar}
        if asked.check:
            said, flaws = check_again(asked.out, NAMES, share=asked.share, **common)
        else:
            sizes = make_pack(NAMES, asked.out, budget=asked.budget, **common)
            said = [*(f"{group}: {size:,} bytes" for group, size in sizes.items()), f"{asked.out}"]
            flaws = []
    print(*said, *flaws, sep="\n")
    return 1 if flaws else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
