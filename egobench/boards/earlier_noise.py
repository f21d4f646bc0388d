"""Training noise from an earlier `claims.json`, for metrics whose second seeds are not given again.

It is used only if nothing has changed: the metric's protocol is the same, and the row that has the noise still has the
same value. A row that was trained again, or a metric of another version, needs a second seed of its own.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from egobench.compare.lead import Noise
from egobench.compare.side import Side
from egobench.errors import BadInputError
from egobench.files.atomic import read_json

SAME = 1e-9
"""Relative difference up to which two values are the same."""


def earlier_noise(data: Path, rows: Mapping[str, Sequence[Side]], metrics: Sequence[str]) -> dict[str, Noise]:
    """Metric → noise of an earlier `claims.json` that still holds for these runs.

    Args:
        data: path of `claims.json`; if there is no such file, the result is empty.
        rows: label → its runs, the row of record first.

    Raises:
        BadInputError: `claims-damaged`.
    """
    if not data.is_file():
        return {}
    try:
        old = read_json(data)
        noise_of_metric = {
            metric: _noise(each, old["rows"]) for metric, each in old["noise"].items() if metric in metrics
        }
        return {
            metric: noise
            for metric, noise in noise_of_metric.items()
            if noise.row in rows
            and any(_is_same(rows[noise.row][0], *value) for value in _earlier_values(old, metric, noise.row))
        }
    except (BadInputError, KeyError, TypeError, AttributeError) as error:
        text = f"{data}: the training noise of an earlier writing cannot be read ({error}); delete the file"
        raise BadInputError(text, code="claims-damaged") from None


def _noise(record: Mapping[str, Any], rows: Mapping[str, Any]) -> Noise:
    of_rows = {label: tuple(each["run"] for each in rows[label]) for label in record["seeds"] if label in rows}
    runs = {label: tuple(names) for label, names in record.get("runs", of_rows).items()}
    return Noise(record["value"], record["row"], record["seeds"], runs, is_kept=True)


def _earlier_values(old: Mapping[str, Any], metric: str, row: str) -> Iterator[tuple[str, str, float]]:
    """Metric, protocol and value of a row in the earlier claims."""
    for claim in [*old["claims"], *old["beyond"]]:
        if claim["metric"] == metric and claim["measured"] and row in (old["subject"], claim["row"]):
            side = "first" if row == old["subject"] else "second"
            yield metric, claim["measured"]["protocol"], claim["measured"][side]


def _is_same(side: Side, metric: str, protocol: str, value: float) -> bool:
    record = side.results.get(metric, {})
    if record.get("protocol") != protocol or record.get("value") is None:
        return False
    return math.isclose(
        record["value"], value, rel_tol=SAME
    )  # a mean over pairs may round otherwise than one over rows
