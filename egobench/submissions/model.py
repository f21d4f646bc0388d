"""A submission as a model: `sample` reads a sample from the folder. It is scored like any other model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from egobench.errors import BadInputError
from egobench.files.digest import digest_file, digest_json
from egobench.submissions.description import NAME, Description, read_description
from egobench.submissions.form import form_of_condition
from egobench.submissions.inventory import files_of_clip, take_inventory
from egobench.submissions.pictures import check_pictures
from egobench.submissions.report import Finding
from egobench.submissions.sample import digests_of, read_sample
from egobench.types import Condition, Sample

MOST_FRAMES = 100_000
"""Largest number of pictures of a sample, if the split's number is not known."""


@dataclass(frozen=True)
class Submission:
    """Samples that were made elsewhere."""

    folder: Path
    body_model: Path | None = None
    """SMPL, SMPL-H or SMPL-X (npz), for samples that are its parameters."""
    skeleton_map: Path | None = None
    """Maps the joints of the samples' arrays to those of the split (TOML, docs/motion-files.md)."""

    def load(self, device: str) -> "LoadedSubmission":
        """Reads submission.toml; raises BadInputError if that has errors."""
        del device  # no network
        return LoadedSubmission(self, description_of(self.folder))


@dataclass(frozen=True)
class LoadedSubmission:
    """A folder whose description has been read."""

    settings: Submission
    description: Description

    def sample(self, condition: Condition, *, seed: int) -> Sample:
        """The clip's sample number `seed`, read and checked as by `egobench check`.

        Raises:
            BadInputError: `clip-missing`, `seed-missing`, or any code that makes a sample unreadable.
        """
        frames, folder = condition.num_video_frames, self.settings.folder
        inventory = files_of_clip(folder, condition.clip_id, self.description, frames)
        files = inventory.samples.get((condition.clip_id, seed))
        if files is None:
            if not inventory.samples:
                raise BadInputError("the submission has nothing of this clip", code="clip-missing")
            text = f"the submission has no sample {self.description.seeds[seed]} of this clip"
            raise BadInputError(text, code="seed-missing")
        errors = [each for each in inventory.findings if each.severity == "error"]
        if errors:
            raise BadInputError(errors[0].line(), code=errors[0].code)
        form = form_of_condition(condition)
        try:
            sample = read_sample(
                files, form, body_model=self.settings.body_model, skeleton_map=self.settings.skeleton_map
            )
            if sample.video is not None:
                check_pictures(sample.video.frames, condition.first_frame)
            return sample
        except BadInputError as error:
            text = str(error).replace(str(folder), "").lstrip("/")
            raise BadInputError(text, code=error.code) from error


def description_of(folder: Path) -> Description:
    """The content of submission.toml. Raises BadInputError with the code of its first error."""
    description, findings = read_description(folder / NAME)
    if description is None:
        raise refusal(folder, findings)
    return description


def refusal(folder: Path, findings: Sequence[Finding]) -> BadInputError:
    """An error with the first of some findings and their number."""
    first = findings[0]
    more = f" ({len(findings)} errors in all; `egobench check {folder}` lists them)" if len(findings) > 1 else ""
    return BadInputError(f"{folder}: {first.line()}{more}", code=first.code)


def submission_record(submission: Submission, description: Description, clip_ids: Sequence[str]) -> dict[str, Any]:
    """The record of a submission in a run's identity and manifest: who made it, and a digest of all samples; no path.

    Raises:
        BadInputError: `too-many-files`, `file-unreadable`.
    """
    inventory = take_inventory(submission.folder, clip_ids, description, frames=MOST_FRAMES)
    if not inventory.is_whole:
        raise refusal(submission.folder, [each for each in inventory.findings if each.code == "too-many-files"])
    rows = [[clip, seed, digests_of(files)] for (clip, seed), files in sorted(inventory.samples.items())]
    record = {
        "submission": content_digest(rows),
        "model": description.model,
        "seeds": list(description.seeds),
        "parts": list(description.parts),
        "samples": len(rows),
    }
    if submission.body_model is not None:
        record["body_model"] = {"sha256": digest_file(submission.body_model)}
    if submission.skeleton_map is not None:
        record["skeleton_map"] = {"sha256": digest_file(submission.skeleton_map)}
    return record


def content_digest(rows: Sequence[Sequence[Any]]) -> str:
    """Digest of [clip, seed index, {part: digest}] rows, whatever their order."""
    return digest_json(sorted(rows, key=lambda row: (row[0], row[1])))
