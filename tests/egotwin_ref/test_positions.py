"""The clock and the interaction mask against the written rules; rotary and added positions against diffusers."""

from dataclasses import replace

import pytest
import torch

from egotwin_ref.model.configs import PRESETS, VARIANTS, NetworkConfig
from egotwin_ref.model.mask import joint_mask
from egotwin_ref.model.positions import crop, rotary, rotate, sincos
from egotwin_ref.model.tokens import clocks, motion_tokens

EGOTWIN, FULL = VARIANTS["egotwin"], VARIANTS["wo-im"]
TEXT = ("text",)


def squares(side: int, frames: int = 11, rate: int = 2) -> NetworkConfig:
    """side × side tokens a latent frame."""
    return replace(PRESETS["mini"].network, patch=1, latent_size=(side, side), latent_frames=frames, motion_rate=rate)


def labels(config: NetworkConfig) -> list[tuple]:
    """What every token of the sequence is, in the paper's words: text, the pose P, A^i, O^k."""
    steps, rate = config.latent_frames - 1, config.motion_rate
    per_frame = config.token_grid[0] * config.token_grid[1]
    actions = [("A", i) for i in range(steps) for _ in range(rate)]
    pictures = [("O", k) for k in range(steps + 1) for _ in range(per_frame)]
    return [TEXT] * config.text_tokens + [("P",)] + actions + pictures


def rule(query: tuple, key: tuple) -> bool:
    """The paper's rules as they are written, one after another."""
    if TEXT in (query, key):
        return True
    if (query[0] == "O") == (key[0] == "O"):  # within a modality
        return True
    if query[0] == "O" and key[0] == "A":  # O^i sees A^{i-1}
        return key[1] == query[1] - 1
    if query[0] == "A" and key[0] == "O":  # A^i sees O^i and O^{i+1}
        return key[1] in (query[1], query[1] + 1)
    return ("O", 0) in (query, key)  # the first pose and the first frame see each other


@pytest.mark.parametrize(("side", "frames", "rate"), [(1, 2, 1), (1, 4, 2), (2, 5, 2), (2, 4, 3)])
def test_the_mask_is_the_written_rules_read_pair_by_pair(side, frames, rate):
    config = squares(side, frames, rate)
    tokens = labels(config)
    mask = joint_mask(config, EGOTWIN)
    assert mask is not None
    assert mask.tolist() == [[rule(query, key) for key in tokens] for query in tokens]


def test_the_mask_of_sixteen_tokens_a_frame_has_the_counted_pairs():
    config = squares(4)
    mask, (motion, _) = joint_mask(config, EGOTWIN), clocks(config, EGOTWIN)
    assert mask is not None
    text, middle = config.text_tokens, config.text_tokens + len(motion)
    by_video, by_motion = mask[middle:, text:middle], mask[text:middle, middle:]
    assert by_video.numel() == by_motion.numel() == 3696
    assert int(by_video.sum()) == 336  # 16 + 10 · 16 · 2
    assert int(by_motion.sum()) == 656  # 16 + 20 · 2 · 16


def test_only_the_next_picture_and_the_first_pair_see_each_other_both_ways():
    config = squares(2)
    mask, tokens = joint_mask(config, EGOTWIN), labels(config)
    assert mask is not None
    both = (mask & mask.T).nonzero().tolist()
    pairs = {(tokens[a], tokens[b]) for a, b in both if tokens[a][0] in "AP" and tokens[b][0] == "O"}
    assert pairs == {(("A", i), ("O", i + 1)) for i in range(10)} | {(("P",), ("O", 0))}


def test_the_clock_of_motion_counts_the_pictures_before_it():
    motion, video = clocks(squares(1), EGOTWIN)
    assert motion.tolist() == [-1, *(i for i in range(10) for _ in range(2))]
    assert video.tolist() == list(range(11))


def test_without_the_interaction_mechanism_everything_sees_everything():
    assert joint_mask(squares(2), FULL) is None


@pytest.mark.parametrize(("grid", "base"), [((30, 45), (30, 45)), ((30, 30), (30, 45)), ((20, 30), (30, 45))])
def test_rotary_positions_of_video_are_those_of_diffusers(grid, base):
    pytest.importorskip("diffusers", reason="diffusers is not installed")
    from diffusers.models.embeddings import apply_rotary_emb, get_3d_rotary_pos_embed
    from diffusers.pipelines.cogvideo.pipeline_cogvideox import get_resize_crop_region_for_grid

    size = (2 * grid[0], 2 * grid[1])
    config = replace(PRESETS["cogvideox-5b"].network, latent_size=size, rope_grid=base, latent_frames=3)
    region = get_resize_crop_region_for_grid(grid, base[1], base[0])
    theirs = get_3d_rotary_pos_embed(64, region, grid, 3)
    _, ours = rotary(config, EGOTWIN)
    torch.testing.assert_close(ours, torch.stack(theirs), atol=2e-5, rtol=0)
    x = torch.randn(1, 2, ours.shape[1], 64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(rotate(x, torch.stack(theirs)), apply_rotary_emb(x, theirs), atol=1e-6, rtol=0)


def test_a_square_picture_is_cut_from_the_middle_of_the_pretrained_grid():
    assert crop(PRESETS["cogvideox-5b"].network) == (0, 8)
    with pytest.raises(ValueError, match=r"\(20, 30\) is not a crop of the pretrained \(30, 45\)"):
        crop(replace(PRESETS["cogvideox-5b"].network, latent_size=(40, 60)))


def test_added_positions_of_video_are_those_of_diffusers():
    pytest.importorskip("diffusers", reason="diffusers is not installed")
    from diffusers.models.embeddings import get_3d_sincos_pos_embed

    config = replace(PRESETS["cogvideox-2b"].network, latent_size=(8, 12), latent_frames=3)
    theirs = get_3d_sincos_pos_embed(config.width, (6, 4), 3, 1.875, 1.0, output_type="pt").flatten(0, 1)
    torch.testing.assert_close(sincos(config), theirs.float(), atol=1e-6, rtol=0)


def test_motion_turns_with_the_time_of_its_last_frame_at_the_centre_of_the_picture():
    config = squares(2, frames=4)
    motion, video = rotary(config, EGOTWIN)
    time = config.head_dim // 4
    per_frame = video.reshape(2, 4, 4, config.head_dim)
    torch.testing.assert_close(motion[:, ::2, :time], per_frame[:, :, 0, :time])  # tokens 0, r, 2 r end with frames
    corners = torch.atan2(per_frame[1, 0], per_frame[0, 0])[:, time:]
    torch.testing.assert_close(torch.atan2(motion[1, 0], motion[0, 0])[time:], corners.mean(0))


def test_rotation_keeps_lengths_and_depends_on_differences_of_time_alone():
    config = squares(1, frames=6)
    _, table = rotary(config, EGOTWIN)
    q, k = torch.randn(2, 1, 1, 1, config.head_dim, generator=torch.Generator().manual_seed(0))
    turned_q, turned_k = (rotate(x.expand(1, 1, 6, -1), table)[0, 0] for x in (q, k))
    torch.testing.assert_close(turned_q.norm(dim=1), q.norm().expand(6))
    products = turned_q @ turned_k.T
    for gap in range(-5, 6):
        diagonal = products.diagonal(gap)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal), atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_row_but_mld_s_has_a_motion_token_for_every_half_step(preset):
    counts = {name: motion_tokens(PRESETS[preset].network, row) for name, row in VARIANTS.items()}
    assert counts == {name: 2 if name in ("vidmld", "mld") else 21 for name in VARIANTS}
