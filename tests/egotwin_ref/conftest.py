"""A network small enough for tests, with random weights everywhere, so that no zero gate hides anything."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from egobench import open_split
from egotwin_ref.loading import weights
from egotwin_ref.loading.bundle import build_motion_vae, build_video_vae, motion_vae_name
from egotwin_ref.model.attention import Masked
from egotwin_ref.model.configs import PRESETS, VARIANTS, NetworkConfig
from egotwin_ref.model.network import EgoTwin
from egotwin_ref.model.text import Words

TINY = NetworkConfig(
    layers=4, heads=2, head_dim=16, motion_width=24, time_width=16, text_tokens=5, text_width=12, video_channels=3,
    latent_frames=4, latent_size=(4, 4), motion_channels=6, global_channels=24,
)  # fmt: skip


@pytest.fixture(scope="session")
def tiny() -> NetworkConfig:
    """K = 3, S = 4, r = 2, M = 7, L_t = 5."""
    return TINY


@pytest.fixture(scope="session")
def network() -> Callable[..., EgoTwin]:
    """Makes a tiny network of a row, all of its parameters from N(0, 0.2²)."""

    def make(variant: str = "egotwin", attention=Masked, seed: int = 0, **changes) -> EgoTwin:
        model = EgoTwin(replace(TINY, **changes), VARIANTS[variant], attention=attention)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(0.2 * torch.randn(parameter.shape, generator=generator))
        return model.eval()

    return make


@pytest.fixture(scope="session")
def inputs() -> Callable[..., dict[str, torch.Tensor]]:
    """Makes random arguments of a network's call for a batch of clips."""

    def make(model: EgoTwin, batch: int = 2, seed: int = 1) -> dict[str, torch.Tensor]:
        config, generator = model.config, torch.Generator().manual_seed(seed)

        def noise(*shape: int) -> torch.Tensor:
            return torch.randn(batch, *shape, generator=generator)

        channels = config.video_channels * (2 if config.first_frame == "concat" else 1)
        tokens = 2 if model.variant.tokens == "global" else 1 + config.motion_rate * (config.latent_frames - 1)
        return {
            "text": noise(config.text_tokens, config.text_width),
            "video": noise(config.latent_frames, channels, *config.latent_size),
            "motion": noise(tokens, config.motion_size(model.variant)),
            "t_video": torch.randint(1000, (batch,), generator=generator),
            "t_motion": torch.randint(1000, (batch,), generator=generator),
        }

    return make


@pytest.fixture(scope="session")
def random_weights() -> Callable[[Path, Sequence[str]], Path]:
    """Fills a folder with the weight files of rows of `mini`, as training leaves them, with numbers drawn at random."""

    def write(folder: Path, rows: Sequence[str]) -> Path:
        size = PRESETS["mini"]
        words = Words.of([info.text for info in open_split("egomini-smoke").infos()], size.network.text_tokens)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            about = {"kind": "video-vae", "preset": "mini"}
            weights.save(folder / "video-vae.safetensors", build_video_vae(size).state_dict(), about)
            for row in rows:
                variant = VARIANTS[row]
                name = motion_vae_name(variant)
                vae = build_motion_vae(size, variant)
                weights.save(folder / f"{name}.safetensors", vae.state_dict(), {"kind": name, "preset": "mini"})
                model = EgoTwin(size.network, variant, vocabulary=words.vocabulary)
                for parameter in model.parameters():
                    torch.nn.init.normal_(parameter, std=0.02)
                about = {"kind": "transformer", "preset": "mini", "variant": row, "words": json.dumps(words.words)}
                weights.save(folder / f"{row}.safetensors", model.state_dict(), about)
        return folder

    return write
