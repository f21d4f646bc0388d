"""A baseline: the file with which a gate compares a run. It is one small JSON file, so that it can be reviewed like
code.

{"schema": 1, "kind": "egobench-baseline", "run", "model", "split", "task", "provenance", "samples": digest,
 "history": [{"date", "reason", "run", "model", "commit", "values"}, …]      the newest first; every update has a reason
 "rows":    {"clip", "seed", "digest", "sequence", "stratum"}                 columns, one entry per clip × seed
 "metrics": {name: {"result": as in metrics.json, "lost": {place: why},
                     "rows": places | "all", "terms_value", "above", "below" | "left_out"}}
 "protocols": {digest: record}}

`above` and `below` are what each row adds to numerator and denominator; `below` is absent if it is 1 everywhere.
`left_out` is the value of a set distance without each of up to 64 blocks of recordings. It is enough to pair the
distance with that of another run over the same rows, and takes a few hundred bytes in place of megabytes of features.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from egobench.compare.run_side import make_ready
from egobench.compare.side import AGREEMENT, Item, Key, Lost, Side, Terms, Unpaired, refuse_other_digests
from egobench.errors import BadInputError
from egobench.files.atomic import read_json, write_bytes
from egobench.files.plain import plain

SCHEMA = 1
KIND = "egobench-baseline"
KEPT_HISTORY = 20
_RESULT = (
    *("value", "ci95", "unit", "better", "n", "n_undefined", "coverage", "version", "protocol", "floor", "chance"),
)


@dataclass(frozen=True)
class BaselineSource:
    """Terms of a baseline's metrics, as the file has them."""

    name: str
    stored: Mapping[str, Terms]
    unpaired: Mapping[str, Unpaired]
    """Metrics without terms, and why."""
    lost_rows: Mapping[str, Mapping[Key, Lost]]

    def terms(self, metric: str, keys: Sequence[Key] | None) -> Terms:
        """As `Source.terms`; a set distance exists only over the rows that were written."""
        if metric in self.unpaired:
            raise self.unpaired[metric]
        terms = self.stored[metric]
        if keys is not None and list(keys) != list(terms.keys):
            raise Unpaired(
                f"{self.name} holds {metric} over {len(terms.keys)} rows, {len(keys)} of them can be paired; a set "
                "distance needs all of them",
                incomplete=True,
            )
        return terms

    def lost(self, metric: str) -> Mapping[Key, Lost]:
        """As `Source.lost`."""
        return self.lost_rows.get(metric, {})


