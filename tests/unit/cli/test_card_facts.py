"""Shipped cards in `egobench describe`."""

import json

from egobench.cli.card_facts import card_facts

CARD = {
    **{"digest": "1a2b3c4d" + "0" * 56, "split": {"name": "toy"}, "clips": {"n": 4, "of": 8}},
    **{"failure_rate": 0.125, "coverage": 0.5, "seconds_per_clip": {"camera-path": {"median": 0.251}}},
    "metrics": {
        "rot-err": {"unit": "deg", "all": {"mean": 1.94}, "chance": {"mean": 26.2}},
        "trans-err": {"unit": "m", "all": {"n": 0}, "chance": {"n": 0}},
    },
}


def test_headline_figures_stand_under_the_name_of_the_split(tmp_path):
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "eyes@toy.json").write_text(json.dumps(CARD))
    (tmp_path / "cards" / "eyes-two@toy.json").write_text("not read")
    assert card_facts(str(tmp_path / "eyes.py"), "eyes") == {
        "toy": {
            **{"card": "1a2b3c4d", "clips": "4 of 8", "failures": "12 %", "coverage": "50 %"},
            **{"rot-err": "floor 1.9°, chance 26°", "trans-err": "floor –, chance –", "seconds per clip": "0.25"},
        }
    }


def test_the_f1_against_drawn_pixels_is_named(tmp_path):
    (tmp_path / "cards").mkdir()
    hands = {**CARD, "hands_by_pixels": {"all": {"f1": 0.951, "recall": 0.9}}}
    (tmp_path / "cards" / "eyes@toy.json").write_text(json.dumps(hands))
    assert card_facts(str(tmp_path / "eyes.py"), "eyes")["toy"]["drawn hands"] == "F1 0.95, recall 0.90"


def test_an_estimator_without_cards_has_none(tmp_path):
    assert card_facts(str(tmp_path / "eyes.py"), "eyes") == {}
