"""Captions of the embedded world: what they say is true, much stays unsaid, and few are alike."""

import re

import numpy as np
import pytest
from egomini_clips import CLIPS, clip, room

from egobench.geometry.skeleton import XSENS23
from egobench.types import SIDES, Side
from egomini.acting.captions import write_caption
from egomini.acting.perform import palm_positions, palms_in_view
from egomini.acting.phrases import TEMPLATES, VERBS
from egomini.wearer.script import Clause
from egomini.world.scene import Performance

DIRECTIONAL = ("walk", "turn", "step", "look")


def _yaw(made: Performance, joint: str) -> np.ndarray:
    ahead = made.rotations[:, XSENS23.index(joint), :, 0]
    return np.unwrap(np.arctan2(ahead[:, 1], ahead[:, 0]))


def _moved_left(made: Performance, action: str) -> float:
    """Signed: radians turned or metres stepped to the left."""
    if action in ("walk", "turn"):
        return float(np.ptp(_yaw(made, "pelvis")) * np.sign(_yaw(made, "pelvis")[-1] - _yaw(made, "pelvis")[0]))
    if action == "look":
        turned = _yaw(made, "head") - _yaw(made, "head")[0]
        return float(turned[np.argmax(np.abs(turned))])
    course = made.positions[-1, 0] - made.positions[0, 0]
    yaw = _yaw(made, "pelvis")[0]
    return float(-np.sin(yaw) * course[0] + np.cos(yaw) * course[1])


def _used(seed: int, side: Side) -> float:
    """What a hand does: nearness to the handle of a pushed door, else metres ahead of and above its hip."""
    made, door = clip(seed), room(seed).door
    if "push" in made.actions and door is not None:
        palm = palm_positions(made.positions, made.rotations, side)[-1]
        return -float(np.linalg.norm(palm - door.handle(float(made.door_angle[-1]))))
    wrist, hip = XSENS23.index(f"{side}_hand"), XSENS23.index(f"{side}_upper_leg")
    away, yaw = made.positions[:, wrist] - made.positions[:, hip], _yaw(made, "pelvis")
    return float((np.cos(yaw) * away[:, 0] + np.sin(yaw) * away[:, 1] + away[:, 2]).max())


def test_a_said_left_or_right_is_the_way_that_was_gone():
    checked = 0
    for seed in range(CLIPS):
        made = clip(seed)
        said = re.findall(r"\b(left|right)\b(?! hand)", made.text)
        moving = [action for action in made.actions if action in DIRECTIONAL]
        if not said or len(moving) != 1:
            continue
        assert len(set(said)) == 1, made.text
        sign = 1.0 if said[0] == "left" else -1.0
        assert sign * _moved_left(made, moving[0]) > 0.1, f"{seed}: {made.text}"
        checked += 1
    assert checked > 20


def test_the_order_of_two_different_ways_is_the_order_of_the_motion():
    for seed in range(CLIPS):
        made = clip(seed)
        said = re.findall(r"\b(left|right)\b(?! hand)", made.text)
        if len(said) == 2 and made.actions == ("turn", "look"):
            turned = _yaw(made, "pelvis")[-1] - _yaw(made, "pelvis")[0]
            assert (said[0] == "left") == (turned > 0.0), made.text


def test_a_said_hand_is_the_one_that_comes_into_view():
    checked = 0
    for seed in range(CLIPS):
        made = clip(seed)
        seen = dict(zip(SIDES, palms_in_view(made.positions, made.rotations).sum(axis=0), strict=True))
        for hand in re.findall(r"\b(left|right) hand\b", made.text):
            assert seen[hand] >= 10, f"{seed}: {made.text}"
            other: Side = "left" if hand == "right" else "right"
            assert _used(seed, hand) > _used(seed, other), f"{seed}: {made.text}"
            checked += 1
        if "both hands" in made.text:
            assert min(seen.values()) >= 10, f"{seed}: {made.text}"
        if re.search(r"\b(a|one) hand\b", made.text):
            assert sum(frames >= 10 for frames in seen.values()) == 1, f"{seed}: {made.text}"
    assert checked > 15


