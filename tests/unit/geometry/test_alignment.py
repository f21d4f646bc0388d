"""Gauges, placements and similarities: known answers, degenerate paths, evo as witness."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from egobench.geometry.alignment import Placement, anchor, place, rotation_gauge, similarity
from egobench.geometry.path_errors import distances_to_middle, position_errors, rms_over_frames, rotation_errors

ALL4 = np.ones(4, dtype=bool)
CROSS = np.array([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]])
TURN = Rotation.from_euler("zyx", [0.5, -0.3, 0.2]).as_matrix()


def walk(frames=41, seed=0):
    """A smooth path through a room: positions in metres, orientations."""
    rng = np.random.default_rng(seed)
    steps = np.cumsum(rng.normal(size=(frames, 3)), axis=0) * [0.05, 0.05, 0.01]
    turns = np.cumsum(rng.normal(size=(frames, 3)), axis=0) * 0.03
    return steps, Rotation.from_rotvec(turns).as_matrix()


def laid_error(fit, target, source, registered):
    return float(rms_over_frames(position_errors(fit.R, Placement(fit.scale, fit.shift), target, source, registered)))


# by hand


@pytest.mark.parametrize(("with_scale", "metres"), [(False, 1.0), (True, 0.0)])
def test_a_cross_twice_as_wide_is_a_metre_off_unless_it_may_grow(with_scale, metres):
    fit = similarity(2 * CROSS, CROSS, ALL4, with_scale=with_scale)
    assert laid_error(fit, 2 * CROSS, CROSS, ALL4) == pytest.approx(metres, abs=1e-15)
    placement = place(np.eye(3), 2 * CROSS, CROSS, ALL4, with_scale=with_scale)
    errors = position_errors(np.eye(3), placement, 2 * CROSS, CROSS, ALL4)
    np.testing.assert_allclose(errors, metres, atol=1e-15)


def test_a_similarity_that_was_applied_is_found():
    target, _ = walk()
    source = (target - [3.0, -1.0, 2.0]) @ TURN / 0.25  # target = 0.25 · TURN @ source + shift
    fit = similarity(target, source, np.ones(41, dtype=bool), with_scale=True)
    np.testing.assert_allclose(fit.R, TURN, atol=1e-12)
    np.testing.assert_allclose(fit.shift, [3, -1, 2], atol=1e-12)
    assert fit.scale == pytest.approx(0.25)
    assert fit.rank == 3


def test_a_gauge_that_was_applied_is_found_from_orientations_even_standing_still():
    _, R = walk()
    gauge = rotation_gauge(R, TURN.T @ R, np.ones(41, dtype=bool))
    np.testing.assert_allclose(gauge.R, TURN, atol=1e-12)
    assert gauge.margin == pytest.approx(1)


def test_the_first_registered_frame_is_laid_exactly_and_the_rest_follows():
    target, R = walk()
    source, R_source = (target - [1.0, 2.0, 3.0]) @ TURN / 0.5, TURN.T @ R
    registered = np.arange(41) >= 3
    for with_scale in (False, True):
        found, placement = anchor(R, R_source, target, source, registered, with_scale=with_scale)
        errors = position_errors(found, placement, target, source, registered)
        assert errors[3] == pytest.approx(0, abs=1e-12)
        assert np.nanmax(errors) == pytest.approx(0 if with_scale else np.nanmax(errors), abs=1e-12)
        assert np.isnan(errors[:3]).all()
        np.testing.assert_allclose(rotation_errors(found, R, R_source, registered)[3:], 0, atol=1e-12)
    assert placement.scale == pytest.approx(0.5)


# theory


def test_no_other_scale_shift_or_rotation_does_better():
    rng = np.random.default_rng(4)
    target, _ = walk()
    source = target @ TURN / 2 + 0.1 * rng.normal(size=(41, 3))
    mask = rng.random(41) < 0.8
    fit = similarity(target, source, mask, with_scale=True)
    best = laid_error(fit, target, source, mask)
    for _ in range(50):
        wobble = Rotation.from_rotvec(0.02 * rng.normal(size=3)).as_matrix()
        other = fit._replace(
            R=fit.R @ wobble,
            scale=np.asarray(fit.scale * (1 + 0.02 * rng.normal())),
            shift=fit.shift + 0.02 * rng.normal(size=3),
        )
        assert laid_error(other, target, source, mask) > best


def test_a_path_run_backwards_is_shrunk_to_a_point_and_never_mirrored():
    target, _ = walk()
    placement = place(np.eye(3), target, -target, np.ones(41, dtype=bool), with_scale=True)
    assert placement.scale == 0
    errors = position_errors(np.eye(3), placement, target, -target, np.ones(41, dtype=bool))
    np.testing.assert_allclose(errors, distances_to_middle(target, np.ones(41, dtype=bool)))


def test_a_batch_gives_what_each_clip_gives_and_masked_frames_do_not_matter():
    rng = np.random.default_rng(5)
    paths = [walk(seed=k) for k in range(6)]
    target, R = (np.stack(part).reshape(2, 3, *part[0].shape) for part in zip(*paths, strict=True))
    source = target @ TURN + 0.05 * rng.normal(size=target.shape)
    R_source = TURN.T @ R
    mask = rng.random((2, 3, 41)) < 0.6
    spoilt = np.where(mask[..., None], source, 1e6)
    fit = similarity(target, spoilt, mask, with_scale=True)
    gauge = rotation_gauge(R, np.where(mask[..., None, None], R_source, np.eye(3)), mask)
    placement = place(gauge.R, target, spoilt, mask, with_scale=True)
    laid, anchored = anchor(R, R_source, target, spoilt, mask, with_scale=True)
    for at in np.ndindex(2, 3):
        keep = mask[at]
        whole = np.ones(int(keep.sum()), dtype=bool)
        alone = similarity(target[at][keep], source[at][keep], whole, with_scale=True)
        np.testing.assert_allclose(fit.R[at], alone.R, atol=1e-10)
        assert fit.scale[at] == pytest.approx(float(alone.scale))
        turned = rotation_gauge(R[at][keep], R_source[at][keep], whole)
        np.testing.assert_allclose(gauge.R[at], turned.R, atol=1e-12)
        put = place(turned.R, target[at][keep], source[at][keep], whole, with_scale=True)
        np.testing.assert_allclose(placement.shift[at], put.shift, atol=1e-10)
        first, tied = anchor(
            R[at][keep], R_source[at][keep], target[at][keep], source[at][keep], whole, with_scale=True
        )
        np.testing.assert_allclose(laid[at], first, atol=1e-12)
        assert anchored.scale[at] == pytest.approx(float(tied.scale))


# degenerate paths: a clear answer, never a silent one


def test_a_straight_line_is_laid_well_and_its_free_rotation_is_told():
    line = np.linspace(0, 4, 9)[:, None] * [0.6, 0.8, 0.0]
    mask = np.ones(9, dtype=bool)
    fit = similarity(line @ TURN.T + 1.0, line, mask, with_scale=True)
    assert fit.rank == 1
    assert laid_error(fit, line @ TURN.T + 1.0, line, mask) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_an_estimate_that_does_not_move_costs_the_spread(offset):
    target, _ = walk()
    mask = np.ones(41, dtype=bool)
    still = np.full((41, 3), offset) + np.random.default_rng(0).normal(size=(41, 3)) * offset * 1e-16
    spread = float(rms_over_frames(distances_to_middle(target, mask)))
    for with_scale in (False, True):
        fit = similarity(target, still, mask, with_scale=with_scale)
        assert fit.rank == 0
        assert laid_error(fit, target, still, mask) == pytest.approx(spread, abs=1e-9)
        placement = place(TURN, target, still, mask, with_scale=with_scale)
        assert placement.scale == (0 if with_scale else 1)


def test_tiny_white_noise_is_blown_up_at_most_to_the_spread_and_the_scale_shows_it():
    target, _ = walk()
    mask = np.ones(41, dtype=bool)
    noise = 1e-12 * np.random.default_rng(1).normal(size=(41, 3))
    spread = float(rms_over_frames(distances_to_middle(target, mask)))
    fit = similarity(target, noise, mask, with_scale=True)
    assert fit.scale > 1e9
    assert 0.8 * spread < laid_error(fit, target, noise, mask) <= spread


def test_one_frame_and_no_frame_give_finite_answers_without_a_rank():
    target, R = walk()
    for number in (0, 1):
        mask = np.arange(41) < number
        fit = similarity(target, 2 * target, mask, with_scale=True)
        assert (fit.rank, fit.scale) == (0, 0)
        gauge = rotation_gauge(R, R, mask)
        assert gauge.margin == pytest.approx(number)
        found, placement = anchor(R, R, target, target, mask, with_scale=True)
        assert np.isfinite(found).all()
        assert np.isfinite(placement.shift).all()


def test_orientations_that_agree_on_no_gauge_have_no_margin():
    R = np.stack([np.eye(3), np.diag([1.0, -1, -1]), np.diag([-1.0, 1, -1]), np.diag([-1.0, -1, 1])])
    assert rotation_gauge(R, np.tile(np.eye(3), (4, 1, 1)), ALL4).margin == pytest.approx(0, abs=1e-15)


# outside witness


@pytest.fixture
def evo(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))  # it writes settings there
    pytest.importorskip("evo", reason="GPL: a witness in tests, never imported by the package")
    from evo.core import geometry, trajectory

    return geometry, trajectory


@pytest.mark.parametrize("with_scale", [False, True])
def test_evo_finds_the_same_similarity(evo, with_scale):
    geometry, _ = evo
    for seed in range(20):
        rng = np.random.default_rng(seed)
        target, _ = walk(seed=seed)
        source = target @ TURN / 3 + 0.05 * rng.normal(size=(41, 3))
        fit = similarity(target, source, np.ones(41, dtype=bool), with_scale=with_scale)
        R, shift, scale = geometry.umeyama_alignment(source.T, target.T, with_scale)
        np.testing.assert_allclose(fit.R, R, atol=1e-9)
        np.testing.assert_allclose(fit.shift, shift, atol=1e-9)
        assert fit.scale == pytest.approx(scale, abs=1e-9)


def test_evo_refuses_the_straight_line_that_we_lay(evo):
    geometry, _ = evo
    line = np.linspace(0, 4, 9)[:, None] * [1.0, 0.0, 0.0]
    with pytest.raises(geometry.GeometryException):
        geometry.umeyama_alignment(line.T, line.T, True)
    assert similarity(line, line, np.ones(9, dtype=bool), with_scale=True).scale == pytest.approx(1)
