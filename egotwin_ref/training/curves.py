"""Draws a training's log: losses over clips seen, and the probe's losses."""

import csv
from pathlib import Path
from typing import Any

COLUMNS_NOT_LOSSES = ("step", "samples_per_s", "seconds", "loss")


def draw(folder: Path, batch: int) -> Path | None:
    """Draws `log.csv`, and `probe.csv` where there is one, into `curve.png` in the same folder.

    Args:
        batch: clips per step.

    Returns:
        The picture; None if nothing is logged yet, or matplotlib is not installed.
    """
    rows = _read(folder / "log.csv")
    if not rows:
        return None
    try:
        from matplotlib.figure import Figure
    except ImportError:  # a training does not fail for want of a picture
        return None

    probed = _probed(folder / "probe.csv")
    figure = Figure(figsize=(10 if probed else 5, 3.6), layout="constrained")
    axes: Any = figure.subplots(1, 2 if probed else 1, squeeze=False)[0]
    names = [name for name in rows[0] if name not in COLUMNS_NOT_LOSSES] or ["loss"]
    for name in names:
        some = [row for row in rows if row[name]]
        axes[0].plot([int(row["step"]) * batch for row in some], [float(row[name]) for row in some], label=name)
    axes[0].set(xlabel="clips seen", ylabel="loss", yscale="log", title=folder.name)
    axes[0].legend()
    for number, ((t_video, t_motion), points) in enumerate(probed.items()):
        steps, own, other = zip(*points, strict=True)
        label = f"t_v {t_video}, t_m {t_motion}"
        clips = [step * batch for step in steps]
        axes[1].plot(clips, own, "o-", color=f"C{number}", label=label)
        axes[1].plot(clips, other, "x--", color=f"C{number}")
    if probed:
        axes[1].set(xlabel="clips seen", ylabel="video loss", title="own motion (o), another's (x)")
        axes[1].legend(fontsize="small")
    path = folder / "curve.png"
    figure.savefig(path, dpi=110)
    return path


def _read(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _probed(path: Path) -> dict[tuple[int, int], list[tuple[int, float, float]]]:
    """(t_v, t_m) → (step, own, another's); if a step was done twice, the later result."""
    by_times: dict[tuple[int, int], dict[int, tuple[int, float, float]]] = {}
    if path.is_file():
        with path.open(newline="") as file:
            for step, t_video, t_motion, own, other in csv.reader(file):
                points = by_times.setdefault((int(t_video), int(t_motion)), {})
                points[int(step)] = (int(step), float(own), float(other))
    return {times: sorted(points.values()) for times, points in by_times.items()}
