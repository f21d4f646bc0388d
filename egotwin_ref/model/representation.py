"""Body motion to feature vectors and back: the paper's head-centric features, and the root-centric ones they replace.

Motion is positions (B, T, J, 3) in metres and joint → world rotations (B, T, J, 3, 3); z is up, x is forward, the
floor is z = 0. Features are (B, T, dim), float32, for one frame rate: every velocity is the difference from the frame
before, never to the next one. Frame 0 is its own predecessor, so its velocities are zero (relative rotations: the
identity), and its features hold the first pose and nothing else. So the first pose is a clean condition.

Neither kind keeps the place of the motion or the direction that it faced. Decoded motion is in the *canonical frame*:
on the floor below the first frame's head (root-centric: root), x along its heading. `canonical_frame` of the given
first pose is the pose of that frame in the world, and `place` moves a decoded motion there:

    positions, rotations = representation.decode(features)
    place(representation.canonical_frame(first_positions, first_rotations), positions, rotations)
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from .frames import (
    about_z,
    floor_frame,
    frame_before,
    from_6d,
    fuse_head,
    fuse_positions,
    heading,
    inverse,
    is_upside_down,
    on_floor,
    place,
    summed,
    to_6d,
    turned,
)
from .skeleton import Skeleton


@dataclass(frozen=True)
class HeadCentric:
    """The paper's representation (h_r, ḣ_r, h_p, ḣ_p, j_p, j_v, j_r): the head's pose, and the body relative to it.

    | group | size | what                                                                                          |
    |-------|------|-----------------------------------------------------------------------------------------------|
    | h_r   | 6    | head's rotation in the canonical frame                                                        |
    | dh_r  | 6    | R_{t-1}ᵀ R_t: rotation since the frame before                                                 |
    | h_p   | 3    | head's position in the canonical frame, z over the floor                                      |
    | dh_p  | 3    | its step since the frame before, in the head's previous frame: with dh_r a relative pose      |
    | j_p   | 3 J  | joints in the head's frame                                                                    |
    | j_v   | 3 J  | joints' steps *in the world*, in the head's previous frame: zero for a foot that stands still  |
    | j_r   | 6 J  | joints' rotations in the head's frame                                                         |

    The head is one of the J joints (294 = 18 + 12 · 23 for XSens), though its j_p is always 0, its j_r the identity and
    its j_v equal to dh_p. Constants cost nothing, and joint k keeps index k.
    """

    skeleton: Skeleton
    fuse_frames: float = 0.0
    """Above 0, `decode` combines the absolute and the relative head pose by `fuse_head`."""

    @property
    def groups(self) -> dict[str, slice]:
        """Channels of each group."""
        joints = len(self.skeleton)
        return _layout(h_r=6, dh_r=6, h_p=3, dh_p=3, j_p=3 * joints, j_v=3 * joints, j_r=6 * joints)

    @property
    def dim(self) -> int:
        """18 + 12 J."""
        return 18 + 12 * len(self.skeleton)

    def canonical_frame(self, positions: Tensor, rotations: Tensor) -> Tensor:
        """T_world_canonical (B, 4, 4) of motions, or of first poses (T = 1). ValueError: not of this skeleton."""
        positions, rotations = _checked(self.skeleton, positions, rotations)
        head = self.skeleton.index(self.skeleton.head)
        own, fallback = rotations[:, 0, head], rotations[:, 0, 0]
        return floor_frame(positions[:, 0, head], torch.where(is_upside_down(own), heading(fallback), heading(own)))

    def encode(self, positions: Tensor, rotations: Tensor) -> Tensor:
        """Features (B, T, dim), computed in float64. ValueError: not of this skeleton."""
        frame = self.canonical_frame(positions, rotations)
        positions, rotations = place(inverse(frame), positions.double(), rotations.double())
        head = self.skeleton.index(self.skeleton.head)
        p, R = positions[:, :, head], rotations[:, :, head]
        p_then, R_then = frame_before(p), frame_before(R)
        features = [
            to_6d(R),
            to_6d(R_then.mT @ R),
            p,
            turned(R_then.mT, p - p_then),
            turned(R.mT[:, :, None], positions - p[:, :, None]),
            turned(R_then.mT[:, :, None], positions - frame_before(positions)),
            to_6d(R.mT[:, :, None] @ rotations),
        ]
        return torch.cat([feature.flatten(2) for feature in features], dim=-1).float()

    def decode(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Positions (B, T, J, 3) and rotations (B, T, J, 3, 3), float64, in the canonical frame.

        Positions come from j_p and rotations from j_r; in generated features the two may disagree. The head comes from
        h_p and h_r. ValueError: wrong number of channels.
        """
        part = _split(features, self.groups)
        R, p = from_6d(part["h_r"]), part["h_p"]
        if self.fuse_frames > 0:
            R, p = fuse_head(R, p, from_6d(part["dh_r"]), part["dh_p"], self.fuse_frames)
        positions = p[:, :, None] + turned(R[:, :, None], part["j_p"].unflatten(-1, (-1, 3)))
        rotations = R[:, :, None] @ from_6d(part["j_r"].unflatten(-1, (-1, 6)))
        head = self.skeleton.index(self.skeleton.head)
        positions[:, :, head], rotations[:, :, head] = p, R
        return positions, rotations


