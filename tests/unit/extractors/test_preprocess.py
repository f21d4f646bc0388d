"""What presets do to pixels: by hand, then as the library each is named after, then what is refused."""

import numpy as np
import pytest

from egobench.errors import BadInputError
from egobench.extractors.preprocess import PREPROCESS, check_frames

torch = pytest.importorskip("torch", reason="extra 'torch'")
SIZES = [(24, 32), (120, 90), (300, 420), (299, 299), (41, 223)]


def noise(height, width, frames=2, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (frames, height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("preset", sorted(PREPROCESS))
def test_a_plain_grey_stays_a_plain_grey(preset):
    tensor = PREPROCESS[preset](np.full((2, 30, 40, 3), 192, np.uint8)).numpy()
    mean, std = np.array([0.48145466, 0.4578275, 0.40821073]), np.array([0.26862954, 0.26130258, 0.27577711])
    expected = {
        "inception": np.full(3, (192 - 128) / 128),
        "i3d.stylegan-v": np.full(3, 192),
        "i3d.crop": np.full(3, (192 / 255 - 0.5) * 2),
        "clip": (192 / 255 - mean) / std,
    }
    wanted = expected.get(preset, expected.get(preset.partition(".")[0]))
    colours = np.moveaxis(tensor, 1, -1).reshape(-1, 3)
    assert np.allclose(colours, wanted, atol=2e-6)


def test_shapes():
    frames = noise(48, 64)
    shapes = {preset: tuple(prepare(frames).shape) for preset, prepare in PREPROCESS.items()}
    assert {shape for preset, shape in shapes.items() if "inception" in preset} == {(2, 3, 299, 299)}
    assert shapes["clip.vit-b-32"] == shapes["clip.vit-l-14"] == (2, 3, 224, 224)
    assert shapes["i3d.crop"] == (1, 3, 2, 224, 224)
    assert shapes["i3d.stylegan-v"] == (1, 3, 2, 48, 64)


def test_tensorflow_s_resize_takes_the_first_pixel_of_two_where_others_take_their_mean():
    step = np.zeros((1, 598, 598, 3), np.uint8)
    step[:, :, 1::2] = 200  # scale 2: target k is source 2k, always a dark column
    assert np.all(PREPROCESS["inception.tf"](step).numpy() == -1)
    assert np.allclose(PREPROCESS["inception.torchmetrics"](step).numpy()[..., 1:-1], (100 - 128) / 128, atol=0.2)


def test_the_crop_does_not_see_the_sides_and_the_squash_does():
    frames = np.zeros((1, 100, 300, 3), np.uint8)
    frames[:, :, :80] = frames[:, :, -80:] = 255
    assert PREPROCESS["i3d.crop"](frames).max() == -1
    assert PREPROCESS["inception.tf"](frames).max() > 0.9


@pytest.mark.parametrize("preset", sorted(PREPROCESS))
def test_a_frame_s_tensor_does_not_depend_on_the_clip_it_stands_in(preset):
    frames, time = noise(40, 56, frames=5), 2 if preset.startswith("i3d") else 0
    whole, alone = PREPROCESS[preset](frames), PREPROCESS[preset](frames[3:4])
    assert torch.equal(whole.select(time, 3), alone.select(time, 0))


@pytest.mark.parametrize("size", SIZES)
def test_tf_is_torch_fidelity_s_bit_by_bit(size):
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

    frames = noise(*size)
    images = torch.from_numpy(frames).permute(0, 3, 1, 2).float()
    witness = interpolate_bilinear_2d_like_tensorflow1x(images, size=(299, 299), align_corners=False)
    assert torch.equal(PREPROCESS["inception.tf"](frames), (witness - 128) / 128)


@pytest.mark.parametrize("size", SIZES)
def test_torchmetrics_is_its_own_line_bit_by_bit(size):
    frames = noise(*size)
    images = torch.from_numpy(frames).permute(0, 3, 1, 2).contiguous().float()
    options = {"size": (299, 299), "mode": "bilinear", "align_corners": False, "antialias": True}
    witness = torch.nn.functional.interpolate(images, **options)
    assert torch.equal(PREPROCESS["inception.torchmetrics"](frames), (witness - 128) / 128)


@pytest.mark.parametrize("size", SIZES)
def test_clean_is_a_cubic_filter_that_widens_when_it_shrinks(size):
    """The filter of Keys with a = -0.5, over a support that grows with the scale, in float64 and without PIL."""
    frames = noise(*size, frames=1)
    rows, columns = (cubic_weights(n, 299) for n in size)
    witness = np.einsum("ij,tjkc,lk->tcil", rows, frames.astype(np.float64), columns, optimize=True).clip(0, 255)
    assert np.abs(PREPROCESS["inception.clean"](frames).numpy() * 128 + 128 - witness).max() < 2e-3


def cubic_weights(source, target):
    scale = source / target
    width = max(scale, 1.0)
    centres = (np.arange(target)[:, None] + 0.5) * scale
    x = np.abs((np.arange(source)[None] + 0.5 - centres) / width)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    weights = np.where(x < 1, near, np.where(x < 2, far, 0))
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("size", [(64, 64), (32, 48), (48, 32), (256, 320), (480, 480), (299, 299)])
def test_the_crop_is_torchvision_s_resize_and_crop_where_the_long_side_is_whole(size):
    from torchvision.transforms import functional

    frames = noise(*size)
    images = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
    images = functional.resize(images, [224], functional.InterpolationMode.BILINEAR, antialias=False)
    witness = (functional.center_crop(images, [224, 224]) - 0.5) * 2
    assert torch.allclose(PREPROCESS["i3d.crop"](frames)[0].transpose(0, 1), witness, atol=1e-6)


def test_the_crop_rounds_the_long_side_up():
    frames = noise(40, 63)  # 63 · 224 / 40 = 352.8 → 353; (353 - 224) // 2 = 64
    images = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
    whole = torch.nn.functional.interpolate(images, (224, 353), mode="bilinear", align_corners=False)
    crop = (whole[..., 64:288] - 0.5) * 2
    assert torch.allclose(PREPROCESS["i3d.crop"](frames)[0].transpose(0, 1), crop, atol=1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_clip_is_pil_s_bicubic_on_bytes(size):
    from PIL import Image

    frames = noise(*size)
    height, width = size
    scaled = (224, int(224 * height / width)) if width < height else (int(224 * width / height), 224)
    left, top = (round((n - 224) / 2) for n in scaled)
    mean, std = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
    for frame, tensor in zip(frames, PREPROCESS["clip.vit-b-32"](frames).numpy(), strict=True):
        image = Image.fromarray(frame).resize(scaled, Image.Resampling.BICUBIC)
        pixels = np.asarray(image.crop((left, top, left + 224, top + 224)))
        witness = (pixels / 255 - np.array(mean)) / np.array(std)
        assert np.abs(tensor - witness.transpose(2, 0, 1)).max() < 1e-5


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (np.zeros((2, 8, 8, 3), np.float32), "video-dtype"),
        (np.zeros((2, 8, 8, 3), np.int64), "video-dtype"),
        (np.zeros((2, 8, 8), np.uint8), "video-shape"),
        (np.zeros((2, 3, 8, 8), np.uint8), "video-shape"),
        (np.zeros((2, 0, 8, 3), np.uint8), "video-shape"),
        (np.zeros((0, 8, 8, 3), np.uint8), "video-frames"),
    ],
)
def test_what_is_no_uint8_rgb_video_is_refused(frames, code):
    with pytest.raises(BadInputError) as refusal:
        check_frames(frames, "inception.tf")
    assert refusal.value.code == code
    assert "inception.tf" in str(refusal.value)
