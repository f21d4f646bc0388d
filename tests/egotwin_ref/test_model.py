"""The transformer by perturbation, its branches apart and together, presets' sizes, and one output kept as numbers."""

from dataclasses import replace
from functools import cache

import pytest
import torch

from egotwin_ref.model.configs import BOTH, PRESETS, VARIANTS
from egotwin_ref.model.diffusion import Schedule
from egotwin_ref.model.network import EgoTwin
from egotwin_ref.model.sampling import Given, Guidance, sample
from egotwin_ref.training.latents import Latents
from egotwin_ref.training.objective import DiffusionLoss


@pytest.mark.parametrize("i", [0, 1, 2])
def test_in_one_layer_a_motion_reaches_the_next_picture_alone(network, inputs, i):
    model = network()
    branches = model._branches(**inputs(model))
    before = model.blocks[0](branches, model.attend)
    moved = branches["motion"].x.clone()
    own = slice(1 + 2 * i, 3 + 2 * i)  # A^i
    moved[:, own] = moved[:, own].flip(2)
    after = model.blocks[0](branches | {"motion": replace(branches["motion"], x=moved)}, model.attend)

    def changed(name: str) -> list[bool]:
        return ((before[name].x - after[name].x).abs().amax(dim=(0, 2)) > 0).tolist()

    per_frame = torch.tensor(changed("video")).unflatten(0, (4, 4))
    assert per_frame.all(dim=1).tolist() == per_frame.any(dim=1).tolist() == [k == i + 1 for k in range(4)]
    assert all(changed("motion"))
    assert all(changed("text"))


def test_without_motion_it_is_the_text_and_video_stream_and_without_video_the_other(network, inputs):
    model = network()
    given = inputs(model)
    alone = model(**given | {"motion": None})
    assert alone.motion is None
    assert torch.equal(alone.video, model(**given | {"motion": None, "t_motion": given["t_motion"] * 0}).video)
    assert float((alone.video - model(**given).video).detach().abs().max()) > 0.01  # motion is heard where it is there
    without = model(**given | {"video": None})
    assert without.video is None
    assert without.motion.shape == given["motion"].shape


def test_asking_for_the_motion_alone_gives_the_same_motion(network, inputs):
    model = network()
    given = inputs(model)
    part, whole = model(**given, predict=("motion",)), model(**given)
    assert part.video is None
    assert torch.equal(part.motion, whole.motion)


def test_the_first_frame_and_the_first_pose_carry_time_zero(network, inputs):
    model, seen = network(), []
    for time in (model.time_video, model.time_motion):
        time.register_forward_hook(lambda module, args, out: seen.append(args[0]))
    given = inputs(model)
    branches = model._branches(**given)
    for times, t in zip(seen, (given["t_video"], given["t_motion"]), strict=True):
        assert times.tolist() == [[0, value] for value in t.tolist()]
    assert {name: branch.clean for name, branch in branches.items()} == {"text": 0, "motion": 1, "video": 4}


def test_a_concatenated_first_frame_carries_the_time_of_all_frames(network, inputs):
    model = network(first_frame="concat")
    given = inputs(model)
    said = torch.stack([given["t_video"], given["t_video"]], dim=1)
    assert torch.equal(model(**given).video, model(**given | {"t_video": said}).video)


def test_a_patch_of_the_answer_belongs_to_the_patch_of_the_input(network):
    model = network()
    tokens = torch.zeros(1, 16, 12)  # 4 frames × 2 × 2 tokens, 3 channels × 2 × 2
    tokens[0, 4 + 1, 4] = 1.0  # frame 1, row 0, column 1; channel 1, upper row, left column of the patch
    assert model._unpatch(tokens).nonzero().tolist() == [[0, 1, 1, 0, 2]]


