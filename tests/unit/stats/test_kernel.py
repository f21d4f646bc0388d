"""Kernel distance: by hand, unbiasedness, scikit-learn, torch-fidelity and torchmetrics as witnesses, refusals."""

import numpy as np
import pytest

from egobench.errors import BadInputError
from egobench.stats.kernel import kernel_distance


def two_sets(n=40, m=30, d=6, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), 0.5 + rng.standard_normal((m, d))


def test_one_feature_by_hand():
    # k(x, y) = (xy + 1)³; reference 0, 1: k = 1; sample 1, 2: k = 27; between: 1, 1, 8, 27 → mean 37/4
    value = kernel_distance(np.array([[0.0], [1.0]]), np.array([[1.0], [2.0]]))
    assert value == pytest.approx(1 + 27 - 2 * 37 / 4, abs=1e-12)


def test_two_sets_of_one_distribution_score_zero_on_average():
    rng = np.random.default_rng(1)
    values = [kernel_distance(*rng.standard_normal((2, 30, 4))) for _ in range(400)]
    assert abs(np.mean(values)) < 3 * np.std(values) / 20
    assert min(values) < 0


def test_it_is_symmetric_and_the_block_size_does_not_enter(monkeypatch):
    x, y = two_sets()
    value = kernel_distance(x, y)
    assert kernel_distance(y, x) == pytest.approx(value, rel=1e-12)
    monkeypatch.setattr("egobench.stats.kernel.BLOCK", 7)
    assert kernel_distance(x, y) == pytest.approx(value, rel=1e-12)


def test_scikit_learns_kernel_agrees():
    kernel = pytest.importorskip("sklearn.metrics.pairwise").polynomial_kernel
    x, y = two_sets()
    mean = lambda k: (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))  # noqa: E731
    expected = mean(kernel(x, degree=3)) + mean(kernel(y, degree=3)) - 2 * kernel(x, y, degree=3).mean()
    assert kernel_distance(x, y) == pytest.approx(expected, rel=1e-10)


def test_torch_fidelity_agrees_on_one_subset_of_all():
    metric = pytest.importorskip("torch_fidelity.metric_kid")
    torch = pytest.importorskip("torch")
    x, y = two_sets(n=40, m=40)
    found = metric.kid_features_to_metric(
        torch.from_numpy(x), torch.from_numpy(y), kid_subsets=1, kid_subset_size=40, verbose=False
    )
    assert kernel_distance(x, y) == pytest.approx(found["kernel_inception_distance_mean"], rel=1e-10)


def test_torchmetrics_agrees():
    kid = pytest.importorskip("torchmetrics.image.kid")
    torch = pytest.importorskip("torch")
    x, y = two_sets(n=40, m=40)
    assert kernel_distance(x, y) == pytest.approx(
        float(kid.poly_mmd(torch.from_numpy(x), torch.from_numpy(y))), rel=1e-10
    )


@pytest.mark.parametrize(
    ("x", "y", "code"),
    [
        (np.eye(3), np.eye(4), "features-dimension"),
        (np.eye(3)[:1], np.eye(3), "features-few"),
        (np.eye(3), np.full((3, 3), np.inf), "features-nonfinite"),
    ],
)
def test_rubbish_is_refused_with_a_code(x, y, code):
    with pytest.raises(BadInputError) as caught:
        kernel_distance(x, y)
    assert caught.value.code == code
