"""One submitted sample. Checking and scoring read it by the same code, so that the checked sample is the scored one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import UInt8

from egobench.errors import BadInputError
from egobench.files.digest import digest_arrays, digest_file, digest_json
from egobench.files.png import read_pngs
from egobench.files.video import read_video_and_notes
from egobench.geometry.border import check_video
from egobench.submissions.form import Form
from egobench.submissions.inventory import SampleFiles
from egobench.submissions.pictures import check_pictures, picture_notes
from egobench.submissions.read_motion import read_submitted_motion
from egobench.submissions.report import Finding, finding, from_error
from egobench.types import Sample, Video

PartT = TypeVar("PartT")
SPARE_BYTES = 2**22


@dataclass(frozen=True)
class Looked:
    """Result of checking one sample."""

    findings: tuple[Finding, ...]
    digests: dict[str, str]
    """`video` and `motion` → SHA-256 of the file (of pictures: over their digests); absent if unreadable."""
    contents: dict[str, str] = field(default_factory=dict)
    """`video` and `motion` → digest of the pixels and poses, whatever file they are in."""


def read_sample(
    files: SampleFiles, form: Form, *, body_model: Path | None = None, skeleton_map: Path | None = None
) -> Sample:
    """The sample.

    Raises:
        BadInputError: any code of the groups `VIDEO`, `NPZ` and `MOTION` of `egobench.submissions.codes`.
    """
    video = _video(files, form)[0] if files.video or files.frames else None
    if not files.motion:
        return Sample(video, None)
    motion, _ = read_submitted_motion(files.motion[0], form, body_model=body_model, skeleton_map=skeleton_map)
    return Sample(video, motion)


def look_at(
    files: SampleFiles,
    form: Form,
    folder: Path,
    *,
    body_model: Path | None = None,
    skeleton_map: Path | None = None,
    first_frame: UInt8[np.ndarray, "height width 3"] | None = None,
    second_frame: UInt8[np.ndarray, "height width 3"] | None = None,
) -> Looked:
    """All findings on one sample's files. Errors that a file can cause become findings and are not raised.

    Args:
        first_frame: the condition's, compared with the video's frame 0; None for no comparison.
        second_frame: frame 1 of the recorded video, also compared; None for no comparison.
    """
    findings: list[Finding] = []
    digests: dict[str, str] = {}
    contents: dict[str, str] = {}
    if files.video or files.frames:
        path = files.video or files.frames[0].parent
        shown = _try(lambda: _video(files, form), path, files, folder, findings)
        for code, text in shown[1] if shown else []:
            findings.append(finding(code, text, clip=files.clip, file=_within(path, folder)))
        if shown:
            contents["video"] = digest_arrays(frames=shown[0].frames)
        if shown and first_frame is not None:
            frames = shown[0].frames
            _try(lambda: check_pictures(frames, first_frame, second_frame), path, files, folder, findings)
        if not _too_large(findings):  # a file that is too large is not read
            digest = _try(lambda: _video_digest(files), path, files, folder, findings)
            digests |= {"video": digest} if digest else {}
    if files.motion:
        path = files.motion[0]
        aids = {"body_model": body_model, "skeleton_map": skeleton_map}
        read = _try(lambda: read_submitted_motion(path, form, **aids), path, files, folder, findings)
        if read:
            contents["motion"] = digest_arrays(positions=read[0].positions, rotations=read[0].rotations)
        for code, text in read[1] if read else []:
            findings.append(finding(code, text, clip=files.clip, file=_within(path, folder)))
        if not _too_large(findings):
            digest = _try(lambda: digest_file(path), path, files, folder, findings)
            digests |= {"motion": digest} if digest else {}
    return Looked(tuple(findings), digests, contents)


def _too_large(findings: list[Finding]) -> bool:
    return any(each.code.endswith("too-large") for each in findings)


def digests_of(files: SampleFiles) -> dict[str, str]:
    """As `Looked.digests`, without a check. Raises BadInputError `file-unreadable`, `file-missing`."""
    try:
        digests = {"video": _video_digest(files)} if files.video or files.frames else {}
        return digests | ({"motion": digest_file(files.motion[0])} if files.motion else {})
    except OSError as error:
        text = f"{files.clip}: {error.strerror}: {Path(str(error.filename)).name}"
        raise BadInputError(text, code="file-unreadable") from error


def _video(files: SampleFiles, form: Form) -> tuple[Video, list[tuple[str, str]]]:
    """The video, and its warnings as (code, text)."""
    size = (form.height, form.width)
    if files.video is None:
        expected = [f"{number:06d}.png" for number in range(len(files.frames))]
        misnamed = [path.name for path, name in zip(files.frames, expected, strict=True) if path.name != name]
        if misnamed:
            text = f"{len(files.frames)} pictures, among them {misnamed[0]!r}"
            raise BadInputError(f"{text}; 000000.png to {expected[-1]} are needed", code="png-names")
        if len(files.frames) != form.num_video_frames:
            text = f"{len(files.frames)} pictures; {form.num_video_frames} are needed"
            raise BadInputError(text, code="video-frames")
        frames = read_pngs(files.frames, size=size)
        return Video(frames, form.fps_video), picture_notes(frames)
    most = SPARE_BYTES + 8 * form.num_video_frames * form.height * form.width
    if files.video.stat().st_size > most:
        text = f"{files.video.stat().st_size} bytes; at most {most} can be a video of this split"
        raise BadInputError(text, code="file-too-large")
    pixels = 4 * form.num_video_frames * max(form.height * form.width, 2**16)
    video, notes = read_video_and_notes(
        files.video, fps=form.fps_video, frames=form.num_video_frames, max_pixels=pixels, size=size
    )
    return check_video(video, frames=form.num_video_frames, fps=form.fps_video, size=size), notes + picture_notes(
        video.frames
    )


def _video_digest(files: SampleFiles) -> str:
    if files.video is not None:
        return digest_file(files.video)
    return digest_json([digest_file(path) for path in files.frames])


def _try(
    work: Callable[[], PartT], path: Path, files: SampleFiles, folder: Path, findings: list[Finding]
) -> PartT | None:
    """The result, or None and a finding. An unexpected error becomes a finding too, since a file must not end the
    check."""
    place = _within(path, folder)
    try:
        return work()
    except BadInputError as error:
        refusal = from_error(error, path, clip=files.clip, file=place)
    except TimeoutError as error:
        refusal = finding("reader-slow", str(error), clip=files.clip, file=place)
    except OSError as error:
        refusal = finding("file-unreadable", str(error.strerror or error), clip=files.clip, file=place)
    except MemoryError:
        refusal = finding("file-too-large", "more memory than may be used", clip=files.clip, file=place)
    except Exception as error:
        refusal = finding("reader-failed", f"{type(error).__name__}: {error}", clip=files.clip, file=place)
    if refusal not in findings:
        findings.append(refusal)
    return None


def _within(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()
