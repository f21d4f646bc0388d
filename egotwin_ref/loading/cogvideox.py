"""CogVideoX's public weights: reads and writes local folders, by a table of their names and the parameters here.

The weights are diffusers' `transformer` folders of CogVideoX-2b, -5b and -5b-I2V. Without motion the network is exactly
CogVideoX, so a table of names is enough. Nothing is downloaded and nothing is unpickled.
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
"""Module here → modules there; several are concatenated along the first dimension."""
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
"""The same for `blocks.i.shared.…` and `transformer_blocks.i.…`."""
PLACES = "patch_embed.pos_embedding"
"""Learned positions of CogVideoX-5b-I2V: (1, 226 + 13 · 30 · 45, D), text first; `places` here is a crop of them."""
FILE = "diffusion_pytorch_model.safetensors"


@dataclass(frozen=True)
class Download:
    """A complete CogVideoX model in a local folder, in diffusers' format."""

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
        """The tokenizer of T5."""
        return self.folder / "tokenizer"

    @staticmethod
    def files(part: Path) -> list[Path]:
        """The weight files of a part, in order of name. Raises ValueError if there are none."""
        files = sorted(part.glob("*.safetensors"))
        if not files:
            raise ValueError(f"{part} has no .safetensors files; other formats are not read")
        return files


def names(config: NetworkConfig) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each parameter of the text + video stream here, with the tensors there that it consists of."""
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
        ValueError: there are no such files, one is damaged, or their tensors are not those of the model's preset.
    """
    files = _shapes(folder)
    parameters, table = dict(model.named_parameters()), dict(names(model.config))
    theirs = [name for group in table.values() for name in group]
    different = sorted(set(files) ^ set(theirs))
    if different:
        side = "lacks" if different[0] in theirs else "has"
        raise ValueError(
            f"{folder} holds no weights of this preset: it {side} {different[0]} ({len(different)} such names)"
        )
    for ours, group in table.items():
        shapes = [files[name][1] for name in group]
        joined = (
            _crop_shape(shapes[0], model.config) if ours == "places" else (sum(s[0] for s in shapes), *shapes[0][1:])
        )
        if joined != tuple(parameters[ours].shape):
            raise ValueError(f"{folder}: {group[0]} is {shapes[0]}, which makes {ours} {joined}; "
                             f"this preset has {tuple(parameters[ours].shape)}")  # fmt: skip
    for ours, group in table.items():
        parts = []
        for name in group:
            with safe_open(files[name][0], framework="pt") as file:
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
    tensors = {}
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, framework="pt") as file:
                for name in file.keys():  # noqa: SIM118 - not a mapping
                    tensors[name] = (path, tuple(file.get_slice(name).get_shape()))
        except SafetensorError as error:
            raise ValueError(f"{path}: not a complete safetensors file: {' '.join(str(error).split())}") from None
    if not tensors:
        raise ValueError(f"{folder} has no .safetensors files; give the `transformer` folder of a CogVideoX download")
    return tensors


def _crop_shape(shape: tuple[int, ...], config: NetworkConfig) -> tuple[int, ...]:
    """Shape of the learned positions after cropping; the same shape if they cannot be cropped."""
    rows, columns = config.rope_grid or config.token_grid
    frames, rest = divmod(shape[1] - config.text_tokens, rows * columns) if len(shape) == 3 else (0, 1)
    if rest or frames < config.latent_frames:
        return shape
    return config.text_tokens + config.latent_frames * config.token_grid[0] * config.token_grid[1], shape[2]


def _cropped(table: Tensor, config: NetworkConfig) -> Tensor:
    """(1, L_t + frames · rows · columns, D) → (L_t + V, D): the first latent frames, in the crop that RoPE uses."""
    text, video = table[0].split([config.text_tokens, table.shape[1] - config.text_tokens])
    grid = video.unflatten(0, (-1, *(config.rope_grid or config.token_grid)))
    top, left = crop(config)
    height, width = config.token_grid
    used = grid[: config.latent_frames, top : top + height, left : left + width]
    return torch.cat([text, used.flatten(0, 2)])
