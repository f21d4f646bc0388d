"""From a path of the body to steps without foot skating: planted feet, swings and ground contacts. Metres, world.

A foot stays exactly at its place until its next swing. It lands at the place of the body in the middle of the next
stance. Late in stance the heel rises about the ball of the foot, which stays planted.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.interpolate import PchipInterpolator

from egobench.geometry.skeleton import XSENS23
from egobench.types import SIDES
from egomini.wearer.curves import hump, min_jerk
from egomini.wearer.wearers import TOE_SHARE
from egomini.world.scene import Wearer

TOE_OUT = np.deg2rad(6.0)
PAUSE = 0.35
"""Two movements with a rest of at most this many seconds between them are walked as one."""
MAX_TURN_PER_STEP = np.deg2rad(22.0)
LONGEST_SWING = 0.68
WIDEST_SIDE_STEP = 0.34
"""Largest side step of a foot, metres."""
HEEL_RISE = 0.22
"""Share of a step's interval before toe-off in which the heel rises."""
_GRID = np.linspace(-1.0, 1.0, 129)
_PITCH = PchipInterpolator([-1.0, -0.45, 0.0, 0.15, 0.55, 0.85, 1.0], [0.0, 0.14, 0.62, 1.0, 0.2, -0.25, 0.0])(_GRID)
"""Foot pitch over heel rise (-1 … 0) and swing (0 … 1), as a share of its peak; positive is heel up."""


@dataclass(frozen=True)
class Steps:
    """Both feet over time (axis `foot`: left, right)."""

    ankles: Float[np.ndarray, "time foot 3"]
    yaw: Float[np.ndarray, "time foot"]
    pitch: Float[np.ndarray, "time foot"]
    """Radians, positive with the heel up."""
    contacts: Bool[np.ndarray, "time 4"]
    """Left foot, left toe, right foot, right toe."""
    sway: Float[np.ndarray, " time"]
    """-1 … 1: weight on the right … left foot while the other swings."""
    stride: Float[np.ndarray, " time"]
    """How far the left foot is ahead of the right along the heading, metres."""

    def cut(self, keep: slice) -> "Steps":
        """Some of the frames."""
        return Steps(*(getattr(self, name)[keep] for name in self.__dataclass_fields__))