def test_walkers_walk_and_those_who_stand_do_not():
    for seed in range(CLIPS):
        made = clip(seed)
        travelled = np.linalg.norm(made.positions[-1, 0, :2] - made.positions[0, 0, :2])
        if {"walk", "approach"} & set(made.actions):
            assert travelled > 0.35, f"{seed}: {made.text}"
        if "stand" in made.actions:
            assert travelled < 0.05, f"{seed}: {made.text}"
        if "step" in made.actions:
            assert 0.12 < travelled < 1.6, f"{seed}: {made.text}"


def test_backward_and_forward_are_told_apart():
    for seed in range(CLIPS):
        made = clip(seed)
        course = made.positions[-1, 0, :2] - made.positions[0, 0, :2]
        ahead = course @ [np.cos(_yaw(made, "pelvis")[0]), np.sin(_yaw(made, "pelvis")[0])]
        if re.search(r"\b(back away|backs away|backwards|back)\b", made.text) and made.actions[0] == "step":
            assert ahead < -0.1, f"{seed}: {made.text}"
        if re.search(r"\b(forward|ahead|straight on)\b", made.text) and "walk" in made.actions:
            assert ahead > 0.3, f"{seed}: {made.text}"


def test_a_named_thing_is_in_the_room_and_one_that_is_turned_to_or_touched_is_ahead():
    for seed in range(CLIPS):
        made = clip(seed)
        named = [thing for thing in room(seed).things if f"the {thing.name}" in made.text]
        door = room(seed).door
        words = re.findall(r"\bthe (\w+ \w+)\b", made.text)
        known = {thing.name for thing in room(seed).things} | ({door.name} if door else set())
        colors = {name.split()[0] for name in known}
        assert all(any(name.startswith(word) for name in known) for word in words if word.split()[0] in colors)
        if made.actions in (("turn",), ("reach",), ("approach",)) and named:
            away = np.asarray(named[0].reach_point[:2]) - made.positions[-1, XSENS23.index("head"), :2]
            bearing = np.arctan2(away[1], away[0]) - _yaw(made, "pelvis")[-1]
            assert np.cos(bearing) > np.cos(np.deg2rad(35.0)), f"{seed}: {made.text}"


def test_crouching_lowers_the_pelvis_and_rising_raises_it_again():
    for seed in range(CLIPS):
        if "crouch" in clip(seed).actions:
            height = clip(seed).positions[:, XSENS23.index("pelvis"), 2]
            assert height[0] - height.min() > 0.15
            assert (height[-1] - height.min() > 0.1) == ("rise" in clip(seed).actions)


def test_nearly_all_captions_are_distinct_and_of_sensible_length():
    texts = [clip(seed).text for seed in range(CLIPS)]
    assert len(set(texts)) >= 0.9 * len(texts)
    lengths = [len(text.split()) for text in texts]
    assert min(lengths) >= 4
    assert max(lengths) <= 25
    assert all(text == text.strip() and "{" not in text and "  " not in text for text in texts)


def test_about_half_of_the_ways_stay_unsaid():
    sided = [Clause("turn", side="left"), Clause("step", side="right"), Clause("look", side="left")]
    rng = np.random.default_rng(0)
    said = [bool(re.search("left|right", write_caption((c,), room(0), rng))) for c in sided for _ in range(200)]
    assert 0.35 < np.mean(said) < 0.65


def test_a_clause_never_says_the_other_side_hand_or_thing():
    rng = np.random.default_rng(1)
    for action in ("walk", "turn", "step", "look", "reach", "raise", "wave", "push"):
        clause = Clause(action, side="left", hand="left", thing="red cabinet")
        texts = {write_caption((clause,), room(0), rng) for _ in range(60)}
        assert not any("right" in text or "both" in text for text in texts)
        assert len(texts) > 5


def test_every_template_knows_its_verbs():
    fillings = {"side", "hand", "thing", "a_thing", "their", "they", "be", "wave_base"}
    for template in (line for lines in TEMPLATES.values() for line in lines):
        assert set(re.findall(r"\{(\w+)\}", template)) <= set(VERBS) | fillings


def test_a_caption_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one clause"):
        write_caption((), room(0), np.random.default_rng(0))
