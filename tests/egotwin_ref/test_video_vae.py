"""Both video VAEs: causality by perturbation, the first frame alone, statistics, sizes, and diffusers behind one."""

import pytest
import torch

from egotwin_ref.autoencoders.video_vae import CogVideoXVAE, GroupVAE, to_pixels, to_unit


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def frames(count: int = 13, clips: int = 2) -> torch.Tensor:
    return noise(clips, count, 3, 32, 16).clamp(-1, 1)


@pytest.fixture(scope="module")
def vae() -> GroupVAE:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        vae = GroupVAE(channels=4, width=16)
        for layer in (vae.encoder[-1], vae.decoder[-2]):  # fresh networks add nothing
            torch.nn.init.normal_(layer.weight, std=0.05)
        return vae.eval()


def changed(before: torch.Tensor, after: torch.Tensor) -> list[bool]:
    """By frame or latent."""
    return ((before - after).abs().flatten(2).amax(dim=(0, 2)) > 1e-6).tolist()


@pytest.mark.parametrize("frame", range(13))
def test_a_latent_sees_its_own_frames_and_no_other(vae, frame):
    video = frames()
    other = video.clone()
    other[:, frame] *= -1
    with torch.no_grad():
        found = changed(vae.encode(video), vae.encode(other))
    assert found == [k == -(-frame // 4) for k in range(4)]  # latent 0: frame 0; latent k: frames 4k - 3 … 4k


@pytest.mark.parametrize("latent", range(4))
def test_a_frame_is_drawn_from_its_latent_and_two_before(vae, latent):
    z = noise(2, 4, 4, 2, 1)
    other = z.clone()
    other[:, latent] *= -1
    with torch.no_grad():
        found = changed(vae.decode(z), vae.decode(other))
    assert found == [latent <= -(-frame // 4) <= latent + 2 for frame in range(13)]


def test_the_first_frame_alone_is_the_first_latent_of_any_video(vae):
    video = frames()
    with torch.no_grad():
        torch.testing.assert_close(vae.encode(video[:, :1])[:, 0], vae.encode(video)[:, 0], atol=1e-6, rtol=0)


@pytest.mark.parametrize("count", [1, 5, 41])
def test_frames_and_latents_have_the_shapes_that_are_said(vae, count):
    video = frames(count, clips=1)
    with torch.no_grad():
        z = vae.encode(video)
        assert z.shape == (1, 1 + (count - 1) // 4, 4, 2, 1)
        assert vae.decode(z).shape == video.shape


def test_fitted_latents_have_mean_zero_and_variance_one_on_the_whole_and_the_pictures_stay(vae):
    video = frames(clips=4)
    with torch.no_grad():
        before = vae.decode(vae.encode(video))
        vae.fit_latents(video)
        z = vae.encode(video).transpose(0, 2).flatten(1)
        torch.testing.assert_close(z.mean(1), torch.zeros(4), atol=1e-5, rtol=0)
        torch.testing.assert_close(z.square().mean(), torch.ones(()), atol=0.04, rtol=0)  # 31 / 32
        torch.testing.assert_close(vae.decode(vae.encode(video)), before, atol=1e-4, rtol=0)


def test_a_channel_that_moves_the_pixels_four_times_as_much_weighs_twice_as_much(vae):
    with torch.random.fork_rng():
        torch.manual_seed(1)
        fresh = GroupVAE(channels=2, width=16).eval()
    with torch.no_grad():
        moved = fresh.unproject.weight
        moved[0] *= 4 * moved[1].norm() / moved[0].norm()
        fresh.fit_latents(frames(clips=4))
        mean, _ = fresh._posterior(frames(clips=4))
        deviations = mean.transpose(0, 2).flatten(1).std(1)
        scales = fresh.latent_mix.norm(dim=0) * deviations  # a rotation keeps a column's length
    torch.testing.assert_close(scales[0] / scales[1], (4 * deviations[0] / deviations[1]).sqrt(), atol=1e-4, rtol=0)


def test_pictures_made_of_a_few_patterns_are_drawn_by_their_components_alone():
    patterns = noise(3, 12, 16, 16)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        fresh = GroupVAE(channels=4, width=16).eval()
        weights = 0.1 * noise(2, 3, 3, seed=1)  # 2 clips, 3 groups after the first frame
        groups = torch.einsum("bkp,pchw->bkchw", weights, patterns - patterns.mean((2, 3), keepdim=True))
        video = groups.unflatten(2, (4, 3)).flatten(1, 2)
        video = torch.cat([torch.zeros_like(video[:, :1]), video], dim=1)
        fresh.fit_basis(video)
    with torch.no_grad():
        torch.testing.assert_close(fresh.decode(fresh.encode(video)), video, atol=1e-4, rtol=0)


def test_the_loss_by_hand(vae):
    video, drawn = frames(), noise(2, 4, 4, 2, 1)
    with torch.no_grad():
        value, parts = vae.loss(video, drawn, kl_weight=0.25)
        mean, logvar = vae._posterior(video)
        error = (vae._draw(mean + (logvar / 2).exp() * drawn) - video).square().mean()
        kl = torch.distributions.kl_divergence(
            torch.distributions.Normal(mean, (logvar / 2).exp()), torch.distributions.Normal(0.0, 1.0)
        ).mean()
    torch.testing.assert_close(parts["mse"], error)
    torch.testing.assert_close(parts["kl"], kl)
    torch.testing.assert_close(value, error + 0.25 * kl)


def test_a_few_steps_bring_the_picture_nearer():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        fresh = GroupVAE(channels=4, width=16)
    video = noise(1, 5, 3, 1, 1).clamp(-1, 1).expand(1, 5, 3, 16, 16)
    optimiser, errors = torch.optim.Adam(fresh.parameters(), lr=2e-3), []
    for step in range(15):
        value, parts = fresh.loss(video, noise(1, 2, 4, 1, 1, seed=step), kl_weight=1e-4)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        errors.append(float(parts["mse"]))
    assert errors[-1] < 0.5 * errors[0]


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ((1, 12, 3, 16, 16), "4K \\+ 1 frames; this one has 12"),
        ((1, 5, 3, 24, 16), "multiples of 16; these are 24 × 16"),
    ],
)
def test_wrong_sizes_are_refused(vae, shape, told):
    with pytest.raises(ValueError, match=told):
        vae.encode(torch.zeros(shape))


def test_pixels_come_back_from_the_unit_range():
    pixels = torch.arange(256, dtype=torch.uint8).repeat(3).view(1, 1, 16, 16, 3)
    assert torch.equal(to_pixels(to_unit(pixels)), pixels)
    assert to_pixels(torch.tensor([-9.0, 0.0, 9.0]).view(1, 1, 3, 1, 1)).flatten().tolist() == [0, 128, 255]


@pytest.fixture(scope="module")
def finer() -> GroupVAE:
    """Of blocks of 8 × 8."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        vae = GroupVAE(channels=4, block=8, width=16)
        for layer in (vae.encoder[-1], vae.decoder[-2]):
            torch.nn.init.normal_(layer.weight, std=0.05)
        return vae.eval()


@pytest.mark.parametrize("count", [1, 5, 13])
def test_blocks_of_eight_give_latents_of_twice_the_side(finer, count):
    video = frames(count, clips=2)
    with torch.no_grad():
        z = finer.encode(video)
        assert z.shape == (2, 1 + (count - 1) // 4, 4, 4, 2)
        assert finer.decode(z).shape == video.shape


@pytest.mark.parametrize("frame", [0, 1, 4, 5, 8, 12])
def test_in_blocks_of_eight_too_frames_after_a_latent_s_own_do_not_change_it(finer, frame):
    video = frames()
    other = video.clone()
    other[:, frame:] *= -1
    own = -(-frame // 4)
    with torch.no_grad():
        assert changed(finer.encode(video), finer.encode(other)) == [k >= own for k in range(4)]
        z = noise(2, 4, 4, 4, 2)
        later = z.clone()
        later[:, own:] *= -1
        assert changed(finer.decode(z), finer.decode(later)) == [-(-n // 4) >= own for n in range(13)]


def test_in_blocks_of_eight_sides_that_are_no_multiple_are_refused_and_others_not(finer):
    with pytest.raises(ValueError, match="multiples of 8; these are 20 × 16"):
        finer.encode(torch.zeros(1, 5, 3, 20, 16))
    with torch.no_grad():
        assert finer.encode(torch.zeros(1, 5, 3, 24, 16)).shape == (1, 2, 4, 3, 2)


@pytest.fixture(scope="module")
def cogvideox(tmp_path_factory) -> CogVideoXVAE:
    """CogVideoX's VAE of random weights, from a folder in diffusers' format."""
    pytest.importorskip("diffusers", reason="diffusers is not installed")
    from diffusers import AutoencoderKLCogVideoX

    folder = tmp_path_factory.mktemp("vae")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        AutoencoderKLCogVideoX(
            block_out_channels=(8, 8, 8, 8), latent_channels=4, layers_per_block=1, norm_num_groups=2,
            scaling_factor=0.7,
        ).save_pretrained(folder)  # fmt: skip
    return CogVideoXVAE(folder)


def test_cogvideox_s_vae_keeps_to_the_same_shapes_and_scales_its_latents(cogvideox):
    video = frames(9, clips=1)
    z = cogvideox.encode(video)
    assert z.shape == (1, 3, 4, 4, 2)
    with torch.no_grad():
        raw = cogvideox.vae.encode(video.transpose(1, 2)).latent_dist.mean.transpose(1, 2)
    torch.testing.assert_close(z[:, 1:], 0.7 * raw[:, 1:])
    assert cogvideox.decode(z).shape == video.shape


def test_cogvideox_s_first_latent_is_of_the_first_frame_alone(cogvideox):
    video = frames(9, clips=1)
    other = video.clone()
    other[:, 1:] *= -1
    assert changed(cogvideox.encode(video), cogvideox.encode(other))[0] is False
    torch.testing.assert_close(cogvideox.encode(video[:, :1])[:, 0], cogvideox.encode(video)[:, 0], atol=1e-5, rtol=0)
