"""Calibration cards as text: a line under a table, and a page for the terminal."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from egobench.tables.numbers import MISSING, value_text

SHORT_DIGEST = 8
SIGNS = {"deg": "°", "": ""}
"""Units without a space between number and unit."""


def calibration_lines(metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Lines below a table, one for each metric that uses an estimator.

    Args:
        metrics: name → record of `metrics.json`; only its `detail["calibration"]` is read, which most lack.
    """
    return [
        f"{metric} by {estimator} ({_words(note, estimator)})"
        for metric, result in metrics.items()
        for estimator, note in sorted((result.get("detail", {}).get("calibration") or {}).items())
    ]


def card_text(card: Mapping[str, Any]) -> list[str]:
    """A card as lines for a terminal: failures and coverage, then each metric by group and under shuffled pairing."""
    split, clips = card["split"], card["clips"]
    part = "all" if clips["n"] == clips["of"] else f"{clips['n']} of"
    where = f"{split['name']} ({part} {clips['of']} clips, {split['width']}x{split['height']})"
    lines = [f"{card['estimator']} on {where}, card {card['digest'][:SHORT_DIGEST]}"]
    lines.append(f"  failures {percent(card['failure_rate'])}" + _health(card))
    for name, figures in card["metrics"].items():
        lines += ["", f"  {name} ({figures['unit']})", *_rows(figures)]
    lines += [f"\n  {name}: {reason}" for name, reason in card.get("metrics_without_value", {}).items()]
    hands = card.get("hands_by_pixels", {})
    if "all" in hands:
        lines += ["", f"  hands against drawn pixels (from {percent(hands['visible_from_share_of_pixels'])})"]
        lines += [f"    {name:<18} {_rates(rates)}" for name, rates in _hand_rows(hands)]
    return [*lines, "", f"  seeds: {_seeds(card['seeds'])}", f"  seconds per clip: {_seconds(card)}"]


def percent(share: float | None) -> str:
    """A share with the digits that matter: `0 %`, `0.4 %`, `12 %`."""
    if share is None:
        return MISSING
    number = 100 * share
    return f"{number:.1f} %" if 0 < number < 1 or 99 < number < 100 else f"{number:.0f} %"


def short(value: float | None, unit: str) -> str:
    """A number of a footnote with its unit: `1.9°`, `0.031 m`, `26°`."""
    if value is None:
        return MISSING
    number = f"{value:.0f}" if abs(value) >= 100 else f"{value:#.2g}".rstrip(".")
    return number + SIGNS.get(unit, f" {unit}")


def _words(note: Mapping[str, Any], estimator: str) -> str:
    if note["card"] is None:
        return f"not calibrated; `egobench calibrate {estimator} --split {note['split']}` does it"
    words = [f"card {note['card'][:SHORT_DIGEST]}:"]
    if "unit" in note:
        words += [f"{key} {short(note[key], note['unit'])}," for key in ("floor", "chance")]
    part = "" if note["n"] == note["of"] else f" ({note['n']} of {note['of']} clips)"
    return " ".join([*words, f"failures {percent(note['failure_rate'])}, {note['split']}{part}"])


def _health(card: Mapping[str, Any]) -> str:
    if "statuses" not in card:
        return ""
    counts = ", ".join(f"{count} {status}" for status, count in card["statuses"].items())
    return f", coverage {percent(card['coverage'])} ({counts}), positions: {card['positions']}"


def _groups(figures: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield "all", figures["all"]
    for kind, values in figures["by"].items():
        for value, inner in values.items():
            yield f"{kind} {value}", inner


def _rows(figures: Mapping[str, Any]) -> Iterator[str]:
    for name, group in [*_groups(figures), ("chance", figures["chance"])]:
        if "mean" in group:
            mean = value_text(group["mean"], group["mean_ci95"])
            rest = f"median {value_text(group['median'], group['median_ci95'])}  p90 {group['p90']:.3g}"
            yield f"    {name:<20} {mean:<18} {rest}  n {group['n']}{_undefined(group)}"
        elif "value" in group:
            yield f"    {name:<20} {value_text(group['value'], group['ci95']):<18} n {group['n']}"
        else:
            reasons = [reason for kind in ("undefined", "failed") for reason in group.get(kind, ())]
            yield f"    {name:<20} {MISSING}  {'; '.join(reasons[:1])}".rstrip()


def _undefined(group: Mapping[str, Any]) -> str:
    number = sum(group.get("undefined", {}).values())
    return f", {number} undefined" if number else ""


def _hand_rows(hands: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, group in _groups(hands):
        if group["n"]:
            yield name, group
            yield from ((f"  {side}", rates) for side, rates in group["sides"].items() if name == "all")


def _rates(rates: Mapping[str, Any]) -> str:
    names = ("recall", "false_alarm_rate", "precision", "f1")
    values = [MISSING if rates[name] is None else f"{rates[name]:.3f}" for name in names]
    return "  ".join(f"{name.replace('_', ' ')} {value}" for name, value in zip(names, values, strict=True))


def _seeds(seeds: Mapping[str, Any]) -> str:
    if "note" in seeds:
        return f"{seeds['note']} ({seeds['identical']} of {seeds['seen_twice']} clips identical when seen twice)"
    if len(seeds["seeds"]) < 2:
        return "one, so nothing is compared"
    differences = [
        f"{name}: means differ by {short(figures['range_of_means'], figures['unit'])}, "
        f"a clip by {short(figures['range_of_a_clip']['median'], figures['unit'])}"
        for name, figures in seeds.items()
        if isinstance(figures, Mapping) and "range_of_means" in figures
    ]
    return f"{len(seeds['seeds'])} on {seeds['clips']} clips" + "".join(f"; {line}" for line in differences)


def _seconds(card: Mapping[str, Any]) -> str:
    machine = card["machine"]
    times_of_parts = [f"{times['median']:.3g} (p90 {times['p90']:.3g})" for times in card["seconds_per_clip"].values()]
    on = f"{machine['processor']}, {machine['processes']} processes of one thread on {machine['cores']} cores"
    on += f", load {machine['load']}" if machine.get("load") is not None else ""
    return f"{', '.join(times_of_parts) or MISSING} on {on}"


def calibration_lines_of_rows(rows: Sequence[Mapping[str, Mapping[str, Any]]], names: Sequence[str]) -> list[str]:
    """Calibration lines of several models' results in the columns `names`, each line once."""
    lines = [line for row in rows for line in calibration_lines({name: row[name] for name in names if name in row})]
    return list(dict.fromkeys(lines))
