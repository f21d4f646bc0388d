"""Calibration cards: the errors of an estimator on recorded video of a split, where the truth is known.

A card belongs to an estimator with its settings and weights (digest of its protocol) and to a split (digest of its
content). A card made with other weights, settings or library versions, or on other clips, is not used, because the
figures of another estimator would mislead. `egobench calibrate` makes cards. Cards of the built-in estimators ship.

A card is JSON, schema 1:

    estimator, protocol, protocol_digest     the estimator, with its settings and weights
    split, clips                             name, digest, size, rate; how many of how many clips, and recordings
    statuses, coverage, failure_rate         status of the paths; why (`reasons`, `raised`); `health_by` stratum
    metrics → NAME                           version, unit, and the metric over `all` clips, `by` stratum, texture and
                                             status, and by `chance` (each video against the motion of another
                                             sequence): mean, median, 90 % quantile with intervals by sequence,
                                             medians of companions
    metrics_without_value                    NAME → why no clip has one
    hands_by_pixels                          a hand detector against the rendered pixels, per side and together
    seeds                                    what other seeds change; or whether a second run gives the same bytes
    seconds_per_clip, machine                the time it takes; not part of the `digest`
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
"""Keys that are not part of a card's digest, because the same estimator has the same errors on a faster machine."""


def card_home() -> Path:
    """Folder of the user's own cards: `$EGOBENCH_CARDS`, else `cards` in the user's data folder."""
    return Path(os.environ.get(ENVIRONMENT) or platformdirs.user_data_path("egobench") / "cards")


def card_name(estimator: str, split: str) -> str:
    """File name of a card, e.g. `egomini-odometry@egomini-test.json`. Characters unsafe in a file name become `-`."""
    return f"{_safe(estimator)}@{_safe(split)}.json"


def card_digest(card: Mapping[str, Any]) -> str:
    """SHA-256 of a card's content about errors and failures, 64 hex digits."""
    return digest_json({key: value for key, value in card.items() if key not in PASSING})


def protocol_digest(protocol: Mapping[str, Any]) -> str:
    """SHA-256 of an estimator's protocol record (`Estimator.protocol`), 64 hex digits."""
    return digest_json(plain(protocol))


def find_card(estimator: str, protocol: Mapping[str, Any], split_digest: str) -> dict[str, Any] | None:
    """The card of an estimator in its present form, on a split in its present form. A shipped card comes first, before
    the user's own.

    Args:
        estimator: its catalogue name.
        protocol: its record in a protocol (`protocol()`, and its code if that is not part of this suite).
        split_digest: `Split.digest`.

    Raises:
        BadInputError: `card-damaged`: a card with this estimator's name cannot be read, or was edited.
    """
    identity = estimator, protocol_digest(protocol), split_digest
    for card in cards_of(estimator):
        if (card["estimator"], card["protocol_digest"], card["split"]["digest"]) == identity:
            return card
    return None


def cards_of(estimator: str) -> Iterator[dict[str, Any]]:
    """All cards with an estimator's name, for any weights and split; shipped cards come first.

    Raises:
        BadInputError: `card-damaged`.
    """
    for folder in (SHIPPED, card_home()):
        for path in sorted(folder.glob(f"{_safe(estimator)}@*.json")):
            yield read_card(path)


def read_card(path: Path) -> dict[str, Any]:
    """Reads one card.

    Raises:
        BadInputError: `card-damaged`: it is no JSON, has a newer schema, or was changed after it was written.
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
