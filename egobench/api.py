"""The Python door: what the command line does, as functions that return objects, print nothing and raise errors.

    >>> from egobench import api
    >>> report = api.run("static", "egomini-smoke", metrics="jerk", workers=0)
    >>> round(report.results["jerk"].value, 3)
    0.0

Every error is an `egobench.EgoBenchError`; its `exit_code` is what the command line would return.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from egobench.audit.opened import FinishedRun, open_finished
from egobench.compare.comparison import DRAWS, SEED, Comparison
from egobench.compare.gate import GateReport
from egobench.compare.policy import read_policy
from egobench.compare.runs import compare_all, gate_run, open_sides
from egobench.compare.verdict import DEFAULT_RELATIVE
from egobench.errors import UnknownNameError
from egobench.plan.request import RunRequest
from egobench.progress import Progress
from egobench.registry import unknown
from egobench.run.evaluate import evaluate_samples
from egobench.run.run import RunReport, resume_run, start_run
from egobench.run.submitted import request_for
from egobench.submissions.given import Samples
from egobench.types import Result, Task

__all__ = [
    "Comparison",
    "FinishedRun",
    "GateReport",
    "RunReport",
    "RunRequest",
    "compare",
    "evaluate",
    "gate",
    "open_run",
    "resume",
    "run",
    "score",
]


def run(model: str, split: str, *, progress: Progress | None = None, trust: bool = True, **options: Any) -> RunReport:
    """Samples a model on a split, scores it, and writes a run folder; `egobench run`.

    Args:
        model: name of `egobench list models`, `package.module:Class`, or `folder/file.py:Class`.
        split: name of `egobench list splits`, or a folder in the split format.
        progress: gets the calls of `egobench.Progress`; None shows nothing.
        trust: False reads every clip of the split and compares it with its digest.
        options: the other fields of `RunRequest`: metrics, seeds, workers, model_options, out …

    Raises:
        UnknownNameError: a name or option that does not exist, with suggestions.
        BadInputError: a value out of its range, a damaged split, missing weights; nothing is written.
        IncompleteRunError: more clips failed than `allow_failed`; the run is finished, its `path` says where.
        StorageError: the disk refused; `resume` continues.

    Example:
        >>> report = run("static", "egomini-smoke", metrics="jerk,head-root", workers=0)
        >>> sorted(report.results)
        ['head-root', 'jerk']
        >>> report.results["jerk"].unit, report.failed
        ('m/s³', 0)
    """
    return start_run(_request(model, split, options), progress, trust=trust)


def score(
    folder: Path | str,
    split: str,
    *,
    body_model: Path | None = None,
    skeleton_map: Path | None = None,
    progress: Progress | None = None,
    trust: bool = True,
    **options: Any,
) -> RunReport:
    """Scores a folder of samples that were made elsewhere (docs/submissions.md); `egobench score`.

    Args:
        folder: has submission.toml and one folder per clip.
        split: as for `run`.
        body_model: your SMPL, SMPL-H or SMPL-X body model (npz), where samples are its parameters.
        skeleton_map: TOML file that says which joints of the samples are which of the split's.
        progress: as for `run`.
        trust: as for `run`.
        options: metrics, allow_failed (samples that may be missing or fail), device, workers, out, draws and name of
            `RunRequest`. Model, task and seeds stand in submission.toml.

    Raises:
        BadInputError: the submission has errors; the message has the first one, `egobench check` lists all.
        Others as `run`.

    Example:
        >>> from pathlib import Path
        >>> from egobench import open_split
        >>> from egobench.submissions.example import write_example
        >>> folder = write_example(Path("my-samples"), open_split("egomini-smoke"))
        >>> score(folder, "egomini-smoke", metrics="jerk", workers=0).failed
        0
    """
    request = replace(_request("", split, options), submission=str(folder))
    completed = request_for(request, body_model=body_model, skeleton_map=skeleton_map, progress=progress, trust=trust)
    return start_run(completed, progress)


def resume(
    path: Path | str,
    *,
    workers: int | None = None,
    engine: str = "",
    ray_address: str = "",
    progress: Progress | None = None,
    trust: bool = True,
    allow_changed_code: bool = False,
) -> RunReport:
    """Finishes an interrupted run, to the same bytes as if it had not been interrupted; `egobench resume`.

    Args:
        path: run folder.
        workers: processes from now on; None keeps the number of the run.
        engine: who does the rest, such as "local" or "ray"; empty keeps that of the run.
        ray_address: of the Ray cluster, host:port; empty keeps that of the run.
        progress: as for `run`.
        trust: as for `run`.
        allow_changed_code: continue where the model's code has changed since the start.

    Raises:
        BadInputError: not a run folder, or damaged.
        NotComparableError: model, split or weights have changed so that the rest would not fit the beginning.
        Others as `run`.

    Example:
        >>> resume(report.path).results == report.results  # of a finished run it only reads
        True
    """
    who = {"workers": workers, "engine": engine, "ray_address": ray_address}
    return resume_run(path, progress, **who, trust=trust, allow_changed_code=allow_changed_code)


def open_run(path: Path | str) -> FinishedRun:
    """Opens a finished run: results, scores per clip (a pyarrow table), items, manifest, and samples by clip.

    Raises:
        BadInputError: not a finished run, or damaged.

    Example:
        >>> opened = open_run(report.path)
        >>> opened.scores.column_names[:4]
        ['clip', 'seed', 'metric', 'value']
        >>> clip = opened.items["clip"][0].as_py()
        >>> opened.sample(clip).video.frames.dtype
        dtype('uint8')
    """
    return open_finished(path)


def compare(
    first: Path | str,
    second: Path | str,
    *,
    metrics: Sequence[str] = (),
    tolerance: float = DEFAULT_RELATIVE,
    policy: Path | str | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
    allow_partial: bool = False,
    progress: Progress | None = None,
    trust: bool = True,
) -> Comparison:
    """Compares two finished runs by the same clips: differences with intervals, p and verdicts; `egobench compare`.

    Args:
        first: run folder; differences are second minus first.
        second: run folder.
        metrics: those to compare; empty for all in common.
        tolerance: share of the first run's value that does not matter.
        policy: a gate.toml whose tolerances are used in place of `tolerance`.
        draws: of bootstrap and permutation.
        allow_partial: compare what is left where more than 1 % of the rows failed on a side.
        progress: as for `run`.
        trust: as for `run`.

    Raises:
        NotComparableError: the runs have different protocols, clips or splits.
        BadInputError: a run that is not finished or is damaged.

    Example:
        >>> truth = run("reference", "egomini-smoke", metrics="jerk,head-root", workers=0)
        >>> compare(truth.path, report.path, draws=200).row("head-root").verdict
        'equivalent'
    """
    rules = None if policy is None else read_policy(policy)
    sides = open_sides([first, second], progress, trust=trust)
    how = {"tolerance": tolerance, "policy": rules, "draws": draws, "seed": seed, "allow_partial": allow_partial}
    return compare_all(sides, metrics, **how)[0, 1]


def gate(
    path: Path | str,
    baseline: Path | str,
    policy: Path | str | None = None,
    *,
    strict: bool = False,
    draws: int = DRAWS,
    progress: Progress | None = None,
    trust: bool = True,
) -> GateReport:
    """Holds a run against a baseline under a policy; `egobench gate`. A gate that fails is a result, not an error.

    Args:
        path: run folder.
        baseline: file of `egobench baseline update`.
        policy: a gate.toml; None gates every metric with a tolerance of 10 % of the baseline's value.
        strict: a gated metric that is inconclusive fails.
        draws: of bootstrap and permutation.
        progress: as for `run`.
        trust: as for `run`.

    Returns:
        The report; `exit_code` is 0 where the run passes, `headline` says what decided.

    Raises:
        BadInputError: a file is missing or damaged.

    Example:
        >>> from egobench.compare.update import update_baseline
        >>> _ = update_baseline(report.path, Path("baseline.json"), reason="the first one")
        >>> gate(report.path, "baseline.json", draws=200).exit_code
        0
    """
    return gate_run(path, baseline, policy, progress, strict=strict, draws=draws, trust=trust)


def evaluate(
    samples: Samples,
    split: str,
    *,
    metrics: str = "core",
    task: Task = "t2vm",
    workers: int = 0,
    out: Path | str | None = None,
    name: str = "samples",
    progress: Progress | None = None,
    trust: bool = True,
    **options: Any,
) -> dict[str, Result]:
    """Scores samples that are in memory, as in a training loop or a notebook.

    The samples take the way of a submission: they are written losslessly into a temporary folder and scored as `score`
    does, so that the numbers are bit for bit those of `score` for the same arrays. Features of a clip's reference come
    from the cache.

    Args:
        samples: clip id → sample, or one sample per clip in the order of the clip ids. A sample is an
            `egobench.Sample`, or a mapping with `frames` (uint8, T × H × W × 3, at the split's rate), `positions`
            (T × J × 3, metres) and `rotations` (T × J × 3 × 3, joint → world) on the split's skeleton, or the frames
            alone. Several samples of a clip are a list; every clip has equally many.
        split: as for `run`.
        metrics: as for `run`.
        task: what the model was given: t2vm, tm2v or tv2m.
        workers: processes; 0 is this very process. It changes no number.
        out: folder in which a run folder is kept; by default nothing is kept.
        name: what tables call the samples.
        progress: as for `run`.
        trust: as for `run`.
        options: allow_failed (clips that may be missing or fail), device and draws of `RunRequest`.

    Returns:
        Metric → result, with interval, floor and chance.

    Raises:
        UnknownNameError: a clip or metric that does not exist.
        BadInputError: `samples-form`, or what is wrong with a sample, by the codes of docs/submission-errors.md.
        IncompleteRunError: more clips failed than `allow_failed`.

    Example:
        >>> import numpy as np
        >>> from egobench import open_split
        >>> clips = open_split("egomini-smoke")
        >>> still = {}
        >>> for info in clips.infos():
        ...     pose = clips.clip(info.clip_id).condition.first_pose
        ...     many = clips.facts["num_motion_frames"]
        ...     still[info.clip_id] = {
        ...         "positions": np.repeat(pose.positions, many, axis=0),
        ...         "rotations": np.repeat(pose.rotations, many, axis=0),
        ...     }
        >>> results = evaluate(still, "egomini-smoke", metrics="jerk")
        >>> results["jerk"].value, results["jerk"].n == len(clips.infos())
        (0.0, True)
    """
    request = _request(name, split, {"metrics": metrics, "task": task, "workers": workers, **options})
    request = request if out is None else replace(request, out=Path(out))
    return evaluate_samples(samples, request, progress, keep=out is not None, trust=trust).results


def _request(model: str, split: str, options: Mapping[str, Any]) -> RunRequest:
    """A request of keyword options, with suggestions for one that is misspelt."""
    known = [each.name for each in fields(RunRequest) if each.name not in ("submission", "typed")]
    for name in options:
        if name not in known:
            raise UnknownNameError(unknown("options of a run", name, known))
    given = dict(options)
    if "model_options" in given:
        given["model_options"] = {name: str(value) for name, value in given["model_options"].items()}
    if "out" in given:
        given["out"] = Path(given["out"])
    return RunRequest(model=model, split=str(split), **given)
