"""Building a script: turns, walks, glances, bends and hand tasks are added one by one, then drawn as curves.

A turn moves the head first and the body a quarter of a second later. The gaze does one thing at a time, so the
head's angular speed never exceeds what one minimum-jerk move has.
"""

import numpy as np
from jaxtyping import Float

from egobench.types import Side
from egomini.acting.stage import Spot, Stage
from egomini.wearer.curves import PEAK_TO_MEAN, hold, integrate, min_jerk, move_seconds, moves
from egomini.wearer.reach import Posture, head_height, posture_for
from egomini.wearer.script import Clause, Clock, HandTask, Script
from egomini.world.scene import Box, Difficulty, Thing

HEAD_LEADS = 0.25
"""Seconds by which the head is ahead of the body in a turn."""
SPEED_SHARE = 0.86
"""Planned peak turning speed over the allowed one; idle motion takes the rest."""
WIDEST_GLANCE = np.deg2rad(62.0)
"""Largest angle between head and body."""
RAMP = 0.9
"""Seconds in which walking speed rises and falls."""
EYE_RISE = 0.075
"""Metres from head joint to eyes."""


class Draft:
    """A clip that is being planned. A method that does not fit returns False and leaves the draft as it was."""

    def __init__(self, stage: Stage, clock: Clock, difficulty: Difficulty) -> None:
        self.stage, self.clock, self.difficulty, self.rng = stage, clock, difficulty, stage.rng
        self.times, self.seconds = clock.times, clock.seconds
        self.peak = SPEED_SHARE * np.deg2rad(difficulty.max_turn_deg_per_s)
        self.spot = Spot(np.zeros(2), 0.0)
        self.turns: list[tuple[float, float, float]] = []
        self.glances: list[tuple[float, float, float, float]] = []
        self.walks: list[tuple[float, float, float, float]] = []
        self.bends: list[tuple[tuple[float, float], tuple[float, float], Posture]] = []
        self.hands: list[HandTask] = []
        self.clauses: list[Clause] = []
        self.pitch = float(np.deg2rad(self.rng.uniform(-2.0, 9.0)))
        self.door_angle: Float[np.ndarray, " time"] | None = None
        self.box: Box | None = None
        self.busy_until = 0.0

    def draw(self, low: float, high: float) -> float:
        """A random number."""
        return float(self.rng.uniform(low, high))

    def sign(self) -> float:
        """-1 or 1."""
        return 1.0 if self.rng.random() < 0.5 else -1.0

    def budget(self, seconds: float) -> float:
        """Largest angle that the head may turn in a time."""
        return self.peak * seconds / PEAK_TO_MEAN

    # Before the path is placed

    def turn(self, start: float, angle: float) -> float:
        """Turns head and body by an angle (positive is left), as fast as allowed; returns its end time."""
        seconds = max(move_seconds(angle, self.peak), 0.8)
        self.turns.append((start, start + seconds, angle))
        self.busy_until = max(self.busy_until, start + seconds)
        return start + seconds

    def walk(self, start: float, end: float, speed: float, direction: float = 0.0) -> None:
        """Walks at a speed in a direction relative to the heading (0 ahead, positive to the left)."""
        self.walks.append((start, end, speed, direction))

    def relative(self) -> tuple[Float[np.ndarray, "time 2"], Float[np.ndarray, " time"]]:
        """Path and heading before placement: from the origin along +x at time 0."""
        heading = moves(self.times - HEAD_LEADS, self.turns)
        velocity = np.zeros((len(self.times), 2))
        for start, end, speed, direction in self.walks:
            ramp = min(RAMP, 0.45 * (end - start))
            pace = speed * min_jerk((self.times - start) / ramp) * min_jerk((end - self.times) / ramp)
            course = heading + direction
            velocity += pace[:, None] * np.stack([np.cos(course), np.sin(course)], axis=-1)
        path = integrate(self.times, velocity)
        return path - path[self.clock.pad], heading

    def place_anywhere(self) -> bool:
        """Places the path on free floor."""
        xy, heading = self.relative()
        return self._placed(self.stage.spot_anywhere(xy[self.clock.keep], heading[self.clock.keep]))

    def place_at(
        self, time: float, point: Float[np.ndarray, "2"], distances: tuple[float, float], bearing: float
    ) -> bool:
        """Places the path so that, at a given time, a point is within `distances` at a bearing."""
        xy, heading = self.relative()
        frame = int(np.clip(round(time * self.clock.fps), 0, self.clock.frames - 1))
        keep = self.clock.keep
        return self._placed(self.stage.spot_at(xy[keep], heading[keep], frame, point, distances, bearing))

    def _placed(self, spot: Spot | None) -> bool:
        if spot is not None:
            self.spot = spot
        return spot is not None

    # After it

    def body_at(self, time: float) -> tuple[Float[np.ndarray, "2"], float]:
        """World xy and heading."""
        xy, heading = self.relative()
        frame = int(np.argmin(np.abs(self.times - time)))
        return self.spot.place(xy[frame : frame + 1])[0], float(heading[frame] + self.spot.yaw)

    def gaze_at(self, time: float) -> tuple[float, float]:
        """World yaw and pitch of the head."""
        moment = np.array([time])
        yaw = moves(moment, self.turns)[0] + moves(moment, [(a, b, yaw) for a, b, yaw, _ in self.glances])[0]
        pitch = moves(moment, [(a, b, pitch) for a, b, _, pitch in self.glances])[0]
        return float(self.spot.yaw + yaw), float(self.pitch + pitch)

    def eye_at(self, time: float, lowered: float = 0.0) -> Float[np.ndarray, "3"]:
        """Approximate position of the eyes."""
        place, heading = self.body_at(time)
        height = head_height(self.stage.wearer) + EYE_RISE - lowered
        return np.array([place[0] + 0.08 * np.cos(heading), place[1] + 0.08 * np.sin(heading), height])

    def glance(self, start: float, yaw: float, pitch: float, latest: float) -> bool:
        """Turns only the head by these angles, if it fits between `start` and `latest`."""
        start = max(start, self.busy_until)
        seconds = max(move_seconds(float(np.hypot(yaw, pitch)), self.peak), 0.7)
        if start + seconds > latest:
            return False
        seconds = min(seconds * self.draw(1.0, 1.25), latest - start)
        end_yaw, end_pitch = self.gaze_at(start)[0] + yaw, self.gaze_at(start)[1] + pitch
        heading = self.body_at(start + seconds)[1]
        if abs(wrapped(end_yaw - heading)) > WIDEST_GLANCE or not -0.6 < end_pitch < 0.75:
            return False
        self.glances.append((start, start + seconds, yaw, pitch))
        self.busy_until = start + seconds
        return True

    def glance_at(
        self,
        thing: Thing,
        start: float,
        latest: float,
        *,
        below: float = 0.0,
        forced: bool = False,
        lowered: float = 0.0,
    ) -> bool:
        """Looks at a thing; `below` is how far under the head's axis it may stay (radians), `lowered` by how much the
        body is bent (metres). With `forced` the head goes as far as the time allows."""
        start = max(start, self.busy_until)
        eye = self.eye_at(0.5 * (start + latest), lowered)
        away = np.asarray(thing.reach_point) - eye
        yaw, pitch = self.gaze_at(start)
        down = float(np.arctan2(-away[2], np.hypot(away[0], away[1])))
        turn = wrapped(float(np.arctan2(away[1], away[0])) - yaw)
        nod = float(np.clip(down - np.clip(below, 0.0, max(down, 0.0)), -0.5, 0.65)) - pitch
        if forced:
            share = min(1.0, self.budget(max(latest - start, 0.0)) / max(float(np.hypot(turn, nod)), 1e-6))
            return self.glance(start, 0.98 * share * turn, 0.98 * share * nod, latest)
        return self.stage.sees(eye, thing) and self.glance(start, turn, nod, latest)

    def bend(self, rise: tuple[float, float], fall: tuple[float, float], posture: Posture) -> None:
        """Crouches and leans for a while."""
        self.bends.append((rise, fall, posture))

    def target_in_body(self, point: Float[np.ndarray, "3"], time: float) -> Float[np.ndarray, "3"]:
        """A world point as (ahead, left, up) of the spot between the feet."""
        place, heading = self.body_at(time)
        offset = point[:2] - place
        cosine, sine = np.cos(heading), np.sin(heading)
        return np.array([cosine * offset[0] + sine * offset[1], -sine * offset[0] + cosine * offset[1], point[2]])

    def reach_with(
        self,
        sides: tuple[Side, ...],
        points: Float[np.ndarray, "side 3"],
        rise: tuple[float, float],
        fall: tuple[float, float],
    ) -> Posture | None:
        """Brings palms to world points, with the bend that is needed; None if a point is out of reach."""
        local = np.stack([self.target_in_body(point, rise[1]) for point in points])
        posture = posture_for(self.stage.wearer, local, sides)
        if posture is None:
            return None
        self.bend((rise[0] - 0.1, rise[1]), (fall[0], fall[1] + 0.1), posture)
        weight, twist = hold(self.times, rise, fall), self.draw(0.3, 1.3)
        for side, point in zip(sides, points, strict=True):
            self.hands.append(HandTask(side, weight, np.tile(point, (len(self.times), 1)), "world", twist))
        return posture

    def say(self, clause: Clause) -> None:
        """Adds a clause to the caption."""
        self.clauses.append(clause)

    def script(self) -> Script:
        """All curves."""
        xy, heading = self.relative()
        crouch, lean = np.zeros_like(heading), np.zeros_like(heading)
        for rise, fall, posture in self.bends:
            share = hold(self.times, rise, fall)
            crouch, lean = crouch + share * posture.crouch, lean + share * posture.lean
        gaze = moves(self.times, self.turns) + moves(self.times, [(a, b, yaw) for a, b, yaw, _ in self.glances])
        return Script(
            clock=self.clock,
            xy=self.spot.place(xy),
            heading=heading + self.spot.yaw,
            gaze_yaw=gaze + self.spot.yaw,
            gaze_pitch=self.pitch + moves(self.times, [(a, b, pitch) for a, b, _, pitch in self.glances]),
            crouch=crouch,
            lean=lean,
            clauses=tuple(self.clauses),
            hands=tuple(self.hands),
            door_angle=self.door_angle,
            box=self.box,
            shown=tuple(dict.fromkeys(task.side for task in self.hands)),
        )


def wrapped(angle: float) -> float:
    """An angle in -π … π."""
    return float((angle + np.pi) % (2.0 * np.pi) - np.pi)
