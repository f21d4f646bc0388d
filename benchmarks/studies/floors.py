"""Prints the tables of floors in docs/estimators.md from the shipped calibration cards; it runs no estimator.

    python benchmarks/studies/floors.py [--splits egomini-test egomini-hd]

A floor is the error on recorded video, where the path and the hands are known; `chance` compares each video with the
motion of another clip.
"""

import argparse
from typing import Any

from egobench.catalog import ESTIMATORS
from egobench.estimators.cards import cards_of

HEAD = (
    "| estimator | split | clips | ok / turns only / lost | rot-err ° mean, median | trans-err m mean, median "
    "| sync-lag ms median | s |"
)
HANDS = "| detector | split | clips | hand-score (chance) | drawn hands: F1 | recall | false alarms | s |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--splits", nargs="+", default=["egomini-test", "egomini-hd"])
    options = parser.parse_args()
    cards = [card for name in ESTIMATORS.names() for card in cards_of(name) if card["split"]["name"] in options.splits]
    for head, is_kind, row in ((HEAD, "statuses", camera_row), (HANDS, "hands_by_pixels", hands_row)):
        print(head)
        print("|".join(["", " :-- ", " :-- ", *[" --: "] * (head.count("|") - 3), ""]))
        for card in cards:
            if is_kind in card:
                print(f"| {' | '.join(row(card))} |")
        print()


def common(card: dict[str, Any]) -> list[str]:
    """Name, split with its size, and clips."""
    split, clips = card["split"], card["clips"]
    number = str(clips["n"]) if clips["n"] == clips["of"] else f"{clips['n']} of {clips['of']}"
    return [card["estimator"], f"{split['name']} ({split['width']}²)", number]


def camera_row(card: dict[str, Any]) -> list[str]:
    """One estimator of paths on one split."""
    statuses = card["statuses"]
    kept = statuses.get("ok", 0) + statuses.get("partial", 0), statuses.get("rotation_only", 0)
    cells = [*common(card), f"{kept[0]} / {kept[1]} / {card['clips']['n'] - sum(kept)}"]
    for metric in ("rot-err", "trans-err"):
        cells.append(both(card["metrics"].get(metric)))
    lag = card["metrics"].get("sync-lag")
    return [*cells, number(lag and lag["all"].get("median")), seconds(card)]


def hands_row(card: dict[str, Any]) -> list[str]:
    """One detector on one split."""
    score, drawn = card["metrics"]["hand-score"], card["hands_by_pixels"]["all"]
    figures = [number(drawn[name]) for name in ("f1", "recall", "false_alarm_rate")]
    value = f"{number(score['all'].get('value'))} ({number(score['chance'].get('value'))})"
    return [*common(card), value, *figures, seconds(card)]


def both(figures: dict[str, Any] | None) -> str:
    return "–" if figures is None else f"{number(figures['all'].get('mean'))}, {number(figures['all'].get('median'))}"


def number(value: float | None) -> str:
    """Three significant digits."""
    if value is None:
        return "–"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def seconds(card: dict[str, Any]) -> str:
    return ", ".join(number(times["median"]) for times in card["seconds_per_clip"].values())


if __name__ == "__main__":
    main()
