"""A whole run on a GPU beside the same run on the CPU: `python benchmarks/gpu/whole_run.py [--clips 64]`.

`egobench run --model egotwin` samples and scores clips of egomini-test on each, from an empty cache. Printed are the
seconds of each stage, the share of them in which networks worked, and every metric side by side: float32 on both, which
is the precision of record, and with --precisions tf32 bf16 what faster products change. The suite need not be
installed: its entry points are written into a temporary folder.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def stand_in(folder: Path) -> Path:
    """Metadata of the suite as an installation would leave it, in a folder for `PYTHONPATH`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    place = folder / "egobench-0.dist-info"
    place.mkdir(parents=True)
    (place / "METADATA").write_text("Metadata-Version: 2.1\nName: egobench\nVersion: 0\n")
    groups = [
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in names.items())
        for group, names in project["entry-points"].items()
    ]
    (place / "entry_points.txt").write_text("\n".join(groups))
    (folder / "egobench_baselines").symlink_to(ROOT / "baselines")
    return folder


def run(
    device: str, precision: str, options: argparse.Namespace, folder: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The run's `metrics.json` and its manifest."""
    path = os.pathsep.join([str(folder / "metadata"), str(ROOT)])
    surroundings = {**os.environ, "PYTHONPATH": path, "EGOBENCH_CACHE": str(folder / device / "cache")}
    settings = [f"precision={precision}", *(["compiled=true"] if options.compiled and device != "cpu" else [])]
    words = ["run", "--model", "egotwin", "--split", "egomini-test", "--limit", str(options.clips), "--device", device]
    words += ["--workers", str(options.workers), "--out", str(folder / device / "runs"), "--json"]
    words += ["--set", *settings]
    if device.startswith("cuda") and options.batch_size:
        words += ["--batch-size", str(options.batch_size)]
    done = subprocess.run([sys.executable, "-m", "egobench", *words], env=surroundings, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{device}: exit {done.returncode}: {done.stderr.strip()[-2000:]}")
    document = json.loads(done.stdout)
    return document, json.loads((Path(document["path"]) / "manifest.json").read_text())


def report(runs: dict[str, tuple[dict[str, Any], dict[str, Any]]]) -> str:
    """Markdown: stages, then metrics."""
    names = list(runs)
    lines = ["| stage | " + " | ".join(f"{name}, s | networks, %" for name in names) + " |"]
    lines.append("|---|" + "--:|" * (2 * len(names)))
    for stage in ("generate", "extract", "score"):
        cells = []
        for _, manifest in runs.values():
            seconds, busy = manifest["seconds"][stage], manifest["busy"].get(stage, 0.0)
            cells.append(f"{seconds:.1f} | {100 * busy / seconds:.0f}" if busy else f"{seconds:.1f} | –")
        lines.append(f"| {stage} | {' | '.join(cells)} |")
    lines += ["", f"| metric | {' | '.join(names)} | largest difference, share |", "|---|" + "--:|" * (len(names) + 1)]
    first = runs[names[0]][0]["metrics"]
    for metric in first:
        values = [document["metrics"][metric]["value"] for document, _ in runs.values()]
        known = [value for value in values if value is not None]
        apart = (max(known) - min(known)) / max(1e-12, abs(known[0])) if len(known) == len(values) else float("nan")
        shown = " | ".join("–" if value is None else f"{value:.6g}" for value in values)
        lines.append(f"| {metric} | {shown} | {apart:.1e} |")
    batches = {name: manifest["batches"] for name, (_, manifest) in runs.items()}
    return "\n".join([*lines, "", f"batches: {batches}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--clips", type=int, default=64)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes of the run on the CPU")
    parser.add_argument("--batch-size", type=int, help="on the GPU; auto by default")
    parser.add_argument("--precisions", nargs="+", default=["float32"], help="on the GPU: float32 tf32 bf16")
    parser.add_argument("--compiled", action="store_true", help="has torch compile the transformer on the GPU")
    parser.add_argument("--out", type=Path, help="file that the tables are also written to")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="egobench-gpu-") as scratch:
        folder = Path(scratch)
        stand_in(folder / "metadata")
        chosen = [("cpu", "float32"), *((options.device, precision) for precision in options.precisions)]
        runs = {f"{device} {precision}": run(device, precision, options, folder) for device, precision in chosen}
        text = report(runs)
    print(text, flush=True)
    if options.out:
        options.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
