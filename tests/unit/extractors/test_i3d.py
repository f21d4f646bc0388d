"""I3D presets on a small TorchScript file of the same contract: which flags it is called with, and what is refused."""

import numpy as np
import pytest

from egobench import Video
from egobench.errors import BadInputError
from egobench.extractors.i3d import I3DCrop, I3DStyleGANV, load_torchscript
from egobench.extractors.preprocess import i3d_crop, i3d_stylegan_v

torch = pytest.importorskip("torch", reason="extra 'torch'")

from random_weights import i3d_file, register, save_script, video_frames  # noqa: E402

ID = I3DCrop.weights


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return i3d_file(tmp_path_factory.mktemp("i3d") / "i3d.pt")


@pytest.fixture(scope="module")
def loaded(file, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        register(patch, tmp_path_factory.mktemp("home"), ID, file)
        yield {kind.name: kind().load("cpu") for kind in (I3DCrop, I3DStyleGANV)}


@pytest.fixture(scope="module")
def frames():
    return video_frames(10, 30, 50)


@pytest.mark.parametrize(
    ("preset", "prepare", "flag"), [("crop", i3d_crop, False), ("stylegan-v", i3d_stylegan_v, True)]
)
def test_features_are_the_file_s_own_bit_by_bit(loaded, file, frames, preset, prepare, flag):
    network = load_torchscript(file, "cpu")
    with torch.inference_mode():
        expected = network(prepare(frames), rescale=flag, resize=flag, return_features=True).numpy()
    features = loaded[f"i3d.{preset}"].clip(Video(frames, 8.0))
    assert features.shape == (1, 400)
    assert features.dtype == np.float32
    assert np.array_equal(features, expected)


def test_the_same_clip_gives_the_same_bits_however_often_it_is_asked(loaded, frames):
    first = loaded["i3d.crop"].clip(Video(frames, 8.0))
    assert all(np.array_equal(first, loaded["i3d.crop"].clip(Video(frames, 8.0))) for _ in range(4))


def test_squash_and_crop_are_two_metrics(loaded, frames):
    crop, squash = (loaded[name].clip(Video(frames, 8.0)) for name in ("i3d.crop", "i3d.stylegan-v"))
    assert not np.allclose(crop, squash, atol=1e-4)


def test_fewer_than_ten_frames_and_float_frames_are_refused(loaded, frames):
    for name, each in loaded.items():
        with pytest.raises(BadInputError, match=f"{name}: 9 frames; at least 10"):
            each.clip(Video(frames[:9], 8.0))
        with pytest.raises(BadInputError, match="expected uint8"):
            each.clip(Video(frames / np.float32(255), 8.0))


def test_a_split_of_short_clips_is_refused_before_anything_is_sampled():
    I3DCrop().check({"num_video_frames": 10})
    with pytest.raises(BadInputError) as refusal:
        I3DCrop().check({"num_video_frames": 9})
    assert refusal.value.code == "split-form"


def test_a_file_that_is_no_torchscript_or_gives_no_400_numbers_is_refused(monkeypatch, tmp_path, frames):
    path = tmp_path / "other.pt"
    path.write_bytes(b"PK not a zip")
    register(monkeypatch, tmp_path, ID, path)
    with pytest.raises(BadInputError) as refusal:
        I3DCrop().load("cpu")
    assert refusal.value.code == "weights-unreadable"

    class Other(torch.nn.Module):
        def forward(self, x, rescale: bool = False, resize: bool = False, return_features: bool = False):
            return x.mean((2, 3, 4))

    save_script(Other(), path)
    register(monkeypatch, tmp_path, ID, path)
    with pytest.raises(BadInputError, match=r"gave \(1, 3\), \(1, 400\) is right"):
        I3DCrop().load("cpu").clip(Video(frames, 8.0))


def test_a_cut_or_changed_file_is_never_opened(monkeypatch, tmp_path, file):
    target = register(monkeypatch, tmp_path, ID, file)
    whole = target.read_bytes()
    codes = []
    for content in (whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1])):
        target.write_bytes(content)
        monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("opened"))
        with pytest.raises(BadInputError) as refusal:
            I3DCrop().load("cpu")
        assert "\n" not in str(refusal.value)
        codes.append(refusal.value.code)
    assert codes == ["weights-truncated", "weights-other"]