def take_steps(
    times: Float[np.ndarray, " time"],
    xy: Float[np.ndarray, "time 2"],
    heading: Float[np.ndarray, " time"],
    wearer: Wearer,
    *,
    left_first: bool,
) -> Steps:
    """Steps that carry a body along a path.

    Args:
        times: seconds; the body rests at the first and the last.
        xy: of the middle between the hips, metres.
        heading: radians about +z, unwrapped.
        left_first: which foot steps first, if the movement does not decide it (a turn or side step does).
    """
    ball = _spots(xy, heading, wearer)[0].copy()
    yaw = heading[0] + TOE_OUT * np.array([1.0, -1.0])
    balls = np.repeat(ball[None], len(times), axis=0)
    yaws = np.repeat(yaw[None], len(times), axis=0)
    rise, pitch, sway = np.zeros_like(yaws), np.zeros_like(yaws), np.zeros_like(times)
    planted = np.ones_like(yaws, dtype=bool)
    for start, end in _movements(times, xy, heading):
        forward, aside, turned = _course(times, xy, heading, start, end)
        sideways = abs(aside) > abs(forward)
        count = _step_count(times, xy, wearer, start, end, turned)
        if sideways:
            count = 2 * max(round(count / 2), int(np.ceil(abs(aside) / WIDEST_SIDE_STEP)))
        interval = (end - start) / count
        leading = aside if sideways else 0.3 * turned
        first = int(leading < 0.0) if abs(leading) > 0.06 else int(not left_first)
        for step in range(count):
            foot = (first + step) % 2
            swing = min(0.8 * interval, LONGEST_SWING)
            lift_off = start + (step + 0.5) * interval - 0.5 * swing
            # Ahead: the middle of the next stance. Sideways: feet close in pairs, so that they never cross.
            ahead = 2 * (step // 2 + 1) if sideways else step + 1.5
            middle = end if step >= count - 2 else start + ahead * interval
            landing, landing_yaw = _landing(times, xy, heading, wearer, middle, foot)
            length = np.linalg.norm(landing - balls[-1, foot])
            share = (times - lift_off) / swing
            later = share > 0.0
            moved = min_jerk(share[later])
            balls[later, foot] = balls[-1, foot] + moved[:, None] * (landing - balls[-1, foot])
            yaws[later, foot] = yaws[-1, foot] + moved * (landing_yaw - yaws[-1, foot])
            planted[:, foot] &= ~((share > 0.0) & (share < 1.0))
            phase = np.where(share < 0.0, share * swing / (HEEL_RISE * interval), share)
            peak = np.deg2rad(4.0) + np.deg2rad(30.0) * min(length / 0.8, 1.0)
            pitch[:, foot] += peak * np.interp(phase, _GRID, _PITCH, left=0.0, right=0.0)
            rise[:, foot] += (0.015 + 0.05 * min(length / 0.8, 1.0)) * hump(share)
            sway += (1.0 if foot else -1.0) * hump((times - start - step * interval) / interval)
    return _assemble(balls, yaws, rise, pitch, planted, sway, heading, wearer)


def _assemble(balls, yaws, rise, pitch, planted, sway, heading, wearer: Wearer) -> Steps:
    foot_length, drop = _foot(wearer)
    ankles = np.empty((*yaws.shape, 3))
    back = -np.cos(pitch) * foot_length + np.sin(pitch) * drop
    ankles[..., 0] = balls[..., 0] + np.cos(yaws) * back
    ankles[..., 1] = balls[..., 1] + np.sin(yaws) * back
    ankles[..., 2] = TOE_SHARE * wearer.height + rise + np.sin(pitch) * foot_length + np.cos(pitch) * drop
    flat = planted & (np.abs(pitch) < 1e-6)
    contacts = np.stack([flat[:, 0], planted[:, 0], flat[:, 1], planted[:, 1]], axis=-1)
    across = balls[:, 0] - balls[:, 1]
    stride = across[:, 0] * np.cos(heading) + across[:, 1] * np.sin(heading)
    return Steps(ankles, yaws, pitch, contacts, sway, stride)


def _foot(wearer: Wearer) -> tuple[float, float]:
    """Length and drop from ankle to ball."""
    offset = wearer.offsets[XSENS23.index("left_toe")]
    return float(offset[0]), float(-offset[2])


def _spots(xy, heading, wearer: Wearer) -> Float[np.ndarray, "time foot 2"]:
    """Where the balls of the feet stand under a resting body."""
    foot_length, _ = _foot(wearer)
    hips = wearer.offsets[XSENS23.index("left_upper_leg")][1]
    spots = []
    for side in SIDES:
        sign = 1.0 if side == "left" else -1.0
        yaw = heading + sign * TOE_OUT
        ahead, aside = -0.03, sign * 1.05 * hips
        ankle_x = xy[..., 0] + np.cos(heading) * ahead - np.sin(heading) * aside
        ankle_y = xy[..., 1] + np.sin(heading) * ahead + np.cos(heading) * aside
        spots.append(np.stack([ankle_x + np.cos(yaw) * foot_length, ankle_y + np.sin(yaw) * foot_length], axis=-1))
    return np.stack(spots, axis=-2)


def _landing(times, xy, heading, wearer: Wearer, moment: float, foot: int) -> tuple[np.ndarray, float]:
    place = np.array([np.interp(moment, times, xy[:, 0]), np.interp(moment, times, xy[:, 1])])
    yaw = float(np.interp(moment, times, heading))
    return _spots(place, yaw, wearer)[foot], yaw + (TOE_OUT if foot == 0 else -TOE_OUT)


def _movements(times, xy, heading) -> list[tuple[float, float]]:
    """Intervals in which the body moves or turns so far that the feet must step."""
    speed = np.linalg.norm(np.gradient(xy, times, axis=0), axis=-1)
    turning = np.abs(np.gradient(heading, times))
    active = np.flatnonzero((speed > 0.03) | (turning > np.deg2rad(2.5)))
    if not len(active):
        return []
    gaps = np.flatnonzero(np.diff(times[active]) > PAUSE)
    starts, ends = active[np.r_[0, gaps + 1]], active[np.r_[gaps, len(active) - 1]]
    intervals = []
    for start, end in zip(starts, ends, strict=True):
        travelled = np.linalg.norm(xy[end] - xy[start])
        turned = abs(heading[end] - heading[start])
        if travelled > 0.04 or turned > np.deg2rad(9.0):
            intervals.append((float(times[start]), float(max(times[end], times[start] + 0.8))))
    return intervals


def _course(times, xy, heading, start: float, end: float) -> tuple[float, float, float]:
    """Metres ahead and to the left, and radians turned, between two times."""
    begin, stop = (min(int(np.searchsorted(times, moment - 1e-9)), len(times) - 1) for moment in (start, end))
    course, yaw = xy[stop] - xy[begin], heading[begin]
    ahead = float(np.cos(yaw) * course[0] + np.sin(yaw) * course[1])
    aside = float(-np.sin(yaw) * course[0] + np.cos(yaw) * course[1])
    return ahead, aside, float(heading[stop] - yaw)


def _step_count(times, xy, wearer: Wearer, start: float, end: float, turned: float) -> int:
    inside = (times >= start) & (times <= end)
    speed = np.linalg.norm(np.gradient(xy, times, axis=0), axis=-1)[inside].max()
    natural = 0.88 * wearer.step_length * np.sqrt(max(speed, 0.15) / 1.2)
    cadence = np.clip(speed / natural, 0.6 * wearer.cadence, 1.3 * wearer.cadence)
    return int(max(2, np.ceil(abs(turned) / MAX_TURN_PER_STEP), np.round(cadence * (end - start))))
