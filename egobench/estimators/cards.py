"""Calibration cards: what an estimator gets wrong on recorded video of a split, where the truth is known.

A card belongs to an estimator with its settings and weights (digest of its protocol) and to a split (digest of its
content). One made with other weights, settings or library versions, or on other clips, is not found: figures of another
estimator are worse than none. `egobench calibrate` makes cards; those of the built-in estimators are shipped.

A card is JSON, schema 1:

    estimator, protocol, protocol_digest     whose, with which settings and weights
    split, clips                             of what: name, digest, size, rate; how many of how many clips, recordings
    statuses, coverage, failure_rate         what became of the paths; why (`reasons`, `raised`); `health_by` stratum
    metrics → NAME                           version, unit, and the metric over `all` clips, `by` stratum, texture and
                                             status, and by `chance` (each video against a stranger's motion): mean,
                                             median, 90 % quantile with intervals by sequence, medians of companions
    metrics_without_value                    NAME → why no clip has one
    hands_by_pixels                          a hand detector against the drawn pixels, per side and together
    seeds                                    what other seeds change; or whether a second look gives the same bytes
    seconds_per_clip, machine                what it costs; not in the `digest` of the rest
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import platformdirs

from egobench.errors import BadInputError
from egobench.files.atomic import read_json
from egobench.files.digest import digest_json
from egobench.files.plain import plain

ENVIRONMENT = "EGOBENCH_CARDS"
SCHEMA = 1
SHIPPED = Path(__file__).parent / "cards"
PASSING = ("digest", "seconds_per_clip", "machine")
"""Keys that do not enter a card's digest: the same estimator on a faster machine has the same errors."""


def card_home() -> Path:
    """Where the user's own cards lie: `$EGOBENCH_CARDS`, else in the user's data folder."""
    return Path(os.environ.get(ENVIRONMENT) or platformdirs.user_data_path("egobench") / "cards")


def card_name(estimator: str, split: str) -> str:
    """File name of a card, e.g. `egomini-odometry@egomini-test.json`; signs that no file should have become `-`."""
    return f"{_safe(estimator)}@{_safe(split)}.json"


def card_digest(card: Mapping[str, Any]) -> str:
    """SHA-256 of what a card says of errors and failures, 64 hex digits."""
    return digest_json({key: value for key, value in card.items() if key not in PASSING})


def protocol_digest(protocol: Mapping[str, Any]) -> str:
    """SHA-256 of an estimator's protocol record (`Estimator.protocol`), 64 hex digits."""
    return digest_json(plain(protocol))


def find_card(estimator: str, protocol: Mapping[str, Any], split_digest: str) -> dict[str, Any] | None:
    """The card of an estimator as it is now, on a split as it is now; a shipped one before the user's own.

    Args:
        estimator: its catalogue name.
        protocol: its record in a protocol (`protocol()`, and its code where that is not this suite's).
        split_digest: `Split.digest`.

    Raises:
        BadInputError: `card-damaged`: a card of this estimator's name cannot be read, or was edited.
    """
    identity = estimator, protocol_digest(protocol), split_digest
    for card in cards_of(estimator):
        if (card["estimator"], card["protocol_digest"], card["split"]["digest"]) == identity:
            return card
    return None


def cards_of(estimator: str) -> Iterator[dict[str, Any]]:
    """All cards of an estimator's name, whatever weights and split they are of; shipped ones first.

    Raises:
        BadInputError: `card-damaged`.
    """
    for folder in (SHIPPED, card_home()):
        for path in sorted(folder.glob(f"{_safe(estimator)}@*.json")):
            yield read_card(path)


def read_card(path: Path) -> dict[str, Any]:
    """One card.

    Raises:
        BadInputError: `card-damaged`: no JSON, of a newer schema, or not as it was written.
    """
    try:
        card = read_json(path)
        is_whole = card["schema"] <= SCHEMA and card["digest"] == card_digest(card)
        is_whole = is_whole and {"estimator", "protocol_digest", "split"} <= set(card)
    except (BadInputError, KeyError, TypeError) as error:
        raise BadInputError(f"{path}: no calibration card: {error}", code="card-damaged") from None
    if not is_whole:
        text = f"{path}: schema {card['schema']}, or its content is not what its digest says; calibrate again"
        raise BadInputError(text, code="card-damaged")
    return card


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", name)