@pytest.mark.parametrize("preset", ["mini", "small"])
def test_rows_that_make_both_have_the_same_number_of_parameters_within_two_percent(preset):
    rows = [name for name, row in VARIANTS.items() if row.makes == BOTH]
    counts = {name: sum(value.numel() for value in on_meta(preset, name).parameters()) for name in rows}
    assert max(counts.values()) <= 1.02 * min(counts.values()), counts


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_no_row_s_latents_are_wider_than_the_motion_branch(preset, variant):
    config = PRESETS[preset].network
    assert config.motion_size(VARIANTS[variant]) <= config.motion_width


@pytest.mark.parametrize("preset", ["mini", "small"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_row_can_put_out_every_direction_of_its_latents(preset, variant, inputs):
    """A motion branch narrower than the latents leaves noise in the directions that it cannot reach."""
    row = VARIANTS[variant]
    config = replace(PRESETS[preset].network, layers=2, latent_frames=3, text_width=8)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = EgoTwin(config, row).requires_grad_(False)
    generator = torch.Generator().manual_seed(1)
    for parameter in model.parameters():
        parameter.copy_(0.2 * torch.randn(parameter.shape, generator=generator))
    given = inputs(model, batch=640)
    if "motion" in row.makes:  # the last token alone: one answer a clip
        found = model(**given | {"video": None}).motion[:, -1]
        assert rank(found) == config.motion_size(row)
    if "video" in row.makes:
        found = model(**{name: value[:40] for name, value in given.items()}).video
        patches = torch.nn.functional.unfold(found[:, 1:].flatten(0, 1), config.patch, stride=config.patch)
        rows = patches.transpose(1, 2).flatten(0, 1)
        assert rank(rows) == config.video_channels * config.patch**2


def rank(answers: torch.Tensor) -> int:
    """Of the answers (n, channels) about their mean."""
    return int(torch.linalg.matrix_rank((answers - answers.mean(0)).double(), rtol=1e-5))


def test_latents_wider_than_the_motion_branch_are_refused(tiny):
    with pytest.raises(ValueError, match="latents have 25 channels, but the motion branch has only width 24"):
        EgoTwin(replace(tiny, global_channels=25), VARIANTS["vidmld"])


@pytest.mark.parametrize(("variant", "blocks"), [("mld", [True] * 4), ("cameractrl", [True] * 3 + [False] * 3)])
def test_a_row_that_makes_one_modality_answers_for_that_one(network, inputs, variant, blocks):
    model = network(variant, motion_width=96, layers=6)
    assert [block.motion is not None for block in model.blocks] == blocks
    given = inputs(model)
    found = model(**given | ({"video": None} if variant == "mld" else {}))
    assert (found.video is None, found.motion is None) == (variant == "mld", variant != "mld")


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_row_of_the_table_ships_more_than_eight_megabytes(variant):
    """In int8: a byte a number of a matrix, four a row of it for scales, two a number of a vector."""
    with torch.device("meta"):
        model = EgoTwin(PRESETS["small"].network, VARIANTS[variant], vocabulary=300)
    sizes = [value.numel() + 4 * len(value) if value.ndim > 1 else 2 * value.numel() for value in model.parameters()]
    assert sum(sizes) + 64_000 < 8e6  # and the names, at the head of the file


@cache
def on_meta(preset: str, variant: str = "egotwin", **changes) -> EgoTwin:
    """A network of shapes without numbers."""
    with torch.device("meta"):
        return EgoTwin(replace(PRESETS[preset].network, **changes), VARIANTS[variant])


@pytest.mark.parametrize(
    ("preset", "billions", "places"),
    [("cogvideox-2b", 1.694, 0), ("cogvideox-5b", 5.570, 0), ("cogvideox-5b-i2v", 5.570, 226 + 11 * 900)],
)
def test_large_presets_have_cogvideox_s_parameters_and_the_motion_branch_beside_them(preset, billions, places):
    config = PRESETS[preset].network
    counts = {True: 0, False: 0}
    for name, value in on_meta(preset).named_parameters():
        counts["motion" in name] += value.numel()
    extra, shared = counts[True], counts[False] - places * config.width
    assert shared / 1e9 == pytest.approx(billions, abs=5e-4)
    per_block = 4 * config.width * config.motion_width + 8 * config.motion_width**2 + 6 * 512 * config.motion_width
    assert extra == pytest.approx(config.layers // 2 * per_block, rel=0.02)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_answers_in_the_shapes_of_its_inputs(preset, inputs):
    model = on_meta(preset, layers=2)  # the others are like these
    found = model(**{name: torch.empty_like(value, device="meta") for name, value in inputs(model, batch=1).items()})
    config = model.config
    assert found.video.shape == (1, 11, config.video_channels, *config.latent_size)
    assert found.motion.shape == (1, 21, config.motion_channels)


SHRUNKEN = dict(
    layers=2, heads=2, head_dim=16, motion_width=16, time_width=8, text_tokens=4, text_width=8, latent_size=(4, 4),
    latent_frames=3, motion_channels=5, global_channels=5,
)  # fmt: skip


@pytest.mark.parametrize("preset", PRESETS)
def test_a_shrunken_twin_of_every_preset_learns_and_samples_a_step(preset):
    size = PRESETS[preset]
    grid = (2, 3) if size.network.rope_grid else None
    config = replace(size.network, **SHRUNKEN, rope_grid=grid)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = EgoTwin(config, VARIANTS["egotwin"])
    generator = torch.Generator().manual_seed(0)
    video = torch.randn(3, 3, config.video_channels, 4, 4, generator=generator).bfloat16()
    motion, text = torch.randn(3, 5, 5, generator=generator).bfloat16(), torch.randn(3, 4, 8, generator=generator)
    schedule = Schedule.cogvideox(size.snr_shift)
    loss = DiffusionLoss(model, schedule, Latents(video, motion, text, torch.zeros(4, 8)), batch=2)
    optimiser, values = torch.optim.SGD(model.parameters(), lr=0.1), []
    for _ in range(2):  # the same draws twice
        value, parts = loss(0, torch.Generator().manual_seed(3))
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        values.append(float(value.detach()))
        assert set(parts) == {"video", "motion"}
    assert values[1] < values[0]
    given = Given(text[:2], torch.zeros(2, 4, 8), video[:2].float(), motion[:2].float())
    for mode in ("t2vm", "tm2v", "tv2m"):
        made = sample(model.eval(), schedule, given, seeds=[1, 2], mode=mode, steps=1, guidance=Guidance(6.0, 2.0))
        assert [part.shape for part in made] == [given.video.shape, given.motion.shape]
        assert all(bool(part.isfinite().all()) for part in made)


def test_a_fresh_network_answers_zero_and_its_blocks_change_nothing(tiny, inputs):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = EgoTwin(tiny, VARIANTS["egotwin"])
    given = inputs(model)
    found = model(**given)
    assert not found.video.any()
    assert not found.motion.any()
    branches = model._branches(**given)
    for name, branch in model.blocks[0](branches, model.attend).items():
        assert torch.equal(branch.x, branches[name].x)


GOLDEN = {
    "egotwin": {
        "video": [0.20037, -1.27879, -0.10729, 0.56379, -1.00245, 0.28806],
        "motion": [0.05639, 0.11035, -0.10861, 0.10809, -0.10483, -0.20784],
    },
    "vidmld": {
        "video": [1.22544, -1.19418, 0.78179, 0.92118, -0.72005, 0.15666],
        "motion": [0.17426, 0.88889, -0.1342, 0.27828, 0.75054, 0.54672],
    },
}
"""Six numbers of an answer to fixed weights and inputs: what a change of the architecture would move."""


@pytest.mark.parametrize("variant", GOLDEN)
def test_an_answer_to_fixed_weights_is_the_one_that_was_written_down(network, inputs, variant):
    model = network(variant)
    found = model(**inputs(model))
    for name, right in GOLDEN[variant].items():
        values = getattr(found, name).flatten()
        torch.testing.assert_close(values[:: len(values) // 6][:6], torch.tensor(right), atol=1e-4, rtol=0)
