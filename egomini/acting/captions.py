"""Captions of the embedded world: a small grammar over the actions, with paraphrases. 4 to 25 words.

A caption states only true facts. It often leaves out direction, hand or target, so that several motions fit it.
"""

import re
from typing import Literal

import numpy as np

from egomini.acting.phrases import JOINTS, SUBJECTS, TEMPLATES, VERBS
from egomini.wearer.script import Clause
from egomini.world.scene import Room

Form = Literal["base", "third", "gerund"]
FEWEST_WORDS, MOST_WORDS = 4, 25
SAY_SIDE, SAY_HAND, SAY_THING, SAY_ROOM, SAY_LITTLE = 0.5, 0.55, 0.8, 0.35, 0.35


def write_caption(clauses: tuple[Clause, ...], room: Room, rng: np.random.Generator) -> str:
    """One sentence about the clauses, in their order; without a full stop.

    Raises:
        ValueError: no clauses.
    """
    if not clauses:
        raise ValueError("a caption needs at least one clause, found none")
    for attempt in range(24):
        text = _sentence(clauses, room, rng, say_room=None if attempt < 12 else False)
        if FEWEST_WORDS <= len(text.split()) <= MOST_WORDS:
            return text
    return _sentence(clauses[:1], room, rng, say_room=True)


def _sentence(clauses: tuple[Clause, ...], room: Room, rng: np.random.Generator, *, say_room: bool | None) -> str:
    subject = "" if rng.random() < 0.35 else str(rng.choice(SUBJECTS))
    form: Form = "third" if subject else "base"
    their = "their" if subject else "your"
    where = f"in the {room.kind}" if (rng.random() < SAY_ROOM if say_room is None else say_room) else ""
    parts, named = [], ""
    order = _spoken_order(clauses, rng)
    for number, (clause, joint) in enumerate(order):
        gerund = joint.strip() == "while"
        phrase, thing = _phrase(clause, "gerund" if gerund else form, their, named, rng)
        parts.append((joint if number else "") + phrase)
        named = thing or named
    text = "".join(parts)
    if not where:
        return f"{subject} {text}".strip()
    if rng.random() < 0.4 or any(clause.action == "through" for clause in clauses):
        return f"{where}, {subject} {text}".replace("  ", " ")
    return f"{subject} {text} {where}".strip()


def _spoken_order(clauses: tuple[Clause, ...], rng: np.random.Generator) -> list[tuple[Clause, str]]:
    """Clauses with the words before them; simultaneous actions may be in either order."""
    order: list[tuple[Clause, str]] = []
    together = False
    for clause in clauses:
        if together:
            joint = " while " if rng.random() < 0.65 else " and "
            if joint == " while " and rng.random() < 0.4 and len(order) == 1:
                order = [(clause, order[0][1]), (order[0][0], joint)]
            else:
                order.append((clause, joint))
        else:
            order.append((clause, str(rng.choice(JOINTS))))
        together = clause.while_next
    return order


def _phrase(clause: Clause, form: Form, their: str, named: str, rng: np.random.Generator) -> tuple[str, str]:
    """The words of a clause, and the thing that they name."""
    key = _choose_key(clause, rng)
    template = str(rng.choice(TEMPLATES[key]))
    thing = clause.thing if "thing}" in template else ""
    if thing and thing == named and rng.random() < 0.7:
        template = template.replace("the {thing}", "it")
    words = {
        "side": clause.side,
        "thing": clause.thing,
        "a_thing": ("an " if clause.thing[:1] in tuple("aeiou") else "a ") + clause.thing,
        "hand": _hand(clause, key, their, rng),
        "their": their,
        "they": "they" if their == "their" else "you",
        "be": "are",
        "wave_base": "wave",
    }
    spoken = ("base", "third", "gerund").index(form)
    text = re.sub(
        r"\{(\w+)\}", lambda match: words[match[1]] if match[1] in words else VERBS[match[1]][spoken], template
    )
    if clause.little and clause.action in ("turn", "step") and rng.random() < SAY_LITTLE:
        text += " a little"
    return text, thing


def _choose_key(clause: Clause, rng: np.random.Generator) -> str:
    """The key of the template: which of the clause's facts are stated."""
    says_thing = bool(clause.thing) and rng.random() < SAY_THING
    says_side = bool(clause.side) and rng.random() < SAY_SIDE
    says_hand = bool(clause.hand) and rng.random() < SAY_HAND
    key = clause.action
    if clause.action in ("raise", "wave"):
        return f"{key} hand"
    if says_side:
        if clause.side in ("left", "right") and f"{key} side" in TEMPLATES:
            key += " side"
        elif f"{key} {clause.side}" in TEMPLATES and not says_thing:
            key += f" {clause.side}"
    if says_thing and f"{key} thing" in TEMPLATES:
        key += " thing"
    if says_hand and f"{key} hand" in TEMPLATES:
        key += " hand"
    return key


def _hand(clause: Clause, key: str, their: str, rng: np.random.Generator) -> str:
    if clause.hand == "both":
        return "both hands"
    owner = str(rng.choice(["the", their]))
    if key in ("raise hand", "wave hand") and rng.random() > SAY_HAND:
        return str(rng.choice(["a hand", "one hand"]))
    return f"{owner} {clause.hand} hand"
