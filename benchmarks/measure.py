"""`make bench`: runs the benchmarks, keeps the result beside the machine's description, and prints the page.

    python benchmarks/measure.py                         the quick set: ten minutes on two cores
    python benchmarks/measure.py --slow                  all: hours
    python benchmarks/measure.py -k frechet              some; so with any option of pytest

The whole set is kept as results/<date>-<processor>.json, and never in place of an older file; a part is written to
results/part.json, which git ignores. `--benchmark-json FILE` chooses another file. `page.py` compares two files.
"""

import os
import sys
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import machine
import page
import pytest

HERE = Path(__file__).parent
RESULTS = HERE / "results"
WHOLE = ({"--slow"}, set())
"""Options with which the whole set, or the whole quick set, runs."""


def main(arguments: list[str]) -> int:
    """Runs pytest with these options; its exit code."""
    if "--help" in arguments:
        print(__doc__)
        return 0
    target = target_of(arguments)
    target.parent.mkdir(exist_ok=True)
    is_path_given = any(Path(each.partition("::")[0]).suffix == ".py" for each in arguments)
    paths = [] if is_path_given else [str(HERE)]
    words = ["-c", str(HERE / "pytest.ini"), "--rootdir", str(HERE), *arguments, f"--benchmark-json={target}", *paths]
    code = pytest.main(words)
    if code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and target.is_file() and target.stat().st_size:
        print(page.page(page.read(target)))
        print(f"kept in {os.path.relpath(target)}")
    return int(code)


def target_of(arguments: list[str]) -> Path:
    """The file of the result: the one that was asked for, a new one for the whole set, or the file of parts."""
    asked = _values(arguments, "--benchmark-json")
    if asked:
        return Path(asked[-1])
    return free_file() if set(arguments) in WHOLE else RESULTS / "part.json"


def free_file() -> Path:
    """`results/<date>-<processor>.json`, or the first free name after it."""
    stem = machine.file_name(datetime.now(UTC).date(), machine.processor())
    names = [stem, *(f"{stem}-{number}" for number in range(2, 100))]
    return next(path for path in (RESULTS / f"{name}.json" for name in names) if not path.exists())


def _values(arguments: list[str], option: str) -> list[str]:
    after = [value for name, value in pairwise(arguments) if name == option]
    return after + [each.partition("=")[2] for each in arguments if each.startswith(f"{option}=")]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
