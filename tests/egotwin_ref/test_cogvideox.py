"""Public weights by name, and diffusers' CogVideoX as witness: without motion the network is that one."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from egotwin_ref.loading import cogvideox
from egotwin_ref.model.configs import PRESETS

DIFFUSERS = "diffusers is not installed"
FAMILIES = {
    "2B": {"positions": "sincos"},
    "5B": {"rope_grid": (2, 2)},
    "5B-I2V": {"positions": "rope+learned", "first_frame": "concat", "rope_grid": (2, 2)},
}


def equality():
    path = Path(__file__).parents[2] / "benchmarks" / "egotwin" / "cogvideox_equality.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("family", ["2B", "5B", "5B, square", "5B-I2V"])
def test_without_motion_the_answer_is_that_of_diffusers(family):
    pytest.importorskip("diffusers", reason=DIFFUSERS)
    benchmark = equality()
    largest, spread = benchmark.difference(benchmark.FAMILIES[family])
    assert spread > 0.5
    assert largest <= 1e-5


@pytest.mark.parametrize("preset", ["cogvideox-2b", "cogvideox-5b", "cogvideox-5b-i2v"])
def test_every_name_of_diffusers_network_has_its_parameter_here(preset):
    pytest.importorskip("diffusers", reason=DIFFUSERS)
    from diffusers import CogVideoXTransformer3DModel

    config = replace(PRESETS[preset].network, layers=2)
    with torch.device("meta"):
        theirs = CogVideoXTransformer3DModel(
            num_attention_heads=config.heads, num_layers=2, use_rotary_positional_embeddings=preset != "cogvideox-2b",
            use_learned_positional_embeddings=preset == "cogvideox-5b-i2v",
        )  # fmt: skip
    named = [name for _, group in cogvideox.names(config) for name in group]
    assert sorted(named) == sorted(theirs.state_dict())


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_written_and_read_are_the_same_and_the_motion_stays(network, tmp_path, family):
    ours, other = network(**FAMILIES[family]), network(seed=1, **FAMILIES[family])
    before = {name: value.clone() for name, value in other.named_parameters()}
    cogvideox.save(ours, tmp_path)
    cogvideox.load(other, tmp_path)
    shared = {name for name, _ in cogvideox.names(ours.config)}
    written = dict(ours.named_parameters())
    assert {name for name in before if "motion" not in name} == shared
    for name, value in other.named_parameters():
        assert torch.equal(value, written[name] if name in shared else before[name]), name
    again = tmp_path / "again"
    cogvideox.save(other, again)
    first, second = (load_file(folder / cogvideox.FILE) for folder in (tmp_path, again))
    assert all(torch.equal(first[name], second[name]) for name in first | second)


def test_learned_positions_of_longer_and_wider_videos_are_cropped(network, tmp_path):
    model = network(positions="rope+learned", first_frame="concat", rope_grid=(2, 4))  # 2 × 2 tokens, 4 frames of 6
    cogvideox.save(model, tmp_path)
    tensors = load_file(tmp_path / cogvideox.FILE)
    text = torch.arange(5.0).view(5, 1)
    places = torch.arange(6 * 2 * 4).view(6, 2, 4)
    wide = torch.cat([text, 100.0 + places.reshape(-1, 1)]).expand(-1, 32)
    save_file(tensors | {cogvideox.PLACES: wide[None].contiguous()}, tmp_path / cogvideox.FILE)
    cogvideox.load(model, tmp_path)
    right = torch.cat([text[:, 0], 100.0 + places[:4, :, 1:3].flatten()])
    assert torch.equal(model.places[:, 0], right)


def broken(tensors: dict, name: str) -> dict:
    """Ways in which a folder is not what it should be."""
    if name == "another width":
        return tensors | {"norm_final.weight": torch.zeros(48)}
    if name == "another network":
        return tensors | {"transformer_blocks.4.norm1.norm.weight": torch.zeros(32)}
    return {key: value for key, value in tensors.items() if key != "proj_out.bias"}


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (
            "another width",
            r"norm_final.weight is \(48,\), which makes video_norm.weight \(48,\); this preset has \(32,\)",
        ),
        ("another network", r"it has transformer_blocks.4.norm1.norm.weight \(1 such names\)"),
        ("a name less", r"it lacks proj_out.bias \(1 such names\)"),
    ],
)
def test_weights_of_another_network_are_refused_and_nothing_is_changed(network, tmp_path, fault, told):
    model, path = network(), tmp_path / cogvideox.FILE
    cogvideox.save(network(seed=1), tmp_path)
    before = {name: value.clone() for name, value in model.named_parameters()}
    save_file(broken(load_file(path), fault), path)
    with pytest.raises(ValueError, match=told):
        cogvideox.load(model, tmp_path)
    assert all(torch.equal(value, before[name]) for name, value in model.named_parameters())


def test_a_truncated_file_and_an_empty_folder_are_refused(network, tmp_path):
    with pytest.raises(ValueError, match=r"has no \.safetensors files"):
        cogvideox.load(network(), tmp_path)
    cogvideox.save(network(), tmp_path)
    path = tmp_path / cogvideox.FILE
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="not a complete safetensors file"):
        cogvideox.load(network(), tmp_path)
