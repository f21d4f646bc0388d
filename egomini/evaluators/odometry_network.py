"""The network of `egomini-odometry`: it compares pairs of frames, then applies convolutions over time.

Frames one and four steps apart are compared. Near frames give the step, and far frames limit drift. The comparison has
two parts. The first uses brightness and its gradients at three sizes (Lucas and Kanade, IJCAI 1981). It is exact for
small movements and is not learned. The second uses learned features that match within three blocks.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from egomini.evaluators.time_network import TimeBlock

SCALES = (0.01, 0.01, 0.01, 0.02, 0.02, 0.02)
"""Units (rad, m) in which the twists of one step are about 1."""
NEAR, FAR = 1, 4
"""Steps between two compared frames. Far frames are compared only at every other step."""
FRAME_WIDTH, PAIR_WIDTH, WIDTH = 64, 96, 160
"""Number of features of a 4 × 4 block of a frame, of an 8 × 8 block of two frames, and of a step."""
RADIUS = 3
"""Greatest movement of a block that can still be matched, in blocks along each axis."""
DILATIONS = (1, 2, 4, 8)
LEVELS = 3
"""Number of sizes for the gradients: 64, 32 and 16 pixels."""
FLAT = 0.003
"""Squared gradient (of pictures with variance 1) below which a movement is not trusted."""


class OdometryNetwork(nn.Module):
    """From frames (clip, time, 3, 64, 64), colours about -2 … 2, to twists (clip, time - 1, 6)."""

    def __init__(self) -> None:
        super().__init__()
        self.frame = nn.Sequential(
            nn.Conv2d(3, FRAME_WIDTH, 8, stride=4, padding=2),
            nn.ReLU(),
            nn.Conv2d(FRAME_WIDTH, FRAME_WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(FRAME_WIDTH, FRAME_WIDTH, 3, padding=1),
        )
        self.near, self.far = _Pair(NEAR, 1), _Pair(FAR, 2)
        self.step = nn.Linear(WIDTH, 6)
        self.join = nn.Conv1d(2 * WIDTH, WIDTH, 1)
        self.temporal = nn.ModuleList(TimeBlock(WIDTH, dilation) for dilation in DILATIONS)
        self.clip = nn.Linear(WIDTH, 6)

    def forward(self, frames: Float[Tensor, "clip time 3 64 64"]) -> Float[Tensor, "clip step 6"]:
        """One twist per step (`egomini.evaluators.twists`), rad and m."""
        return self.twists(self.look(frames))

    def look(self, frames: Float[Tensor, "clip time 3 64 64"]) -> list[Tensor]:
        """Features of single frames, (clip, time, …) each. The backward direction can use them again."""
        flat = frames.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        features = self.frame(flat).permute(0, 2, 3, 1).flatten(1, 2).unflatten(0, frames.shape[:2])
        return [features, *_pictures(frames)]

    def twists(self, seen: list[Tensor]) -> Float[Tensor, "clip step 6"]:
        """Twists from the output of `look`, in order of time."""
        features, *pictures = seen
        steps = features.shape[1] - 1
        near, far = self.near(features, pictures), self.far(features, pictures).repeat_interleave(2, dim=1)[:, :steps]
        far = nn.functional.pad(far, (0, 0, 0, steps - far.shape[1]))
        states = self.join(torch.cat([near, far], dim=-1).transpose(1, 2))
        for block in self.temporal:
            states = block(states)
        answers = self.step(near) + self.clip(states.transpose(1, 2))
        return answers.float() * torch.tensor(SCALES, device=features.device)


class _Pair(nn.Module):
    """Features of frames (clip, time, block, channel) → features of pairs (clip, pair, feature) at one distance."""

    def __init__(self, distance: int, stride: int) -> None:
        super().__init__()
        self.distance, self.stride = distance, stride
        self.first, self.second = (nn.Linear(FRAME_WIDTH, FRAME_WIDTH) for _ in range(2))
        self.matches = nn.Linear((2 * RADIUS + 1) ** 2, FRAME_WIDTH)
        self.slopes = nn.Linear(3 * LEVELS, FRAME_WIDTH)
        self.body = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(FRAME_WIDTH, PAIR_WIDTH, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(PAIR_WIDTH, PAIR_WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(PAIR_WIDTH, 48, 1),
            nn.ReLU(),
        )
        self.whole = nn.Sequential(nn.Linear(48 * 64, WIDTH), nn.ReLU())

    def forward(
        self, features: Float[Tensor, "clip time block channel"], pictures: list[Tensor]
    ) -> Float[Tensor, "clip pair feature"]:
        reach = min(self.distance, features.shape[1] - 1)
        early, late = slice(None, -reach, self.stride), slice(reach, None, self.stride)
        rows = 4 * nn.functional.normalize(features - features.mean(2, keepdim=True), dim=-1)
        found = _matches(rows[:, early].flatten(0, 1), rows[:, late].flatten(0, 1))
        moved = _slopes(*([part[:, which].flatten(0, 1) for part in pictures] for which in (early, late)))
        seen = (self.first(features[:, early]) + self.second(features[:, late])).flatten(0, 1)
        seen = seen + self.matches(found) + self.slopes(moved)
        size = round(seen.shape[1] ** 0.5)
        states = self.body(seen.unflatten(1, (size, size)).permute(0, 3, 1, 2))
        return self.whole(states.flatten(1)).unflatten(0, (features.shape[0], -1))


def _pictures(frames: Float[Tensor, "clip time 3 64 64"]) -> list[Tensor]:
    """Frames of mean 0 and variance 1, smoothed, at three sizes. This removes the effect of a change of exposure."""
    with torch.no_grad(), torch.autocast(frames.device.type, enabled=False):
        even = frames - frames.mean((-2, -1), keepdim=True)
        even = even / (even.square().mean((-3, -2, -1), keepdim=True) + 1e-3).sqrt()
        level = nn.functional.avg_pool2d(even.flatten(0, 1), 3, 1, 1, count_include_pad=False)
        levels = [level]
        for _ in range(LEVELS - 1):
            levels.append(nn.functional.avg_pool2d(levels[-1], 2))
        return [part.unflatten(0, frames.shape[:2]) for part in levels]


def _slopes(first: list[Tensor], second: list[Tensor]) -> Float[Tensor, "pair block 9"]:
    """Least-squares movement of each block, in pixels of each size, and how far to trust it."""
    found = []
    with torch.no_grad(), torch.autocast(first[0].device.type, enabled=False):
        for before, after in zip(first, second, strict=True):
            middle = nn.functional.pad(before + after, (1, 1, 1, 1), mode="replicate") / 2
            x = (middle[:, :, 1:-1, 2:] - middle[:, :, 1:-1, :-2]) / 2
            y = (middle[:, :, 2:, 1:-1] - middle[:, :, :-2, 1:-1]) / 2
            t = after - before
            products = [a * b for a, b in ((x, x), (x, y), (y, y), (x, t), (y, t))]
            sums = torch.stack([part[:, 0] + part[:, 1] + part[:, 2] for part in products], dim=1)
            cell = before.shape[-1] // 16
            xx, xy, yy, xt, yt = nn.functional.avg_pool2d(sums, cell + 2, cell, 1, count_include_pad=False).unbind(1)
            xx, yy = xx + FLAT, yy + FLAT
            area = xx * yy - xy * xy
            moves = [(xy * yt - yy * xt) / area, (xy * xt - xx * yt) / area]
            found += [*(move.clamp(-4, 4) for move in moves), (area / (xx + yy)).clamp(max=1.0).sqrt()]
    return torch.stack(found, dim=-1).flatten(1, 2)


def _matches(
    first: Float[Tensor, "pair block channel"], second: Float[Tensor, "pair block channel"]
) -> Float[Tensor, "pair block shift"]:
    """Products of each block's features with those around its place in the other frame; 0 outside the picture."""
    pairs, blocks, _ = first.shape
    size, span = round(blocks**0.5), 2 * RADIUS + 1
    wide = size + 2 * RADIUS
    around = nn.functional.pad(second.unflatten(1, (size, size)), (0, 0, RADIUS, RADIUS, RADIUS, RADIUS)).flatten(1, 2)
    found = torch.bmm(first, around.transpose(1, 2))  # with all blocks; only a window of each row is kept
    strides = (blocks * wide**2, size * wide**2 + wide, wide**2 + 1, wide, 1)
    return found.as_strided((pairs, size, size, span, span), strides).reshape(pairs, blocks, span**2)
