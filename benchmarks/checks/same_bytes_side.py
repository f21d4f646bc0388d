"""One side of `same_bytes.py`: a checkout whose command line runs in a folder of its own."""

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from same_bytes_plain import Difference

COLUMNS = "100"


@dataclass
class Side:
    """One checkout, run in a folder of its own with a cache, cards, data and weights of its own, all empty at first."""

    checkout: Path
    place: Path
    runs: dict[str, str] = field(default_factory=dict)
    """Model → its run, relative to `work`."""
    wrong: list[Difference] = field(default_factory=list)
    step: str = ""
    count: int = 0

    def __post_init__(self) -> None:
        for folder in (self.work, self.place / "names"):
            folder.mkdir(parents=True)
        (self.place / "code").symlink_to(self.checkout, target_is_directory=True)  # as long as the other side's path
        (self.place / "names" / "egobench_baselines").symlink_to(self.place / "code" / "baselines")
        self._write_entry_points()

    @property
    def work(self) -> Path:
        """Folder in which commands run; everything in it is compared."""
        return self.place / "work"

    @property
    def places(self) -> dict[str, str]:
        """Paths of this side, and the word for each."""
        return {str(self.place / "code"): "CODE", str(self.checkout): "CODE", str(self.place): "PLACE"}

    def _write_entry_points(self) -> None:
        """Entry points and version of this checkout, in front of those that are installed."""
        project = tomllib.loads((self.checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        init = (self.checkout / "egobench" / "__init__.py").read_text(encoding="utf-8")
        version = re.search(r'^__version__ = "(.+)"', init, re.MULTILINE)
        assert version, "egobench/__init__.py has no __version__"
        folder = self.place / "names" / f"egobench-{version[1]}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: egobench\nVersion: {version[1]}\n")
        lines = []
        for group, entries in project.get("entry-points", {}).items():
            lines += [f"[{group}]", *(f"{name} = {target}" for name, target in entries.items())]
        (folder / "entry_points.txt").write_text("\n".join(lines) + "\n")

    def environment(self, first: Path | None = None) -> dict[str, str]:
        """Variables of a child process; packages in `first` come before those of the checkout."""
        paths = [first, self.place / "names", self.place / "code"]
        own = {name: value for name, value in os.environ.items() if not name.startswith("EGOBENCH_")}
        own |= {f"EGOBENCH_{name.upper()}": str(self.place / name) for name in ("cache", "cards", "data", "weights")}
        own |= {"PYTHONPATH": os.pathsep.join(str(path) for path in paths if path), "COLUMNS": COLUMNS}
        own |= {"PYTHONPYCACHEPREFIX": str(self.place / "pycache"), "NUMBA_CACHE_DIR": str(self.place / "numba")}
        return own | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")

    def run(self, *arguments: str, code: int | None = 0, python: tuple[str, ...] = ("-m", "egobench")) -> str:
        """Runs a command line, keeps what it says in files, and returns its stdout.

        Args:
            code: the exit code that is right; None where any is, as long as both sides have the same.
            python: what stands after `python`.
        """
        command = [sys.executable, *python, *arguments]
        done = subprocess.run(command, cwd=self.work, env=self.environment(), capture_output=True, check=False)
        outputs = self.work / "said" / self.step
        outputs.mkdir(parents=True, exist_ok=True)
        self.count += 1
        name = re.sub(r"[^\w.,:=@-]+", " ", " ".join(arguments[:3]))[:80]
        for kind, data in (("out", done.stdout), ("err", done.stderr), ("code.txt", f"{done.returncode}\n".encode())):
            (outputs / f"{self.count:03} {name}.{kind}").write_bytes(data)
        if code is not None and done.returncode != code:
            last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            self.complain(" ".join(arguments), f"exit code {done.returncode}, {code} was expected: {' '.join(last)}")
        return done.stdout.decode("utf-8")

    def complain(self, path: str, what: str) -> None:
        """Something is wrong on this side alone."""
        self.wrong.append(Difference(path, f"in {self.checkout.name}: {what}"))
