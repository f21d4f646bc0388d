"""Recipes with walking: stroll, walk up to a thing, step away, go through the door, with and without hands.

A recipe fills a draft. It returns False if the draw does not fit the room or the time; the caller then draws again.
"""

import numpy as np

from egomini.acting.draft import Draft
from egomini.acting.handwork import carry_box, push_door, reach_thing, some_gesture
from egomini.acting.looking import (
    LITTLE,
    NOTICEABLE,
    action_count,
    add_glances,
    any_thing,
    reachable_thing,
    side_of,
)
from egomini.wearer.script import Clause, Way


def stroll(draft: Draft) -> bool:
    """Walks ahead or along a curve, and often walks already at the start."""
    _walk_somewhere(draft)
    return draft.place_anywhere() and add_glances(draft)


def stroll_and_gesture(draft: Draft) -> bool:
    """Raises or waves a hand while walking."""
    _walk_somewhere(draft, while_next=True)
    return draft.place_anywhere() and some_gesture(draft, 0.4, draft.seconds)


def stroll_with_box(draft: Draft) -> bool:
    """Carries a box."""
    carry_box(draft, "carry", while_next=True)
    _walk_somewhere(draft)
    return draft.place_anywhere()


def walk_to(draft: Draft) -> bool:
    """Walks up to a thing, sometimes after a turn."""
    thing = any_thing(draft)
    if thing is None:
        return False
    start, angle = _maybe_turn_first(draft)
    arrive = draft.draw(0.72, 1.0) * draft.seconds
    draft.walk(start, arrive, draft.draw(0.65, 0.97) * draft.difficulty.max_walk_m_per_s)
    if not draft.place_at(arrive, np.asarray(thing.reach_point[:2]), (0.7, 1.4), draft.draw(-0.12, 0.12)):
        return False
    if not draft.stage.sees(draft.eye_at(arrive - 1.0), thing):
        return False
    if not angle:
        draft.glance_at(thing, draft.draw(0.2, 1.0), arrive, below=0.45, forced=True)
    draft.say(Clause("approach", thing=thing.name))
    return True


def walk_and_reach(draft: Draft) -> bool:
    """Walks up to a thing and touches it."""
    thing = reachable_thing(draft)
    if thing is None:
        return False
    arrive = draft.draw(0.48, 0.6) * draft.seconds
    draft.walk(draft.draw(-0.6, 0.0), arrive, draft.draw(0.8, 0.97) * draft.difficulty.max_walk_m_per_s)
    draft.say(Clause("approach", thing=thing.name))
    return reach_thing(draft, thing, arrive)


def step_away(draft: Draft) -> bool:
    """Goes backwards or sideways by more than half a metre."""
    return _step(draft, draft.draw(0.34, 0.45), draft.draw(2.7, 3.6))


def step_short(draft: Draft) -> bool:
    """One short step or two, back or aside."""
    return _step(draft, draft.draw(0.16, 0.26), draft.draw(1.9, 2.4))


def go_through_door(draft: Draft) -> bool:
    """Opens the door and follows it."""
    return push_door(draft)


def _walk_somewhere(draft: Draft, *, while_next: bool = False) -> None:
    start, end = draft.draw(-1.3, 0.3), draft.draw(0.85, 1.25) * draft.seconds
    speed = draft.draw(0.5, 0.97) * draft.difficulty.max_walk_m_per_s
    draft.walk(start, end, speed)
    side: Way = "forward"
    if draft.rng.random() < 0.65:
        seconds = draft.draw(2.0, 0.75 * draft.seconds)
        angle = draft.sign() * draft.draw(0.5, 1.0) * draft.budget(seconds)
        draft.turn(draft.draw(0.0, draft.seconds - seconds - 0.3), angle)
        side = side_of(angle) if abs(angle) > NOTICEABLE else "forward"
    draft.say(Clause("walk", side=side, while_next=while_next))


def _maybe_turn_first(draft: Draft) -> tuple[float, float]:
    """Start of the walk that follows, and the angle turned before it (0 without a turn)."""
    if action_count(draft) < 2:
        return draft.draw(-0.5, 0.3), 0.0
    angle = draft.sign() * draft.draw(0.6, 1.0) * draft.budget(1.9)
    end = draft.turn(draft.draw(0.0, 0.2), angle)
    draft.say(Clause("turn", side=side_of(angle), little=abs(angle) < LITTLE))
    return end - 0.9, angle


def _step(draft: Draft, speed: float, seconds: float) -> bool:
    ways: tuple[tuple[Way, float], ...] = (("back", np.pi), ("left", 0.5 * np.pi), ("right", -0.5 * np.pi))
    side, direction = ways[int(draft.rng.integers(len(ways)))]
    start = draft.draw(0.0, max(draft.seconds - seconds - 0.2, 0.1))
    draft.walk(start, start + seconds, min(speed, 0.9 * draft.difficulty.max_walk_m_per_s), direction)
    if not draft.place_anywhere():
        return False
    draft.say(Clause("step", side=side, little=speed * seconds < 0.5))
    draft.busy_until = start + seconds - 0.3
    return add_glances(draft)
