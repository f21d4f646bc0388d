"""CogVideoX's public weights: which of their names is which parameter here, read from and written to local folders.

The weights are diffusers' `transformer` folders of CogVideoX-2b, -5b and -5b-I2V. Without motion the network is
CogVideoX, so that is all there is to it. Nothing is downloaded and nothing is unpickled.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from egotwin_ref.model.configs import NetworkConfig
from egotwin_ref.model.network import EgoTwin
from egotwin_ref.model.positions import crop

from .shards import place

NAMES: dict[str, tuple[str, ...]] = {
    "video_in": ("patch_embed.proj",),
    "text_in": ("patch_embed.text_proj",),
    "time_video.body.0": ("time_embedding.linear_1",),
    "time_video.body.2": ("time_embedding.linear_2",),
    "video_norm": ("norm_final",),
    "video_out.linear": ("norm_out.linear",),
    "video_out.norm": ("norm_out.norm",),
    "video_out.out": ("proj_out",),
}
"""Module here → modules there; several are one after another in the first dimension."""
BLOCK_NAMES: dict[str, tuple[str, ...]] = {
    "ada1.linear": ("norm1.linear",),
    "norm1": ("norm1.norm",),
    "qkv": ("attn1.to_q", "attn1.to_k", "attn1.to_v"),
    "q_norm": ("attn1.norm_q",),
    "k_norm": ("attn1.norm_k",),
    "out": ("attn1.to_out.0",),
    "ada2.linear": ("norm2.linear",),
    "norm2": ("norm2.norm",),
    "feed.0": ("ff.net.0.proj",),
    "feed.2": ("ff.net.2",),
}
"""The same of `blocks.i.shared.…` and `transformer_blocks.i.…`."""
PLACES = "patch_embed.pos_embedding"
"""Learned positions of CogVideoX-5b-I2V: (1, 226 + 13 · 30 · 45, D), text first; `places` here is their crop."""
FILE = "diffusion_pytorch_model.safetensors"


@dataclass(frozen=True)
class Download:
    """A whole CogVideoX model in a local folder, as diffusers keeps it."""

    folder: Path

    def __post_init__(self) -> None:
        """Raises ValueError if a part is missing."""
        for part in (self.transformer, self.vae, self.text_encoder, self.tokenizer):
            if not part.is_dir():
                raise ValueError(
                    f"{self.folder} has no folder {part.name}; a CogVideoX download in diffusers' format has "
                    "transformer, vae, text_encoder and tokenizer"
                )

    @property
    def transformer(self) -> Path:
        """The network."""
        return self.folder / "transformer"

    @property
    def vae(self) -> Path:
        """The video VAE."""
        return self.folder / "vae"

    @property
    def text_encoder(self) -> Path:
        """T5."""
        return self.folder / "text_encoder"

    @property
    def tokenizer(self) -> Path:
        """T5's."""
        return self.folder / "tokenizer"

    @staticmethod
    def files(part: Path) -> list[Path]:
        """The weight files of a part, in order of name. Raises ValueError if there are none."""
        found = sorted(part.glob("*.safetensors"))
        if not found:
            raise ValueError(f"{part} has no .safetensors files; nothing else is read")
        return found


def names(config: NetworkConfig) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Parameter of the text + video stream here, and the tensors there that it is made of."""
    modules = dict(NAMES)
    for i in range(config.layers):
        for ours, theirs in BLOCK_NAMES.items():
            modules[f"blocks.{i}.shared.{ours}"] = tuple(f"transformer_blocks.{i}.{name}" for name in theirs)
    for ours, theirs in modules.items():
        for kind in ("weight", "bias"):
            yield f"{ours}.{kind}", tuple(f"{name}.{kind}" for name in theirs)
    if config.positions == "rope+learned":
        yield "places", (PLACES,)


@torch.no_grad()
def load(model: EgoTwin, folder: Path) -> None:
    """Fills the text + video stream of `model` from the safetensors files in `folder`; the motion branch stays.

    Sizes are compared before anything is read, and one parameter is in memory at a time.

    Raises:
        ValueError: no such files, a broken one, or tensors other than those of the model's preset.
    """
    where = _shapes(folder)
    parameters, wanted = dict(model.named_parameters()), dict(names(model.config))
    theirs = [name for group in wanted.values() for name in group]
    strange = sorted(set(where) ^ set(theirs))
    if strange:
        side = "lacks" if strange[0] in theirs else "has"
        raise ValueError(
            f"{folder} holds no weights of this preset: it {side} {strange[0]} ({len(strange)} such names)"
        )
    for ours, group in wanted.items():
        shapes = [where[name][1] for name in group]
        found = (
            _crop_shape(shapes[0], model.config) if ours == "places" else (sum(s[0] for s in shapes), *shapes[0][1:])
        )
        if found != tuple(parameters[ours].shape):
            raise ValueError(f"{folder}: {group[0]} is {shapes[0]}, which makes {ours} {found}; "
                             f"this preset has {tuple(parameters[ours].shape)}")  # fmt: skip
    for ours, group in wanted.items():
        parts = []
        for name in group:
            with safe_open(where[name][0], framework="pt") as file:
                parts.append(file.get_tensor(name))
        whole = _cropped(parts[0], model.config) if ours == "places" else torch.cat(parts)
        parameters[ours].copy_(place(whole.to(parameters[ours].dtype), parameters[ours]))


def save(model: EgoTwin, folder: Path) -> None:
    """Writes the text + video stream under diffusers' names, as one file in `folder`."""
    parameters, tensors = dict(model.named_parameters()), {}
    for ours, group in names(model.config):
        whole = parameters[ours].detach().cpu()
        parts = (whole[None],) if ours == "places" else whole.chunk(len(group))
        tensors |= {name: part.contiguous() for name, part in zip(group, parts, strict=True)}
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / FILE)


def _shapes(folder: Path) -> dict[str, tuple[Path, tuple[int, ...]]]:
    """File and shape of every tensor in `folder`."""
    found = {}
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, framework="pt") as file:
                for name in file.keys():  # noqa: SIM118 - not a mapping
                    found[name] = (path, tuple(file.get_slice(name).get_shape()))
        except SafetensorError as error:
            raise ValueError(f"{path}: no whole safetensors file: {' '.join(str(error).split())}") from None
    if not found:
        raise ValueError(f"{folder} has no .safetensors files; give the `transformer` folder of a CogVideoX download")
    return found


def _crop_shape(shape: tuple[int, ...], config: NetworkConfig) -> tuple[int, ...]:
    """Shape of the learned positions once cropped; the shape as it is where that cannot be done."""
    rows, columns = config.rope_grid or config.token_grid
    frames, rest = divmod(shape[1] - config.text_tokens, rows * columns) if len(shape) == 3 else (0, 1)
    if rest or frames < config.latent_frames:
        return shape
    return config.text_tokens + config.latent_frames * config.token_grid[0] * config.token_grid[1], shape[2]


def _cropped(table: Tensor, config: NetworkConfig) -> Tensor:
    """(1, L_t + frames · rows · columns, D) → (L_t + V, D): the first latent frames, and the crop that RoPE uses."""
    text, video = table[0].split([config.text_tokens, table.shape[1] - config.text_tokens])
    grid = video.unflatten(0, (-1, *(config.rope_grid or config.token_grid)))
    top, left = crop(config)
    height, width = config.token_grid
    used = grid[: config.latent_frames, top : top + height, left : left + width]
    return torch.cat([text, used.flatten(0, 2)])
