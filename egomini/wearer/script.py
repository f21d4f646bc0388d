"""The planned actions of a body as curves over time; `body.py` makes poses of them.

Times are those of a padded clock, so that a clip may begin or end in the middle of a step. `Clock.keep` selects the
clip.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from jaxtyping import Float

from egobench.types import Side
from egomini.world.scene import Box

PAD = 1.6
"""Seconds planned before and after the clip."""

Way = Literal["left", "right", "forward", "back", "up", "down"]


@dataclass(frozen=True)
class Clock:
    """Frames of a clip and of its padding."""

    fps: float
    frames: int

    pad: int
    """Frames of padding on either side."""

    @property
    def times(self) -> Float[np.ndarray, " time"]:
        """Seconds from the clip's first frame, padding included."""
        return (np.arange(self.frames + 2 * self.pad) - self.pad) / self.fps

    @property
    def keep(self) -> slice:
        """The clip's own frames."""
        return slice(self.pad, self.pad + self.frames)

    @property
    def seconds(self) -> float:
        """From the clip's first to its last frame."""
        return (self.frames - 1) / self.fps


@dataclass(frozen=True)
class HandTask:
    """One hand that follows a target for a while."""

    side: Side
    weight: Float[np.ndarray, " time"]
    """0: the arm hangs and swings; 1: the palm is at the target."""
    target: Float[np.ndarray, "time 3"]
    """Of the palm, metres."""
    frame: Literal["world", "body"]
    """`body`: ahead, left and up from the neck joint, turning with the chest."""
    twist: float = 0.0
    """Radians of pronation: 0 thumb up, 1.5 palm down."""


@dataclass(frozen=True)
class Clause:
    """One action with all facts that a caption may state; a caption states some of them."""

    action: str
    """Also the name in `Performance.actions`."""
    side: Way | Literal[""] = ""
    hand: Literal["left", "right", "both", ""] = ""
    thing: str = ""
    """Name of the thing that is looked at, walked to, reached or carried."""
    while_next: bool = False
    """Done at the same time as the next clause."""
    little: bool = False
    """A small amount."""


@dataclass(frozen=True)
class Script:
    """All curves of one clip, on the padded clock."""

    clock: Clock
    xy: Float[np.ndarray, "time 2"]
    """Of the middle between the hips of the upright body, metres."""
    heading: Float[np.ndarray, " time"]
    """Radians about +z, unwrapped."""
    gaze_yaw: Float[np.ndarray, " time"]
    """Of the head, radians, world, unwrapped together with `heading`."""
    gaze_pitch: Float[np.ndarray, " time"]
    """Of the head, radians, positive is down."""
    crouch: Float[np.ndarray, " time"]
    """Metres by which the hips are lowered."""
    lean: Float[np.ndarray, " time"]
    """Radians by which the chest is bent forward."""
    clauses: tuple[Clause, ...]
    hands: tuple[HandTask, ...] = ()
    door_angle: Float[np.ndarray, " time"] | None = None
    box: Box | None = None
    """Carried between the hands; its shape at the origin."""
    shown: tuple[Side, ...] = field(default=())
    """Hands that are planned to come into view."""

    def clip(self) -> "Script":
        """The clip's own frames, without the padding."""
        keep = self.clock.keep
        curves = ("xy", "heading", "gaze_yaw", "gaze_pitch", "crouch", "lean")
        hands = (replace(task, weight=task.weight[keep], target=task.target[keep]) for task in self.hands)
        return replace(
            self,
            clock=replace(self.clock, pad=0),
            **{name: getattr(self, name)[keep] for name in curves},
            hands=tuple(hands),
            door_angle=None if self.door_angle is None else self.door_angle[keep],
        )


def make_clock(fps: float, frames: int) -> Clock:
    """The clock of a clip, padded by `PAD` seconds."""
    return Clock(fps, frames, int(np.ceil(PAD * fps)))
