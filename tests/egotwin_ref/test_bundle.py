"""A row with its VAEs, and the adapter that EgoBench sees: random weights in real files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from egobench import BadInputError, open_split  # noqa: E402
from egobench.cli.main import main  # noqa: E402
from egotwin_ref.adapters.model import EgoTwinModel, clip_seed  # noqa: E402
from egotwin_ref.loading import weights  # noqa: E402
from egotwin_ref.loading.bundle import Bundle, Inputs, build_motion_vae, build_video_vae, motion_vae_name  # noqa: E402
from egotwin_ref.model.configs import (  # noqa: E402
    PRESETS,
    VARIANTS,
    row_name,
)

ROWS = ("egotwin", "vidmld")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, random_weights) -> Path:
    """Weight files of two rows."""
    return random_weights(tmp_path_factory.mktemp("weights"), ROWS)


@pytest.fixture(scope="module")
def clips():
    split = open_split("egomini-smoke")
    return [split.clip(info.clip_id) for info in split.infos()[:2]]


@pytest.fixture(scope="module", params=ROWS)
def bundle(request, folder):
    return Bundle.load("mini", request.param, folder)


def _first(clips, count: int = 2) -> Inputs:
    some = [clip.condition for clip in clips[:count]]
    return Inputs(
        [condition.text for condition in some],
        np.stack([condition.first_frame[None] for condition in some]),
        np.stack([condition.first_pose.positions for condition in some]),
        np.stack([condition.first_pose.rotations for condition in some]),
    )


def test_a_sample_has_the_presets_shape_and_starts_with_the_given_frame(bundle, clips):
    made = bundle.sample(_first(clips), [1, 2], steps=2)
    assert made.frames.shape == (2, 41, 64, 64, 3)
    assert made.frames.dtype == np.uint8
    assert made.positions.shape == (2, 81, 23, 3)
    assert made.rotations.shape == (2, 81, 23, 3, 3)
    assert np.array_equal(made.frames[:, 0], _first(clips).frames[:, 0])


def test_a_motion_stands_where_the_wearer_stands(bundle, clips):
    made = bundle.sample(_first(clips), [1, 2], steps=2)
    given = np.stack([clip.condition.first_pose.positions[0, 0, :2] for clip in clips])
    assert np.abs(made.positions[:, 0, 0, :2] - given).max() < 2.0, "random weights, yet not in another room"


def test_a_sample_does_not_depend_on_its_batch_nor_on_the_order(bundle, clips):
    both = bundle.sample(_first(clips), [1, 2], steps=2)
    alone = bundle.sample(_first(clips, 1), [1], steps=2)
    assert np.abs(both.positions[0] - alone.positions[0]).max() < 1e-4
    assert np.abs(both.frames[0].astype(int) - alone.frames[0]).max() <= 1


def test_another_seed_gives_another_sample_and_the_same_seed_the_same(bundle, clips):
    one, again, other = (bundle.sample(_first(clips, 1), [seed], steps=2) for seed in (1, 1, 2))
    assert np.array_equal(one.frames, again.frames)
    assert np.array_equal(one.positions, again.positions)
    assert not np.array_equal(one.frames, other.frames)


@pytest.mark.parametrize("task", ["tm2v", "tv2m"])
def test_what_is_given_comes_back_bit_for_bit(folder, clips, task):
    clip = clips[0]
    condition = replace(
        clip.condition,
        task=task,
        motion=clip.reference.motion if task == "tm2v" else None,
        video=clip.reference.video if task == "tv2m" else None,
    )
    made = EgoTwinModel(preset="mini", weights=folder, steps=2).load("cpu").sample(condition, seed=0)
    if task == "tm2v":
        assert np.array_equal(made.motion.positions, clip.reference.motion.positions)
        assert not np.array_equal(made.video.frames[1:], clip.reference.video.frames[1:])
    else:
        assert np.array_equal(made.video.frames, clip.reference.video.frames)
        assert not np.array_equal(made.motion.positions, clip.reference.motion.positions)


def test_the_adapter_makes_samples_with_the_conditions_rates(folder, clips):
    model = EgoTwinModel(variant="vidmld", preset="mini", weights=folder, steps=1)
    made = model.load("cpu").sample(clips[0].condition, seed=0)
    assert (made.motion.fps, made.motion.positions.shape) == (16.0, (81, 23, 3))
    assert (made.video.fps, made.video.frames.shape) == (8.0, (41, 64, 64, 3))


def test_clips_have_noise_of_their_own():
    seeds = {clip_seed(clip, seed) for clip in ("a", "b") for seed in (0, 1)}
    assert len(seeds) == 4
    assert clip_seed("a", 0) == clip_seed("a", 0)


def test_guidance_of_one_changes_nothing_and_more_does(folder, clips):
    plain, guided = (
        EgoTwinModel(preset="mini", weights=folder, steps=2, guidance=w).load("cpu").sample(clips[0].condition, seed=0)
        for w in (1.0, 3.0)
    )
    assert not np.array_equal(plain.motion.positions, guided.motion.positions)


def _refused(capsys, *arguments: str) -> str:
    assert main(["run", "--model", "egotwin", "--split", "egomini-smoke", *arguments]) == 2
    line = capsys.readouterr().err.strip()
    assert "\n" not in line
    return line


def test_a_folder_without_weights_is_refused_with_the_way_to_get_them(tmp_path, capsys):
    line = _refused(capsys, "--set", "preset=mini", f"weights={tmp_path}", "--out", str(tmp_path / "runs"))
    assert "egobench train egotwin" in line
    assert not (tmp_path / "runs").exists()


def test_a_file_cut_short_is_refused(folder, tmp_path, capsys):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    whole = (tmp_path / "egotwin.safetensors").read_bytes()
    (tmp_path / "egotwin.safetensors").write_bytes(whole[: len(whole) // 2])
    line = _refused(capsys, "--set", "preset=mini", f"weights={tmp_path}", "--out", str(tmp_path / "runs"))
    assert "egotwin.safetensors: not a complete safetensors file" in line


def test_weights_of_another_row_or_preset_are_refused(folder, tmp_path, capsys):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "egotwin.safetensors").write_bytes((folder / "vidmld.safetensors").read_bytes())
    line = _refused(capsys, "--set", "preset=mini", f"weights={tmp_path}", "--out", str(tmp_path / "runs"))
    assert "variant is vidmld; egotwin is needed" in line
    with pytest.raises(ValueError, match="preset is mini; cogvideox-2b is needed"):
        weights.load(folder / "video-vae.safetensors", build_video_vae(PRESETS["mini"]), {"preset": "cogvideox-2b"})


def test_tensors_of_another_network_are_refused_by_name(folder):
    other = build_motion_vae(PRESETS["mini"], VARIANTS["vidmld"])
    with pytest.raises(ValueError, match="its tensors are not those of the network; first difference"):
        weights.load(folder / "motion-vae-head-conv.safetensors", other, {})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"width": 128}, "split-form"),
        ({"skeleton": "smpl22"}, "split-form"),
        ({"fps_video": 10.0}, "split-form"),
        ({"num_motion_frames": 80}, "split-form"),
    ],
)
def test_a_split_of_another_form_is_refused_before_anything_is_sampled(folder, change, code):
    split = open_split("egomini-smoke")
    other = replace(split, facts={**split.facts, **change})
    with pytest.raises(BadInputError) as refusal:
        EgoTwinModel(preset="mini", weights=folder).check_split(other)
    assert refusal.value.code == code
    assert str(next(iter(change.values()))) in str(refusal.value)


@pytest.mark.parametrize(("text", "code"), [(" . ", "text-empty"), ("walk " * 27, "text-long")])
def test_a_caption_that_is_empty_or_far_too_long_is_refused(folder, text, code):
    split = open_split("egomini-smoke")
    rows = (replace(split.rows[0], text=text), *split.rows[1:])
    with pytest.raises(BadInputError) as refusal:
        EgoTwinModel(preset="mini", weights=folder).check_split(replace(split, rows=rows))
    assert refusal.value.code == code


def test_a_first_frame_of_the_wrong_size_is_refused_with_both_sizes(bundle, clips):
    inputs = replace(_first(clips), frames=np.zeros((2, 1, 32, 32, 3), np.uint8))
    with pytest.raises(ValueError, match=r"\(1, 32, 32, 3\); the model was trained on \(1, 64, 64, 3\)"):
        bundle.sample(inputs, [1, 2], steps=1)


@pytest.mark.parametrize(("option", "value"), [("steps", "0"), ("steps", "1001"), ("guidance", "nan")])
def test_options_out_of_range_are_one_line(folder, capsys, option, value):
    line = _refused(capsys, "--set", "preset=mini", f"weights={folder}", f"{option}={value}")
    assert option in line
    assert value in line


@pytest.mark.parametrize("row", ROWS)
def test_weights_are_part_of_what_a_run_is(folder, row):
    model = EgoTwinModel(row, preset="mini", weights=folder)
    vae = motion_vae_name(VARIANTS[row])
    assert set(model.weights_sha256) == {f"{name}.safetensors" for name in (row, vae, "video-vae")}
    assert all(len(digest) == 64 for digest in model.weights_sha256.values())


@pytest.mark.parametrize(("seed", "name"), [(0, "egotwin"), (3, "egotwin-seed3")])
def test_another_training_of_a_row_has_files_of_its_own_and_shares_the_vaes(folder, tmp_path, seed, name):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "egotwin.safetensors").rename(tmp_path / f"{name}.safetensors")
    model = EgoTwinModel(preset="mini", weights=tmp_path, train_seed=seed)
    assert model.row == row_name("egotwin", seed) == name
    assert [path.name for path in model.files()] == [
        "video-vae.safetensors", "motion-vae-head-conv.safetensors", f"{name}.safetensors"
    ]  # fmt: skip
    assert model.load("cpu").bundle.variant == VARIANTS["egotwin"]


def test_a_training_that_was_never_made_is_named(folder):
    with pytest.raises(BadInputError, match=r"no weights at .*egotwin-seed1\.safetensors") as refusal:
        EgoTwinModel(preset="mini", weights=folder, train_seed=1)
    assert refusal.value.code == "weights-missing"
