"""Both motion VAEs: causality frame by frame, the four-group loss by hand, statistics, shapes, refusals."""

import math

import pytest
import torch

from egotwin_ref.autoencoders.linear_code import linear_code
from egotwin_ref.autoencoders.mld_vae import GlobalMotionVAE
from egotwin_ref.autoencoders.motion_vae import LOSS_GROUPS, ConvMotionVAE, MotionVAE
from egotwin_ref.model.representation import HeadCentric, RootCentric
from egotwin_ref.model.skeleton import XSENS23, Skeleton

STICK = Skeleton("stick", ("root", "head", "foot"), (-1, 0, 0), feet=("foot",))
HEAD = HeadCentric(STICK)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def conv(seed: int = 0) -> ConvMotionVAE:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        vae = ConvMotionVAE(HEAD.dim, HEAD.groups, channels=6, width=32)
        for last in (vae.encoder[-1], vae.decoder[-1]):  # zero at the start: here as if trained
            torch.nn.init.normal_(last.weight, std=0.1)
        return vae


def one_latent(seed: int = 0, frames: int = 17) -> GlobalMotionVAE:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        vae = GlobalMotionVAE(HEAD.dim, HEAD.groups, channels=6, frames=frames, width=32, layers=3)
        for last in (vae.pose[-1], vae.summary, vae.output):
            torch.nn.init.normal_(last.weight, std=0.1)
        return vae


BOTH = pytest.mark.parametrize("make", [conv, one_latent], ids=["conv", "global"])


class Copy(MotionVAE):
    """Latents are features: its loss is known."""

    def posterior(self, features):
        normalised = self.normalised(features)
        return normalised, torch.full_like(normalised, math.log(0.25))

    def draw(self, raw):
        return raw


@torch.no_grad()
def changed(function, inputs: torch.Tensor, step: int) -> list[int]:
    """Steps of the output that change if one step of the input does."""
    other = inputs.clone()
    other[:, step] += 1.0
    return torch.nonzero((function(inputs) != function(other)).any(dim=2).any(dim=0)).flatten().tolist()


@pytest.mark.parametrize("frame", [0, 1, 2, 3, 4, 5, 8, 9, 16])
def test_a_latent_sees_its_own_frames_and_earlier_ones(frame):
    seen_by = changed(conv().encode, noise(2, 17, HEAD.dim), frame)
    assert min(seen_by) == math.ceil(frame / 4)


@pytest.mark.parametrize("latent", range(5))
def test_a_frame_is_drawn_from_its_own_latent_and_earlier_ones(latent):
    touched = changed(conv().decode, noise(2, 5, 6), latent)
    assert min(touched) == max(0, 4 * latent - 3)
    assert set(range(max(0, 4 * latent - 3), 4 * latent + 1)) <= set(touched)


@BOTH
def test_token_0_is_the_first_pose_whatever_follows(make):
    vae = make()
    first, second = noise(2, 17, HEAD.dim), noise(2, 17, HEAD.dim, seed=1)
    second[:, 0] = first[:, 0]
    torch.testing.assert_close(vae.encode(first)[:, 0], vae.encode(second)[:, 0], atol=1e-6, rtol=0)
    assert not torch.allclose(vae.encode(first)[:, 1], vae.encode(second)[:, 1])


@torch.no_grad()
def test_a_single_frame_is_a_motion_of_one_latent():
    vae, features = conv(), noise(2, 17, HEAD.dim)
    torch.testing.assert_close(vae.encode(features[:, :1]), vae.encode(features)[:, :1], atol=1e-6, rtol=0)
    assert vae.decode(vae.encode(features[:, :1])).shape == (2, 1, HEAD.dim)


def test_the_global_latent_sees_every_frame_and_is_seen_by_every_frame():
    vae, features = one_latent(), noise(2, 17, HEAD.dim)
    for frame in (0, 8, 16):
        assert 1 in changed(vae.encode, features, frame)
    for token in (0, 1):
        assert changed(vae.decode, noise(2, 2, 6), token) == list(range(17))


@BOTH
@torch.no_grad()
def test_shapes_follow_noise_shape(make):
    vae, features = make(), noise(3, 17, HEAD.dim)
    shape = vae.noise_shape(3, frames=17) if make is conv else vae.noise_shape(3)
    assert shape == (3, 5 if make is conv else 2, 6)
    assert vae.encode(features).shape == shape
    assert vae.decode(torch.zeros(shape)).shape == features.shape
    assert conv().noise_shape(8) == (8, 21, 6)  # 81 frames


