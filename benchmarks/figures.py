"""Figures of a result of `make bench`, each beside its peers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PREFIX = "bench_"
OTHER_WAY = "by"
"""Parameter of a benchmark that names the way in which the work of its group is done."""


@dataclass(frozen=True)
class Figure:
    """One benchmark of a result."""

    group: str
    name: str
    """Without `bench_`, with the way and the other parameters in brackets."""
    way: str
    seconds: float
    """Median of the rounds, for one unit."""
    clock: str
    unit: str
    cpu_s: float | None
    """CPU seconds of a command and its children, for one unit."""
    peak_mib: float | None
    is_peer: bool
    bar: tuple[str, str, float] | None


@dataclass(frozen=True)
class Line:
    """A figure of ours beside a peer of its group, or alone."""

    ours: Figure
    peer: Figure | None

    @property
    def ratio(self) -> float | None:
        """Seconds of the peer over ours: above 1 ours is faster."""
        return None if self.peer is None or not self.ours.seconds else self.peer.seconds / self.ours.seconds

    @property
    def key(self) -> tuple[str, str, str]:
        """Equal in two results for the same figure beside the same peer."""
        return self.ours.group, self.ours.name, self.peer.name if self.peer else ""


def read(path: Path) -> dict[str, Any]:
    """A result that `make bench` wrote.

    Raises:
        ValueError: the file is none.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no JSON: {error}") from error
    if not isinstance(document, dict) or not {"benchmarks", "machine_info"} <= document.keys():
        raise ValueError(f"{path} is no result of `make bench`: it has no benchmarks and machine_info")
    return document


def figures(document: Mapping[str, Any]) -> list[Figure]:
    """All benchmarks of a result, in its order."""
    return [_figure(one) for one in document["benchmarks"]]


def lines(found: Sequence[Figure]) -> list[Line]:
    """Every figure of ours with every peer of its group; a figure without peers, or a peer without ours, alone."""
    groups: dict[str, list[Figure]] = {}
    for one in found:
        groups.setdefault(one.group, []).append(one)
    made = []
    for group in groups.values():
        peers = [one for one in group if one.is_peer]
        ours = [one for one in group if not one.is_peer]
        pairs = [Line(one, peer) for one in ours for peer in peers]
        made += pairs or [Line(one, None) for one in group]
    return made


def _figure(one: Mapping[str, Any]) -> Figure:
    info = one.get("extra_info") or {}
    count = info.get("count", 1)
    name = one["name"].removeprefix(PREFIX)
    params = one.get("params") or {}
    cpu, bar = info.get("cpu_s"), info.get("bar")
    return Figure(
        one.get("group") or name,
        name,
        str(params.get(OTHER_WAY, name)),
        one["stats"]["median"] / count,
        one.get("timer", ""),
        info.get("unit", ""),
        None if cpu is None else cpu / count,
        info.get("peak_mib"),
        bool(info.get("peer")),
        None if bar is None else (bar[0], bar[1], float(bar[2])),
    )
