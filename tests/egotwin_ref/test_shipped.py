"""The weights that come with the package are those that their cards tell of."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from egobench import BadInputError
from egotwin_ref.adapter import EgoTwinModel
from egotwin_ref.bundle import SHIPPED, Bundle
from egotwin_ref.configs import VARIANTS
from egotwin_ref.recipes import MINI
from egotwin_ref.stages import sha256

FOLDER = SHIPPED / "mini"
CARDS = sorted(FOLDER.glob("*.card.json"))
RECIPES = {
    "video-vae": MINI.video_vae,
    "motion-vae-head-conv": MINI.motion_vae,
    "stage0": MINI.base,
    "egotwin": MINI.fine,
}
ROWS = [name for name in RECIPES if name in VARIANTS]


def _name(card: Path) -> str:
    return card.name.removesuffix(".card.json")


@pytest.mark.parametrize("card", CARDS, ids=_name)
def test_a_card_is_of_its_file_and_of_the_recipe_in_the_code(card):
    told = json.loads(card.read_text())
    assert told["sha256"] == sha256(card.with_name(f"{_name(card)}.safetensors"))
    assert told["recipe"] == asdict(RECIPES[_name(card)])
    assert told["clips"] == 8000
    assert told["licence"] == "Apache-2.0"
    assert card.with_name(f"{_name(card)}.log.csv").read_text().startswith("step,loss")


@pytest.mark.parametrize("card", CARDS, ids=_name)
def test_a_parent_that_is_shipped_too_is_the_one_it_was_made_from(card):
    for parent, digest in json.loads(card.read_text())["parents"].items():
        file = FOLDER / f"{parent}.safetensors"
        if file.is_file():
            assert sha256(file) == digest, f"{_name(card)} was made from another {parent}"


def test_all_are_there_and_small():
    assert {_name(card) for card in CARDS} == set(RECIPES)
    assert {path.name.partition(".")[0] for path in FOLDER.iterdir()} == set(RECIPES), "a file that no card tells of"
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 60e6


@pytest.mark.parametrize("row", ROWS)
def test_the_log_of_the_coarse_patches_is_of_the_recipe_in_the_code(row):
    last = (FOLDER / f"{row}.coarse.log.csv").read_text().splitlines()[-1]
    assert int(last.split(",")[0]) == MINI.joint.steps


@pytest.mark.parametrize("row", ROWS)
def test_they_load_as_a_row(row):
    bundle = Bundle.load("mini", row)
    assert bundle.prompts.vocabulary > 100
    assert not any(parameter.requires_grad for parameter in bundle.model.parameters())


@pytest.mark.parametrize("row", [name for name in VARIANTS if name not in ROWS])
def test_a_row_that_has_no_weights_says_how_they_are_made(row):
    way = f"`egobench train egotwin --preset mini --variant {row}` makes them"
    with pytest.raises(BadInputError, match=way) as refusal:
        EgoTwinModel(row)
    assert refusal.value.code == "weights-missing"