@pytest.mark.parametrize("kind", [HeadCentric, RootCentric])
def test_networks_of_the_small_preset_have_at_most_two_and_a_half_million_weights(kind):
    features = kind(XSENS23)
    for vae in (
        ConvMotionVAE(features.dim, features.groups, channels=64),
        GlobalMotionVAE(features.dim, features.groups, channels=64),
    ):
        assert sum(weights.numel() for weights in vae.parameters()) <= 2.5e6
        assert len(vae.loss_groups) == 4


def test_the_loss_by_hand():
    # One channel a group; the copy draws mean + noise / 2, so each group's error is (noise / 2)² of its channels.
    groups = {name: slice(i, i + 1) for i, name in enumerate(HEAD.groups)}
    vae = Copy(7, groups, channels=7)
    features = torch.tensor([[[2.0, 0, 0, 0, 0, 0, 0]]])
    drawn = torch.tensor([[[4.0, 0, 2, 0, 0, 2, 6]]])  # of h_r, dh_r, h_p, dh_p, j_p, j_v, j_r
    errors = {"head 6D": (4 + 0) / 2, "head 3D": (1 + 0) / 2, "joint 3D": (0 + 1) / 2, "joint 6D": 9.0}
    kl = (0.5 * 4 + 7 * 0.5 * (0.25 - 1 + math.log(4))) / 7
    total, terms = vae.loss(features, drawn, kl_weight=0.1)
    assert {name: pytest.approx(float(term)) for name, term in terms.items()} == {**errors, "kl": kl}
    assert float(total) == pytest.approx(sum(errors.values()) / 4 + 0.1 * kl)


@BOTH
def test_without_spread_the_loss_is_what_it_was(make):
    vae, features = make(), noise(4, 17, HEAD.dim)
    drawn = noise(*vae.encode(features).shape, seed=1)
    mean, logvar = vae.posterior(features)
    error = (vae.draw(mean + (logvar / 2).exp() * drawn) - vae.normalised(features)).square().mean(dim=(0, 1))
    found, terms = vae.loss(features, drawn, 0.0, spread=0.0)
    assert torch.equal(found, vae.loss(features, drawn, 0.0)[0])
    torch.testing.assert_close(terms["joint 6D"], error[HEAD.groups["j_r"]].mean())


def test_the_variance_of_spread_noise_by_hand():
    # One channel, latents are features. The first poses are 0 and 2: their variance is 2; the other tokens are 1, 1, 5
    # and 5: 16 / 3. The posterior's own is 1 / 4. The copy's error is the noise itself, whose variance is the sum.
    vae = Copy(1, {"j_r": slice(0, 1)}, channels=1)
    features = torch.tensor([[0.0, 1, 5], [2.0, 1, 5]])[..., None]
    for spread in (0.0, 0.5, 3.0):
        for token, variance in ((0, 2.0), (1, 16 / 3), (2, 16 / 3)):
            drawn = torch.zeros(2, 3, 1)
            drawn[:, token] = torch.tensor([[2.0], [-1.0]])
            _, terms = vae.loss(features, drawn, 0.0, spread)
            assert float(terms["joint 6D"]) == pytest.approx((4 + 1) / 6 * (0.25 + spread**2 * variance))


def test_spread_has_no_gradient_of_its_own_and_leaves_the_kl_as_it_is():
    vae, features = conv(), noise(4, 17, HEAD.dim)
    drawn = noise(4, 5, 6)
    assert torch.equal(vae.loss(features, drawn, 1.0)[1]["kl"], vae.loss(features, drawn, 1.0, spread=0.5)[1]["kl"])
    spread, plain = (torch.autograd.grad(vae.loss(features, torch.zeros_like(drawn), 0.0, spread)[0],
                                         vae.analysis.weight)[0] for spread in (0.5, 0.0))  # fmt: skip
    torch.testing.assert_close(spread, plain)
    with pytest.raises(ValueError, match="needs 2 motions; there is 1"):
        vae.loss(features[:1], drawn[:1], 0.0, spread=0.5)