def baseline_document(
    side: Side, *, samples: str, reason: str, date: str, earlier: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The content of a baseline made from a run.

    Args:
        samples: digest of the run's samples.
        reason: why the baseline changes, for the reviewer.
        date: UTC, ISO 8601.
        earlier: the document that it replaces; its history is kept.

    Raises:
        BadInputError: `baseline-reason`: no reason.
    """
    if not reason.split():
        text = "the reason is empty; say in a few words why the baseline may change"
        raise BadInputError(text, code="baseline-reason")
    make_ready([side], list(side.results))
    keys = sorted(side.items)
    place = {key: number for number, key in enumerate(keys)}
    items = [side.items[key] for key in keys]
    entry = {
        **{"date": date, "reason": " ".join(reason.split()), "run": side.run, "model": side.model},
        **{"commit": side.provenance.get("commit", "unknown")},
        "values": {name: record["value"] for name, record in side.results.items()},
    }
    history = [entry, *(earlier or {}).get("history", [])][:KEPT_HISTORY]
    protocols = {side.results[name]["protocol"]: side.protocols[name] for name in side.results}
    return {
        **{"schema": SCHEMA, "kind": KIND, "run": side.run, "model": side.model, "split": side.split},
        **{"task": side.task, "provenance": dict(side.provenance), "samples": samples, "history": history},
        "rows": {
            **{"clip": [key.clip for key in keys], "seed": [key.seed for key in keys]},
            **{"digest": [item.digest for item in items], "sequence": [item.sequence for item in items]},
            "stratum": [item.stratum for item in items],
        },
        "metrics": {name: _metric_record(side, name, place) for name in side.results},
        "protocols": protocols,
    }


def write_baseline(path: Path | str, document: Mapping[str, Any]) -> None:
    """Writes a baseline: sorted keys, lists on one line, so that a change is a readable diff.

    Raises:
        StorageError: the disk refused.
    """
    write_bytes(path, (_pretty(plain(document)) + "\n").encode())


def read_baseline(path: Path | str) -> dict[str, Any]:
    """The document of a baseline, its schema checked.

    Raises:
        BadInputError: `json-…`, `baseline-kind` (another file), `baseline-schema` (a newer version, or none).
    """
    document = read_json(path)
    if not isinstance(document, dict) or document.get("kind") != KIND or not isinstance(document.get("schema"), int):
        text = f"{path} is not a baseline; `egobench baseline update RUN --baseline {path}` writes one"
        raise BadInputError(text, code="baseline-kind")
    if document["schema"] < 1:
        text = f"{path} has schema {document['schema']}, which was never written; 1 to {SCHEMA} are read"
        raise BadInputError(text, code="baseline-schema")
    if document["schema"] > SCHEMA:
        text = f"{path} has schema {document['schema']}, this version reads up to {SCHEMA}; update egobench"
        raise BadInputError(text, code="baseline-schema")
    return document


def baseline_side(path: Path | str) -> Side:
    """A baseline as one side of a comparison.

    Raises:
        BadInputError: as `read_baseline`, or `baseline-damaged`.
    """
    document = read_baseline(path)
    try:
        return _side(Path(path).name, document)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        text = f"{path} is damaged: {error!r}; write it again with `egobench baseline update`"
        raise BadInputError(text, code="baseline-damaged") from None


def _side(name: str, document: Mapping[str, Any]) -> Side:
    rows = document["rows"]
    keys = [Key(str(clip), int(seed)) for clip, seed in zip(rows["clip"], rows["seed"], strict=True)]
    facts = zip(rows["digest"], rows["sequence"], rows["stratum"], strict=True)
    items = {key: Item(*map(str, fact)) for key, fact in zip(keys, facts, strict=True)}
    if len(items) != len(keys):
        raise ValueError("a row stands there twice")
    stored, unpaired, lost_rows = {}, {}, {}
    for metric, record in document["metrics"].items():
        lost_rows[metric] = {keys[int(at)]: Lost(*lost) for at, lost in record.get("lost", {}).items()}
        if "unpaired" in record:
            unpaired[metric] = Unpaired(str(record["unpaired"]))
        else:
            stored[metric] = _terms(record, keys)
            _refuse_other_value(metric, record["result"], stored[metric])
    results = {metric: record["result"] for metric, record in document["metrics"].items()}
    protocols = {metric: document["protocols"][record["protocol"]] for metric, record in results.items()}
    refuse_other_digests(protocols, results)
    return Side(
        name=name,
        model=document["model"],
        run=document["run"],
        split=document["split"],
        task=document["task"],
        items=items,
        results=results,
        protocols=protocols,
        source=BaselineSource(name, stored, unpaired, lost_rows),
        provenance=document["provenance"],
    )


def _terms(record: Mapping[str, Any], keys: Sequence[Key]) -> Terms:
    chosen = tuple(keys) if record["rows"] == "all" else tuple(keys[int(at)] for at in record["rows"])
    if list(chosen) != sorted(set(chosen)):
        raise ValueError("rows of a metric are not in order")
    if "left_out" in record:
        return Terms(chosen, float(record["terms_value"]), left_out=_vector(record["left_out"]))
    above = _vector(record["above"])
    below = _vector(record["below"]) if "below" in record else np.ones(len(chosen))
    if not len(above) == len(below) == len(chosen):
        raise ValueError(f"{len(above)} values for {len(chosen)} rows")
    return Terms(chosen, float(record["terms_value"]), above, below)


def _refuse_other_value(metric: str, result: Mapping[str, Any], terms: Terms) -> None:
    """Refuses a value that does not follow from its terms: the value is shown, and the terms are compared."""
    values = [terms.value]
    if terms.above is not None and terms.below is not None:
        values.append(float(terms.above.sum() / terms.below.sum()))
    value, floor = float(result["value"]), float(result.get("floor") or 0.0)
    room = AGREEMENT * max(abs(value), abs(floor), 1e-9)
    for number in values:
        if not abs(number - value) <= room:
            raise ValueError(f"{metric} is {value:.6g}, its terms come to {number:.6g}")


def _vector(numbers: Any) -> np.ndarray:
    array = np.array(numbers, dtype=np.float64)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise ValueError("a list of finite numbers is needed")
    return array


def _metric_record(side: Side, metric: str, place: Mapping[Key, int]) -> dict[str, Any]:
    result = side.results[metric]
    record: dict[str, Any] = {"result": {name: result.get(name) for name in _RESULT}}
    lost = side.source.lost(metric)
    if lost:
        record["lost"] = {str(place[key]): list(why) for key, why in sorted(lost.items())}
    try:
        terms = side.source.terms(metric, None)
    except Unpaired as reason:
        return {**record, "unpaired": str(reason)}
    record["rows"] = "all" if len(terms.keys) == len(place) else [place[key] for key in terms.keys]
    record["terms_value"] = terms.value
    if terms.above is None or terms.below is None:
        assert terms.left_out is not None, "terms are rows or blocks"
        return {**record, "left_out": terms.left_out.tolist()}
    record["above"] = terms.above.tolist()
    if not (terms.below == 1).all():
        record["below"] = terms.below.tolist()
    return record


def _pretty(value: Any, indent: str = "") -> str:
    """JSON with sorted keys, where a list, and a mapping of plain values, stays on one line."""
    flat = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)
    if not isinstance(value, dict | list) or not value or _is_flat(value):
        return flat
    inner = indent + " "
    if isinstance(value, list):
        parts = [inner + _pretty(each, inner) for each in value]
        return "[\n" + ",\n".join(parts) + f"\n{indent}]"
    parts = [f"{inner}{json.dumps(key, ensure_ascii=False)}: {_pretty(value[key], inner)}" for key in sorted(value)]
    return "{\n" + ",\n".join(parts) + f"\n{indent}}}"


def _is_flat(value: Any) -> bool:
    if isinstance(value, list):
        return not any(isinstance(each, dict) for each in value)
    return len(value) < 12 and not any(isinstance(each, dict | list) for each in value.values())
