"""Fréchet distance: closed forms, laws, other libraries, refusals; then its re-weighted copies, interval and limit."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from egobench.errors import BadInputError
from egobench.stats.bootstrap import draw_weights
from egobench.stats.frechet import frechet_distance, frechet_interval, frechet_limit
from egobench.stats.weighted_frechet import SequenceFrechet, nuclear_norm


def two_sets(seed, n, m, d):
    rng = np.random.default_rng(seed)
    mix = rng.standard_normal((d, d)) / np.sqrt(d)
    return rng.standard_normal((n, d)), 0.3 + rng.standard_normal((m, d)) @ mix


def in_clips(rows, per_clip):
    return list(rows.reshape(-1, per_clip, rows.shape[1]))


def by_square_root(x, y):
    first, second = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = scipy.linalg.sqrtm(first @ second).real
    return np.sum((x.mean(0) - y.mean(0)) ** 2) + np.trace(first) + np.trace(second) - 2 * np.trace(root)


SHAPES = [(400, 300, 12), (13, 40, 12), (12, 12, 12), (8, 9, 40), (30, 300, 40), (2, 2, 1), (2, 5, 7)]


# by hand


def test_one_dimension_by_hand():
    # means 2 and 6; variances (ddof 1) 1 and 4: (6 - 2)² + (1 - 2)² = 17
    assert frechet_distance(np.array([[1.0], [2], [3]]), np.array([[4.0], [6], [8]])) == pytest.approx(17, abs=1e-12)


def test_equal_covariance_leaves_the_squared_shift():
    x, _ = two_sets(0, 50, 2, 6)
    assert frechet_distance(x, x + np.arange(6.0)) == pytest.approx(0 + 1 + 4 + 9 + 16 + 25, rel=1e-10)


def test_a_collapsed_sample_costs_its_offset_and_the_whole_variance():
    x, _ = two_sets(1, 50, 2, 6)
    expected = np.sum((x.mean(0) - 1) ** 2) + np.trace(np.cov(x, rowvar=False))
    assert frechet_distance(x, np.ones((20, 6))) == pytest.approx(expected, rel=1e-10)


def test_axis_aligned_gaussians_have_a_closed_form():
    # rows ±a_i e_i: covariance diag(2 a_i² / (2d - 1)), mean 0, so FD = Σ (σ_i - τ_i)²
    a, b, d = np.array([1.0, 2, 3]), np.array([2.0, 2, 1]), 3
    x, y = (np.concatenate([np.diag(s), -np.diag(s)]) for s in (a, b))
    assert frechet_distance(x, y) == pytest.approx(np.sum((a - b) ** 2) * 2 / (2 * d - 1), rel=1e-12)


# theory


@pytest.mark.parametrize(("n", "m", "d"), SHAPES)
def test_the_same_rows_in_any_order_give_exactly_zero(n, m, d):
    x, _ = two_sets(2, max(n, m), 2, d)
    order = np.random.default_rng(3).permutation(len(x))
    assert frechet_distance(x, x) == 0.0
    assert frechet_distance(x, x[order].astype(np.float64)) == 0.0
    assert frechet_distance(x - x, x) > 0.0


def test_minus_zero_is_zero():
    x = np.array([[0.0, 1.0], [2.0, 0.0]])
    assert frechet_distance(x, np.where(x == 0, -0.0, x)) == 0.0


@pytest.mark.parametrize(("n", "m", "d"), SHAPES)
def test_it_is_symmetric_and_blind_to_rotation_and_common_shift(n, m, d):
    x, y = two_sets(4, n, m, d)
    value = frechet_distance(x, y)
    turn, _ = np.linalg.qr(np.random.default_rng(5).standard_normal((d, d)))
    assert frechet_distance(y, x) == pytest.approx(value, rel=1e-10)
    assert frechet_distance(x @ turn + 7, y @ turn + 7) == pytest.approx(value, rel=1e-9)
    assert frechet_distance(3 * x, 3 * y) == pytest.approx(9 * value, rel=1e-10)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 9), st.integers(2, 9), st.integers(1, 9), st.sampled_from([1e-8, 0.0, 1]))
def test_it_is_never_negative_and_finite_for_any_rank(seed, n, m, d, noise):
    rng = np.random.default_rng(seed)
    x = rng.integers(-1, 2, (n, d)).astype(float)
    x[0, 0] += 0.5  # never constant
    y = x[rng.integers(0, n, m)] + noise * rng.standard_normal((m, d))
    value = frechet_distance(x, y)
    assert 0 <= value < np.inf


def test_dead_features_change_nothing():
    x, y = two_sets(6, 60, 50, 5)
    pad = lambda rows: np.hstack([rows, np.zeros((len(rows), 3))])  # noqa: E731
    assert frechet_distance(pad(x), pad(y)) == pytest.approx(frechet_distance(x, y), rel=1e-12)


def test_both_ways_to_the_nuclear_norm_agree():
    matrix = np.random.default_rng(7).standard_normal((30, 20))
    assert nuclear_norm(matrix, direct=False) == pytest.approx(nuclear_norm(matrix, direct=True), rel=1e-12)
    assert nuclear_norm(matrix.T, direct=False) == pytest.approx(np.linalg.norm(matrix, "nuc"), rel=1e-12)


# outside witnesses


@pytest.mark.parametrize(("n", "m", "d"), [(400, 300, 12), (200, 200, 64), (65, 80, 64)])
def test_scipys_matrix_square_root_agrees(n, m, d):
    x, y = two_sets(8, n, m, d)
    assert frechet_distance(x, y) == pytest.approx(by_square_root(x, y), rel=1e-8)


def test_fewer_rows_than_features_agree_with_scipy_to_its_own_rounding():
    x, y = two_sets(9, 20, 25, 60)
    assert frechet_distance(x, y) == pytest.approx(by_square_root(x, y), rel=1e-4)


def test_torch_fidelity_agrees():
    metric = pytest.importorskip("torch_fidelity.metric_fid")
    x, y = two_sets(10, 300, 280, 32)
    sides = [{"mu": rows.mean(0), "sigma": np.cov(rows, rowvar=False)} for rows in (x, y)]
    theirs = metric.fid_statistics_to_metric(*sides, verbose=False)["frechet_inception_distance"]
    assert frechet_distance(x, y) == pytest.approx(theirs, rel=1e-8)


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_torchmetrics_agrees():
    pytest.importorskip("torchmetrics")
    torch = pytest.importorskip("torch")
    from torchmetrics.image.fid import FrechetInceptionDistance

    x, y = two_sets(11, 90, 70, 6)
    fid = FrechetInceptionDistance(feature=torch.nn.Flatten(), input_img_size=(3, 1, 2)).set_dtype(torch.float64)
    fid.orig_dtype = torch.float64
    for side, rows in (("real", torch.from_numpy(x)), ("fake", torch.from_numpy(y))):
        # its sums and its solver, past its image pipeline, which knows bytes only
        setattr(fid, f"{side}_features_sum", rows.sum(0))
        setattr(fid, f"{side}_features_cov_sum", rows.t() @ rows)
        setattr(fid, f"{side}_features_num_samples", torch.tensor(len(rows)))
    assert frechet_distance(x, y) == pytest.approx(float(fid.compute()), rel=1e-6)


# refusals


@pytest.mark.parametrize(
    ("reference", "sample", "code"),
    [
        (np.ones((1, 3)), np.ones((5, 3)), "features-few"),
        (np.eye(3), np.eye(4), "features-dimension"),
        (np.eye(3), np.where(np.eye(3) > 0, np.nan, 0), "features-nonfinite"),
        (np.eye(3), np.where(np.eye(3) > 0, np.inf, 0), "features-nonfinite"),
        (np.ones((4, 3)), np.zeros((4, 3)), "features-constant"),
        (np.eye(3), np.ones(3), "features-shape"),
        (np.eye(3), np.eye(3).astype(str), "features-shape"),
        (np.eye(3), np.ones((3, 0)), "features-shape"),
    ],
)
def test_rubbish_is_refused_with_a_code(reference, sample, code):
    with pytest.raises(BadInputError) as caught:
        frechet_distance(reference, sample)
    assert caught.value.code == code


# re-weighted copies


@pytest.mark.parametrize(("items", "d", "per_clip"), [(240, 6, 4), (240, 6, 1), (24, 40, 4), (48, 47, 4)])
def test_a_reweighted_copy_is_the_distance_of_the_repeated_rows(items, d, per_clip):
    x, y = two_sets(12, items, items, d)
    clips = items // per_clip
    groups = np.random.default_rng(13).permutation(np.arange(clips) % 5)
    engine = SequenceFrechet.of(in_clips(x, per_clip), in_clips(y, per_clip), groups)
    weights = draw_weights(engine.num_groups, 6, seed=14)
    values = engine(weights)
    for weight, value in zip(weights, values, strict=True):
        rows = np.repeat(np.arange(items), np.repeat(weight[groups], per_clip))
        assert value == pytest.approx(frechet_distance(x[rows], y[rows]), rel=1e-6)


def test_moments_from_a_store_and_from_the_rows_agree(monkeypatch):
    x, y = two_sets(15, 240, 240, 6)
    args = (in_clips(x, 4), in_clips(y, 4), np.arange(60) // 4)
    weights = draw_weights(15, 5, seed=16)
    stored = SequenceFrechet.of(*args)
    monkeypatch.setattr("egobench.stats.weighted_frechet.CACHE_BYTES", 0)
    bare = SequenceFrechet.of(*args)
    assert stored.reference.scatter is not None
    assert bare.reference.scatter is None
    np.testing.assert_allclose(stored(weights), bare(weights), rtol=1e-9)


# the interval and the limit


def test_the_interval_holds_the_value_and_is_the_same_for_the_same_seed():
    x, y = two_sets(17, 320, 320, 8)
    args = (in_clips(x, 8), in_clips(y, 8), np.arange(40) // 2, 300)
    low, high = frechet_interval(*args, seed=1)
    assert 0 <= low < frechet_distance(x, y) < high
    assert frechet_interval(*args, seed=1) == (low, high)
    assert frechet_interval(*args, seed=2) != (low, high)


def test_the_interval_of_identical_clips_is_exactly_zero_and_one_sequence_has_none():
    x, y = two_sets(18, 64, 64, 8)
    clips = in_clips(x, 8)
    assert frechet_interval(clips, clips, np.arange(8), 50, 0) == (0.0, 0.0)
    assert frechet_interval(clips, in_clips(y, 8), np.zeros(8, int), 50, 0) is None


def test_a_permuted_set_is_at_zero_and_its_interval_begins_there():
    x, _ = two_sets(19, 64, 2, 4)
    clips = in_clips(x, 8)
    low, high = frechet_interval(clips, clips[::-1], np.arange(8), 100, 0)
    assert low == 0.0 < high


@pytest.mark.parametrize("d", [4, 120])
def test_the_interval_covers_the_mean_distance_at_this_n(d):
    """40 repetitions, seeded: 95 % within what a correct interval can miss; d = 120 has fewer rows than features."""
    rng = np.random.default_rng(20)
    draw = lambda: (rng.standard_normal((24, 4, d)), 0.3 + 1.2 * rng.standard_normal((24, 4, d)))  # noqa: E731
    values = [frechet_distance(*(side.reshape(-1, d) for side in draw())) for _ in range(40)]
    hits = []
    for seed in range(40):
        x, y = draw()
        low, high = frechet_interval(list(x), list(y), np.arange(24), 40, seed)
        hits.append(low <= np.mean(values) <= high)
    assert 0.85 <= np.mean(hits) <= 1.0


def test_the_limit_removes_the_bias_of_few_items_on_average():
    rng = np.random.default_rng(21)
    values, limits = [], []
    for seed in range(20):
        x, y = rng.standard_normal((2, 64, 16, 8))  # truth 0
        values.append(frechet_distance(x.reshape(-1, 8), y.reshape(-1, 8)))
        limits.append(frechet_limit(list(x), list(y), np.arange(64), seed))
    assert np.mean(values) > 0.03
    assert abs(np.mean(limits)) < 0.2 * np.mean(values)


def test_the_limit_is_none_where_it_means_nothing():
    x, y = two_sets(22, 64, 64, 8)
    assert frechet_limit(in_clips(x, 16), in_clips(y, 16), np.arange(4), 0) is None  # four sequences
    x, y = two_sets(23, 64, 64, 40)
    assert frechet_limit(in_clips(x, 4), in_clips(y, 4), np.arange(16), 0) is None  # 16 rows in the smallest, d = 40


def test_unequal_lists_are_refused():
    x, y = two_sets(24, 16, 16, 3)
    with pytest.raises(BadInputError) as caught:
        frechet_interval(in_clips(x, 4), in_clips(y, 4)[:3], np.arange(4), 10, 0)
    assert caught.value.code == "features-clips"
    with pytest.raises(BadInputError) as caught:
        frechet_interval(in_clips(x, 4), [clip[:, :2] for clip in in_clips(y, 4)], np.arange(4), 10, 0)
    assert caught.value.code == "features-dimension"
