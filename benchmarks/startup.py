"""How long `egobench --help`, `list` and `describe` take, as a ratio to `python -c pass`: at most 1.5, and 3.

    python benchmarks/startup.py [--rounds 21] [--json]

Commands are interleaved round by round, so that a busy machine slows all of them alike; medians are printed.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

FIGURES = {"--help": 1.5}
OTHERS = 3.0
"""Largest ratio by command, and of all others."""
CALL = "from egobench.cli.main import console; console()"
COMMANDS = {
    "--help": ["--help"],
    "list models": ["list", "models"],
    "list": ["list"],
    "describe i-fid": ["describe", "i-fid"],
    "describe egomini-test": ["describe", "egomini-test"],
}


def seconds(command: list[str]) -> float:
    """Wall time of one process, start to end."""
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def main() -> int:
    """Prints the table; exits 1 if a command misses the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    calls = {"python -c pass": [sys.executable, "-c", "pass"]}
    calls |= {name: [sys.executable, "-c", CALL, *arguments] for name, arguments in COMMANDS.items()}
    for call in calls.values():  # byte code and disk cache
        seconds(call)
    taken = {name: [] for name in calls}
    for _ in range(options.rounds):
        for name, call in calls.items():
            taken[name].append(seconds(call))
    medians = {name: statistics.median(values) for name, values in taken.items()}
    base = medians["python -c pass"]
    rows = {
        name: {"ms": 1000 * median, "ratio": median / base, "figure": FIGURES.get(name, OTHERS)}
        for name, median in medians.items()
    }
    if options.json:
        print(json.dumps({"rounds": options.rounds, "commands": rows}, indent=2))
    else:
        for name, row in rows.items():
            print(f"{name:<24} {row['ms']:7.1f} ms  {row['ratio']:5.2f} ×, at most {row['figure']:g}")
    return int(any(row["ratio"] > row["figure"] for row in rows.values()))


if __name__ == "__main__":
    sys.exit(main())
