"""CLIP presets on an archive of OpenAI's layout with random tensors: open_clip's features bit by bit, 77 tokens."""

import warnings

import numpy as np
import pytest

from egobench import Video
from egobench.errors import BadInputError
from egobench.extractors.open_clip_vit import ClipViTB32, ClipViTL14, build_clip
from egobench.extractors.preprocess import clip_openai

torch = pytest.importorskip("torch", reason="extra 'torch'")
open_clip = pytest.importorskip("open_clip", reason="extra 'torch'")

from random_weights import clip_file, register, save_script, video_frames  # noqa: E402


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return clip_file(tmp_path_factory.mktemp("clip") / "ViT-B-32.pt")


@pytest.fixture(scope="module")
def loaded(file, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        register(patch, tmp_path_factory.mktemp("home"), ClipViTB32.weights, file)
        return ClipViTB32().load("cpu")


@pytest.fixture(scope="module")
def witness(file):
    from open_clip.openai import load_openai_model

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.load.* is deprecated")
        return load_openai_model(str(file), precision="fp32", device="cpu").eval()


@pytest.fixture(scope="module")
def frames():
    return video_frames(3)


def test_frames_are_open_clip_s_bit_by_bit(loaded, witness, frames):
    with torch.inference_mode():
        expected = witness.encode_image(clip_openai(frames)).numpy()
    features = loaded.frames(Video(frames, 8.0))
    assert features.shape == (3, 512)
    assert features.dtype == np.float32
    assert np.array_equal(features, expected)


@pytest.mark.parametrize("text", ["Turn left, then open the door.", "", "walk " * 200, "ñandú 走る 🙂"])
def test_text_is_open_clip_s_bit_by_bit(loaded, witness, text):
    with torch.inference_mode():
        expected = witness.encode_text(open_clip.get_tokenizer("ViT-B-32")([text]))[0].numpy()
    assert np.array_equal(loaded.text(text), expected)


def test_the_network_has_quick_gelu_and_is_float32(loaded):
    activations = {type(m).__name__ for m in loaded.network.modules() if "GELU" in type(m).__name__}
    assert activations == {"QuickGELU"}
    assert {p.dtype for p in loaded.network.parameters()} == {torch.float32}


def test_a_batch_changes_nothing_but_rounding(loaded, frames):
    whole = loaded.frames(Video(frames, 8.0))
    alone = np.concatenate([loaded.frames(Video(frames[k : k + 1], 8.0)) for k in range(3)])
    assert np.abs(whole - alone).max() <= 1e-5 * np.abs(whole).max()


def test_captions_beyond_77_tokens_are_cut_and_counted_once(file, loaded, caplog):
    loaded.cut.clear()
    for text in ("walk " * 75, "walk " * 76, "walk " * 76, "walk " * 80):  # start and end take two
        loaded.text(text)
    assert len(loaded.cut) == 2
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "caption of 78 tokens cut to 77" in caplog.text
    assert np.array_equal(loaded.text("walk " * 76), loaded.text("walk " * 80))


def test_float_frames_are_refused(loaded, frames):
    with pytest.raises(BadInputError, match="expected uint8"):
        loaded.frames(Video(frames.astype(np.float64), 8.0))  # pyright: ignore


def test_the_large_one_is_built_from_open_clip_s_own_configuration():
    config = open_clip.get_model_config("ViT-L-14-quickgelu")
    assert config["embed_dim"] == ClipViTL14.dimensions
    assert config["quick_gelu"]
    with torch.device("meta"):
        network = open_clip.CLIP(**config)
    assert network.visual.proj.shape[1] == ClipViTL14.dimensions


def test_another_size_and_another_file_are_refused(monkeypatch, tmp_path, file):
    register(monkeypatch, tmp_path, ClipViTL14.weights, file)
    with pytest.raises(BadInputError, match=r"a network of 512 features; clip\.vit-l-14 has 768"):
        ClipViTL14().load("cpu")
    other = tmp_path / "other.pt"
    save_script(torch.nn.Linear(2, 2), other)
    with pytest.raises(BadInputError) as refusal:
        build_clip(other)
    assert refusal.value.code == "weights-other"
