"""Recipes without walking: turn, look, crouch, stand, with and without hands; and glances for other recipes.

A recipe fills a draft. It returns False if the draw does not fit the room or the time; the caller then draws again.
"""

from dataclasses import replace

import numpy as np

from egobench.types import Side
from egomini.acting.draft import Draft, wrapped
from egomini.acting.handwork import carry_box, reach_thing, some_gesture
from egomini.wearer.reach import Posture
from egomini.wearer.script import Clause, Way
from egomini.world.scene import Thing

NOTICEABLE = np.deg2rad(9.0)
"""Captions do not mention a smaller turn or glance."""
LITTLE = np.deg2rad(24.0)
"""Captions call a smaller turn a little one."""


def turn(draft: Draft) -> bool:
    """Turns on the spot, sometimes towards a thing."""
    _turn_somewhere(draft, draft.draw(2.3, 0.9 * draft.seconds))
    return _place_turn(draft) and add_glances(draft)


def turn_and_gesture(draft: Draft) -> bool:
    """Turns, and lifts a hand then or at the same time."""
    meanwhile = draft.rng.random() < 0.4
    end = _turn_somewhere(draft, draft.draw(2.2, 3.4), while_next=meanwhile)
    return _place_turn(draft) and some_gesture(draft, 0.3 if meanwhile else min(end - 0.4, 2.9), draft.seconds)


def turn_with_box(draft: Draft) -> bool:
    """Turns with a box in the hands."""
    carry_box(draft, "hold", while_next=True)
    _turn_somewhere(draft, draft.draw(2.3, 4.4))
    return _place_turn(draft)


def look(draft: Draft) -> bool:
    """Looks at one thing after another, or about."""
    return draft.place_anywhere() and some_glances(draft, action_count(draft), draft.draw(0.0, 0.9))


def look_and_gesture(draft: Draft) -> bool:
    """Looks at something with a hand raised before or after it."""
    if not draft.place_anywhere() or not some_glances(draft, 1, draft.draw(0.0, 0.5), narrow=True):
        return False
    return some_gesture(draft, min(draft.busy_until - 0.2, 2.7), draft.seconds)


def reach(draft: Draft) -> bool:
    """Reaches to a thing near by, sometimes after a turn."""
    thing = reachable_thing(draft)
    if thing is None:
        return False
    ready = draft.draw(0.3, 1.2)
    if action_count(draft) > 1:
        angle = draft.sign() * draft.draw(0.6, 1.0) * draft.budget(2.1)
        ready = draft.turn(draft.draw(0.0, 0.3), angle) - 0.3
        draft.say(Clause("turn", side=side_of(angle), thing=thing.name if draft.rng.random() < 0.5 else ""))
    return reach_thing(draft, thing, ready)


def crouch(draft: Draft) -> bool:
    """Crouches, and rises again if there is time."""
    start, down = draft.draw(0.2, 0.9), draft.draw(1.1, 1.6)
    rises = draft.rng.random() < 0.7
    up = start + down + (draft.draw(0.3, 0.8) if rises else 9.0)
    posture = Posture(draft.draw(0.22, 0.38), np.deg2rad(draft.draw(8.0, 24.0)))
    draft.bend((start, start + down), (up, up + draft.draw(1.2, 1.6)), posture)
    if not draft.place_anywhere():
        return False
    nod = draft.draw(0.6, 1.0) * draft.budget(down)
    draft.glance(max(start - 0.2, 0.0), 0.0, nod, start + down + 0.3)
    draft.say(Clause("crouch"))
    if rises:
        draft.say(Clause("rise"))
        draft.glance(up, 0.0, -nod, draft.seconds)
    return True


def stand(draft: Draft) -> bool:
    """Stands still, facing something."""
    if not draft.place_anywhere():
        return False
    draft.say(Clause("stand", thing=_faced(draft)))
    return True


def stand_and_gesture(draft: Draft) -> bool:
    """Stands and raises or waves a hand."""
    if not draft.place_anywhere():
        return False
    draft.say(Clause("stand", thing=_faced(draft), while_next=True))
    return some_gesture(draft, 0.2, draft.seconds)


def stand_with_box(draft: Draft) -> bool:
    """Stands with a box in the hands."""
    if not draft.place_anywhere():
        return False
    draft.say(Clause("stand", thing=_faced(draft), while_next=True))
    carry_box(draft, "hold", while_next=False)
    return True


