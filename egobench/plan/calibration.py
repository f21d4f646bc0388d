"""Calibration cards in runs: their digests in protocols, and their headline figures beside a result."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from egobench.estimators.cards import find_card
from egobench.metrics.base import ESTIMATED
from egobench.plan.class_code import maker_record
from egobench.plan.own_weights import shown_name
from egobench.plan.resolve import Metric, resolve_estimator
from egobench.types import Result, Split


def estimators_of(metric: Metric) -> list[str]:
    """Names of the estimators a metric reads, sorted."""
    return sorted({str(need.extractor) for need in metric.needs().values() if need.what in ESTIMATED})


def calibration_digests(estimators: Mapping[str, Mapping[str, Any]], split_digest: str) -> dict[str, str | None]:
    """Estimator → digest of its card on this split; None where there is none.

    Args:
        estimators: name → protocol record.
        split_digest: `Split.digest`.

    Raises:
        BadInputError: `card-damaged`.
    """
    cards = {name: find_card(name, record, split_digest) for name, record in estimators.items()}
    return {name: None if card is None else card["digest"] for name, card in cards.items()}


def calibration_notes(metric: Metric, split: Split) -> dict[str, Any]:
    """What a table says of the estimators behind a metric: estimator → `card` (digest; None where there is none),
    `split`, and of this metric `floor`, `chance` and `unit`, with `failure_rate`, `clips` and `of` of the card."""
    notes: dict[str, Any] = {}
    for name in estimators_of(metric):
        card = find_card(shown_name(name), maker_record(resolve_estimator(name)), split.digest)
        note: dict[str, Any] = {"card": None, "split": split.name}
        if card is not None:
            note = {"card": card["digest"], "split": card["split"]["name"], "failure_rate": card["failure_rate"]}
            note |= {key: card["clips"][key] for key in ("n", "of")}
            figures = card["metrics"].get(metric.name)
            if figures is not None and figures["version"] == metric.version:
                note |= {"floor": _headline(figures["all"]), "chance": _headline(figures["chance"])}
                note["unit"] = figures["unit"]
        notes[shown_name(name)] = note
    return notes


def with_calibration(metric: Metric, result: Result, split: Split) -> Result:
    """The result with those notes in `detail["calibration"]`, where the metric reads an estimator."""
    notes = calibration_notes(metric, split)
    return replace(result, detail={**result.detail, "calibration": notes}) if notes else result


def _headline(figures: Mapping[str, Any]) -> float | None:
    return figures.get("mean", figures.get("value"))