def test_a_group_counts_by_its_channels_and_the_four_groups_count_alike():
    vae = Copy(HEAD.dim, HEAD.groups, channels=HEAD.dim)
    drawn = torch.zeros(1, 1, HEAD.dim)
    drawn[..., HEAD.groups["j_r"]] = 2.0  # an error of 1 in 18 of 54 channels, which are all of "joint 6D"
    total, terms = vae.loss(torch.zeros(1, 1, HEAD.dim), drawn, kl_weight=0.0)
    assert float(terms["joint 6D"]) == pytest.approx(1.0)
    assert float(total) == pytest.approx(0.25)


def test_features_are_normalised_per_channel_with_one_deviation_per_group():
    vae = conv()
    features = 3.0 + noise(50, 9, HEAD.dim) * torch.linspace(0.1, 2.0, HEAD.dim)
    vae.fit_features(features)
    torch.testing.assert_close(vae.feature_mean, features.mean(dim=(0, 1)))
    for group in HEAD.groups.values():
        expected = features[..., group].std(dim=(0, 1)).mean()
        torch.testing.assert_close(vae.feature_std[group], expected.expand(group.stop - group.start))


def test_untrained_convolutions_leave_the_best_linear_code_of_four_frames():
    # Frames that move in 5 directions only, so 6 components hold all of them.
    directions = noise(5, 4 * HEAD.dim, seed=1)
    groups = noise(40, 5, 5) @ directions
    groups[:, 0] = noise(40, 5, seed=2) @ directions[:, -HEAD.dim :].repeat(1, 4)
    features = groups.unflatten(-1, (4, -1)).flatten(1, 2)[:, 3:]
    vae = ConvMotionVAE(HEAD.dim, HEAD.groups, channels=11, width=32)  # 5 of a whole group, 5 of frame 0, the mean
    vae.fit_features(features)
    with torch.no_grad():
        left = vae.decode(vae.encode(features)) - features
    assert float(left.abs().max()) < 1e-2 * float(features.std())
    latents = vae.encode(features).detach()
    assert float(latents.square().mean()) == pytest.approx(1.0, abs=1e-3)


def test_untrained_transformers_leave_the_best_linear_code_of_slow_motions():
    # Motions made of five slow cosines with fixed channels: the pose and six components hold all of them.
    wave = torch.cos(torch.pi / 17 * (torch.arange(17) + 0.5) * torch.arange(1, 6)[:, None])
    features = torch.einsum("nk,kt,kd->ntd", noise(200, 5), wave, noise(5, HEAD.dim, seed=1))
    vae = GlobalMotionVAE(HEAD.dim, HEAD.groups, channels=6, frames=17, width=32, layers=3)
    vae.fit_features(features)
    with torch.no_grad():
        z = vae.encode(features)
        left = vae.decode(z) - features
    assert float(left.std()) < 2e-2 * float(features.std())


def test_principal_components_are_shared_out_by_the_roots_of_their_deviations():
    deviations = torch.tensor([16.0, 9.0, 4.0, 1.0, 1e-3])
    seen = noise(4000, 5)
    seen = seen @ torch.linalg.inv(torch.linalg.cholesky((seen.T @ seen) / 4000)).T * deviations
    analysis, synthesis = linear_code(seen, torch.ones(5), channels=4)
    torch.testing.assert_close(synthesis @ analysis, torch.diag(torch.tensor([1.0, 1, 1, 1, 0])), atol=1e-4, rtol=0)
    # Deviations √s · c, hence gains √s / c; variances of mean 1 fix c² = 1 / mean(s) = 4 / 30.
    gains = torch.linalg.svdvals(synthesis)
    torch.testing.assert_close(gains, deviations[:4].sqrt() * (30 / 4) ** 0.5, atol=1e-3, rtol=0)
    weighed, _ = linear_code(seen, torch.tensor([1.0, 1, 1, 1, 1e12]), channels=1)
    assert weighed.abs().argmax() == 4


def test_features_that_never_change_stay_finite():
    vae = conv()
    vae.fit_features(torch.ones(4, 9, HEAD.dim))
    assert vae.encode(torch.ones(4, 9, HEAD.dim)).isfinite().all()


