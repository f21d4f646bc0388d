"""A submission → the request of a run: who made it, for which task, how many samples a clip."""

from dataclasses import replace
from pathlib import Path

from egobench.data.check_split import check_split
from egobench.errors import BadInputError
from egobench.plan.request import RunRequest
from egobench.plan.resolve import resolve_split
from egobench.progress import Progress
from egobench.submissions.check import check_submission
from egobench.submissions.model import description_of, refusal


def request_for(
    request: RunRequest,
    *,
    body_model: Path | None = None,
    skeleton_map: Path | None = None,
    progress: Progress | None = None,
    apart: bool = True,
    trust: bool = True,
) -> RunRequest:
    """Looks a submission over and completes the request of the run that scores it.

    Args:
        request: its `submission` is the folder and its `allow_failed` the number of samples that may be missing; they
            are counted as failed. What submission.toml says takes the place of its model, task and seeds.
        body_model: SMPL, SMPL-H or SMPL-X (npz), where samples are its parameters.
        skeleton_map: TOML file that says which joints of the samples are which of the split's.
        apart: see `check_submission`; with 0 workers no process is started.
        trust: see `check_split`.

    Raises:
        BadInputError: the submission has errors; the message has the first one.
        UnknownNameError: no such split.
    """
    if request.allow_failed < 0:
        raise BadInputError(f"allow_missing is {request.allow_failed}; at least 0 is needed", code="range")
    folder = Path(request.submission).resolve()
    report = check_submission(
        folder,
        check_split(resolve_split(request.split), progress, trust=trust),
        request.split,
        resolve_split,
        workers=max(request.workers, 1),
        allowed_missing=request.allow_failed,
        body_model=body_model,
        skeleton_map=skeleton_map,
        progress=progress,
        in_processes=apart and not request.is_inline,
    )
    if report.errors:
        raise refusal(folder, report.errors)
    description = description_of(folder)
    aids = {"body_model": body_model, "skeleton_map": skeleton_map}
    return replace(
        request,
        model=description.model,
        model_options={name: str(path.resolve()) for name, path in aids.items() if path is not None},
        task=description.task,
        seeds=len(description.seeds),
        submission=str(folder),
    )
