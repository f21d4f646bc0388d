"""Steps of a camera as twists, and paths composed of them. Radians, metres.

A twist is (ω, v). In the earlier camera's frame, the later camera is rotated by the rotation vector ω and moved by
R(ω / 2) v. So v is in the frame half-way through the rotation. The same step backwards is (-ω, -v). In a mirror, x to
-x, it is (ωx, -ωy, -ωz, -vx, vy, vz).
"""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

MIRROR = np.array([1.0, -1.0, -1.0, -1.0, 1.0, 1.0])
"""Signs by which a mirror changes a twist."""


def twists_of(T_world_camera: Float[np.ndarray, "*clip time 4 4"]) -> Float[np.ndarray, "*clip step 6"]:
    """Twists of the steps of a path; there are time - 1 of them."""
    first, second = T_world_camera[..., :-1, :, :], T_world_camera[..., 1:, :, :]
    back = np.swapaxes(first[..., :3, :3], -1, -2)
    turns = Rotation.from_matrix((back @ second[..., :3, :3]).reshape(-1, 3, 3))
    moved = np.einsum("...ab,...b->...a", back, (second - first)[..., :3, 3]).reshape(-1, 3)
    half = Rotation.from_rotvec(turns.as_rotvec() / 2)
    twists = np.concatenate([turns.as_rotvec(), half.apply(moved, inverse=True)], axis=-1)
    return twists.reshape(*first.shape[:-2], 6)


def path_of(twists: Float[np.ndarray, "step 6"]) -> Float[np.ndarray, "time 4 4"]:
    """`T_world_camera` of step + 1 frames, in the world of the first camera; float64."""
    turns = Rotation.from_rotvec(twists[:, :3])
    moved = Rotation.from_rotvec(twists[:, :3] / 2).apply(twists[:, 3:])
    steps = np.tile(np.eye(4), (len(twists), 1, 1))
    steps[:, :3, :3], steps[:, :3, 3] = turns.as_matrix(), moved
    path = [np.eye(4)]
    for step in steps:
        pose = path[-1] @ step
        u, _, vt = np.linalg.svd(pose[:3, :3])  # so that rounding errors do not add up over long videos
        pose[:3, :3] = u @ vt
        path.append(pose)
    return np.stack(path)
