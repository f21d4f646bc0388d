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
    i, j = np.array(list(inside)).T
    rows, columns = np.stack([j, i, i, j], axis=1).ravel(), np.stack([j, i, j, i], axis=1).ravel()
    measured = np.stack([turn.R for turn in inside.values()])
    information = np.stack([turn.information for turn in inside.values()])
    for round_ in range(ROUNDS):
        doubt = DOUBTS[min(round_, len(DOUBTS) - 1)]
        H, g = np.zeros((n, n, 3, 3)), np.zeros((n, 3))
        H[range(n), range(n)] = 1e-6 * np.eye(3)
        H[linked.argmax(), linked.argmax()] += 1e12 * np.eye(3)
        predicted = np.swapaxes(R[j], 1, 2) @ R[i]
        back = np.swapaxes(predicted, 1, 2)
        r = Rotation.from_matrix(measured @ back).as_rotvec()[:, :, None]
        L = information / (1.0 + (np.swapaxes(r, 1, 2) @ information @ r) / doubt)
        np.add.at(H, (rows, columns), _by_pair(L, back @ L @ predicted, -(back @ L), -(L @ predicted)))
        np.add.at(g, np.stack([j, i], axis=1).ravel(), _by_pair(L @ r, -(back @ (L @ r)))[..., 0])
        step = -np.linalg.solve(H.swapaxes(1, 2).reshape(3 * n, 3 * n), g.ravel()).reshape(n, 3)
        R = R @ Rotation.from_rotvec(step).as_matrix()
        if np.abs(step).max() < DONE and doubt == DOUBTS[-1]:
            break
    R[~linked] = np.eye(3)
    return R


def _by_pair(*blocks: np.ndarray) -> np.ndarray:
    """Blocks (pair, …) of each pair one after the other."""
    return np.stack(blocks, axis=1).reshape(-1, *blocks[0].shape[1:])


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
