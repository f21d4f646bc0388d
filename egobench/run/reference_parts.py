"""A clip's reference as it is extracted: each part is read when it is first asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from egobench.data.content import checked_motion
from egobench.errors import BadInputError
from egobench.types import Clip, Motion, Split, Video


@dataclass(frozen=True)
class ReferenceParts:
    """A reference's parts, each read when first asked for. Its motion is read without its video if nothing has asked
    for that, and the content of the files is known."""

    split: Split
    clip_id: str

    @cached_property
    def clip(self) -> Clip:
        """The whole clip. Raises BadInputError `reference-…`."""
        with _reference_errors():
            return self.split.clip(self.clip_id)

    @property
    def video(self) -> Video:
        """As `clip`."""
        return self.clip.reference.video

    @cached_property
    def motion(self) -> Motion:
        """Raises as `clip`."""
        with _reference_errors():
            alone = None if "clip" in vars(self) else checked_motion(self.split, self.clip_id)
        return self.clip.reference.motion if alone is None else alone

    @cached_property
    def text(self) -> str:
        """The caption."""
        return next(info.text for info in self.split.infos() if info.clip_id == self.clip_id)


@contextmanager
def _reference_errors() -> Iterator[None]:
    try:
        yield
    except BadInputError as error:
        raise BadInputError(str(error), code=f"reference-{error.code}") from error
