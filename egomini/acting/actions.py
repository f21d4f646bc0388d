"""The recipes of each kind of clip, and how often each is drawn."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from egomini.acting import looking, walking
from egomini.acting.draft import Draft
from egomini.acting.stage import Spot
from egomini.wearer.script import Clause

Recipe = Callable[[Draft], bool]
"""Fills a draft; False if the draw does not fit the room or the time."""
RECIPES: dict[tuple[str, bool], tuple[tuple[Recipe, float], ...]] = {
    ("walk", False): ((walking.stroll, 5.0), (walking.walk_to, 3.0), (walking.step_away, 1.5)),
    ("walk", True): (
        (walking.walk_and_reach, 3.0),
        (walking.stroll_and_gesture, 2.5),
        (walking.stroll_with_box, 2.0),
        (walking.go_through_door, 2.5),
    ),
    ("look", False): ((looking.turn, 4.0), (looking.look, 3.0), (looking.crouch, 1.5), (walking.step_short, 1.0)),
    ("look", True): (
        (looking.reach, 4.0),
        (looking.turn_and_gesture, 2.0),
        (looking.turn_with_box, 1.5),
        (looking.look_and_gesture, 1.5),
    ),
    ("still", False): ((looking.stand, 1.0),),
    ("still", True): ((looking.stand_and_gesture, 2.0), (looking.stand_with_box, 1.0)),
}
"""Per stratum and whether a hand shall come into view: recipes and how often they are drawn."""


def draw_recipe(rng: np.random.Generator, stratum: str, hands: bool) -> Recipe:
    """One of the recipes of a stratum."""
    recipes, weights = zip(*RECIPES[stratum, hands], strict=True)
    return recipes[int(rng.choice(len(recipes), p=np.asarray(weights) / sum(weights)))]


def only_stand(draft: Draft, place: Float[np.ndarray, "2"], yaw: float) -> None:
    """Stands at a given place; it always succeeds."""
    draft.spot = Spot(place, yaw)
    draft.say(Clause("stand"))
