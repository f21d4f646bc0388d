"""The video of one seed with the motion of another."""

import sys
from dataclasses import make_dataclass
from pathlib import Path

import numpy as np
import pytest
from egobench_baselines.noise import NoiseControl
from egobench_baselines.reseeded import FAR, ReseededControl

from egobench import BadInputError, open_split
from egobench.plan.plan import model_settings
from egotwin_ref.adapters.model import EgoTwinModel

NOISE = "egobench_baselines.noise:NoiseControl"


@pytest.fixture(scope="module")
def condition():
    split = open_split("egomini-smoke")
    return split.clip(split.infos()[0].clip_id).condition


def test_video_and_motion_are_the_models_own_from_two_seeds(condition):
    made = ReseededControl(NOISE).load("cpu").sample(condition, seed=3)
    sampler = NoiseControl().load("cpu")
    assert np.array_equal(made.video.frames, sampler.sample(condition, seed=3).video.frames)
    assert np.array_equal(made.motion.positions, sampler.sample(condition, seed=3 + FAR).motion.positions)
    assert not np.array_equal(made.motion.positions, sampler.sample(condition, seed=3).motion.positions)


def test_the_settings_of_the_model_are_part_of_what_the_run_is():
    ours = model_settings(ReseededControl())["settings"]
    assert ours == model_settings(EgoTwinModel())
    assert set(ours["weights_sha256"]) > {"egotwin.safetensors"}


def test_a_new_run_has_the_identity_of_runs_from_before_the_reference_model_moved():
    recorded = model_settings(ReseededControl())
    assert recorded["model"] == "egotwin_ref.adapter:EgoTwinModel"
    assert isinstance(ReseededControl().settings, EgoTwinModel)


def test_another_row_of_the_model_can_be_asked_for(tmp_path, monkeypatch):
    # another row than EgoTwin has no shipped weights: this EgoTwin has its files, which are only hashed, elsewhere
    for name in ("video-vae", "motion-vae-head-conv", "egotwin", "wo-im"):
        (tmp_path / f"{name}.safetensors").write_text(name)
    kind = make_dataclass("Elsewhere", [("weights", Path, tmp_path)], bases=(EgoTwinModel,), frozen=True)
    monkeypatch.setattr(sys.modules[__name__], "Elsewhere", kind, raising=False)
    control = ReseededControl(f"{__name__}:Elsewhere", variant="wo-im", steps=3, partner_guidance=2.0)
    ours = model_settings(control)["settings"]
    assert ours == model_settings(kind("wo-im", steps=3, partner_guidance=2.0))
    assert (ours["variant"], ours["steps"], ours["partner_guidance"]) == ("wo-im", 3, 2.0)
    assert set(ours["weights_sha256"]) > {"wo-im.safetensors"}


def test_a_setting_that_the_model_does_not_have_is_refused_in_one_line():
    with pytest.raises(BadInputError, match="has no setting variant"):
        ReseededControl(NOISE, variant="vidmld")


@pytest.mark.parametrize("name", ["nothing", "no.such:Model", "egobench_baselines.noise:Nois", ":"])
def test_a_model_that_is_not_there_is_refused_in_one_line(name):
    with pytest.raises(BadInputError, match="module:Class is needed") as refusal:
        ReseededControl(name).load("cpu")
    assert refusal.value.code == "model-class"
