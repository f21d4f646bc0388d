"""Muon: the orthogonal factor by scipy's SVD, a step by hand, torch's own as witness."""

import pytest
import torch
from torch import nn

from egotwin_ref.training.muon import Muon, orthogonal, scaled


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(6, 6), (4, 20), (20, 4)])
def test_singular_values_become_about_one_and_vectors_stay(shape):
    matrix = random(*shape)
    u, s, v = torch.linalg.svd(matrix, full_matrices=False)
    matrix = u @ torch.diag(s.clamp(min=0.3)) @ v
    found = torch.linalg.svdvals(orthogonal(matrix))
    assert found.min() > 0.65
    assert found.max() < 1.25
    inside = u.T @ orthogonal(matrix) @ v.T
    torch.testing.assert_close(inside, torch.diag(inside.diagonal()), atol=2e-4, rtol=0)


def test_it_knows_no_scale_and_turns_with_the_matrix():
    matrix = random(5, 8)
    turn = torch.linalg.qr(random(5, 5, seed=1)).Q
    torch.testing.assert_close(orthogonal(100 * matrix), orthogonal(matrix))
    torch.testing.assert_close(orthogonal(turn @ matrix), turn @ orthogonal(matrix), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(orthogonal(matrix.T), orthogonal(matrix).T)


def test_the_first_step_by_hand():
    matrix = nn.Parameter(torch.diag(torch.tensor([3.0, 3.0])))
    matrix.grad = torch.diag(torch.tensor([7.0, -7.0]))
    before = matrix.detach().clone()
    Muon([matrix], lr=0.1, weight_decay=0.5).step()
    x = 1 / 2**0.5
    for _ in range(5):  # the quintic, on both singular values alike
        x = 3.4445 * x - 4.7750 * x**3 + 2.0315 * x**5
    by_hand = before * (1 - 0.1 * 0.5) - 0.1 * 0.2 * 2**0.5 * torch.diag(torch.tensor([x, -x]))
    torch.testing.assert_close(matrix.detach(), by_hand)


@pytest.mark.parametrize("columns", [2, 4, 6])
def test_stacked_maps_are_orthogonal_each_by_itself(columns):
    matrix = nn.Parameter(random(12, columns))
    matrix.grad = random(12, columns, seed=1) * torch.tensor([1.0, 10.0, 100.0]).repeat_interleave(4)[:, None]
    before, gradient = matrix.detach().clone(), matrix.grad.clone()
    Muon([{"params": [matrix], "parts": 3}], lr=0.1, weight_decay=0.0).step()
    steps = torch.cat([scaled(orthogonal(part)) for part in gradient.chunk(3)])
    torch.testing.assert_close(matrix.detach(), before - 0.1 * steps)


@pytest.mark.parametrize("shape", [(8, 8), (8, 24), (24, 8)])
def test_it_is_torchs_own_but_for_bfloat16(shape):
    ours, theirs = (nn.Parameter(random(*shape)) for _ in range(2))
    one = Muon([ours], lr=0.01, weight_decay=0.1)
    other = torch.optim.Muon([theirs], lr=0.01, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    for step in range(5):
        ours.grad = random(*shape, seed=step + 1)
        theirs.grad = ours.grad.clone()
        one.step()
        other.step()
    moved = (ours - random(*shape)).norm()
    assert (ours - theirs).norm() < 0.03 * moved
