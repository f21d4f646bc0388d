"""A tiny SMPL body model of the real layout, and poses for it."""

import numpy as np
from motion_bodies import standing

from egobench.geometry.skeleton import SMPL22, SMPL24
from egobench.motions.axes import Y_UP

PARENTS = {
    24: (*SMPL22.parents, 20, 21),
    52: (*SMPL22.parents, *np.repeat([20, 21], 15)),
    55: (*SMPL22.parents, 15, 15, 15, *np.repeat([20, 21], 15)),
}
SHAPES = 10


def body_arrays(joints=24, seed=0):
    """A model whose vertices are its joints, y up, facing +z; the first shape makes everything 10 % larger."""
    rest = standing(SMPL24, 1).positions[0] - [0, 0, 0.95]
    places = np.concatenate([rest, np.tile(rest[20:21], (joints - 24, 1))])[:joints] @ Y_UP
    rng = np.random.default_rng(seed)
    shapes = np.concatenate([0.1 * places[..., None], rng.normal(0, 0.002, (joints, 3, SHAPES - 1))], axis=-1)
    tree = np.array([PARENTS[joints], range(joints)]).astype(np.uint32)  # the root's parent is 2³² - 1, as published
    weights = np.eye(joints)
    return {
        **{"v_template": places, "shapedirs": shapes, "J_regressor": np.eye(joints), "kintree_table": tree},
        **{"weights": weights, "f": np.zeros((1, 3), np.uint32), "posedirs": np.zeros((joints, 3, 9 * (joints - 1)))},
    }


def poses(joints=24, frames=3, **turned):
    """Zero but for some joints' axis × angle."""
    values = np.zeros((frames, joints, 3))
    for joint, turn in turned.items():
        values[:, SMPL24.index(joint)] = turn
    return values.reshape(frames, -1)
