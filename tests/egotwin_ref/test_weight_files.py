"""Weight files in bf16 and in int8: by hand, how exact they are, and files that are damaged or contradictory."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from egobench import open_split
from egotwin_ref.autoencoders.motion_vae import MotionVAE
from egotwin_ref.loading import weights
from egotwin_ref.loading.bundle import build_motion_vae, motion_vae_name, representation_of
from egotwin_ref.loading.shipped import SHIPPED
from egotwin_ref.model.configs import PRESETS, VARIANTS
from egotwin_ref.model.network import EgoTwin

ABOUT = {"kind": "some"}


class Some(nn.Module):
    """A matrix, a convolution, an embedding, a vector, and statistics that are a matrix."""

    latent_mean: Tensor

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.linear, self.conv, self.words = nn.Linear(5, 3), nn.Conv2d(2, 4, 3), nn.Embedding(7, 5)
            self.register_buffer("latent_mean", torch.randn(2, 6))


@pytest.fixture
def written(tmp_path) -> tuple[Some, Path]:
    module, path = Some(), tmp_path / "some.safetensors"
    weights.save(path, module.state_dict(), ABOUT, compact=True)
    return module, path


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(mine, theirs) for mine, theirs in pairs)


def test_a_matrix_by_hand(tmp_path):
    module, path = nn.Linear(2, 3, bias=False), tmp_path / "w.safetensors"
    matrix = torch.tensor([[1.27, -0.504], [0.0, 0.0], [-254.0, 3.1]])
    weights.save(path, {"weight": matrix}, ABOUT, compact=True)
    found = load_file(path)
    assert found["weight"].dtype == torch.int8
    assert found["weight"].tolist() == [[127, -50], [0, 0], [-127, 2]]
    torch.testing.assert_close(found["weight.scale"], torch.tensor([0.01, 0.0, 2.0]))
    weights.load(path, module, ABOUT)
    torch.testing.assert_close(module.weight.detach(), torch.tensor([[1.27, -0.5], [0, 0], [-254, 4]]))


def test_a_file_says_its_form_and_what_is_what_is_in_it(written):
    _, path = written
    assert weights.about(path) == {**ABOUT, "form": "int8"}
    kinds = {name: str(value.dtype).removeprefix("torch.") for name, value in load_file(path).items()}
    assert kinds == {
        "linear.weight": "int8", "linear.weight.scale": "float32", "linear.bias": "bfloat16",
        "conv.weight": "int8", "conv.weight.scale": "float32", "conv.bias": "bfloat16",
        "words.weight": "int8", "words.weight.scale": "float32", "latent_mean": "float32",
    }  # fmt: skip


def test_every_weight_is_off_by_half_a_step_of_its_channel_at_most(written):
    module, path = written
    other = Some(seed=1)
    assert weights.load(path, other, ABOUT)["form"] == "int8"
    for name in ("linear.weight", "conv.weight", "words.weight"):
        exact, found = (one.state_dict()[name].flatten(1) for one in (module, other))
        step = exact.abs().amax(dim=1) / 127
        assert ((found - exact).abs() <= 0.5001 * step[:, None]).all()
        assert torch.equal(found.abs().amax(dim=1), 127 * step)
    assert torch.equal(other.latent_mean, module.latent_mean)
    assert torch.equal(other.linear.bias, module.linear.bias.bfloat16().float())


def test_what_int8_holds_goes_through_it_unchanged(written, tmp_path):
    _, path = written
    loaded, again = Some(seed=1), Some(seed=2)
    weights.load(path, loaded, ABOUT)
    weights.save(tmp_path / "again.safetensors", loaded.state_dict(), ABOUT, compact=True)
    weights.load(tmp_path / "again.safetensors", again, ABOUT)
    whole = [{k: v for k, v in load_file(file).items() if v.dtype == torch.int8}
             for file in (path, tmp_path / "again.safetensors")]  # fmt: skip
    assert all(torch.equal(whole[0][name], whole[1][name]) for name in whole[0])
    for one, other in zip(loaded.parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=0)


def test_a_bf16_file_says_nothing_of_its_form_and_loads_as_ever(tmp_path):
    module, other, path = Some(), Some(seed=1), tmp_path / "some.safetensors"
    weights.save(path, module.state_dict(), ABOUT)
    assert weights.load(path, other, ABOUT) == ABOUT
    for name, value in module.state_dict().items():
        right = value if name == "latent_mean" else value.bfloat16().float()
        assert torch.equal(other.state_dict()[name], right)


def test_compact_makes_of_a_bf16_file_the_int8_one_of_the_same_weights(tmp_path):
    module, source, target = Some(), tmp_path / "bf16.safetensors", tmp_path / "int8.safetensors"
    weights.save(source, module.state_dict(), {**ABOUT, "words": json.dumps(["a", "b"])})
    weights.compact(source, target)
    assert weights.about(target) == {**ABOUT, "words": '["a", "b"]', "form": "int8"}
    rounded, right = Some(seed=1), Some(seed=2)
    weights.load(target, rounded, ABOUT)
    bf16 = {name: value.bfloat16().float() for name, value in module.state_dict().items() if name != "latent_mean"}
    weights.save(source.with_name("direct.safetensors"), module.state_dict() | bf16, ABOUT, compact=True)
    weights.load(source.with_name("direct.safetensors"), right, ABOUT)
    assert same(rounded, right)
    with pytest.raises(ValueError, match="its form is int8 already; bf16 is needed"):
        weights.compact(target, tmp_path / "twice.safetensors")


def test_principal_components_keep_bf16_in_the_int8_form(tmp_path):
    source, target = tmp_path / "bf16.safetensors", tmp_path / "int8.safetensors"
    state = {"analysis.weight": torch.tensor([[300.0, 0.01]]), "other.weight": torch.tensor([[300.0, 0.01]])}
    weights.save(source, state, ABOUT)
    weights.compact(source, target)
    found = load_file(target)
    assert torch.equal(found["analysis.weight"], state["analysis.weight"].bfloat16())
    assert found["other.weight"].tolist() == [[127, 0]]
    assert "analysis.weight.scale" not in found


def test_motion_vaes_lose_nothing_in_int8():
    """By their own loss on a clip's features; before principal components were left in bf16, MLD's lost fifty times."""
    split = open_split("egomini-smoke")
    motions = [split.clip(info.clip_id).reference.motion for info in split.infos()]
    for row in ("egotwin", "wo-mr", "vidmld"):
        representation, vae = representation_of(VARIANTS[row]), build_motion_vae(PRESETS["small"], VARIANTS[row])
        weights.load(SHIPPED / "small" / f"{motion_vae_name(VARIANTS[row])}.safetensors", vae, {"preset": "small"})
        parts = (np.stack([getattr(motion, name) for motion in motions]) for name in ("positions", "rotations"))
        features = representation.encode(*map(torch.from_numpy, parts))
        assert reconstruction_error(vae, features) < {"egotwin": 0.005, "wo-mr": 0.005, "vidmld": 0.03}[row]


@torch.no_grad()
def reconstruction_error(vae: MotionVAE, features: Tensor) -> float:
    """Mean squared error of normalised features."""
    again = vae.decode(vae.encode(features.float()))
    return float((vae.normalised(again) - vae.normalised(features.float())).square().mean())


def test_an_embedding_that_the_module_may_have_is_passed_over_with_its_scale(written):
    _, path = written
    right = Some(seed=1)
    weights.load(path, right, ABOUT)
    module = nn.ModuleDict({"linear": nn.Linear(5, 3), "conv": nn.Conv2d(2, 4, 3)})
    may_have = ("words", "latent_mean")
    weights.load(path, module, ABOUT, may_have=lambda name: name.startswith(may_have))
    assert torch.equal(module["linear"].weight, right.linear.weight)


def rewritten(path: Path, change, told: dict[str, str] | None = None) -> None:
    """The file with its tensors changed, and what it says of itself."""
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, {**ABOUT, "form": "int8"} if told is None else told)


def put(name: str, value: Tensor):
    return lambda tensors: tensors.update({name: value})


@pytest.mark.parametrize(
    ("change", "told", "said"),
    [
        (lambda tensors: tensors.pop("conv.weight.scale"), None, "conv.weight is int8 and has no conv.weight.scale"),
        (put("linear.weight.scale", torch.ones(5)), None, r"is \(3, 5\), so its scales must be float32 \(3,\).*\(5,\)"),
        (put("linear.weight.scale", torch.ones(3, 1)), None, r"they are torch.float32 \(3, 1\)"),
        (put("linear.weight.scale", torch.ones(3).half()), None, r"they are torch.float16 \(3,\)"),
        (put("words.weight.scale", torch.full((7,), torch.nan)), None, "scales must be finite.*words.weight.scale has"),
        (put("words.weight.scale", torch.full((7,), torch.inf)), None, "scales must be finite and not negative"),
        (put("words.weight.scale", -torch.ones(7)), None, "scales must be finite and not negative"),
        (put("words.weight", torch.full((7, 5), -128, dtype=torch.int8)), None, "words.weight has -128"),
        (put("linear.bias", torch.ones(3, dtype=torch.int8)), None, "linear.bias is int8 and has no linear.bias.scale"),
        (put("linear.weight", torch.ones(3, 5)), None, "linear.weight has a scale, so it has to be int8"),
        (put("other.scale", torch.ones(3)), None, "not those of the network; first difference: other.scale"),
        (lambda tensors: None, ABOUT, "conv.weight is int8, but the file does not say that its form is int8"),
        (lambda tensors: None, {**ABOUT, "form": "int4"}, "form is int4; it has to be int8"),
    ],
)  # fmt: skip
def test_a_damaged_or_contradictory_file_is_refused_in_one_line_before_anything_is_filled(written, change, told, said):
    _, path = written
    rewritten(path, change, told)
    module = Some(seed=3)
    with pytest.raises(ValueError, match=said) as refusal:
        weights.load(path, module, ABOUT)
    assert "\n" not in str(refusal.value)
    assert str(refusal.value).startswith(str(path))
    assert same(module, Some(seed=3))


def test_a_file_cut_short_is_refused(written):
    _, path = written
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match="not a complete safetensors file"):
        weights.load(path, Some(), ABOUT)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_weights_that_are_not_finite_are_not_written_in_int8(tmp_path, value):
    with pytest.raises(ValueError, match="weight has a number that is not finite"):
        weights.save(tmp_path / "w.safetensors", {"weight": torch.full((2, 2), value)}, ABOUT, compact=True)
    assert not list(tmp_path.iterdir())


def test_an_int8_file_of_the_network_is_half_as_large_and_answers_nearly_the_same(tmp_path, network, inputs):
    model = network("egotwin")
    exact = {"bf16": network("egotwin", seed=1), "int8": network("egotwin", seed=2)}
    for form, other in exact.items():
        path = tmp_path / f"{form}.safetensors"
        weights.save(path, model.state_dict(), ABOUT, compact=form == "int8")
        weights.load(path, other, ABOUT)
    given = inputs(model)
    with torch.no_grad():
        right, found = (one(**given) for one in exact.values())
    for part in ("video", "motion"):
        assert 0 < float((getattr(found, part) - getattr(right, part)).norm() / getattr(right, part).norm()) < 0.03
    with torch.device("meta"):
        large = EgoTwin(PRESETS["small"].network, VARIANTS["egotwin"], vocabulary=300)
    state = {name: torch.zeros(value.shape) for name, value in large.state_dict().items()}
    for form in exact:
        weights.save(tmp_path / f"large-{form}.safetensors", state, ABOUT, compact=form == "int8")
    sizes = [(tmp_path / f"large-{form}.safetensors").stat().st_size for form in exact]
    assert sizes[1] < 0.53 * sizes[0]
    assert sizes[1] <= 8e6
