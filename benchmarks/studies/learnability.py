"""Can a small network learn to follow a given camera path in the embedded world? Run before the splits were frozen.

A network of under a million parameters sees a clip's first frame (32 × 32) and one later camera pose, relative to
the first, and predicts the frame seen from there, trained on `egomini-train` for some minutes on two cores.
On `egomini-val` (other wearers, paths, captions; same rooms) its error is compared with its own error when it is
given the pose of another clip, with copying the first frame, and with the mean picture. If the world can be
learnt, own pose < other pose and own pose < copy, intervals apart.

    python benchmarks/studies/learnability.py --minutes 6
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from egobench import open_split
from egobench.stats.bootstrap import cluster_mean_interval

SIZE, PATCH, FRAMES = 32, 4, (5, 10, 15, 20, 25, 30, 35, 40)


def load(name: str, limit: int | None) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, list[str]]:
    """First frames (N, 3, S, S), later frames (N, K, 3, S, S) as uint8, their poses (N, K, 12), sequences."""
    split = open_split(name)
    rows = split.infos()[:limit]
    first, later, poses = [], [], []
    for row in rows:
        clip = split.clip(row.clip_id)
        images = torch.from_numpy(clip.reference.video.frames).permute(0, 3, 1, 2).float()
        images = functional.interpolate(images, (SIZE, SIZE), mode="area").round().byte()
        first.append(images[0])
        later.append(images[list(FRAMES)])
        poses.append(relative_poses(clip))
    return torch.stack(first), torch.stack(later), torch.stack(poses), [row.sequence for row in rows]


def relative_poses(clip) -> torch.Tensor:
    """`T_camera0_camera` at FRAMES as 9 rotation entries and 3 translations (metres), (K, 12)."""
    motion, camera = clip.reference.motion, clip.condition.camera
    head = 6  # of xsens23
    T_world_head = np.tile(np.eye(4), (len(motion.positions), 1, 1))
    T_world_head[:, :3, :3], T_world_head[:, :3, 3] = motion.rotations[:, head], motion.positions[:, head]
    T_world_camera = (T_world_head @ camera.T_head_camera)[::2]
    relative = np.linalg.inv(T_world_camera[0]) @ T_world_camera[list(FRAMES)]
    flat = np.concatenate([relative[:, :3, :3].reshape(-1, 9) - np.eye(3).ravel(), relative[:, :3, 3]], axis=1)
    return torch.from_numpy(flat).float()


class Viewer(nn.Module):
    """A transformer over 8 × 8 patches of 4 × 4 pixels, modulated by the pose: matrix products only, quick on a CPU."""

    def __init__(self, width: int = 96, depth: int = 4) -> None:
        super().__init__()
        self.encode = nn.Linear(3 * PATCH**2, width)
        self.place = nn.Parameter(0.1 * torch.randn(1, (SIZE // PATCH) ** 2, width))
        self.pose = nn.Sequential(nn.Linear(12, 256), nn.SiLU(), nn.Linear(256, 256), nn.SiLU())
        self.blocks = nn.ModuleList(Block(width) for _ in range(depth))
        self.decode = nn.Linear(width, 3 * PATCH**2)

    def forward(self, image: torch.Tensor, pose: torch.Tensor) -> torch.Tensor:
        """(N, 3, 32, 32) and (N, 12) → (N, 3, 32, 32)."""
        patches = functional.pixel_unshuffle(image, PATCH).flatten(2).transpose(1, 2)
        x, code = self.encode(patches) + self.place, self.pose(pose)
        for block in self.blocks:
            x = block(x, code)
        side = SIZE // PATCH
        made = self.decode(x).transpose(1, 2).unflatten(2, (side, side))
        return functional.pixel_shuffle(made, PATCH)


class Block(nn.Module):
    """Attention over the patches and a mixing layer, both scaled and shifted by the pose."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.modulate = nn.Linear(256, 4 * width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.project, self.merge = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mix = nn.Sequential(nn.Linear(width, 4 * width), nn.SiLU(), nn.Linear(4 * width, width))

    def forward(self, x: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        """(N, patch, width) → the same."""
        scale1, shift1, scale2, shift2 = self.modulate(code)[:, None].chunk(4, dim=-1)
        heads = self.project(self.norm1(x) * (1 + scale1) + shift1).unflatten(2, (3, 4, -1)).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(*heads.unbind(0))
        x = x + self.merge(seen.transpose(1, 2).flatten(2))
        return x + self.mix(self.norm2(x) * (1 + scale2) + shift2)


def train(data, minutes: float, seed: int) -> tuple[Viewer, list]:
    """Fits for a time; returns the network and (seconds, samples seen, mean squared error) readings."""
    first, later, poses, _ = data
    torch.manual_seed(seed)
    rng, network, curve, seen = np.random.default_rng(seed), Viewer(), [], 0
    print(f"{sum(p.numel() for p in network.parameters()):,} parameters, {len(first):,} clips", flush=True)
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.01)
    began, losses = time.monotonic(), []
    while (elapsed := time.monotonic() - began) < 60 * minutes:
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * min(1, (seen + 1) / 20_000) * 0.5 * (1 + np.cos(np.pi * elapsed / 60 / minutes))
        at, frame = torch.from_numpy(rng.integers(len(first), size=128)), torch.from_numpy(rng.integers(8, size=128))
        made = network(first[at].float() / 127.5 - 1, poses[at, frame])
        loss = functional.mse_loss(made, later[at, frame].float() / 127.5 - 1)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        seen += len(at)
        losses.append(loss.item())
        if len(losses) == 100:
            curve.append((round(elapsed), seen, float(np.mean(losses))))
            print(f"{elapsed:6.0f} s  {seen:8,} samples  mse {np.mean(losses):.4f}", flush=True)
            losses = []
    return network.eval(), curve


