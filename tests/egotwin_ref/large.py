"""A CogVideoX download small enough for tests, its preset, and `egobench` with these, for `torchrun`."""

import sys
from dataclasses import replace
from pathlib import Path

import torch

from egotwin_ref.loading.cogvideox import Download
from egotwin_ref.model import configs
from egotwin_ref.model.configs import PRESETS, VARIANTS, Preset
from egotwin_ref.model.network import EgoTwin
from egotwin_ref.training import recipes
from egotwin_ref.training.loop import Recipe
from egotwin_ref.training.recipes import Recipes

NAME = "cogvideox-5b"
TWO = Recipe(steps=2, batch=4, warmup=1, decay=0.5)
RECIPES = Recipes(
    video_vae=TWO,
    motion_vae=TWO,
    kl_video=0.0,
    kl_motion=1e-4,
    base=replace(TWO, steps=0),
    motion=TWO,
    joint=TWO,
    fine=TWO,
)


def twin(name: str = NAME) -> Preset:
    """The preset's shrunken twin, for clips of egomini: 64 × 64 pixels, so 8 × 8 latents and 4 × 4 tokens a frame."""
    size = PRESETS[name]
    network = replace(
        size.network, layers=2, heads=2, head_dim=16, motion_width=16, time_width=8, text_tokens=6, text_width=16,
        latent_size=(8, 8), motion_channels=8, global_channels=8, video_channels=4, rope_grid=(4, 4),
    )  # fmt: skip
    return replace(size, network=network, frame_size=(64, 64))


def write(folder: Path, name: str = NAME) -> Path:
    """Random weights of all four parts, in the formats of diffusers and transformers."""
    from diffusers import AutoencoderKLCogVideoX
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

    from egotwin_ref.loading import cogvideox

    for part in ("transformer", "vae", "text_encoder", "tokenizer"):
        (folder / part).mkdir(parents=True)
    download = Download(folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = EgoTwin(twin(name).network, VARIANTS["egotwin"])
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
        cogvideox.save(model, download.transformer)
        AutoencoderKLCogVideoX(
            block_out_channels=(4, 4, 4, 4),
            latent_channels=4,
            layers_per_block=1,
            norm_num_groups=2,
            scaling_factor=0.7,
        ).save_pretrained(download.vae)
        T5EncoderModel(
            T5Config(vocab_size=6, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
        ).save_pretrained(download.text_encoder)  # fmt: skip
    vocabulary = {"<pad>": 0, "</s>": 1, "<unk>": 2, "the": 3, "walks": 4, "turns": 5}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(download.tokenizer)
    return folder


def egobench(arguments: list[str]) -> int:
    """The public command, where the large preset is its twin."""
    from egobench.cli.main import main

    before = configs.PRESETS[NAME], recipes.RECIPES[NAME]
    configs.PRESETS[NAME], recipes.RECIPES[NAME] = twin(), RECIPES
    try:
        return main(arguments)
    finally:
        configs.PRESETS[NAME], recipes.RECIPES[NAME] = before


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(egobench(sys.argv[1:]))
