"""What a stage did with its time: the share in which the model, or extractors and estimators, worked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from egobench.engines.worker import Answer

WORKERS = {"generate": "the model", "extract": "networks and estimators", "score": ""}
"""The stages in order, and who works in them."""
SHORT = 10.0
"""Seconds; of a shorter run most is start-up, and nothing is said."""


@dataclass
class Watch:
    """Adds up what a stage's answers say."""

    processes: int = 1
    busy: float = 0.0
    """Seconds of work, of all processes together."""
    notes: list[str] = field(default_factory=list)
    """What is worth telling; each once."""

    def see(self, answer: Answer) -> None:
        """Takes one answer into account."""
        self.busy += answer.busy
        if answer.note and answer.note not in self.notes:
            self.notes.append(answer.note)


def time_line(manifest: Mapping[str, Any]) -> str:
    """Where a run's time went, such as "generate 41.2 s, 96 % of it the model's; score 3.1 s"; empty for a short run,
    or one that did not keep it."""
    seconds, busy = manifest.get("seconds", {}), manifest.get("busy", {})
    if not busy or sum(seconds.values()) < SHORT:
        return ""
    parts = []
    for stage in filter(seconds.__contains__, WORKERS):
        whole = seconds[stage]
        share = f", {100 * busy[stage] / whole:.0f} % of it {WORKERS[stage]}" if whole and busy.get(stage) else ""
        parts.append(f"{stage} {whole:.1f} s{share}")
    return "; ".join(parts)
