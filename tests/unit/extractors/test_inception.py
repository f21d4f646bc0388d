"""Inception presets on a state dict of random numbers: torch-fidelity's features bit by bit, and what is refused."""

import itertools

import numpy as np
import pytest

from egobench import Video
from egobench.errors import BadInputError
from egobench.extractors.inception import InceptionClean, InceptionTF, InceptionTorchmetrics, build_trunk
from egobench.extractors.preprocess import inception_tf
from egobench.files.digest import digest_file

torch = pytest.importorskip("torch", reason="extra 'torch'")
pytest.importorskip("torch_fidelity", reason="extra 'torch'")

from random_weights import inception_file, register, video_frames  # noqa: E402

ID = InceptionTF.weights


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return inception_file(tmp_path_factory.mktemp("inception") / "weights.pth")


@pytest.fixture(scope="module")
def loaded(file, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        register(patch, tmp_path_factory.mktemp("home"), ID, file)
        yield {kind.name: kind().load("cpu") for kind in (InceptionTF, InceptionClean, InceptionTorchmetrics)}


@pytest.fixture(scope="module")
def frames():
    return video_frames(3)


def test_features_are_torch_fidelity_s_bit_by_bit(loaded, file, frames):
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    witness = FeatureExtractorInceptionV3("witness", ["2048"], feature_extractor_weights_path=str(file))
    with torch.inference_mode():
        (expected,) = witness(torch.from_numpy(frames).permute(0, 3, 1, 2))
    features = loaded["inception.tf"].frames(Video(frames, 8.0))
    assert features.dtype == np.float32
    assert features.shape == (3, 2048)
    assert features.std() > 1e-3
    assert np.array_equal(features, expected.numpy())


def test_features_are_torchmetrics_s_bit_by_bit(loaded, file, frames):
    fid = pytest.importorskip("torchmetrics.image.fid")
    witness = fid.NoTrainInceptionV3("witness", ["2048"], feature_extractor_weights_path=str(file))
    with torch.inference_mode():
        expected = witness(torch.from_numpy(frames).permute(0, 3, 1, 2).contiguous())
    features = loaded["inception.torchmetrics"].frames(Video(frames, 8.0))
    assert np.array_equal(features, expected.numpy())


def test_the_presets_differ(loaded, frames):
    features = [each.frames(Video(frames[:1], 8.0)) for each in loaded.values()]
    assert not any(np.array_equal(a, b) for a, b in itertools.pairwise(features))


def test_the_number_of_frames_in_a_batch_changes_nothing_but_rounding(loaded, frames):
    whole = loaded["inception.tf"].frames(Video(frames, 8.0))
    alone = np.concatenate([loaded["inception.tf"].frames(Video(frames[k : k + 1], 8.0)) for k in range(3)])
    assert np.abs(whole - alone).max() <= 1e-5 * np.abs(whole).max()
    assert np.array_equal(whole, loaded["inception.tf"].frames(Video(frames, 8.0)))


def test_settings_of_the_caller_are_overruled_and_restored(loaded, frames):
    expected = loaded["inception.tf"].frames(Video(frames[:1], 8.0))
    places = [torch.backends.cudnn.conv, torch.backends.cuda.matmul] if hasattr(torch.backends.cudnn, "conv") else []
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    chosen = [place.fp32_precision for place in places]
    try:
        with torch.autocast("cpu", torch.bfloat16):
            assert np.array_equal(loaded["inception.tf"].frames(Video(frames[:1], 8.0)), expected)
            assert torch.is_autocast_enabled("cpu")
        assert torch.get_float32_matmul_precision() == "medium"
        assert [place.fp32_precision for place in places] == chosen
    finally:
        torch.set_float32_matmul_precision(before)


def test_float_frames_are_refused(loaded, frames):
    with pytest.raises(BadInputError, match="expected uint8"):
        loaded["inception.clean"].frames(Video(frames.astype(np.float32), 8.0))  # pyright: ignore


def test_the_protocol_names_weights_and_steps_and_needs_the_file(monkeypatch, tmp_path, file):
    with pytest.MonkeyPatch.context() as patch:
        target = register(patch, tmp_path, ID, file)
        record = InceptionTF().protocol()
        assert record["weights_sha256"] == digest_file(target)
        assert record["steps"] == list(InceptionTF.steps)
        target.unlink()
        with pytest.raises(BadInputError) as refusal:
            InceptionTF().protocol()
    assert refusal.value.code == "weights-missing"


def test_a_state_dict_of_another_network_and_a_pickle_are_refused(tmp_path):
    path = tmp_path / "weights.pth"
    torch.save({"fc.weight": torch.zeros(2)}, path)
    codes = []
    for content in (None, b"not a zip"):
        if content:
            path.write_bytes(content)
        with pytest.raises(BadInputError) as refusal:
            build_trunk(path)
        codes.append(refusal.value.code)
        assert "\n" not in str(refusal.value)
    assert codes == ["weights-other", "weights-unreadable"]


def test_a_pickle_that_would_run_code_is_not_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return exec, ("raise SystemExit('the pickle ran')",)

    torch.save({"fc.weight": Trap()}, tmp_path / "weights.pth")
    with pytest.raises(BadInputError, match="not a state dict"):
        build_trunk(tmp_path / "weights.pth")


def test_a_long_clip_goes_through_in_pieces(monkeypatch, loaded, frames):
    from egobench.extractors import standard

    expected = loaded["inception.tf"].frames(Video(frames, 8.0))
    monkeypatch.setattr(standard, "FRAMES_AT_ONCE", 2)
    features = loaded["inception.tf"].frames(Video(frames, 8.0))
    assert features.shape == (3, 2048)
    assert np.abs(features - expected).max() <= 1e-5 * np.abs(expected).max()
    assert inception_tf(frames).shape[0] == 3
