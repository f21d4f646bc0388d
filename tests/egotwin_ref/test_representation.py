"""Both representations: by hand, round trips, invariance, velocities, the canonical frame, fusion, refusals."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from egobench.data.open import open_split
from egobench.geometry import skeleton as egobench_skeletons
from egotwin_ref.model.frames import about_z, from_6d, fuse_head, fuse_positions, heading, place, to_6d, turned
from egotwin_ref.model.representation import HeadCentric, RootCentric
from egotwin_ref.model.skeleton import SMPL22, XSENS23, Skeleton

KINDS = [HeadCentric, RootCentric]
BOTH = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
STICK = Skeleton("stick", ("root", "head", "foot"), (-1, 0, 0), feet=("foot",))


def rotations_near(identity: float, shape: tuple[int, ...], seed: int) -> torch.Tensor:
    """Random rotations of about this many radians."""
    vectors = identity * np.random.default_rng(seed).standard_normal((math.prod(shape), 3))
    return torch.tensor(Rotation.from_rotvec(vectors).as_matrix()).reshape(*shape, 3, 3)


def wild_motion(skeleton: Skeleton, batch: int = 3, frames: int = 21, seed: int = 0):
    """Joints anywhere, turned anyhow; only the first head and root are not upside down."""
    generator = torch.Generator().manual_seed(seed)
    positions = torch.randn(batch, frames, len(skeleton), 3, generator=generator, dtype=torch.float64)
    rotations = rotations_near(2.0, (batch, frames, len(skeleton)), seed)
    rotations[:, 0] = rotations_near(0.4, (batch, len(skeleton)), seed + 1)
    return positions, rotations


@pytest.fixture(scope="module")
def smoke():
    split = open_split("egomini-smoke")
    motions = [split.clip(info.clip_id).reference.motion for info in split.infos()]
    return (
        torch.tensor(np.stack([motion.positions for motion in motions])),
        torch.tensor(np.stack([motion.rotations for motion in motions])),
    )


def farthest(first: torch.Tensor, second: torch.Tensor) -> float:
    return float((first - second).norm(dim=-1).max())


def widest(first: torch.Tensor, second: torch.Tensor) -> float:
    """Largest angle between rotations, radians (small ones: the chord is the angle)."""
    return float(torch.linalg.matrix_norm(first - second).max()) / math.sqrt(2)


def test_the_skeletons_are_those_of_egobench():
    for ours in (XSENS23, SMPL22):
        theirs = egobench_skeletons.get_skeleton(ours.name)
        assert (ours.joints, ours.parents) == (theirs.joints, theirs.parents)


def test_a_nod_and_a_step_by_hand():
    # A head 2 m up looks along +y, root 1 m below, foot on the floor; then it steps 0.1 m ahead and looks 30° down.
    positions = torch.tensor([[[5.0, 7, 1], [5, 7, 2], [5, 7, 0]], [[5, 7.1, 1], [5, 7.1, 2], [5, 7, 0]]])[None]
    left, down = about_z(torch.tensor(math.pi / 2)), Rotation.from_euler("y", 30, degrees=True).as_matrix()
    rotations = left.double().expand(1, 2, 3, 3, 3).clone()
    rotations[0, 1, 1] = rotations[0, 1, 1] @ torch.tensor(down)
    head = HeadCentric(STICK)
    assert head.dim == 18 + 12 * 3
    second = {name: head.encode(positions, rotations)[0, 1, group] for name, group in head.groups.items()}
    c, s = math.cos(math.pi / 6), math.sin(math.pi / 6)
    by_hand = {
        "h_r": [c, 0, -s, 0, 1, 0],
        "dh_r": [c, 0, -s, 0, 1, 0],
        "h_p": [0.1, 0, 2],
        "dh_p": [0.1, 0, 0],
        "j_p": [s, 0, -c, 0, 0, 0, *(-0.1 * c + 2 * s, 0, -0.1 * s - 2 * c)],
        "j_v": [0.1, 0, 0, 0.1, 0, 0, 0, 0, 0],
        "j_r": [c, 0, s, 0, 1, 0, 1, 0, 0, 0, 1, 0, c, 0, s, 0, 1, 0],
    }
    assert second.keys() == by_hand.keys()
    for name, values in by_hand.items():
        torch.testing.assert_close(second[name], torch.tensor(values).float(), atol=1e-6, rtol=0, msg=name)


def test_a_turning_step_by_hand_in_the_root_centric_kind():
    # A root 1 m up that faces +y steps 0.1 m ahead, 0.2 m to its left, and turns left by 90°; the foot stays.
    positions = torch.tensor([[[5.0, 7, 1], [5, 7, 2], [5, 7, 0]], [[4.8, 7.1, 1], [4.8, 7.1, 2], [5, 7, 0]]])[None]
    rotations = torch.stack([about_z(torch.tensor(angle)).expand(3, 3, 3) for angle in (math.pi / 2, math.pi)])[None]
    root = RootCentric(STICK)
    assert root.dim == 12 * 3 + 1 + 1
    second = {name: root.encode(positions, rotations)[0, 1, group] for name, group in root.groups.items()}
    by_hand = {
        "dr_a": [math.pi / 2],
        "dr_p": [0.1, 0.2],
        "r_h": [1],
        "j_p": [0, 0, 2, *(-0.2, 0.1, 0)],
        "j_v": [0.1, 0.2, 0, 0.1, 0.2, 0, 0, 0, 0],
        "j_r": [1, 0, 0, 0, 1, 0] * 3,
        "c_f": [1],
    }
    assert second.keys() == by_hand.keys()
    for name, values in by_hand.items():
        torch.testing.assert_close(second[name], torch.tensor(values).float(), atol=1e-6, rtol=0, msg=name)


@BOTH
def test_the_groups_are_all_channels_once(kind):
    for skeleton in (XSENS23, SMPL22, STICK):
        representation = kind(skeleton)
        channels = [channel for group in representation.groups.values() for channel in range(group.start, group.stop)]
        assert channels == list(range(representation.dim))
    assert HeadCentric(XSENS23).dim == 294


@BOTH
@pytest.mark.parametrize("skeleton", [XSENS23, SMPL22, STICK], ids=lambda skeleton: skeleton.name)
def test_any_motion_comes_back_where_it_was(kind, skeleton):
    positions, rotations = wild_motion(skeleton)
    representation = kind(skeleton)
    features = representation.encode(positions, rotations)
    assert features.dtype == torch.float32
    frame = representation.canonical_frame(positions[:, :1], rotations[:, :1])
    found = place(frame, *representation.decode(features))
    assert farthest(found[0], positions) <= 1e-5
    assert widest(found[1], rotations) <= 1e-4


@BOTH
def test_motions_of_the_embedded_world_come_back(kind, smoke):
    representation = kind(XSENS23)
    found = place(representation.canonical_frame(*smoke), *representation.decode(representation.encode(*smoke)))
    assert farthest(found[0], smoke[0]) <= 1e-5
    assert widest(found[1], smoke[1]) <= 1e-4


@BOTH
def test_features_do_not_depend_on_place_and_heading(kind, smoke):
    elsewhere = torch.eye(4, dtype=torch.float64).repeat(len(smoke[0]), 1, 1)
    elsewhere[:, :3, :3] = about_z(torch.linspace(-3.1, 3.1, len(elsewhere)).double())
    elsewhere[:, :2, 3] = torch.linspace(-9, 9, 2).double()
    representation = kind(XSENS23)
    moved = representation.encode(*place(elsewhere, *smoke))
    assert float((moved - representation.encode(*smoke)).abs().max()) < 1e-6
    # … but they do on the height over the floor.
    raised = representation.encode(smoke[0] + torch.tensor([0, 0, 0.5]), smoke[1])
    assert float((raised - representation.encode(*smoke)).abs().max()) == pytest.approx(0.5, abs=1e-6)


@BOTH
def test_the_canonical_frame_stands_on_the_floor_below_the_first_pose(kind, smoke):
    representation = kind(XSENS23)
    positions, rotations = representation.decode(representation.encode(*smoke))
    anchor = XSENS23.index("head") if kind is HeadCentric else 0
    assert float(positions[:, 0, anchor, :2].abs().max()) < 1e-6
    assert float(heading(rotations[:, 0, anchor]).abs().max()) < 1e-6
    torch.testing.assert_close(positions[..., 2], smoke[0][..., 2], atol=1e-5, rtol=0)


def test_head_velocities_are_finite_differences_of_the_head_pose(smoke):
    kind = HeadCentric(XSENS23)
    features = kind.encode(*smoke).double()
    R, p = from_6d(features[..., kind.groups["h_r"]]), features[..., kind.groups["h_p"]]
    step = (R[:, :-1].mT @ p.diff(dim=1)[..., None])[..., 0]
    torch.testing.assert_close(features[:, 1:, kind.groups["dh_p"]], step, atol=1e-6, rtol=0)
    turn = to_6d(R[:, :-1].mT @ R[:, 1:])
    torch.testing.assert_close(features[:, 1:, kind.groups["dh_r"]], turn, atol=1e-6, rtol=0)
    torch.testing.assert_close(features[:, 0, kind.groups["dh_r"]], to_6d(torch.eye(3).double()).expand(len(p), 6))


@BOTH
def test_joint_velocities_are_finite_differences_seen_from_the_frame_before(kind, smoke):
    representation = kind(XSENS23)
    features = representation.encode(*smoke)
    positions, rotations = representation.decode(features)
    view = rotations[:, :-1, XSENS23.index("head")] if kind is HeadCentric else about_z(heading(rotations[:, :-1, 0]))
    steps = (view.mT[:, :, None] @ positions.diff(dim=1)[..., None])[..., 0]
    found = features[..., representation.groups["j_v"]].double().unflatten(-1, (-1, 3))
    torch.testing.assert_close(found[:, 1:], steps, atol=1e-6, rtol=0)
    assert not found[:, 0].any()


@BOTH
def test_the_first_features_are_the_first_pose_alone(kind):
    positions, rotations = wild_motion(XSENS23)
    representation = kind(XSENS23)
    alone = representation.encode(positions[:, :1], rotations[:, :1])
    assert torch.equal(representation.encode(positions, rotations)[:, :1], alone)


@pytest.mark.parametrize("pitch", [-90.0, 90.0])
def test_a_gaze_straight_up_or_down_has_the_heading_of_the_neck(pitch):
    # Tilts around the vertical gaze move the projected gaze by half a turn; the heading stays.
    for tilt in (-1.0, 0.0, 1.0):
        R = Rotation.from_euler("ZY", [40.0, pitch + tilt], degrees=True).as_matrix()
        assert float(heading(torch.tensor(R))) == pytest.approx(math.radians(40.0), abs=1e-9)


def test_a_head_upside_down_takes_the_heading_of_the_root():
    positions, rotations = wild_motion(SMPL22, batch=2)
    rotations[:, 0, SMPL22.index("head")] = torch.tensor(Rotation.from_euler("y", 180, degrees=True).as_matrix())
    rotations[:, 0, 0] = about_z(torch.tensor([0.7, -2.0]).double())
    frame = HeadCentric(SMPL22).canonical_frame(positions, rotations)
    torch.testing.assert_close(frame[:, :3, :3], rotations[:, 0, 0])


@BOTH
def test_what_a_network_may_generate_decodes_to_rotations(kind):
    representation = kind(XSENS23)
    noise = torch.randn(2, 9, representation.dim, generator=torch.Generator().manual_seed(0))
    positions, rotations = representation.decode(noise)
    assert positions.isfinite().all()
    torch.testing.assert_close(rotations.mT @ rotations, torch.eye(3).double().expand_as(rotations), atol=1e-9, rtol=0)
    torch.testing.assert_close(torch.linalg.det(rotations), torch.ones(2, 9, 23).double())


def head_path(smoke):
    kind = HeadCentric(XSENS23)
    features = kind.encode(*smoke).double()
    part = {name: features[..., kind.groups[name]] for name in ("h_r", "dh_r", "h_p", "dh_p")}
    return from_6d(part["h_r"]), part["h_p"], from_6d(part["dh_r"]), part["dh_p"]


def test_fusing_poses_that_agree_changes_nothing(smoke):
    R, p, dR, dp = head_path(smoke)
    fused_R, fused_p = fuse_head(R, p, dR, dp, frames=5.0)
    assert widest(fused_R, R) < 1e-6
    assert farthest(fused_p, p) < 1e-5


def test_fused_positions_are_the_least_squares_solution():
    generator = torch.Generator().manual_seed(0)
    p, dp = torch.randn(2, 1, 6, 3, generator=generator, dtype=torch.float64)
    still = torch.eye(3).double().expand(1, 6, 3, 3)
    _, fused = fuse_head(still, p, still, dp, frames=3.0)
    rows = torch.cat([torch.eye(6), 3.0 * torch.eye(6).diff(dim=0)]).double()
    solution = torch.linalg.lstsq(rows, torch.cat([p[0], 3.0 * dp[0, 1:]])).solution
    torch.testing.assert_close(fused[0], solution)


def test_fusion_takes_the_jitter_out_of_absolute_poses_and_the_drift_out_of_relative_ones(smoke):
    R, p, dR, dp = head_path(smoke)
    shaken = R @ rotations_near(math.radians(1.0), tuple(R.shape[:2]), seed=3)
    drifting = dR @ torch.tensor(Rotation.from_euler("z", 0.2, degrees=True).as_matrix())
    fused, _ = fuse_head(shaken, p, drifting, dp, frames=4.0)

    def degrees(first, second):
        return math.degrees(float(torch.linalg.matrix_norm(first - second).mean()) / math.sqrt(2))

    turns, shaken_turns = fused[:, :-1].mT @ fused[:, 1:], shaken[:, :-1].mT @ shaken[:, 1:]
    assert degrees(fused, R) < 0.6 * degrees(shaken, R)
    assert degrees(turns, dR[:, 1:]) < 0.3 * degrees(shaken_turns, dR[:, 1:])
    assert torch.equal(HeadCentric(XSENS23, 4.0).encode(*smoke), HeadCentric(XSENS23).encode(*smoke))


def paths(seed: int = 0, joints: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    """Positions (2, 41, joints, 3) of joints that wander, and their steps, which agree with them."""
    generator = torch.Generator().manual_seed(seed)
    p = 0.1 * torch.randn(2, 41, joints, 3, generator=generator, dtype=torch.float64).cumsum(dim=1)
    return p, torch.cat([torch.zeros_like(p[:, :1]), p.diff(dim=1)], dim=1)


def test_fused_joints_by_hand():
    # Two frames of one joint: p = (0, 1) though its step is 0. The least of x² + (y - 1)² + f² (y - x)² with f = 1 is
    # x = 1/3, y = 2/3.
    p = torch.tensor([0.0, 1.0]).double().view(1, 2, 1, 1).expand(1, 2, 1, 3)
    fused = fuse_positions(p, torch.zeros_like(p), frames=1.0)
    torch.testing.assert_close(fused[0, :, 0, 0], torch.tensor([1 / 3, 2 / 3]).double())
    assert torch.equal(fuse_positions(p, torch.zeros_like(p), frames=0.0), p)


def test_joints_whose_positions_and_steps_agree_come_back_and_the_first_step_is_not_used():
    p, steps = paths()
    torch.testing.assert_close(fuse_positions(p, steps, frames=4.0), p, atol=1e-12, rtol=0)
    steps[:, 0] = 9.0
    torch.testing.assert_close(fuse_positions(p, steps, frames=4.0), p, atol=1e-12, rtol=0)


def test_fusion_with_exact_steps_takes_the_jitter_out_of_positions():
    # What jitters is smoothed by (I + f² L)⁻¹; in the middle of a long path white noise keeps about 1 / (4 f) of its
    # variance, so with f = 4 a quarter of its size.
    p, steps = paths(joints=200)
    shaken = p + torch.randn(p.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    left = (fuse_positions(shaken, steps, frames=4.0) - p)[:, 12:-12]
    assert float(left.square().mean()) == pytest.approx(1 / 16, rel=0.05)


def test_fusion_does_not_depend_on_the_frame_that_positions_and_steps_are_in():
    p, steps = paths()
    shaken = p + torch.randn(p.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    T = torch.eye(4).double().repeat(2, 1, 1)
    T[:, :3, :3] = rotations_near(2.0, (2,), seed=4)
    T[:, :3, 3] = torch.tensor([5.0, -3.0, 1.0])

    def moved(positions: torch.Tensor) -> torch.Tensor:
        return place(T, positions, torch.eye(3).double().expand(*positions.shape, 3))[0]

    turned_steps = turned(T[:, None, None, :3, :3], steps)
    fused = fuse_positions(moved(shaken), turned_steps, frames=4.0)
    torch.testing.assert_close(fused, moved(fuse_positions(shaken, steps, frames=4.0)))


def test_each_joint_is_fused_alone():
    p, steps = paths()
    other = p.clone()
    other[:, :, 2] += torch.randn(2, 41, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    changed = (fuse_positions(p, steps, 4.0) - fuse_positions(other, steps, 4.0)).abs().amax(dim=(0, 1, 3)) > 1e-9
    assert changed.tolist() == [False, False, True, False]


def test_root_centric_motion_that_agrees_with_itself_comes_back_and_jitter_of_its_joints_is_smoothed(smoke):
    plain, fused = RootCentric(XSENS23), RootCentric(XSENS23, fuse_frames=4.0)
    features = plain.encode(*smoke)
    assert torch.equal(fused.encode(*smoke), features)
    right, found = plain.decode(features), fused.decode(features)
    assert farthest(found[0], right[0]) < 1e-5
    assert torch.equal(found[1], right[1])
    shaken = features.clone()
    joints = plain.groups["j_p"]
    shaken[..., joints] += 0.02 * torch.randn(shaken[..., joints].shape, generator=torch.Generator().manual_seed(0))
    without, with_steps = (kind.decode(shaken)[0][:, :, 1:] - right[0][:, :, 1:] for kind in (plain, fused))
    assert float(with_steps.square().mean()) < 0.1 * float(without.square().mean())


@BOTH
def test_motions_of_another_skeleton_and_other_features_are_refused(kind):
    positions, rotations = wild_motion(SMPL22)
    with pytest.raises(ValueError, match=r"xsens23 has positions \(B, T, 23, 3\).*these are \(3, 21, 22, 3\)"):
        kind(XSENS23).encode(positions, rotations)
    representation = kind(SMPL22)
    with pytest.raises(ValueError, match=rf"features are \(B, T, {representation.dim}\); these are \(1, 5, 7\)"):
        representation.decode(torch.zeros(1, 5, 7))


def test_a_tree_that_is_none_is_refused():
    with pytest.raises(ValueError, match="parents come before children"):
        Skeleton("knot", ("root", "head", "foot"), (-1, 2, 1), feet=("foot",))
    with pytest.raises(ValueError, match="has no joint 'left_foot'"):
        Skeleton("bust", ("root", "head"), (-1, 0))