@dataclass(frozen=True)
class RootCentric:
    """HumanML3D's representation for any skeleton, made invertible: the root moves over the floor and turns.

    | group | size      | what                                                                                 |
    |-------|-----------|--------------------------------------------------------------------------------------|
    | dr_a  | 1         | turn of the root's heading since the frame before, radians                           |
    | dr_p  | 2         | its step along the floor since then, in the previous heading frame                   |
    | r_h   | 1         | its height                                                                           |
    | j_p   | 3 (J - 1) | other joints in the heading frame, from the point below the root; z is absolute      |
    | j_v   | 3 J       | joints' steps in the world, in the previous heading frame                            |
    | j_r   | 6 J       | rotations: root in the heading frame, others in their parent's                       |
    | c_f   | 4         | 1 where a foot joint stands still                                                    |

    12 J + 5 channels, where HumanML3D has 12 J - 1. It differs from HumanML3D in these points: the root has a rotation
    of its own, so that its tilt is known (+ 6); rotations are the body's, with twist, and are not computed from
    positions; the heading is that of the root's rotation, not of hips and shoulders; the turn is the whole angle, not
    the arcsine of half of it; differences are to the frame before, so that frame 0 is a pose; z is up. The head has no
    channels of its own: its pose follows from the integrated root and the spine.
    """

    skeleton: Skeleton
    contact_step: float = 0.056
    """A foot joint that moves less than this in a frame stands still, metres; HumanML3D's 0.89 m/s at 16 fps."""
    fuse_frames: float = 0.0
    """Above 0, `decode` combines the joints' absolute positions with their steps, j_v, by `fuse_positions`. Rotations
    are in the features only once, so they are left as they are."""

    @property
    def groups(self) -> dict[str, slice]:
        """Channels of each group."""
        joints, feet = len(self.skeleton), len(self.skeleton.feet)
        return _layout(dr_a=1, dr_p=2, r_h=1, j_p=3 * (joints - 1), j_v=3 * joints, j_r=6 * joints, c_f=feet)

    @property
    def dim(self) -> int:
        """1 + 12 J + number of foot joints."""
        return 1 + 12 * len(self.skeleton) + len(self.skeleton.feet)

    def canonical_frame(self, positions: Tensor, rotations: Tensor) -> Tensor:
        """T_world_canonical (B, 4, 4) of motions, or of first poses (T = 1). ValueError: not of this skeleton."""
        positions, rotations = _checked(self.skeleton, positions, rotations)
        return floor_frame(positions[:, 0, 0], heading(rotations[:, 0, 0]))

    def encode(self, positions: Tensor, rotations: Tensor) -> Tensor:
        """Features (B, T, dim), computed in float64. ValueError: not of this skeleton."""
        frame = self.canonical_frame(positions, rotations)
        positions, rotations = place(inverse(frame), positions.double(), rotations.double())
        root = positions[:, :, 0]
        yaw = heading(rotations[:, :, 0])
        turn = yaw - frame_before(yaw)
        H_then = about_z(frame_before(yaw))
        H = about_z(yaw)
        steps = positions - frame_before(positions)
        feet = [self.skeleton.index(joint) for joint in self.skeleton.feet]
        above = torch.cat([H[:, :, None], rotations[:, :, list(self.skeleton.parents[1:])]], dim=2)
        features = [
            torch.atan2(turn.sin(), turn.cos())[..., None],
            turned(H_then.mT, steps[:, :, 0])[..., :2],
            root[..., 2:],
            turned(H.mT[:, :, None], positions[:, :, 1:] - on_floor(root)[:, :, None]),
            turned(H_then.mT[:, :, None], steps),
            to_6d(above.mT @ rotations),
            (steps[:, :, feet].norm(dim=-1) < self.contact_step).double(),
        ]
        return torch.cat([feature.flatten(2) for feature in features], dim=-1).float()

    def decode(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Positions (B, T, J, 3) and rotations (B, T, J, 3, 3), float64, in the canonical frame.

        Positions come from j_p, and rotations from j_r along the tree. ValueError: wrong number of channels.
        """
        part = _split(features, self.groups)
        yaw = summed(part["dr_a"])[..., 0]
        steps = turned(about_z(frame_before(yaw)), F.pad(part["dr_p"], (0, 1)))
        floor = summed(steps)
        H = about_z(yaw)[:, :, None]
        root = floor + F.pad(part["r_h"], (2, 0))
        joints = floor[:, :, None] + turned(H, part["j_p"].unflatten(-1, (-1, 3)))
        positions = torch.cat([root[:, :, None], joints], dim=2)
        if self.fuse_frames > 0:
            steps = turned(about_z(frame_before(yaw))[:, :, None], part["j_v"].unflatten(-1, (-1, 3)))
            positions = fuse_positions(positions, steps, self.fuse_frames)
        local = from_6d(part["j_r"].unflatten(-1, (-1, 6))).unbind(dim=2)
        rotations = [H[:, :, 0] @ local[0]]
        for joint, parent in enumerate(self.skeleton.parents[1:], start=1):
            rotations.append(rotations[parent] @ local[joint])
        return positions, torch.stack(rotations, dim=2)


@dataclass(frozen=True)
class HeadPath:
    """The head alone: the first four groups of `HeadCentric`, for CameraCtrl, which is given the camera's path.

    The camera does not move on the head, so its path is the head's. The body is not used.
    """

    skeleton: Skeleton

    @property
    def groups(self) -> dict[str, slice]:
        """Channels of each group."""
        return _layout(h_r=6, dh_r=6, h_p=3, dh_p=3)

    @property
    def dim(self) -> int:
        """18."""
        return 18

    def canonical_frame(self, positions: Tensor, rotations: Tensor) -> Tensor:
        """As `HeadCentric.canonical_frame`."""
        return HeadCentric(self.skeleton).canonical_frame(positions, rotations)

    def encode(self, positions: Tensor, rotations: Tensor) -> Tensor:
        """Features (B, T, 18). ValueError: not of this skeleton."""
        return HeadCentric(self.skeleton).encode(positions, rotations)[..., : self.dim]

    def decode(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Raises TypeError: a path of the head does not determine a body."""
        del features
        raise TypeError("a path of the head has no body to decode; rows with it are given the motion")


def _layout(**sizes: int) -> dict[str, slice]:
    ends = torch.tensor(list(sizes.values())).cumsum(0).tolist()
    return {name: slice(end - size, end) for (name, size), end in zip(sizes.items(), ends, strict=True)}


def _split(features: Tensor, groups: Mapping[str, slice]) -> dict[str, Tensor]:
    """The groups by name, in float64."""
    dim = max(group.stop for group in groups.values())
    if features.ndim != 3 or features.shape[-1] != dim:
        raise ValueError(f"features are (B, T, {dim}); these are {tuple(features.shape)}")
    return {name: features[..., group].double() for name, group in groups.items()}


def _checked(skeleton: Skeleton, positions: Tensor, rotations: Tensor) -> tuple[Tensor, Tensor]:
    """The motion in float64."""
    joints = len(skeleton)
    shapes = tuple(positions.shape[2:]), tuple(rotations.shape[2:])
    if shapes != ((joints, 3), (joints, 3, 3)) or positions.shape[:2] != rotations.shape[:2] or not positions.shape[1]:
        raise ValueError(
            f"{skeleton.name} has positions (B, T, {joints}, 3) and rotations (B, T, {joints}, 3, 3); "
            f"these are {tuple(positions.shape)} and {tuple(rotations.shape)}"
        )
    return positions.double(), rotations.double()
