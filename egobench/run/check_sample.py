"""What a model returned: is it of the condition's form?"""

from typing import Any

from egobench.errors import BadInputError
from egobench.geometry.border import check_motion, check_video
from egobench.motions.conventions import look_over
from egobench.submissions.pictures import Picture, check_pictures
from egobench.types import Condition, Sample

OTHER_JOINTS = "egobench.read_skeleton_map brings arrays with joints of your own to the split's (docs/motion-files.md)"


def check_sample(
    sample: Any, condition: Condition, second: Picture | None = None, *, may_be_turned: bool = False
) -> tuple[Sample, list[tuple[str, str]]]:
    """The sample, if both parts have the condition's form and the motion keeps the conventions of `egobench check`; and
    warnings as (code, text).

    Args:
        second: as `second_frame`.
        may_be_turned: do not compare the pictures with the first frame; for controls, which corrupt them on purpose.

    Raises:
        BadInputError: `sample-type`, `sample-empty`, `sample-skeleton`, or a code of `check_video`, `check_pictures`,
            `check_motion` and `egobench.motions.conventions.look_over`.
    """
    if not isinstance(sample, Sample):
        text = f"the model returned {type(sample).__name__}; an egobench.Sample is needed"
        raise BadInputError(text, code="sample-type")
    if sample.video is None and sample.motion is None:
        raise BadInputError("the model returned neither video nor motion", code="sample-empty")
    video, motion = sample.video, sample.motion
    _check_part(video, "video", ("frames", "fps"))
    _check_part(motion, "motion", ("positions", "rotations", "fps", "skeleton"))
    odd: list[tuple[str, str]] = []
    if video is not None:
        size = condition.first_frame.shape[:2]
        video = check_video(video, frames=condition.num_video_frames, fps=condition.fps_video, size=size)
        if not may_be_turned:
            check_pictures(video.frames, condition.first_frame, second)
    if motion is not None:
        right = condition.first_pose.skeleton
        if motion.skeleton != right:
            text = f"the motion is on the skeleton {motion.skeleton}; the split's is {right}, and nothing is retargeted"
            raise BadInputError(f"{text}; {OTHER_JOINTS}", code="sample-skeleton")
        try:
            motion = check_motion(motion, frames=condition.num_motion_frames, fps=condition.fps_motion)
        except BadInputError as error:
            if error.code != "motion-skeleton":
                raise
            raise BadInputError(f"{error}; {OTHER_JOINTS}", code=error.code) from None
        odd = look_over(motion)
    return Sample(video, motion), odd


def _check_part(part: Any, name: str, fields: tuple[str, ...]) -> None:
    """Refuses an object without these fields, such as a bare array, or a motion in place of the video."""
    lacking = [field for field in fields if part is not None and not hasattr(part, field)]
    if lacking:
        text = f"Sample.{name} is of type {type(part).__name__}, without {' and '.join(lacking)}"
        raise BadInputError(f"{text}; an egobench.{name.title()} is needed", code="sample-type")


def warning_of(odd: list[tuple[str, str]]) -> dict[str, str]:
    """Warnings of a good sample as its row holds them: the codes, and all texts in one line. Empty for none."""
    if not odd:
        return {}
    return {"code": " ".join(code for code, _ in odd), "reason": "; ".join(text for _, text in odd)}


def is_of_form(code: str) -> bool:
    """Whether an error's code means a wrong form, which the model's other samples will have too."""
    return code.startswith(("sample-", "video-", "motion-"))
