"""The weights that come with the package are those that their cards tell of."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from egobench import BadInputError, open_split
from egotwin_ref.adapters.model import EgoTwinModel
from egotwin_ref.autoencoders.reconstruction import psnr, reconstructed
from egotwin_ref.loading.bundle import Bundle, load_video_vae
from egotwin_ref.loading.shipped import SHIPPED
from egotwin_ref.model.configs import VARIANTS
from egotwin_ref.training.cards import sha256
from egotwin_ref.training.clips import LEAST_HAND
from egotwin_ref.training.recipes import SMALL, SMALL_GPU

CARDS = sorted(SHIPPED.glob("*/*.card.json"))
ROW = replace(SMALL_GPU.joint, steps=922)
"""As many steps as the minutes of a GPU allowed, for every row."""
RECIPES = {
    "video-vae": SMALL.video_vae,
    "motion-vae-head-conv": SMALL.motion_vae,
    "motion-vae-root-conv": SMALL.motion_vae,
    "motion-vae-root-global": SMALL.global_vae,
    "motion-vae-path-path": replace(SMALL.motion_vae, steps=0),
    **dict.fromkeys(VARIANTS, ROW),
}


def _name(card: Path) -> str:
    return card.name.removesuffix(".card.json")


@pytest.mark.parametrize("card", CARDS, ids=_name)
def test_a_card_is_of_its_file_and_of_the_recipe_in_the_code(card):
    told, name = json.loads(card.read_text()), _name(card)
    assert told["sha256"] == sha256(card.with_name(f"{name}.safetensors"))
    assert told["recipe"] == asdict(RECIPES[name])
    assert told["clips"] == (12_000 if name in VARIANTS else 8_000)
    assert told["licence"] == "Apache-2.0"
    log = card.with_name(f"{name}.log.csv")
    assert not told["recipe"]["steps"] or log.read_text().startswith("step,loss")


@pytest.mark.parametrize("card", CARDS, ids=_name)
def test_a_parent_that_is_shipped_too_is_the_one_it_was_made_from(card):
    for parent, digest in json.loads(card.read_text())["parents"].items():
        file = card.with_name(f"{parent}.card.json")
        if file.is_file():
            told = json.loads(file.read_text())
            assert digest == told.get("rewritten_from", told["sha256"]), f"{_name(card)} was made from another {parent}"


def test_all_rows_were_trained_on_the_same_clips_by_the_same_recipe_from_the_same_pictures():
    told = [json.loads((SHIPPED / "small" / f"{row}.card.json").read_text()) for row in VARIANTS]
    assert len({(card["data_digest"], json.dumps(card["recipe"])) for card in told}) == 1
    assert len({card["parents"]["video-vae"] for card in told}) == 1


def test_weights_and_cards_of_all_rows_are_there_and_nothing_else():
    assert {_name(card) for card in CARDS} == set(RECIPES)
    assert {path.name.partition(".")[0] for path in (SHIPPED / "small").iterdir()} == set(RECIPES)
    assert [path.name for path in SHIPPED.iterdir()] == ["small"]


def test_a_row_has_at_most_8_mb_and_all_together_85():
    for row in VARIANTS:
        assert (SHIPPED / "small" / f"{row}.safetensors").stat().st_size <= 8e6
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*.*")) <= 85e6


def test_the_video_vae_of_the_table_s_rows_draws_what_pictures_need():
    """28 dB are wanted, and 26.5 where a hand is; measured on all of egomini-test: 29.2 and 28.0."""
    vae = load_video_vae("small", SHIPPED / "small" / "video-vae.safetensors", None)
    split = open_split("egomini-smoke")
    seen = [split.clip(info.clip_id).reference for info in split.infos()]
    frames = np.stack([reference.video.frames for reference in seen])
    drawn = reconstructed(vae, frames)
    assert psnr(frames, drawn).mean() > 28.0
    error = (frames.astype(float) - drawn) ** 2
    hands = np.stack([reference.hand_pixels for reference in seen]).max(axis=2) > LEAST_HAND
    assert (10 * np.log10(255**2 / error.mean(axis=(2, 3, 4))))[hands].mean() > 26.5


@pytest.mark.parametrize("row", VARIANTS)
def test_they_load_as_a_row(row):
    bundle = Bundle.load("small", row)
    assert bundle.prompts.vocabulary > 100
    assert not any(parameter.requires_grad for parameter in bundle.model.parameters())


def test_a_row_that_has_no_weights_says_how_they_are_made():
    way = "`egobench train egotwin --preset mini --variant wo-im` makes them"
    with pytest.raises(BadInputError, match=way) as refusal:
        EgoTwinModel("wo-im", preset="mini")
    assert refusal.value.code == "weights-missing"
