"""What int8 weights do to EgoTwin's answers: `python benchmarks/egotwin/compact_weights.py --weights BF16 --out INT8`.

Writes to INT8 the weights of BF16 with the row in int8 (VAEs as they are), and prints the relative error of v at
several timesteps, beside the error that the network itself makes there; the same with one kind of layer in int8 at a
time; and how far samples move. Then the metrics, paired, on 32 clips:

    egobench run --model egotwin --split egomini-test --limit 32 --set weights=BF16 --out runs/bf16
    egobench run --model egotwin --split egomini-test --limit 32 --set weights=INT8 --out runs/int8
    egobench compare runs/bf16/* runs/int8/*
"""

import argparse
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from guidance import evenly, inputs
from safetensors.torch import load_file
from torch import Tensor

from egobench import open_split
from egotwin_ref.adapters.model import clip_seed
from egotwin_ref.autoencoders.video_vae import to_unit
from egotwin_ref.loading import weights
from egotwin_ref.loading.bundle import Bundle, representation_of
from egotwin_ref.loading.shipped import SHIPPED
from egotwin_ref.model.configs import BOTH, VARIANTS, Part
from egotwin_ref.model.sampling import with_first
from egotwin_ref.model.skeleton import XSENS23
from egotwin_ref.training.latents import Latents

TIMESTEPS = (50, 200, 400, 600, 800, 950)
KINDS: dict[str, Callable[[str], bool]] = {
    "words": lambda name: name.startswith(("words", "text_in")),
    "inputs": lambda name: name.startswith(("video_in", "motion_in")),
    "time": lambda name: name.startswith("time_"),
    "AdaLN": lambda name: ".ada" in name,
    "attention": lambda name: ".qkv." in name or (name.startswith("blocks") and ".out." in name),
    "feed": lambda name: ".feed." in name,
    "last AdaLN": lambda name: "_out.linear" in name,
    "outputs": lambda name: "_out.out" in name,
    "all": lambda name: True,
}


def latents_of(bundle: Bundle, clips: list) -> Latents:
    """Of recorded clips."""
    assert bundle.video_vae is not None
    frames, motion = torch.from_numpy(np.stack([clip.reference.video.frames for clip in clips])), [
        torch.from_numpy(np.stack([getattr(clip.reference.motion, part) for clip in clips]))
        for part in ("positions", "rotations")
    ]  # fmt: skip
    features = representation_of(bundle.variant).encode(*motion)
    texts = bundle.prompts.tokens([clip.condition.text for clip in clips])
    video = torch.cat([bundle.video_vae.encode(to_unit(part)) for part in frames.split(8)])
    return Latents(video, bundle.motion_vae.encode(features), texts, bundle.prompts.tokens([""])[0])


def noised(bundle: Bundle, latents: Latents, t: int) -> tuple[Tensor, dict[Part, tuple[Tensor, Tensor]]]:
    """Timesteps (B,), and latents and noise of each modality: the same noise whenever it is asked for."""
    generator, latents_and_noise = torch.Generator().manual_seed(t), {}
    for part in BOTH:
        x = latents.video if part == "video" else latents.motion
        assert x is not None
        latents_and_noise[part] = x, torch.randn(x.shape, generator=generator)
    return torch.full((len(latents),), t), latents_and_noise


def answers(bundle: Bundle, latents: Latents, t: int) -> dict[Part, Tensor]:
    """v of each modality at a timestep, without what is given."""
    at, pairs = noised(bundle, latents, t)
    shown = [with_first(part, bundle.schedule.noised(*pair, at), pair[0], bundle.model) for part, pair in pairs.items()]
    prediction = bundle.model(latents.text, shown[0], shown[1], at, at)
    return {part: getattr(prediction, part)[:, 1:] for part in BOTH}


def own_errors(bundle: Bundle, latents: Latents, t: int) -> str:
    """The network's own error of v at the same places, as `relative`."""
    at, pairs = noised(bundle, latents, t)
    right: dict[Part, Tensor] = {part: bundle.schedule.v(*pair, at)[:, 1:] for part, pair in pairs.items()}
    return relative(answers(bundle, latents, t), right)


def relative(rounded: dict[Part, Tensor], exact: dict[Part, Tensor]) -> str:
    """Root mean squared difference over root mean square, in percent."""
    parts = (float((rounded[part] - exact[part]).norm() / exact[part].norm()) for part in exact)
    return " ".join(f"{100 * part:7.2f}" for part in parts)


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True, help="folder with a row in bf16, as training leaves it")
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights in int8")
    parser.add_argument("--preset", default="small")
    parser.add_argument(
        "--variant", default="egotwin", choices=[name for name in VARIANTS if len(VARIANTS[name].makes) == 2]
    )
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    source = options.weights or SHIPPED / options.preset
    options.out.mkdir(parents=True, exist_ok=True)
    for path in source.glob("*-vae*.safetensors"):
        shutil.copyfile(path, options.out / path.name)
    before, after = (folder / f"{options.variant}.safetensors" for folder in (source, options.out))
    weights.compact(before, after)
    print(f"{before.stat().st_size / 1e6:.2f} MB in bf16, {after.stat().st_size / 1e6:.2f} MB in int8")

    exact, rounded = (Bundle.load(options.preset, options.variant, folder) for folder in (source, options.out))
    split = open_split("egomini-test")
    clips = [split.clip(name) for name in evenly(split, options.clips)]
    latents = latents_of(exact, clips)
    right = {t: answers(exact, latents, t) for t in TIMESTEPS}
    print(f"error of v in %, {len(clips)} clips of {split.name}: of int8 (video, motion), and the network's own")
    for t in TIMESTEPS:
        print(f"  t = {t:3d}  {relative(answers(rounded, latents, t), right[t])}   {own_errors(exact, latents, t)}")

    print("error of v at t = 400 in % with one kind of layer in int8 (video, motion), and its numbers")
    state, coarse = load_file(before), rounded.model.state_dict()
    for kind, belongs in KINDS.items():
        chosen = {name for name in state if belongs(name) and state[name].ndim >= 2}
        mixed = {name: coarse[name] if name in chosen else value.float() for name, value in state.items()}
        exact.model.load_state_dict(mixed, strict=False)
        count = sum(state[name].numel() for name in chosen)
        print(f"  {kind:10s} {relative(answers(exact, latents, 400), right[400])}   {count:9,d}")
    exact.model.load_state_dict({name: value.float() for name, value in state.items()}, strict=False)

    some = clips[:8]
    seeds, others = ([clip_seed(clip.condition.clip_id, seed) for clip in some] for seed in (0, 1))
    made = [bundle.sample(inputs(some, "t2vm"), seeds) for bundle in (exact, rounded)]
    again = exact.sample(inputs(some, "t2vm"), others)
    head = XSENS23.index(XSENS23.head)
    print("samples, root mean square over eight clips: picture (of 255), head (mm)")
    for name, other in (("int8", made[1]), ("another seed", again)):
        assert made[0].frames is not None and other.frames is not None  # noqa: PT018
        picture = np.sqrt(np.square(other.frames.astype(float) - made[0].frames)[:, 1:].mean())
        moved = (other.positions - made[0].positions)[:, 1:, head]
        print(f"  {name:12s} {picture:6.2f} {1000 * np.sqrt(np.square(moved).sum(-1).mean()):7.1f}")


if __name__ == "__main__":
    main()
