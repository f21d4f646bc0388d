"""The rows that make one modality, with random weights: MLD (text → motion), CameraCtrl (a head's path → video)."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from egobench import BadInputError, Condition, open_split
from egotwin_ref.adapters.model import EgoTwinModel
from egotwin_ref.adapters.vae_control import VaeControl
from egotwin_ref.loading.bundle import Bundle, Inputs
from egotwin_ref.model.sampling import TABLE, sample


@pytest.fixture(scope="module")
def folder(tmp_path_factory, random_weights) -> Path:
    return random_weights(tmp_path_factory.mktemp("weights"), ("mld", "cameractrl"))


@pytest.fixture(scope="module")
def clip():
    split = open_split("egomini-smoke")
    return split.clip(split.infos()[0].clip_id)


def given(clip, poses: int = 1, frames: int = 1) -> Inputs:
    """The clip's first poses and frames."""
    reference = clip.reference
    return Inputs(
        [clip.condition.text],
        reference.video.frames[None, :frames],
        reference.motion.positions[None, :poses],
        reference.motion.rotations[None, :poses],
    )


def asked(clip, task: str) -> Condition:
    """The condition of a task."""
    motion = clip.reference.motion if task == "tm2v" else None
    return replace(clip.condition, task=task, motion=motion, video=clip.reference.video if task == "tv2m" else None)


def test_mld_makes_a_motion_and_no_video_and_needs_no_video_vae(folder, clip, tmp_path):
    for name in ("mld", "motion-vae-root-global"):
        (tmp_path / f"{name}.safetensors").write_bytes((folder / f"{name}.safetensors").read_bytes())
    model = EgoTwinModel("mld", preset="mini", weights=tmp_path, steps=2)
    assert set(model.weights_sha256) == {"mld.safetensors", "motion-vae-root-global.safetensors"}
    made = model.load("cpu").sample(clip.condition, seed=0)
    assert made.video is None
    assert (made.motion.fps, made.motion.positions.shape) == (16.0, (81, 23, 3))
    assert np.isfinite(made.motion.positions).all()


def test_mld_hears_the_text_the_first_pose_and_the_seed_and_sees_no_frame(folder, clip):
    bundle = Bundle.load("mini", "mld", folder)
    inputs = given(clip)

    def moved(seed: int = 1, **changes) -> np.ndarray:
        made = bundle.sample(replace(inputs, **changes), [seed], steps=2)
        assert made.frames is None
        return made.positions

    right = moved()
    assert np.array_equal(moved(frames=255 - inputs.frames), right)
    assert np.array_equal(moved(), right)
    assert not np.array_equal(moved(seed=2), right)
    assert not np.array_equal(moved(texts=["the wearer sits down"]), right)
    assert not np.array_equal(moved(positions=inputs.positions * [1.0, 1.0, 1.1]), right)


def test_cameractrl_makes_a_video_along_the_motion_that_is_given_and_gives_it_back(folder, clip):
    model = EgoTwinModel("cameractrl", preset="mini", weights=folder, steps=2)
    assert {name for name in model.weights_sha256 if "motion" in name} == {"motion-vae-path-path.safetensors"}
    made = model.load("cpu").sample(asked(clip, "tm2v"), seed=0)
    assert (made.video.fps, made.video.frames.shape) == (8.0, (41, 64, 64, 3))
    assert np.array_equal(made.video.frames[0], clip.condition.first_frame)
    assert np.array_equal(made.motion.positions, clip.reference.motion.positions)
    assert np.array_equal(made.motion.rotations, clip.reference.motion.rotations)


def test_cameractrl_sees_the_head_s_path_and_no_other_joint(folder, clip):
    bundle = Bundle.load("mini", "cameractrl", folder)
    inputs, body = given(clip, poses=81), np.arange(23) != 6
    assert bundle.preset.joints == 23

    def drawn(positions: np.ndarray) -> torch.Tensor:
        given = bundle.given(replace(inputs, positions=positions))
        return sample(bundle.model, bundle.schedule, given, [1], "tm2v", steps=2)[0]

    right, bent, elsewhere = drawn(inputs.positions), inputs.positions.copy(), inputs.positions.copy()
    bent[:, :, body] += 0.3
    assert torch.equal(drawn(bent), right)
    elsewhere[:, 40:, ~body] += 0.3
    assert not torch.equal(drawn(elsewhere), right)


@pytest.mark.parametrize(
    ("row", "task", "told"),
    [
        ("mld", "tm2v", "this row makes motion; its task is t2vm, not tm2v"),
        ("mld", "tv2m", "this row makes motion; its task is t2vm, not tv2m"),
        ("cameractrl", "t2vm", "this row makes video; its task is tm2v, not t2vm"),
        ("cameractrl", "tv2m", "this row makes video; its task is tm2v, not tv2m"),
    ],
)
def test_a_task_that_a_row_does_not_have_is_refused_with_the_one_it_has(folder, clip, row, task, told):
    poses, frames = (81 if task == "tm2v" else 1), (41 if task == "tv2m" else 1)
    with pytest.raises(ValueError, match=told):
        Bundle.load("mini", row, folder).sample(given(clip, poses, frames), [1], task, steps=1)
    with pytest.raises(ValueError, match=told):
        EgoTwinModel(row, preset="mini", weights=folder, steps=1).load("cpu").sample(asked(clip, task), seed=0)
    assert task in TABLE


def test_the_network_of_a_row_that_makes_one_modality_has_no_part_for_the_other(folder):
    names = {row: [name for name, _ in Bundle.load("mini", row, folder).model.named_parameters()]
             for row in ("mld", "cameractrl")}  # fmt: skip
    assert not any(name.startswith(("video_in", "video_out", "video_norm")) for name in names["mld"])
    assert not any(name.startswith("motion_out") for name in names["cameractrl"])
    blocks = {row: {name.split(".")[1] for name in found if ".motion." in name} for row, found in names.items()}
    assert blocks == {"mld": {"0", "1", "2", "3"}, "cameractrl": {"0", "1", "2"}}
    assert not any(name.startswith("blocks.4.") for name in names["mld"])


@pytest.mark.parametrize(("row", "part"), [("mld", "motion"), ("cameractrl", "video")])
def test_the_control_of_the_vaes_needs_a_row_that_has_both(folder, row, part):
    with pytest.raises(BadInputError, match=f"{row} makes {part} alone; a row that makes both is needed") as refusal:
        VaeControl(row, preset="mini", weights=folder)
    assert refusal.value.code == "option-range"