def judge(network: Viewer, data) -> dict:
    """Mean squared error per way of predicting, as PSNR in dB, and paired differences with intervals by sequence."""
    first, later, poses, sequences = data
    truth = later.float() / 127.5 - 1
    other = torch.roll(poses, len(poses) // 2, dims=0)
    groups = np.unique(sequences, return_inverse=True)[1]
    with torch.inference_mode():
        image = (first.float() / 127.5 - 1).repeat_interleave(8, dim=0)
        ways = {
            "own pose": network(image, poses.flatten(0, 1)).view_as(truth),
            "another clip's pose": network(image, other.flatten(0, 1)).view_as(truth),
            "copy of the first frame": image.view_as(truth),
            "mean picture": truth.mean((0, 1), keepdim=True).expand_as(truth),
        }
    errors = {way: ((made - truth) ** 2).mean((1, 2, 3, 4)).numpy() for way, made in ways.items()}
    own = errors["own pose"]
    table = {}
    for way, error in errors.items():
        low, high = cluster_mean_interval(error - own, groups, draws=2000, seed=0) or (0, 0)
        psnr = float(-10 * np.log10(error.mean() / 4))
        table[way] = {"mse": float(error.mean()), "psnr_db": psnr, "mse_above_own_ci95": [low, high]}
        print(f"{way:26s} mse {error.mean():.4f}  PSNR {psnr:5.2f} dB  above own pose [{low:.4f}, {high:.4f}]")
    return table


def main() -> None:
    """Trains, judges, prints, and writes a JSON record if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", default="egomini-train")
    parser.add_argument("--test", default="egomini-val")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--minutes", type=float, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    network, curve = train(load(options.train, options.limit), options.minutes, options.seed)
    table = judge(network, load(options.test, None))
    if options.json:
        options.json.write_text(json.dumps({"curve": curve, "result": table}, indent=2) + "\n")


if __name__ == "__main__":
    main()
