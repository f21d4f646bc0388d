"""How long the steps of `benchmarks/egotwin/rows.py` will take."""

from collections.abc import Sequence

from row_steps import Setup, chosen, is_run, weights_of

from egobench.plan.devices import resolve_device
from egotwin_ref.model.configs import VARIANTS
from egotwin_ref.model.sampling import PLAIN, Guidance
from egotwin_ref.table.guidance_choice import TEXT
from egotwin_ref.table.pace import paces
from egotwin_ref.table.plan import (
    Kind,
    TableRow,
    evaluations,
    grid_evaluations,
    pace_of,
    remaining_seconds,
    sampling_seconds,
    task_of,
    works_of,
)
from egotwin_ref.training.recipes import RECIPES

GUESS = Guidance(TEXT[1], 2.0)
"""Stands for a choice that is not made yet."""


def said(seconds: float) -> str:
    """`3 h 05 min`, `12 min`, `40 s`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"


def estimate(setup: Setup, rows: Sequence[TableRow]) -> dict[tuple[TableRow, str], float]:
    """Seconds of the steps that are not done: (row, `train`, `guidance` or `runs`).

    Training is the recipes' samples over samples/s, from the log of a training here or from a few steps taken now;
    what rows share is in the first row's. Sampling is the evaluations of the network, a third of a training's sample.
    """
    folder, times, counted = setup.work / setup.preset, {}, set()
    measured: dict[tuple[str, object, object], dict[Kind, float]] = {}
    for row in rows:
        variant, works = VARIANTS[row.variant], works_of(row, setup.preset, RECIPES[setup.preset])
        is_trained = weights_of(setup, row) is not None
        needed = [work for work in works if not (is_trained and work is not works[-1]) and work.folder not in counted]
        unknown = [work for work in needed if pace_of(row, work, folder, {}) is None]
        own = measured.setdefault(("pace", variant.makes, variant.tokens), {})
        if missing := [work for work in unknown if work.kind not in own]:
            own |= paces(row.variant, setup.preset, RECIPES[setup.preset], missing, resolve_device(setup.device))
        pace = {work.kind: pace_of(row, work, folder, own) or 1.0 for work in needed}
        if not is_trained:
            times[row, "train"] = sum(remaining_seconds(work, folder, pace[work.kind]) for work in needed)
        counted |= {work.folder for work in works if work.shared}
        last, mode, clips = pace[works[-1].kind], task_of(row.variant), setup.limit or len(setup.test.infos())
        best = chosen(setup, row) if is_trained else None
        if best is None and row.seed == 0:
            times[row, "guidance"] = sampling_seconds(setup.clips, setup.steps, grid_evaluations(variant, mode), last)
        todo = [pair for pair in (PLAIN, best or GUESS) if not (is_trained and is_run(setup, row, pair))]
        if todo:
            each = [evaluations(variant, mode, pair) for pair in todo]
            times[row, "runs"] = sum(sampling_seconds(clips, setup.steps, number, last) for number in each)
    return times
