"""Speed of the EgoTwin reference: `python benchmarks/egotwin.py [--threads 2]`.

Prints the rate of matrix products here, samples trained per second with the share of that rate they reach, and seconds
per sampled clip at 10, 20 and 50 steps with the share spent in the network. Best of several repetitions; run it on an
idle machine, and read the load that it prints.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from egobench import open_split
from egotwin_ref.adapter import EgoTwinModel
from egotwin_ref.bundle import Inputs, representation_of
from egotwin_ref.configs import PRESETS, VARIANTS
from egotwin_ref.diffusion import Schedule
from egotwin_ref.latents import Latents
from egotwin_ref.model import EgoTwin
from egotwin_ref.objective import DiffusionLoss
from egotwin_ref.precision import autocast, fast_dtype
from egotwin_ref.representation import place
from egotwin_ref.skeleton import XSENS23
from egotwin_ref.video_training import psnr, reconstructed


def best(work: Callable[[], object], repeats: int) -> float:
    """Seconds of the fastest of `repeats` calls, after one to warm up."""
    work()
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def products(dtype: torch.dtype, size: int = 1024) -> float:
    """GFLOP/s of a square matrix product."""
    left, right = torch.randn(2, size, size, dtype=dtype)
    return 2 * size**3 / best(lambda: left @ right, 5) / 1e9


def training(batch: int, repeats: int) -> tuple[float, float]:
    """Samples/s of a whole step of stage 3, and its GFLOP per sample, forward and backward."""
    network, variant = PRESETS["mini"].network, VARIANTS["egotwin"]
    model = EgoTwin(network, variant, vocabulary=200)
    generator = torch.Generator().manual_seed(0)
    shape = (64, network.latent_frames, network.video_channels, *network.latent_size)
    latents = Latents(
        torch.randn(shape, generator=generator),
        torch.randn(64, 21, network.motion_channels, generator=generator),
        torch.randint(200, (64, network.text_tokens), generator=generator),
        torch.zeros(network.text_tokens, dtype=torch.int64),
    )
    loss = DiffusionLoss(model, Schedule.cogvideox(), latents, batch)
    optimiser = torch.optim.AdamW(model.parameters())

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        with autocast("cpu", fast_dtype("cpu")):
            value, _ = loss(0, torch.Generator().manual_seed(0))
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()

    with FlopCounterMode(display=False) as counter:
        step()
    return batch / best(step, repeats), counter.get_total_flops() / batch / 1e9


def sampling(weights: str | None, steps: int, clips: int) -> tuple[float, float]:
    """Seconds per clip, clips one by one as a run samples them, and the share spent in the transformer."""
    bundle = EgoTwinModel(weights=Path(weights) if weights else None).load("cpu").bundle
    split = open_split("egomini-smoke")
    conditions = [split.clip(info.clip_id).condition for info in split.infos()[:clips]]
    inside = 0.0
    began_call = 0.0

    def before(*_: object) -> None:
        nonlocal began_call
        began_call = time.perf_counter()

    def after(*_: object) -> None:
        nonlocal inside
        inside += time.perf_counter() - began_call

    bundle.model.register_forward_pre_hook(before)
    bundle.model.register_forward_hook(after)
    began = time.perf_counter()
    for number, condition in enumerate(conditions):
        pose = condition.first_pose
        inputs = Inputs([condition.text], condition.first_frame[None, None], pose.positions[None], pose.rotations[None])
        bundle.sample(inputs, [number], steps=steps)
    spent = time.perf_counter() - began
    return spent / len(conditions), inside / spent


def reconstruction(weights: str | None, clips: int) -> None:
    """What the VAEs lose of egomini-test: dB of the picture, millimetres and degrees of the head."""
    bundle = EgoTwinModel(weights=Path(weights) if weights else None).load("cpu").bundle
    split = open_split("egomini-test")
    truth = [split.clip(info.clip_id).reference for info in split.infos()[:clips]]
    ratios = [psnr(r.video.frames[None], reconstructed(bundle.video_vae, r.video.frames[None]))[0] for r in truth]
    positions, rotations = (
        torch.from_numpy(np.stack([getattr(r.motion, part) for r in truth])) for part in ("positions", "rotations")
    )
    motion = representation_of(bundle.variant)
    with torch.no_grad():
        features = bundle.motion_vae.decode(bundle.motion_vae.encode(motion.encode(positions, rotations)))
    found = place(motion.canonical_frame(positions, rotations), *motion.decode(features))
    head = XSENS23.index(XSENS23.head)
    off = (found[0][:, :, head] - positions[:, :, head]).norm(dim=-1).mean() * 1000
    turned = found[1][:, :, head].mT @ rotations[:, :, head].double()
    angle = torch.rad2deg(torch.acos(((turned.diagonal(dim1=-2, dim2=-1).sum(-1) - 1) / 2).clamp(-1, 1))).mean()
    joints = (found[0] - positions).norm(dim=-1).mean() * 1000
    print(f"video VAE, {len(truth)} clips: {np.mean(ratios):.2f} dB (lowest {np.min(ratios):.2f})")
    print(f"motion VAE: head {off:.1f} mm, {angle:.2f} degrees; joints {joints:.1f} mm")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quality", type=int, metavar="CLIPS", help="instead: what the VAEs lose of so many clips")
    parser.add_argument("--weights", help="folder of weights; by default the shipped ones")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.quality:
        reconstruction(arguments.weights, arguments.quality)
        return
    print(f"threads {arguments.threads}, load {np.round(os.getloadavg(), 1)}, torch {torch.__version__}")
    dtype = fast_dtype("cpu") or torch.float32
    peak = products(dtype)
    print(f"matrix products in {dtype}: {peak:.0f} GFLOP/s")
    rate, cost = training(32, arguments.repeats)
    print(f"training: {rate:.1f} samples/s, {cost:.2f} GFLOP each: {rate * cost / peak:.0%} of the products' rate")
    for steps in (10, 20, 50):
        seconds, share = sampling(arguments.weights, steps, 4)
        print(f"sampling, {steps} steps: {seconds:.2f} s per clip, {share:.0%} of it in the network")


if __name__ == "__main__":
    main()
