"""Takes home what a run of `rows.py` in the background has left so far, a part at a time.

    python benchmarks/gpu/take.py FOLDER OUT [--seconds 240] [--files 7] [--megabytes 60]

Waits until so many new files lie in FOLDER, until the run is over (`log.txt` has its last line), or until the seconds
are up; then copies what no earlier call took, in the order in which it was made, and prints the log's end.
"""

import argparse
import shutil
import time
from pathlib import Path

LAST = " rows\n"
"""Ends the last line of `rows.py`."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where rows.py leaves its archives, and log.txt")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float, default=240.0)
    parser.add_argument("--files", type=int, default=7, help="most archives")
    parser.add_argument("--megabytes", type=float, default=60.0, help="of all of them")
    parser.add_argument("--lines", type=int, default=60, help="of the log that are printed")
    options = parser.parse_args()
    until, log = time.monotonic() + options.seconds, options.folder / "log.txt"
    while time.monotonic() < until and len(_new(options)) < options.files and not _is_over(log):
        time.sleep(0.5)
    options.out.mkdir(parents=True, exist_ok=True)
    room = options.megabytes * 2**20
    for path in _new(options)[: options.files]:
        room -= path.stat().st_size
        if room < 0:
            break
        shutil.copyfile(path, options.out / path.name)
        path.with_suffix(".taken").touch()
    if log.is_file():
        shutil.copyfile(log, options.out / "log.txt")
        print("".join(log.read_text(errors="replace").splitlines(keepends=True)[-options.lines :]))


def _new(options: argparse.Namespace) -> list[Path]:
    archives = [path for path in options.folder.glob("*.zip") if not path.with_suffix(".taken").is_file()]
    return sorted(archives, key=lambda path: path.stat().st_mtime_ns)


def _is_over(log: Path) -> bool:
    text = log.read_text(errors="replace") if log.is_file() else ""
    return text.endswith(LAST) or "Traceback" in text


if __name__ == "__main__":
    main()
