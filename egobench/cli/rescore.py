"""`egobench rescore RUN --metrics X`: more metrics for a finished run, from the samples that it kept."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from egobench.cli.options import parse
from egobench.cli.progress import progress


@dataclass(frozen=True)
class RescoreOptions:
    """Adds metrics to a finished run, or computes its own again, from the samples it kept. All at once or not at all:
    results whose protocol did not change keep every byte, and one that does not come out again is refused."""

    run: Positional[Path]
    """Run folder."""
    metrics: str
    """Names with commas between; NAME:PRESET takes another extractor's features, e.g. fvd:i3d.crop, and
    NAME:PRESET@FILE one with weights of your own, e.g. m-fid:motion-text@fitted/motion-text.safetensors."""
    workers: int | None = None
    """Processes, as many as at the start by default; changes nothing in the result."""
    device: str = ""
    """auto, cpu, cuda, …; that of the run by default."""
    no_trust: bool = False
    """Read every clip of the split and compare it with its digest, also where its files look untouched since then."""
    json: bool = False
    """Machine-readable output."""


def main(arguments: list[str]) -> int:
    """Rescores and prints the table."""
    options = parse(RescoreOptions, "rescore", arguments)
    from egobench.audit.rescore import rescore_run
    from egobench.cli.outcome import print_report

    def rescore():
        places = {"workers": options.workers, "device": options.device}
        return rescore_run(options.run, options.metrics, progress(), **places, trust=not options.no_trust)

    return print_report(rescore, as_json=options.json)
