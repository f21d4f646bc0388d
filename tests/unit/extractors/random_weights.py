"""Weight files of the formats the standard extractors read, with random tensors, and a manifest that lists them."""

import warnings
from pathlib import Path

import numpy as np
import torch

from egobench.extractors import weights_manifest
from egobench.files.digest import digest_file


def register(monkeypatch, tmp_path, name: str, source: Path) -> Path:
    """Puts a file into a weights folder of its own, as the manifest's entry `name`."""
    home = tmp_path / "weights"
    home.mkdir(exist_ok=True)
    target = home / source.name
    target.write_bytes(source.read_bytes())
    entry = f'[{name}]\nfile = "{source.name}"\nurls = ["https://example.org/{source.name}"]\n'
    entry += f'bytes = {target.stat().st_size}\nsha256 = "{digest_file(target)}"\nverified = true\n'
    manifest = tmp_path / "weights.toml"
    manifest.write_text(entry + 'licence = "none"\nused_by = ["a test"]\n', encoding="utf-8")
    monkeypatch.setattr(weights_manifest, "MANIFEST", str(manifest))
    monkeypatch.setenv("EGOBENCH_WEIGHTS", str(home))
    return target


def inception_file(path: Path) -> Path:
    """A state dict of torch-fidelity's Inception-v3; scaled so that features stay of order one."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Bare(FeatureExtractorInceptionV3):
        def load_state_dict(self, *_, **__):  # the class wants a file; this test makes one
            return None

    torch.save({}, path)
    network = Bare("random", ["2048"], feature_extractor_weights_path=str(path))
    generator = torch.Generator().manual_seed(0)
    state = network.state_dict()
    for name, tensor in state.items():
        if name.endswith("weight") and tensor.ndim == 4:
            fan_in = tensor[0].numel()
            state[name] = torch.randn(tensor.shape, generator=generator) * (2 / fan_in) ** 0.5
        elif name.endswith(("weight", "running_var")):
            state[name] = torch.ones_like(tensor)
        elif tensor.is_floating_point():
            state[name] = torch.zeros_like(tensor)
    torch.save(state, path)
    return path


class TinyI3D(torch.nn.Module):
    """The contract of the I3D file: forward(x, rescale, resize, return_features) → (B, 400)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = torch.nn.Conv3d(3, 8, 5, stride=4)
        self.head = torch.nn.Linear(8, 400)

    def forward(
        self, x: torch.Tensor, rescale: bool = False, resize: bool = False, return_features: bool = False
    ) -> torch.Tensor:
        x = x.float()
        if resize:
            batch, channels, time, height, width = x.shape
            flat = x.transpose(1, 2).reshape(batch * time, channels, height, width)
            flat = torch.nn.functional.interpolate(flat, size=(224, 224), mode="bilinear", align_corners=False)
            x = flat.reshape(batch, time, channels, 224, 224).transpose(1, 2)
        if rescale:
            x = 2 * x / 255 - 1
        logits = self.head(torch.relu(self.stem(x)).mean((2, 3, 4)))
        return logits if return_features else torch.softmax(logits, 1)


def i3d_file(path: Path) -> Path:
    """A TorchScript file with the contract of the I3D file."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        save_script(TinyI3D().eval(), path)
    return path


class Holder(torch.nn.Module):
    """Tensors under dotted names, as an archive of OpenAI holds them; its code is never called."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def clip_file(path: Path, *, dimensions: int = 512, layers: int = 2) -> Path:
    """A TorchScript archive with the tensors of a shallow CLIP ViT-B/32 in OpenAI's layout."""
    import open_clip

    vision = open_clip.CLIPVisionCfg(layers=layers, width=64, head_width=64, patch_size=32, image_size=224)
    text = open_clip.CLIPTextCfg(context_length=77, vocab_size=49408, width=64, heads=1, layers=layers)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = open_clip.CLIP(dimensions, vision, text, quick_gelu=True)
    root = Holder()
    for name, tensor in network.state_dict().items():
        *parents, leaf = name.split(".")
        place = root
        for parent in parents:
            if not hasattr(place, parent):
                place.add_module(parent, Holder())
            place = getattr(place, parent)
        place.register_parameter(leaf, torch.nn.Parameter(tensor.clone(), requires_grad=False))
    for name, value in (("input_resolution", 224), ("context_length", 77), ("vocab_size", 49408)):
        root.register_buffer(name, torch.tensor(value))
    save_script(root, path)
    return path


def save_script(module: torch.nn.Module, path: Path) -> None:
    """A TorchScript file; newer torch calls the format old, which is what these files are."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.* is deprecated")
        torch.jit.script(module).save(str(path))


def video_frames(count: int, height: int = 48, width: int = 64) -> np.ndarray:
    """uint8 noise."""
    return np.random.default_rng(1).integers(0, 256, (count, height, width, 3), dtype=np.uint8)
