"""All rows of the table on a GPU that is there for ten minutes.

    python benchmarks/gpu/rows.py --minutes 8 --out OUT [--work work/rows-gpu] [--clips 32000]

Draws clips on the processors, fits the VAEs (or takes over those in `--adopt`), compresses all clips, trains stage 0,
then the rows in order of importance, each for the same number of steps: as many as `--row-minutes` allow, decided once
and written down. What is done is left in OUT at once, a file a row (weights, card, logs), so that nothing is lost when
the time is up; the same command goes on where it stopped, also with another OUT, and a table comes last. With `--look`
test clips are sampled and scored at the end, and their latents are left too. `--toy` does all of it in a minute on a
processor: its first real run is not its first run.
"""

import argparse
import json
import os
import shutil
import sys
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

import world  # noqa: E402  no torch up here: the drawing processes import this file too

SHARED = ("vaes", "stage0")
ROWS = ("egotwin", "vidmld", "wo-im", "wo-mr", "wo-ad", "mm-dit", "cameractrl", "mld", "egotwin-seed1", "vidmld-seed1")
"""In order of importance."""


class Clock:
    """The time that is left, and lines that say when."""

    def __init__(self, minutes: float) -> None:
        self.began = time.monotonic()
        self.until = self.began + 60 * minutes

    @property
    def left(self) -> float:
        """Seconds."""
        return self.until - time.monotonic()

    def say(self, text: str) -> None:
        """One line, at once."""
        print(f"[{time.monotonic() - self.began:6.1f} s] {text}", flush=True)


def main() -> None:
    options = _options()
    clock = Clock(options.minutes)
    for folder in (options.work, options.out):
        folder.mkdir(parents=True, exist_ok=True)
    clips = 16 if options.toy else options.clips
    with world.begin(options.work / "clips", clips, options.workers) as drawing:
        clock.say(f"{drawing.ready()} of {drawing.total} clips drawn, {options.workers} processes")
        from training import Rows  # torch comes in here

        rows = Rows(options, clock, drawing)
        rows.look_around()
        if rows.share():
            deliver(options, rows, SHARED)
            for name in options.rows:
                if not rows.make(name):
                    break
                deliver(options, rows, [name])
            for name in rows.done if options.look else ():
                if not rows.look(name):
                    break
                deliver(options, rows, [f"{name}-samples"])
        deliver(options, rows, [*SHARED, *rows.done, *(f"{name}-samples" for name in rows.done)])
        table = rows.table()
    (options.out / "table.md").write_text(table)
    print(table, flush=True)
    clock.say(f"{len(rows.done)} of {len(options.rows)} rows")


def deliver(options: argparse.Namespace, rows: Any, names: Iterable[str]) -> None:
    """Puts what is done into OUT, a file each, unless an earlier call has done so, and no more than `--files`."""
    listed = options.work / "delivered.json"
    before = json.loads(listed.read_text()) if listed.is_file() else []
    for name in names:
        files = rows.files(name)
        if name in before or not files or len(list(options.out.glob("*.zip"))) >= options.files:
            continue
        target, partial = options.out / f"{name}.zip", options.out / f"{name}.part"
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for file, inside in files:
                archive.write(file, inside)
        partial.replace(target)
        before.append(name)
        listed.write_text(json.dumps(before))
        rows.clock.say(f"{target.name}: {target.stat().st_size / 2**20:.1f} MiB")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=8.0, help="of this call; nothing new is begun after it")
    parser.add_argument("--out", type=Path, required=True, help="what is taken home")
    parser.add_argument("--work", type=Path, default=Path("work/rows-gpu"), help="checkpoints, clips, latents")
    parser.add_argument("--adopt", type=Path, help="folder of finished VAEs, with their cards")
    parser.add_argument("--clips", type=int, default=32_000, help="training clips")
    parser.add_argument("--draw-seconds", type=float, default=240.0, help="wait no longer for them: fewer do as well")
    parser.add_argument("--row-minutes", type=float, default=0.0, help="for all rows together, by default what is left")
    parser.add_argument(
        "--compiled", action="store_true", help="take compiled and captured steps, and try no other way"
    )
    parser.add_argument("--look", action="store_true", help="sample and score the rows, once all are trained")
    parser.add_argument("--files", type=int, default=7, help="most archives that one call leaves")
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 1), help="drawing processes")
    parser.add_argument("--device", default=None, help="cuda where there is one, else cpu")
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=ROWS, metavar="ROW")
    parser.add_argument("--toy", action="store_true", help="all of it, tiny: 16 clips, two steps each")
    parser.add_argument("--fresh", action="store_true", help="forget what lies in --work")
    options = parser.parse_args()
    if options.fresh:
        shutil.rmtree(options.work, ignore_errors=True)
    return options


if __name__ == "__main__":
    main()
