"""Rotation averaging: from rotations between pairs of frames to the one rotation per frame that fits them best."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.transform import Rotation

from egobench.estimators.two_view import Turn

ROUNDS = 20
DOUBTS = 50.0 * 10.0 ** np.arange(6, -1, -1)
"""Squared deviation, in standard deviations, at which a rotation has half its weight (Cauchy). The first rounds go from
lenient to strict, so that a wrong short rotation at the start has little effect."""
DONE = 1e-9
Pair = tuple[int, int]


def linked_frames(frames: int, turns: Mapping[Pair, Turn]) -> Bool[np.ndarray, " time"]:
    """The largest set of frames that rotations connect; all False if there is no rotation."""
    if not turns:
        return np.zeros(frames, dtype=bool)
    first, second = np.array(list(turns)).T
    links = coo_array((np.ones(len(first)), (first, second)), shape=(frames, frames))
    _, groups = connected_components(links, directed=False)
    return groups == np.bincount(groups).argmax()


def average_rotations(linked: Bool[np.ndarray, " time"], turns: Mapping[Pair, Turn]) -> Float[np.ndarray, "time 3 3"]:
    """Rotations camera → world of the first linked frame; identity for frames that are not linked.

    The method is Gauss-Newton on rotations with Cauchy weights. Each rotation is weighted by its information matrix.
    The start is the product of the short rotations in sequence. Source of the robust weights: Chatterjee and Govindu,
    ICCV 2013.

    Args:
        turns: by (earlier frame, later frame).
    """
    inside = {pair: turn for pair, turn in turns.items() if linked[pair[0]]}
    R, n = _start(linked, inside), len(linked)
    for round_ in range(ROUNDS):
        doubt = DOUBTS[min(round_, len(DOUBTS) - 1)]
        H, g = np.eye(3 * n) * 1e-6, np.zeros(3 * n)
        first = int(linked.argmax())
        H[3 * first : 3 * first + 3, 3 * first : 3 * first + 3] += 1e12 * np.eye(3)
        for (i, j), turn in inside.items():
            predicted = R[j].T @ R[i]
            r = Rotation.from_matrix(turn.R @ predicted.T).as_rotvec()
            L = turn.information / (1.0 + (r @ turn.information @ r) / doubt)
            at_i, at_j = slice(3 * i, 3 * i + 3), slice(3 * j, 3 * j + 3)
            H[at_j, at_j] += L
            H[at_i, at_i] += predicted.T @ L @ predicted
            H[at_i, at_j] -= predicted.T @ L
            H[at_j, at_i] -= L @ predicted
            g[at_j] += L @ r
            g[at_i] -= predicted.T @ (L @ r)
        step = -np.linalg.solve(H, g).reshape(n, 3)
        R = R @ Rotation.from_rotvec(step).as_matrix()
        if np.abs(step).max() < DONE and doubt == DOUBTS[-1]:
            break
    R[~linked] = np.eye(3)
    return R


def _start(linked: np.ndarray, turns: Mapping[Pair, Turn]) -> np.ndarray:
    R = np.broadcast_to(np.eye(3), (len(linked), 3, 3)).copy()
    known = np.zeros(len(linked), dtype=bool)
    known[linked.argmax()] = True
    by_length = sorted(turns, key=lambda pair: (pair[1] - pair[0], pair))
    while not known[linked].all():
        i, j = next((i, j) for i, j in by_length if known[i] != known[j])
        if known[i]:
            R[j] = R[i] @ turns[i, j].R.T
        else:
            R[i] = R[j] @ turns[i, j].R
        known[i] = known[j] = True
    return R
