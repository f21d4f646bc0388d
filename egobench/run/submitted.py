"""A submission → the request of a run: who made it, for which task, how many samples a clip."""

from pathlib import Path

from egobench.data.check_split import check_split
from egobench.errors import BadInputError
from egobench.plan.request import RunRequest
from egobench.plan.resolve import resolve_split
from egobench.progress import Progress
from egobench.submissions.check import check_submission
from egobench.submissions.model import description_of, refusal


def request_for(
    folder: Path,
    split: str,
    *,
    metrics: str = "core",
    device: str = "auto",
    workers: int = 1,
    out: Path = Path("runs"),
    allow_missing: int = 0,
    draws: int = 2000,
    body_model: Path | None = None,
    skeleton_map: Path | None = None,
    name: str = "",
    typed: tuple[str, ...] = (),
    progress: Progress | None = None,
    apart: bool = True,
    trust: bool = True,
) -> RunRequest:
    """Looks a submission over and makes the request of the run that scores it.

    Args:
        allow_missing: samples that may be missing; they are counted as failed.
        apart: see `check_submission`.
        trust: see `check_split`.

    Raises:
        BadInputError: the submission has errors; the message has the first one.
        UnknownNameError: no such split.
    """
    if allow_missing < 0:
        raise BadInputError(f"allow_missing is {allow_missing}; at least 0 is needed", code="range")
    folder = folder.resolve()
    report = check_submission(
        folder,
        check_split(resolve_split(split), progress, trust=trust),
        split,
        resolve_split,
        workers=workers,
        allowed_missing=allow_missing,
        body_model=body_model,
        skeleton_map=skeleton_map,
        progress=progress,
        apart=apart,
    )
    if report.errors:
        raise refusal(folder, report.errors)
    description = description_of(folder)
    aids = {"body_model": body_model, "skeleton_map": skeleton_map}
    options = {name: str(path.resolve()) for name, path in aids.items() if path is not None}
    return RunRequest(
        model=description.model,
        split=split,
        model_options=options,
        task=description.task,
        metrics=metrics,
        seeds=len(description.seeds),
        device=device,
        workers=workers,
        out=str(out),
        allow_failed=allow_missing,
        draws=draws,
        submission=str(folder),
        name=name,
        typed=typed,
    )
