"""Samples that the caller has in memory → results, by the way that a submission takes."""

import tempfile
from dataclasses import replace
from pathlib import Path

from egobench.errors import BadInputError, IncompleteRunError
from egobench.plan.request import RunRequest
from egobench.plan.resolve import resolve_split
from egobench.progress import Progress
from egobench.run.report import RunReport, load_run, why_incomplete
from egobench.run.run import start_run
from egobench.run.submitted import request_for
from egobench.submissions.given import Samples, samples_by_clip
from egobench.submissions.write import write_submission


def evaluate_samples(
    samples: Samples, request: RunRequest, progress: Progress | None = None, *, keep: bool, trust: bool = True
) -> RunReport:
    """Writes the samples as a lossless submission into a temporary folder and scores it.

    Args:
        request: its `model` is what tables call the samples.
        keep: the run folder is made in the request's `out`; without, it is gone when the call is over.

    Raises:
        UnknownNameError: a clip that the split does not have.
        BadInputError: `samples-form`, or as `request_for` and `start_run`.
        IncompleteRunError: more samples failed than `allow_failed`.
    """
    split = resolve_split(request.split)
    rows, seeds = samples_by_clip(samples, split)
    flat = [sample for row in rows.values() for sample in row]
    parts = [part for part in ("video", "motion") if any(getattr(sample, part) is not None for sample in flat)]
    with tempfile.TemporaryDirectory(prefix="egobench-") as place:
        folder = Path(place) / "submission"
        how = {"model": request.model, "seeds": seeds, "task": request.task, "parts": parts}
        write_submission(folder, split, rows.__getitem__, list(rows), **how)
        request = replace(request, submission=str(folder), out=request.out if keep else Path(place))
        try:
            return start_run(request_for(request, progress=progress, apart=False, trust=trust), progress)
        except BadInputError as error:  # the folder is gone before anybody can look into it
            text = str(error).replace(f"{folder}: ", "").replace(f"; `egobench check {folder}` lists them", "")
            raise BadInputError(text, code=error.code) from error
        except IncompleteRunError as error:
            if keep or error.path is None:
                raise
            reason = why_incomplete(load_run(error.path), request.allow_failed)
            raise IncompleteRunError(f"{reason}; a run that is kept (`out=FOLDER`) says why") from error