@BOTH
@torch.no_grad()
def test_latents_have_mean_0_and_deviation_1_and_the_pose_its_own_statistics(make):
    vae, features = make(), noise(64, 17, HEAD.dim)
    features[:, 0] += 5.0
    before = vae.decode(vae.encode(features))
    vae.fit_latents(features)
    z = vae.encode(features)
    for tokens in (z[:, 0], z[:, 1:].flatten(0, 1)):
        torch.testing.assert_close(tokens.mean(dim=0), torch.zeros(6), atol=1e-4, rtol=0)
        torch.testing.assert_close(tokens.std(dim=0), torch.ones(6), atol=1e-3, rtol=0)
    assert not torch.allclose(vae.latent_mean[0], vae.latent_mean[1], atol=1e-2)
    torch.testing.assert_close(vae.decode(z), before, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_a_latent_that_carries_nothing_is_not_blown_up():
    vae = Copy(HEAD.dim, HEAD.groups, channels=HEAD.dim)
    features = noise(8, 5, HEAD.dim)
    features[..., 0] *= 1e-5
    vae.fit_latents(features)
    assert float(vae.encode(features)[..., 0].std()) < 1e-2


@BOTH
def test_the_same_input_gives_the_same_output_and_statistics_travel_with_the_weights(make):
    vae, features = make(), noise(4, 17, HEAD.dim)
    vae.fit_features(features)
    vae.fit_latents(features)
    twin = make(seed=1)
    twin.load_state_dict(vae.state_dict())
    assert torch.equal(vae.encode(features), twin.encode(features))
    z = vae.encode(features)
    assert torch.equal(vae.decode(z), twin.decode(z))
    first, second = (model.loss(features, noise(*z.shape), 1e-4)[0] for model in (vae, twin))
    assert torch.equal(first, second)


@BOTH
def test_training_lowers_every_term(make):
    vae = make()
    features = 0.3 * noise(16, 17, 3).repeat(1, 1, HEAD.dim)[..., : HEAD.dim].cumsum(dim=1)
    vae.fit_features(features)
    shape = vae.encode(features).shape
    optimiser = torch.optim.AdamW(vae.parameters(), lr=1e-2)
    _, before = vae.loss(features, noise(*shape), 1e-5)
    for step in range(12):
        optimiser.zero_grad()
        vae.loss(features, noise(*shape, seed=step), 1e-5)[0].backward()
        optimiser.step()
    _, after = vae.loss(features, noise(*shape), 1e-5)
    for name in vae.loss_groups:
        assert float(after[name]) < 0.8 * float(before[name]), name


@BOTH
def test_every_weight_that_is_to_be_trained_is_reached(make):
    vae, features = make(), noise(4, 17, HEAD.dim)
    optimiser = torch.optim.SGD(vae.parameters(), lr=0.1)
    for _ in range(2):  # the convolutions' last layers start at zero, so what lies behind them waits for a step
        optimiser.zero_grad()
        vae.loss(features, noise(*vae.encode(features).shape), 1e-4)[0].backward()
        optimiser.step()
    trained = [(name, value) for name, value in vae.named_parameters() if value.requires_grad]
    assert [name for name, weights in trained if weights.grad is None or not weights.grad.any()] == []


def test_the_linear_path_of_the_global_latent_stays_the_principal_components():
    """Each has thousands of inputs: a step of AdamW moves all of them, and in minutes the code was worse by half."""
    vae = one_latent()
    frozen = {name for name, value in vae.named_parameters() if not value.requires_grad}
    assert frozen == {f"{name}.weight" for name in ("pose_analysis", "pose_synthesis", "analysis", "synthesis")}
    assert all(value.requires_grad for value in conv().parameters())


def test_bad_shapes_and_unknown_groups_are_refused():
    with pytest.raises(ValueError, match=r"motion features are \(B, T, 54\); these are \(1, 17, 53\)"):
        conv().encode(noise(1, 17, 53))
    with pytest.raises(ValueError, match=r"4K \+ 1 frames; this one has 16"):
        conv().encode(noise(1, 16, HEAD.dim))
    with pytest.raises(ValueError, match=r"motion latents are \(B, tokens, 6\); these are \(1, 5, 7\)"):
        conv().decode(noise(1, 5, 7))
    with pytest.raises(ValueError, match="is for 17 frames; the motion has 21"):
        one_latent().encode(noise(1, 21, HEAD.dim))
    with pytest.raises(ValueError, match="has 2 tokens, pose and motion; these are 3"):
        one_latent().decode(noise(1, 3, 6))
    with pytest.raises(ValueError, match=r"\['h_p', 'smell'\]"):
        ConvMotionVAE(4, {"h_p": slice(0, 3), "smell": slice(3, 4)}, channels=6)
    assert len(LOSS_GROUPS) == 6
