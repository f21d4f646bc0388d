"""Results of `make bench` as a Markdown page: figure, ours, peer, ratio, memory, bar; of two results, before and after.

    python benchmarks/page.py A.json            one result
    python benchmarks/page.py A.json B.json     before and after

A figure is the median of the rounds, for one unit of the benchmark (a clip, a step). `pytest-benchmark compare A B`
shows the rounds themselves; this page adds what it lacks: the ratio to the peer of the same group in the same result,
CPU seconds and memory of commands, bars, and the machines.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PREFIX = "bench_"
OTHER_WAY = "by"
"""Parameter of a benchmark that names the way in which the work of its group is done."""
ABSENT = "–"
CPU_CLOCKS = ("process_time", "tree_cpu", "stated_cpu")


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
        made += (
            [Line(one, peer) for one in ours for peer in peers]
            if ours and peers
            else [Line(one, None) for one in group]
        )
    return made


def page(document: Mapping[str, Any]) -> str:
    """One result."""
    rows = [
        (
            *(line.ours.group, line.ours.name, with_unit(line.ours), with_unit(line.peer, name=True)),
            *(as_ratio(line.ratio), as_seconds(line.ours.cpu_s), as_mib(line.ours.peak_mib), as_bar(line)),
        )
        for line in lines(figures(document))
    ]
    head = ("group", "figure", "ours", "peer", "ours is", "CPU", "memory", "bar")
    return "\n".join([as_machine(document), "", *_table(head, rows)])


def compared(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Two results; a figure that only one of them has is shown with a –."""
    old, new = ({line.key: line for line in lines(figures(one))} for one in (before, after))
    rows = []
    for key in [*new, *(key for key in old if key not in new)]:
        a, b = old.get(key), new.get(key)
        shown = b or a
        assert shown is not None
        change = as_change(a.ours.seconds, b.ours.seconds) if a and b else ABSENT
        pair = [(with_unit(line.ours), as_ratio(line.ratio), as_mib(line.ours.peak_mib)) if line else None
                for line in (a, b)]  # fmt: skip
        (s_a, r_a, m_a), (s_b, r_b, m_b) = (each or (ABSENT,) * 3 for each in pair)
        peer = shown.peer.way if shown.peer else ABSENT
        rows.append((*key[:2], s_a, s_b, change, peer, r_a, r_b, m_a, m_b, as_bar(shown)))
    head = ("group", "figure", "before", "after", "change", "peer", "before", "after", "memory before", "after", "bar")
    top = [f"Before: {as_machine(before)}", f"After: {as_machine(after)}"]
    if differing := differences(before, after):
        top.append(f"**The machines differ** ({', '.join(differing)}): only ratios to peers can be compared.")
    return "\n\n".join([*top, "\n".join(_table(head, rows))])


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What makes seconds of two machines incomparable."""
    facts = ("processor", "cores", "gpu")
    return [fact for fact in facts if before["machine_info"].get(fact) != after["machine_info"].get(fact)]


def as_machine(document: Mapping[str, Any]) -> str:
    """A line: processor, cores, load, versions, commit, time."""
    info, commit = document["machine_info"], document.get("commit_info", {})
    packages = ", ".join(f"{name} {number}" for name, number in info.get("packages", {}).items())
    dirty = ", changed since" if commit.get("dirty") else ""
    gpu = f", {info['gpu']}" if info.get("gpu") else ""
    load = f"load {info.get('load_at_start', '?')} before and {info.get('load_at_end', '?')} after"
    return (
        f"{info.get('processor', 'unknown')}, {info.get('cores', '?')} cores{gpu}; {load}; "
        f"{str(document.get('datetime', ''))[:16]} UTC; commit {str(commit.get('id', 'unknown'))[:12]}{dirty}; "
        f"Python {info.get('python', '?')}, {packages}"
    )


def with_unit(figure: Figure | None, *, name: bool = False) -> str:
    """`0.26 s CPU a clip`; with `name`, of which way."""
    if figure is None:
        return ABSENT
    clock = " CPU" if figure.clock in CPU_CLOCKS else ""
    text = f"{as_seconds(figure.seconds)}{clock}{f' a {figure.unit}' if figure.unit else ''}"
    return f"{figure.way}: {text}" if name else text


def as_seconds(value: float | None) -> str:
    """Three digits, in s, ms or µs."""
    if value is None:
        return ABSENT
    for factor, unit in ((1.0, "s"), (1e3, "ms")):
        if value * factor >= 1:
            return f"{_digits(value * factor)} {unit}"
    return f"{_digits(value * 1e6)} µs"


def as_ratio(value: float | None) -> str:
    """`21 × as fast`, or `1.34 × as long`."""
    if value is None:
        return ABSENT
    return f"{_digits(value)} × as fast" if value >= 1 else f"{_digits(1 / value)} × as long"


def as_change(before: float, after: float) -> str:
    """`-38 %` of the time."""
    return f"{100 * (after / before - 1):+.0f} %" if before else ABSENT


def as_mib(value: float | None) -> str:
    """Whole MiB."""
    return ABSENT if value is None else f"{value:,.0f} MiB"


def as_bar(line: Line) -> str:
    """What should be reached, and whether it is; empty without a bar."""
    if line.ours.bar is None:
        return ""
    measure, word, value = line.ours.bar
    known = {
        "seconds": line.ours.seconds,
        "peak_mib": line.ours.peak_mib,
        "as_long": 1 / line.ratio if line.ratio else None,
        "as_fast": line.ratio,
    }[measure]
    shown = {"seconds": f"{value:g} s", "peak_mib": f"{value:,g} MiB", "as_long": f"{value:g} × as long"}
    text = f"{word} {shown.get(measure, f'{value:g} × as fast')}"
    if known is None:
        return f"{text}: not measured"
    is_reached = known <= value if word == "at most" else known >= value
    return f"{text}: {'reached' if is_reached else '**missed**'}"


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


def _digits(value: float) -> str:
    """Three significant digits, no exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Markdown; a group is named in its first row only."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join(' :-- ' if k < 2 else ' --: ' for k in range(len(head)))}|"
    last = ""
    for group, *cells in rows:
        yield f"| {' | '.join(['' if group == last else group, *cells])} |"
        last = group


def main() -> int:
    """Prints the page; exits 2 if a file is no result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, metavar="A.json")
    parser.add_argument("after", type=Path, nargs="?", metavar="B.json")
    options = parser.parse_args()
    try:
        first = read(options.before)
        print(compared(first, read(options.after)) if options.after else page(first))
    except (OSError, ValueError) as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
