"""Shipped calibration cards for `egobench describe`. They are read as plain JSON, so nothing heavy is imported."""

import glob
import json
import os

import egobench
from egobench.tables.card_text import percent, short

TYPE_CHECKING = False
if TYPE_CHECKING:  # see egobench.registry
    from typing import Any

SUITE = os.path.join(os.path.dirname(egobench.__file__), "estimators", "cards")
"""Folder of the cards that come with EgoBench."""


def card_facts(source: str, name: str) -> "dict[str, Any]":
    """Split → headline figures of an estimator's shipped cards.

    Args:
        source: file of the estimator; the folder `cards` beside it may hold cards too.
        name: name of the estimator.
    """
    found = {}
    for folder in dict.fromkeys((SUITE, os.path.join(os.path.dirname(source), "cards"))):
        for path in sorted(glob.glob(os.path.join(glob.escape(folder), f"{glob.escape(name)}@*.json"))):
            with open(path, encoding="utf-8") as file:
                card = json.load(file)
            found[card["split"]["name"]] = _figures(card)
    return found


def _figures(card: "dict[str, Any]") -> "dict[str, Any]":
    figures: "dict[str, Any]" = {"card": card["digest"][:8]}
    if card["clips"]["n"] < card["clips"]["of"]:
        figures["clips"] = f"{card['clips']['n']} of {card['clips']['of']}"
    figures["failures"] = percent(card["failure_rate"])
    if "coverage" in card:
        figures["coverage"] = percent(card["coverage"])
    for metric, part in card["metrics"].items():
        floor, chance = (side.get("mean", side.get("value")) for side in (part["all"], part["chance"]))
        figures[metric] = f"floor {short(floor, part['unit'])}, chance {short(chance, part['unit'])}"
    pixels = card.get("hands_by_pixels", {}).get("all", {})
    if pixels.get("f1") is not None:
        figures["drawn hands"] = f"F1 {pixels['f1']:.2f}, recall {pixels['recall']:.2f}"
    figures["seconds per clip"] = ", ".join(f"{times['median']:.2g}" for times in card["seconds_per_clip"].values())
    return figures
