"""The steps of `same_bytes.py` on each side: each runs a few command lines and leaves files.

A step uses only the command line, since modules move. It reports problems of its own side, such as an unexpected exit
code, so that two sides that fail in the same way do not count as equal.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from same_bytes_side import Side

SPLIT = "egomini-smoke"
SOME = "trans-err,rot-err,m-fid,r-precision,foot-skate"
MODELS = {
    **{"static": [], "reference": [], "nearest": []},
    **{"shuffled": ["--metrics", SOME], "egotwin": ["--limit", "4"]},
}
"""Model → what else stands on the command line of its run."""


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
