"""What `same_bytes.py` does on each side: the steps, each a few command lines and the files they leave.

A step knows the command line only, since modules move. It returns what is wrong on its own side, such as an unexpected
exit code: two sides that fail alike must not pass as the same.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from same_bytes_plain import Difference

SPLIT = "egomini-smoke"
SOME = "trans-err,rot-err,m-fid,r-precision,foot-skate"
MODELS = {
    **{"static": [], "reference": [], "nearest": []},
    **{"shuffled": ["--metrics", SOME], "egotwin": ["--limit", "4"]},
}
"""Model → what else stands on the command line of its run."""
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
        said = self.work / "said" / self.step
        said.mkdir(parents=True, exist_ok=True)
        self.count += 1
        name = re.sub(r"[^\w.,:=@-]+", " ", " ".join(arguments[:3]))[:80]
        for kind, data in (("out", done.stdout), ("err", done.stderr), ("code.txt", f"{done.returncode}\n".encode())):
            (said / f"{self.count:03} {name}.{kind}").write_bytes(data)
        if code is not None and done.returncode != code:
            last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            self.complain(" ".join(arguments), f"exit code {done.returncode}, {code} was expected: {' '.join(last)}")
        return done.stdout.decode("utf-8")

    def complain(self, path: str, what: str) -> None:
        """Something is wrong on this side alone."""
        self.wrong.append(Difference(path, f"in {self.checkout.name}: {what}"))


def verbs_of(text: str) -> list[str]:
    """Verbs or actions that a help text lists: the indented lines of its first block, or those after `verbs`."""
    block = text.split("\nverbs\n")[1] if "\nverbs\n" in text else text.split("\n\n", 1)[1]
    return re.findall(r"(?m)^  ([a-z][a-z-]*)  ", block.split("\n\n")[0])


def help_texts(side: Side) -> None:
    """--help of the command, of each verb, and of each action of a verb."""
    for verb in verbs_of(side.run("--help")):
        text = side.run(verb, "--help")
        if text.startswith(f"usage: egobench {verb} ACTION"):
            for action in verbs_of(text):
                side.run(verb, action, "--help")


def completion(side: Side) -> None:
    """Scripts for the three shells."""
    for shell in ("bash", "zsh", "fish"):
        side.run("completion", shell)


def names(side: Side) -> None:
    """list, data list, and describe of each name."""
    side.run("list")
    side.run("data", "list")
    for kind, entries in json.loads(side.run("list", "--json")).items():
        for entry in entries:
            for form in ([], ["--json"]):
                side.run("describe", entry["name"], "--kind", kind, *form)


def schemas(side: Side) -> None:
    """Each JSON Schema."""
    for line in side.run("schema").splitlines():
        side.run("schema", line.split()[0])


def plan(side: Side) -> None:
    """What a run on egomini-test would be, with the protocols of all metrics."""
    for task in ("t2vm", "tm2v", "tv2m"):
        side.run("run", "--model", "static", "--split", "egomini-test", "--task", task, "--dry-run", "--json")


def runs(side: Side) -> None:
    """A run of each of `MODELS`."""
    for model, more in MODELS.items():
        out = f"runs/{model}"
        side.run("run", "--model", model, "--split", SPLIT, "--out", out, "--json", *more)
        for path in (side.work / out).glob("*_*"):
            side.runs[model] = path.relative_to(side.work).as_posix()


def submissions(side: Side) -> None:
    """check and score of an example, and check of spoilt copies of it."""
    side.run("check", "--example", "submission", "--split", SPLIT, "--json")
    for form in ([], ["--json"]):
        side.run("check", "submission", *form)
    side.run("score", "submission", "--split", SPLIT, "--out", "scored", "--json")
    for name, spoil in SPOILT.items():
        folder = side.work / "spoilt" / name
        shutil.copytree(side.work / "submission", folder)
        spoil(folder, sorted(path for path in folder.iterdir() if path.is_dir()))
        for form in ([], ["--json"]):
            side.run("check", f"spoilt/{name}", *form, code=2)
    side.run("score", "spoilt/missing", "--split", SPLIT, "--out", "scored", code=2)


def _spoil_missing(folder: Path, clips: list[Path]) -> None:
    shutil.rmtree(clips[0])
    (clips[1] / "motion.npz").unlink()


def _spoil_files(folder: Path, clips: list[Path]) -> None:
    data = (clips[0] / "video.mp4").read_bytes()
    (clips[0] / "video.mp4").write_bytes(data[: len(data) // 2])
    (clips[1] / "motion.npz").write_bytes(b"PK\x03\x04 and no more")
    (clips[2] / "notes.txt").write_text("a file that the format does not know")
    (clips[3] / "Video.mp4").write_bytes(data)
    (folder / "no-such-clip").mkdir()
    (folder / "link").symlink_to("submission.toml")


def _spoil_numbers(folder: Path, clips: list[Path]) -> None:
    changes: list[Callable[[np.ndarray], np.ndarray]] = [lambda a: a * np.nan, lambda a: a[:-1], lambda a: 1000 * a]
    for clip, change in zip(clips, changes, strict=False):
        with np.load(clip / "motion.npz") as file:
            arrays = {
                key: change(value) if value.dtype.kind == "f" and value.ndim else value for key, value in file.items()
            }
        np.savez(clip / "motion.npz", **arrays)


def _spoil_description(folder: Path, clips: list[Path]) -> None:
    text = (folder / "submission.toml").read_text(encoding="utf-8")
    text = text.replace("fps_video = 8", "fps_video = 25").replace('skeleton = "xsens23"', 'skelton = "xsens32"')
    (folder / "submission.toml").write_text(text, encoding="utf-8")


SPOILT: dict[str, Callable[[Path, list[Path]], None]] = {
    "missing": _spoil_missing,
    "files": _spoil_files,
    "numbers": _spoil_numbers,
    "description": _spoil_description,
}


def tables(side: Side) -> None:
    """table, compare in each format, baseline, gate; and a comparison that is refused."""
    static, nearest, reference = (side.runs[model] for model in ("static", "nearest", "reference"))
    for form in ("terminal", "md", "tex", "csv", "json"):
        side.run("table", static, nearest, reference, "--format", form)
    for form in ("table", "md", "latex", "csv", "json", "html"):
        side.run("compare", static, nearest, "--format", form)
    side.run("compare", static, nearest, reference, "--explain")
    side.run("compare", static, side.runs["egotwin"], code=3)
    side.run("baseline", "update", reference, "--baseline", "baseline.json", "--reason", "the first", "--json")
    side.run("baseline", "show", "baseline.json")
    for run, form in ((reference, []), (reference, ["--json"]), (static, []), (static, ["--json"])):
        side.run("gate", run, "--baseline", "baseline.json", "--junit", "gate.xml", *form, code=None)


def later(side: Side) -> None:
    """verify, rescore, resume, cite, runs, and pictures of finished runs."""
    static = side.runs["static"]
    for form in ([], ["--json"]):
        side.run("verify", static, "--share", "0.2", *form)
        side.run("cite", static, *form)
        side.run("runs", "show", static, *form)
    side.run("runs", "list", "runs/static", "--json")
    side.run("resume", side.runs["reference"], "--json")
    side.run("rescore", side.runs["shuffled"], "--metrics", "hand-score,fvd,jerk", "--json")
    side.run("verify", side.runs["shuffled"], "--json")
    side.run("plot", side.runs["nearest"], "test-0002-0", "--out", "plot.png")
    side.run("data", "sheet", "--split", SPLIT, "--run", side.runs["nearest"], "--out", "sheet.png")
    (side.work / side.runs["nearest"] / "metrics.json").open("a").write(" ")
    side.run("verify", side.runs["nearest"], "--share", "0", code=2)


def conformance(side: Side) -> None:
    """Vectors, made again in a copy of the package and compared with those that it brings; export and check."""
    (maker,) = (side.checkout / "egobench").rglob("make_vectors.py")
    copy = side.place / "copy"
    shutil.copytree(side.checkout / "egobench", copy / "egobench", ignore=shutil.ignore_patterns("__pycache__"))
    module = ".".join(maker.relative_to(side.checkout).with_suffix("").parts)
    made = maker.parent.relative_to(side.checkout) / "vectors" / "conformance.npz"
    (copy / made).unlink()
    call = [sys.executable, "-m", module]
    done = subprocess.run(call, cwd=side.place, env=side.environment(copy), capture_output=True, check=False)
    if done.returncode:
        side.complain(module, done.stderr.decode(errors="replace")[-300:])
        return
    if (copy / made).read_bytes() != (side.checkout / made).read_bytes():
        side.complain(made.name, "made again, it differs from the file in the checkout")
    shutil.copy(copy / made, side.work / "conformance.npz")
    side.run("conformance", "export", "vectors", "--with-answers")
    for form in ([], ["--json"]):
        side.run("conformance", "check", "vectors", *form)


def board(side: Side) -> None:
    """The board built in a copy, each file the same as the checkout's; claims, refused without runs."""
    source = side.checkout / "leaderboards"
    shutil.copytree(source, side.work / "leaderboards")
    side.run("leaderboard", "build", "leaderboards/egomini")
    side.run("leaderboard", "build", "leaderboards/egomini", "--json")
    side.run("leaderboard", "claims", "leaderboards/egomini", code=2)
    for path in sorted(path for path in (side.work / "leaderboards").rglob("*") if path.is_file()):
        relative = path.relative_to(side.work / "leaderboards")
        if not (source / relative).is_file() or path.read_bytes() != (source / relative).read_bytes():
            side.complain(f"leaderboards/{relative}", "built again, it differs from the file in the checkout")


def card(side: Side) -> None:
    """Calibration cards of two estimators."""
    for name in ("egomini-odometry", "egomini-hands"):
        side.run("calibrate", name, "--split", SPLIT, "--seeds", "1", "--workers", "1", "--out", "cards", "--json")


STEPS: dict[str, tuple[Callable[[Side], None], tuple[str, ...]]] = {
    "help": (help_texts, ()),
    "completion": (completion, ()),
    "names": (names, ()),
    "schemas": (schemas, ()),
    "plan": (plan, ()),
    "board": (board, ()),
    "conformance": (conformance, ()),
    "submissions": (submissions, ()),
    "card": (card, ()),
    "runs": (runs, ()),
    "tables": (tables, ("runs",)),
    "later": (later, ("runs",)),
}
"""Step → what it does, and the steps whose files it needs."""
