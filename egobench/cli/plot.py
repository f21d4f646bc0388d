"""`egobench plot RUN CLIP`: one sample, the camera's path in its video against the head's path in its motion."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from egobench.cli.options import parse, print_json
from egobench.cli.stdout import print


@dataclass(frozen=True)
class PlotOptions:
    """Draws one sample of a run: paths from above, errors over time, hands, frames, and the metrics of the clip."""

    run: Positional[Path]
    """Run folder."""
    clip: Positional[str]
    """Clip id."""
    seed: int = 0
    """Which sample of the clip."""
    out: Path | None = None
    """PNG to write; by default CLIP-SEED.png here."""
    json: bool = False
    """Machine-readable output."""


def main(arguments: list[str]) -> int:
    """Draws and prints the picture's path."""
    options = parse(PlotOptions, "plot", arguments)
    from egobench.audit.consistency import read_consistency
    from egobench.pictures.consistency_plot import consistency_picture

    found = read_consistency(options.run, options.clip, options.seed)
    path = consistency_picture(found, options.out or Path(f"{options.clip}-{options.seed}.png"))
    if options.json:
        print_json({"path": path, "clip": options.clip, "seed": options.seed, "values": found.values})
    else:
        print(path)
    return 0
