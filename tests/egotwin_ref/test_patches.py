"""Finer patches start where the coarse ones were."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from egotwin_ref.model.configs import PRESETS, VARIANTS, NetworkConfig  # noqa: E402
from egotwin_ref.model.network import EgoTwin  # noqa: E402
from egotwin_ref.training.patches import refine  # noqa: E402

CONFIG = NetworkConfig(
    layers=2, heads=2, head_dim=16, motion_width=24, time_width=16, text_tokens=5, text_width=12, video_channels=3,
    latent_frames=3, latent_size=(8, 8), motion_channels=6, global_channels=6,
)  # fmt: skip


def _network(patch: int) -> EgoTwin:
    model = EgoTwin(replace(CONFIG, patch=patch), VARIANTS["egotwin"])
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.2 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    return model


def _repeated(x, times: int):
    return x.repeat_interleave(times, -1).repeat_interleave(times, -2)


@pytest.mark.parametrize(("longer", "side"), [(2, 1), (4, 2), (4, 1), (2, 2)])
def test_a_fine_token_of_a_picture_whose_parts_are_alike_is_the_coarse_token(longer, side):
    coarse, fine = _network(longer), _network(side)
    refine(fine, coarse)
    tile = torch.randn(2, 3, 8 // longer * side, 8 // longer * side, generator=torch.Generator().manual_seed(2))
    parts = tile.unflatten(3, (-1, side)).unflatten(2, (-1, side)).movedim(3, 4)  # rows, columns, side, side
    alike = parts.repeat(1, 1, 1, 1, longer // side, longer // side)  # every coarse patch repeats one fine patch
    picture = alike.movedim(4, 3).flatten(4, 5).flatten(2, 3)
    expected = _repeated(coarse.video_in(picture), longer // side)
    torch.testing.assert_close(fine.video_in(picture), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("longer", "side"), [(2, 1), (4, 2), (2, 2)])
def test_a_fine_token_predicts_the_mean_of_the_fine_patches_that_the_coarse_token_did(longer, side):
    coarse, fine = _network(longer), _network(side)
    refine(fine, coarse)
    rows, times = 8 // longer, longer // side
    tokens = torch.randn(1, 3 * rows**2, 32, generator=torch.Generator().manual_seed(3))
    grid = tokens.unflatten(1, (3, rows, rows)).movedim(-1, 2)
    spread = _repeated(grid, times).movedim(2, -1).flatten(1, 3)
    made = fine._unpatch(fine.video_out.out(spread))
    was = coarse._unpatch(coarse.video_out.out(tokens))
    folded = was.unflatten(4, (rows, times, side)).unflatten(3, (rows, times, side)).mean((4, 7), keepdim=True)
    expected = folded.expand(-1, -1, -1, -1, times, -1, -1, times, -1).flatten(6, 8).flatten(3, 5)
    torch.testing.assert_close(made, expected, atol=1e-5, rtol=0)


def test_all_else_is_taken_over_as_it_is():
    coarse, fine = _network(2), EgoTwin(replace(CONFIG, patch=1), VARIANTS["egotwin"])
    refine(fine, coarse)
    for name, value in coarse.state_dict().items():
        if name not in ("video_in.weight", "video_out.out.weight", "video_out.out.bias"):
            assert torch.equal(fine.state_dict()[name], value), name


def test_patches_that_do_not_divide_and_other_rows_are_refused():
    with pytest.raises(ValueError, match="has to be a multiple of"):
        refine(_network(2), _network(1))
    for change in ({"layers": 4}, {"motion_width": 20}):
        other = EgoTwin(replace(CONFIG, patch=1, **change), VARIANTS["egotwin"])
        with pytest.raises(ValueError, match="differ"):
            refine(other, _network(2))


def test_the_coarse_patches_of_every_preset_are_made_of_whole_fine_ones():
    for preset in PRESETS.values():
        if preset.coarse_patch is not None:
            assert preset.coarse_patch % preset.network.patch == 0
            assert preset.coarse_patch > preset.network.patch
