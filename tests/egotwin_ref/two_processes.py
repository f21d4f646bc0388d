"""Run by `torchrun` from `test_distributed.py`: the same training with weights in shards, stopped, and taken over."""

import json
import sys
from contextlib import suppress
from pathlib import Path

import torch

from egotwin_ref.model.configs import VARIANTS, NetworkConfig
from egotwin_ref.model.diffusion import Schedule
from egotwin_ref.model.network import EgoTwin
from egotwin_ref.training import distributed
from egotwin_ref.training.latents import Latents
from egotwin_ref.training.loop import LoopOptions, Recipe, train
from egotwin_ref.training.objective import DiffusionLoss, Draws

CONFIG = NetworkConfig(
    layers=2, heads=2, head_dim=16, motion_width=24, time_width=16, text_tokens=5, text_width=12, video_channels=3,
    latent_frames=4, latent_size=(4, 4), motion_channels=6, global_channels=6,
)  # fmt: skip
RECIPE = Recipe(steps=5, batch=5, learning_rate=1e-3, warmup=2, decay=0.5, ema=0.5)


class StoppedError(Exception):
    pass


def run(folder: Path, stop: int | None = None) -> tuple[list[float], EgoTwin]:
    """Losses of the steps taken, and the network with the averaged weights."""
    model = EgoTwin(CONFIG, VARIANTS["egotwin"])
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.2 * torch.randn(parameter.shape, generator=generator))
    shapes = ((9, 4, 3, 4, 4), (9, 7, 6), (9, 5, 12))
    latents = Latents(*(torch.randn(shape, generator=generator) for shape in shapes), torch.zeros(5, 12))
    draws = Draws(clean_motion=0.3, clean_video=0.3)  # so that processes count different numbers of clips
    loss = DiffusionLoss(distributed.shard(model), Schedule.cogvideox(), latents, RECIPE.batch, draws)
    told: list[float] = []
    options = LoopOptions(
        1e9 if stop is None else -1.0, steps_between_reports=1, report=lambda step, values: told.append(values["loss"])
    )

    def stopping(step: int, generator: torch.Generator):
        if step == stop:
            raise StoppedError
        return loss(step, generator)

    with suppress(StoppedError):
        model.load_state_dict(train(model, stopping, RECIPE, folder, options))
    return told, model


def main(folder: Path) -> None:
    distributed.join()
    torch.set_num_threads(1)
    losses, model = run(folder / "two")
    run(folder / "stopped by two", stop=2)
    taken_over, _ = run(folder / "stopped by one")
    share = sum(value.to_local().numel() for value in model.parameters()) / sum(v.numel() for v in model.parameters())
    weights = distributed.gathered(dict(model.state_dict()))
    if distributed.rank() == 0:
        torch.save(weights, folder / "weights.pt")
        told = {"losses": losses, "taken over": taken_over, "share": share, "processes": distributed.processes()}
        (folder / "told.json").write_text(json.dumps(told))
    distributed.leave()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