def action_count(draft: Draft) -> int:
    low, high = draft.difficulty.actions
    return int(draft.rng.integers(low, high + 1))


def side_of(angle: float) -> Side:
    return "left" if angle > 0.0 else "right"


def any_thing(draft: Draft) -> Thing | None:
    things = draft.stage.room.things
    return things[int(draft.rng.integers(len(things)))] if things else None


def reachable_thing(draft: Draft) -> Thing | None:
    things = [thing for thing in draft.stage.room.things if thing.is_reachable]
    return things[int(draft.rng.integers(len(things)))] if things else None


def _turn_somewhere(draft: Draft, seconds: float, *, while_next: bool = False) -> float:
    angle = draft.sign() * draft.draw(0.75, 1.0) * draft.budget(seconds)
    end = draft.turn(draft.draw(0.0, max(draft.seconds - seconds - 0.4, 0.05)), angle)
    draft.say(Clause("turn", side=side_of(angle), while_next=while_next, little=abs(angle) < LITTLE))
    return end


def _place_turn(draft: Draft) -> bool:
    """Places a turn. In half of the cases it ends at a thing, which the clause then names."""
    thing = any_thing(draft)
    if thing is None or draft.rng.random() < 0.45:
        return draft.place_anywhere()
    point = np.asarray(thing.reach_point[:2])
    if not draft.place_at(draft.seconds, point, (1.1, 3.0), draft.draw(-0.1, 0.1)):
        return False
    if draft.stage.sees(draft.eye_at(draft.seconds), thing):
        for index, clause in enumerate(draft.clauses):
            if clause.action == "turn":
                draft.clauses[index] = replace(clause, thing=thing.name, little=False)
    return True


def add_glances(draft: Draft) -> bool:
    """Adds glances if the difficulty has more than one action and time is left; always fits."""
    missing = action_count(draft) - len(draft.clauses)
    if missing > 0:
        some_glances(draft, missing, draft.busy_until)
    return True


def some_glances(draft: Draft, count: int, start: float, *, narrow: bool = False) -> bool:
    """Up to `count` glances one after another; True if there was at least one."""
    made = 0
    draft.busy_until = max(draft.busy_until, start)
    for _ in range(count):
        latest = draft.seconds if made + 1 >= count else 0.55 * draft.seconds + 0.45 * draft.busy_until
        if draft.rng.random() < 0.6 and not narrow:
            made += _glance_at_thing(draft, latest)
        else:
            made += _glance_aside(draft, latest, narrow=narrow)
    return made > 0


def _glance_at_thing(draft: Draft, latest: float) -> bool:
    things = [draft.stage.room.things[index] for index in draft.rng.permutation(len(draft.stage.room.things))]
    for thing in things:
        before = len(draft.glances)
        if draft.glance_at(thing, draft.busy_until, latest, below=0.15):
            _, _, turned, nodded = draft.glances[before]
            if np.hypot(turned, nodded) < NOTICEABLE:  # it was in the middle of the view already
                draft.glances.pop()
                continue
            draft.say(Clause("look", side=side_of(turned) if abs(turned) > NOTICEABLE else "", thing=thing.name))
            return True
    return False


def _glance_aside(draft: Draft, latest: float, *, narrow: bool) -> bool:
    seconds = latest - draft.busy_until
    if seconds < 1.0:
        return False
    size = min(draft.draw(0.7, 0.98) * draft.budget(seconds), 0.4 if narrow else 0.95)
    if size < NOTICEABLE:
        return False
    ways: tuple[Way, ...] = ("left", "right", "up", "down")
    kind = ways[int(draft.rng.integers(len(ways)))]
    if kind in ("left", "right"):
        fits = draft.glance(draft.busy_until, size if kind == "left" else -size, 0.0, latest)
    else:
        nod = min(size, 0.45)
        fits = draft.glance(draft.busy_until, 0.0, nod if kind == "down" else -nod, latest)
    if fits:
        draft.say(Clause("look", side=kind))
    return fits


def _faced(draft: Draft) -> str:
    """Name of a thing in the middle of the view at the start; empty if there is none."""
    eye = draft.eye_at(0.0)
    yaw, _ = draft.gaze_at(0.0)
    for thing in draft.stage.room.things:
        away = np.asarray(thing.reach_point[:2]) - eye[:2]
        if abs(wrapped(float(np.arctan2(away[1], away[0])) - yaw)) < np.deg2rad(18.0) and draft.stage.sees(eye, thing):
            return thing.name
    return ""
