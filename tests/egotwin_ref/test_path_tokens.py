"""The given head path as tokens: four frames side by side, by hand; nothing is lost, no token hears a later frame."""

import math

import pytest
import torch

from egotwin_ref.autoencoders.path_tokens import PathTokens
from egotwin_ref.model.configs import PATH_CHANNELS, VARIANTS
from egotwin_ref.model.representation import HeadCentric, HeadPath
from egotwin_ref.model.skeleton import XSENS23

PATH = HeadPath(XSENS23)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def tokens() -> PathTokens:
    return PathTokens(PATH.dim, PATH.groups)


def test_tokens_by_hand():
    vae = PathTokens(2, {"h_p": slice(0, 2)}, channels=8)
    features = torch.arange(10.0).view(1, 5, 2)  # frame t is (2t, 2t + 1)
    right = torch.tensor([[[0.0, 1, 0, 1, 0, 1, 0, 1], [2.0, 3, 4, 5, 6, 7, 8, 9]]])
    assert torch.equal(vae.encode(features), right)
    assert torch.equal(vae.decode(right), features)


@pytest.mark.parametrize("frames", [1, 5, 81])
def test_a_path_comes_back_exactly_and_fills_so_many_tokens(frames):
    vae, features = tokens(), noise(3, frames, PATH.dim)
    z = vae.encode(features)
    assert z.shape == vae.noise_shape(3, frames) == (3, 1 + (frames - 1) // 4, PATH_CHANNELS)
    assert torch.equal(vae.decode(z), features)


def test_after_statistics_are_fitted_tokens_vary_by_one_and_the_path_comes_back():
    vae = tokens()
    features = 3.0 + noise(200, 17, PATH.dim) * torch.linspace(0.5, 2.0, PATH.dim)
    vae.fit_features(features)
    vae.fit_latents(features)
    z = vae.encode(features)
    for some in (z[:, 0], z[:, 1:].flatten(0, 1)):
        torch.testing.assert_close(some.mean(0), torch.zeros(PATH_CHANNELS), atol=1e-4, rtol=0)
        torch.testing.assert_close(some.std(0), torch.ones(PATH_CHANNELS), atol=1e-4, rtol=0)
    torch.testing.assert_close(vae.decode(z), features, atol=1e-5, rtol=0)


@pytest.mark.parametrize("frame", [0, 1, 4, 5, 16])
def test_a_frame_is_in_its_own_token_and_in_no_other(frame):
    vae, features = tokens(), noise(2, 17, PATH.dim)
    other = features.clone()
    other[:, frame] += 1.0
    touched = (vae.encode(features) != vae.encode(other)).any(dim=2).any(dim=0).nonzero().flatten().tolist()
    assert touched == [math.ceil(frame / 4)]


def test_nothing_of_it_is_trained():
    assert list(tokens().parameters()) == []
    assert all(row.timesteps == "given" for row in VARIANTS.values() if row.tokens == "path")


def test_wrong_lengths_and_sizes_are_refused():
    with pytest.raises(ValueError, match=r"4K \+ 1 frames; this one has 16"):
        tokens().encode(noise(1, 16, PATH.dim))
    with pytest.raises(ValueError, match=r"motion features are \(B, T, 18\); these are \(1, 5, 17\)"):
        tokens().encode(noise(1, 5, 17))
    with pytest.raises(ValueError, match=r"motion latents are \(B, tokens, 72\); these are \(1, 2, 71\)"):
        tokens().decode(noise(1, 2, 71))
    with pytest.raises(ValueError, match="a token is 4 frames of 18 numbers, so it has 72 channels, not 64"):
        PathTokens(PATH.dim, PATH.groups, channels=64)


def test_the_head_s_path_is_the_first_four_groups_of_the_head_centric_motion():
    positions, rotations = noise(2, 9, 23, 3).double(), torch.eye(3).double().expand(2, 9, 23, 3, 3)
    whole, found = HeadCentric(XSENS23).encode(positions, rotations), PATH.encode(positions, rotations)
    assert found.shape == (2, 9, PATH.dim)
    groups = HeadCentric(XSENS23).groups
    assert list(PATH.groups) == ["h_r", "dh_r", "h_p", "dh_p"]
    for name, channels in PATH.groups.items():
        assert torch.equal(found[..., channels], whole[..., groups[name]])
    frame = HeadCentric(XSENS23).canonical_frame(positions, rotations)
    assert torch.equal(PATH.canonical_frame(positions, rotations), frame)


def test_the_path_hears_the_head_alone_and_each_frame_hears_itself_and_the_one_before():
    positions, rotations = noise(1, 9, 23, 3).double(), torch.eye(3).double().expand(1, 9, 23, 3, 3)
    head, bent, moved = XSENS23.index("head"), positions.clone(), positions.clone()
    bent[:, :, [joint for joint in range(23) if joint != head]] += 1.0
    assert torch.equal(PATH.encode(bent, rotations), PATH.encode(positions, rotations))
    moved[:, 4, head] += 1.0
    changed = (PATH.encode(moved, rotations) != PATH.encode(positions, rotations)).any(dim=2)[0]
    assert changed.nonzero().flatten().tolist() == [4, 5]


def test_a_path_is_never_decoded_to_a_body():
    with pytest.raises(TypeError, match="a path of the head has no body to decode"):
        PATH.decode(noise(1, 5, 18))
