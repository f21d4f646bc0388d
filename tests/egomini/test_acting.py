"""Performances of the embedded world: planted feet, bounded motion, free floor, doors under hands, shares of kinds."""

import numpy as np
import pytest
from egomini_clips import CLIPS, FPS, clip, room, wearer

from egobench.data.compact import dequantise, quantise
from egobench.errors import BadInputError
from egobench.geometry.skeleton import XSENS23, forward_kinematics
from egobench.types import SIDES
from egomini.acting.handwork import handle_path
from egomini.acting.perform import (
    PALM_ERROR,
    head_speed,
    palm_positions,
    palms_in_view,
    perform,
    stratum_of,
)
from egomini.acting.stage import Stage
from egomini.wearer.wearers import make_wearer
from egomini.world.scene import Difficulty

FEET = [XSENS23.index(joint) for joint in ("left_foot", "left_toe", "right_foot", "right_toe")]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_ones():
    first, again, other = (perform(room(0), wearer(0), np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert first.positions.tobytes() == again.positions.tobytes()
    assert first.rotations.tobytes() == again.rotations.tobytes()
    assert first.text == again.text
    assert first.positions.tobytes() != other.positions.tobytes()


def test_what_is_performed_is_what_the_store_keeps():
    for seed in range(0, CLIPS, 4):
        root, quats = quantise(clip(seed).positions[:, 0], clip(seed).rotations)
        root_m, rotations = dequantise(root, quats)
        np.testing.assert_array_equal(rotations, clip(seed).rotations)
        positions = forward_kinematics(XSENS23, wearer(seed).offsets, root_m, rotations)
        np.testing.assert_array_equal(positions, clip(seed).positions)


def test_bones_keep_their_length():
    for seed in range(0, CLIPS, 4):
        bones = clip(seed).positions[:, 1:] - clip(seed).positions[:, list(XSENS23.parents[1:])]
        expected = np.linalg.norm(wearer(seed).offsets[1:], axis=-1)
        np.testing.assert_allclose(np.linalg.norm(bones, axis=-1), np.tile(expected, (81, 1)), atol=1e-9)


def test_feet_in_contact_do_not_slide():
    for seed in range(CLIPS):
        speed = np.linalg.norm(np.diff(clip(seed).positions[:, FEET], axis=0), axis=-1) * FPS
        contacts = clip(seed).contacts
        assert np.max(speed * (contacts[1:] & contacts[:-1])) < 0.02, f"seed {seed}"


def test_feet_stay_on_the_floor_and_one_of_them_always_touches_it():
    for seed in range(CLIPS):
        positions, contacts = clip(seed).positions, clip(seed).contacts
        assert positions[..., 2].min() > -0.002
        rest = np.tile(np.array([0.045, 0.0145]) * wearer(seed).height, 2)
        np.testing.assert_allclose(np.where(contacts, positions[:, FEET, 2] - rest, 0.0), 0.0, atol=0.002)
        assert contacts[:, [1, 3]].any(axis=-1).all(), "walking is not running"


def test_nothing_jumps():
    for seed in range(CLIPS):
        positions = clip(seed).positions
        speed = np.linalg.norm(np.diff(positions, axis=0), axis=-1) * FPS
        acceleration = np.linalg.norm(np.diff(positions, n=2, axis=0), axis=-1) * FPS**2
        assert speed.max() < 4.5, f"seed {seed}"
        assert acceleration.max() < 45.0, f"seed {seed}"
        head = XSENS23.index("head")
        assert speed[:, head].max() < 1.2, f"seed {seed}"
        assert acceleration[:, head].max() < 5.0, f"seed {seed}"


def test_the_head_turns_no_faster_than_the_difficulty_says():
    for seed in range(CLIPS):
        assert np.rad2deg(head_speed(clip(seed).rotations, FPS).max()) <= 25.0


def test_knees_and_elbows_bend_the_right_way():
    for seed in range(0, CLIPS, 2):
        rotations = clip(seed).rotations
        for side in SIDES:
            thigh, shank, arm, forearm = (
                rotations[:, XSENS23.index(f"{side}_{joint}")]
                for joint in ("upper_leg", "lower_leg", "upper_arm", "forearm")
            )
            assert np.all(np.einsum("tia,tib->tab", thigh, shank)[:, 0, 2] > 0.0)  # the shank's -z goes to -x
            bone = 1.0 if side == "left" else -1.0
            assert np.all(bone * np.einsum("tia,tib->tab", arm, forearm)[:, 0, 1] > 0.0)


def test_wearers_keep_clear_of_walls_and_furniture():
    for seed in range(CLIPS):
        stage = Stage(room(seed), wearer(seed), np.random.default_rng(0))
        pelvis = clip(seed).positions[:, XSENS23.index("pelvis"), :2]
        assert stage.gap(pelvis).min() > 0.25, f"seed {seed}"
        head = clip(seed).positions[:, XSENS23.index("head")]
        assert stage.gap(head[:, :2], higher_than=float(head[:, 2].min())).min() >= 0.2, f"seed {seed}"
        if "push" not in clip(seed).actions:
            assert stage.wall_gap(pelvis).min() > 0.35, f"seed {seed}"
            assert stage.wall_gap(head[:, :2]).min() > 0.2, f"seed {seed}"


def test_strata_are_measured_and_come_in_their_shares():
    strata = [clip(seed).stratum for seed in range(CLIPS)]
    assert strata == [stratum_of(clip(seed).positions, clip(seed).rotations) for seed in range(CLIPS)]
    assert 0.35 < strata.count("walk") / CLIPS < 0.55
    assert 0.30 < strata.count("look") / CLIPS < 0.50
    assert 0.08 < strata.count("still") / CLIPS < 0.22


def test_at_least_a_third_of_the_clips_show_a_hand():
    shown = [palms_in_view(clip(s).positions, clip(s).rotations).any(axis=-1).sum() >= 10 for s in range(CLIPS)]
    assert np.mean(shown) > 1 / 3


@pytest.mark.parametrize("stratum", ["walk", "look", "still"])
@pytest.mark.parametrize("hands", [True, False])
def test_a_wanted_stratum_with_or_without_hands_is_given(stratum: str, hands: bool):
    for seed in range(6):
        made = perform(room(seed), wearer(seed), np.random.default_rng(seed), want_hands=hands, stratum=stratum)
        assert made.stratum == stratum
        if hands:
            assert palms_in_view(made.positions, made.rotations).any(axis=-1).sum() >= 10


def test_a_door_turns_only_under_a_hand():
    pushed = [seed for seed in range(CLIPS) if "push" in clip(seed).actions]
    assert len(pushed) >= 4
    for seed in pushed:
        door, made = room(seed).door, clip(seed)
        assert door is not None
        assert made.door_angle[0] == 0.0
        assert made.door_angle[-1] > np.deg2rad(25.0)
        assert np.abs(np.diff(made.door_angle)).max() * FPS < np.deg2rad(60.0)
        turning = np.flatnonzero(np.diff(made.door_angle) != 0.0)
        handle = handle_path(door, made.door_angle)
        palms = np.stack([palm_positions(made.positions, made.rotations, side) for side in SIDES])
        held = np.linalg.norm(palms - handle, axis=-1)[:, turning[0] :].max(axis=-1).min()
        assert held < PALM_ERROR, f"seed {seed}: the palm is {held:.3f} m off the handle"
    assert all(not clip(seed).door_angle.any() for seed in range(CLIPS) if seed not in pushed)


def test_a_carried_box_stays_between_the_palms():
    carried = [(clip(s), clip(s).carried) for s in range(CLIPS) if clip(s).carried is not None]
    assert carried
    for made, held in carried:
        assert held is not None
        box, T_world_box = held
        for side, sign in zip(SIDES, (1.0, -1.0), strict=True):
            palm = palm_positions(made.positions, made.rotations, side)
            local = np.einsum("tji,tj->ti", T_world_box[:, :3, :3], palm - T_world_box[:, :3, 3])
            np.testing.assert_allclose(sign * local[:, 1], 0.5 * box.size[1] + 0.015, atol=0.005)
            assert np.abs(local[:, 2]).max() < 0.03


@pytest.mark.parametrize("seed", range(4))
def test_a_harder_world_and_another_rate_work_too(seed: int):
    hard = Difficulty(max_turn_deg_per_s=70.0, max_walk_m_per_s=1.1, actions=(1, 3))
    made = perform(room(seed), make_wearer("tall", seed), np.random.default_rng(seed), hard, fps=30.0, frames=121)
    assert made.positions.shape == (121, 23, 3)
    assert np.rad2deg(head_speed(made.rotations, 30.0).max()) <= 70.0
    speed = np.linalg.norm(np.diff(made.positions[:, FEET], axis=0), axis=-1) * 30.0
    assert np.max(speed * (made.contacts[1:] & made.contacts[:-1])) < 0.02


def test_a_clip_too_short_and_an_unknown_stratum_are_refused():
    with pytest.raises(BadInputError, match="at least 3 s"):
        perform(room(0), wearer(0), np.random.default_rng(0), frames=17)
    with pytest.raises(BadInputError, match="known: walk, look, still"):
        perform(room(0), wearer(0), np.random.default_rng(0), stratum="run")
