"""Results of `make bench` as a Markdown page: figure, ours, peer, ratio, memory, bar; of two results, before and after.

    python benchmarks/page.py A.json            one result
    python benchmarks/page.py A.json B.json     before and after

A figure is the median of the rounds, for one unit of the benchmark (a clip, a step). `pytest-benchmark compare A B`
shows the rounds themselves; this page adds what it lacks: the ratio to the peer of the same group in the same result,
CPU seconds and memory of commands, bars, and the machines.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from figures import Figure, Line, figures, lines, read

ABSENT = "–"
CPU_CLOCKS = ("process_time", "tree_cpu", "stated_cpu")


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
    rows = [_pair(old.get(key), new.get(key)) for key in [*new, *(key for key in old if key not in new)]]
    head = ("group", "figure", "before", "after", "change", "peer", "before", "after", "memory before", "after", "bar")
    top = [f"Before: {as_machine(before)}", f"After: {as_machine(after)}"]
    machines = before["machine_info"], after["machine_info"]
    differing = [fact for fact in ("processor", "cores", "gpu") if len({one.get(fact) for one in machines}) > 1]
    if differing:
        top.append(f"**The machines differ** ({', '.join(differing)}): only ratios to peers can be compared.")
    return "\n\n".join([*top, "\n".join(_table(head, rows))])


def _pair(before: Line | None, after: Line | None) -> tuple[str, ...]:
    """A row of two results, one of which may lack the figure."""
    seconds, ratios, memories = zip(*map(_cells, (before, after)), strict=True)
    line = after or before
    assert line is not None
    change = as_change(before.ours.seconds, after.ours.seconds) if before and after else ABSENT
    peer = line.peer.way if line.peer else ABSENT
    return line.ours.group, line.ours.name, *seconds, change, peer, *ratios, *memories, as_bar(line)


def _cells(line: Line | None) -> tuple[str, str, str]:
    """Seconds, ratio to the peer, memory."""
    if line is None:
        return ABSENT, ABSENT, ABSENT
    return with_unit(line.ours), as_ratio(line.ratio), as_mib(line.ours.peak_mib)


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
