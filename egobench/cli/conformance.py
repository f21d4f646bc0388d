"""`egobench conformance export|check`: vectors by which any library can be compared with this one."""

from dataclasses import asdict, dataclass
from pathlib import Path

from tyro.conf import Positional

from egobench.cli.options import parse, pick, print_json
from egobench.cli.stdout import print


@dataclass(frozen=True)
class ExportOptions:
    """Writes inputs (features, tiny videos) and what to do with them."""

    folder: Positional[Path]
    """Folder to write to."""
    with_answers: bool = False
    """Also write outputs.npz as this installation computes it: an example that passes."""
    json: bool = False
    """Machine-readable output."""


@dataclass(frozen=True)
class CheckOptions:
    """Compares a library's outputs.npz with the answers; exits 2 if any item fails."""

    folder: Positional[Path]
    """Folder that holds outputs.npz."""
    json: bool = False
    """Machine-readable output."""


def main(arguments: list[str]) -> int:
    """Runs one action."""
    action, rest = pick("conformance", ACTIONS, arguments)
    return action(rest)


def export(arguments: list[str]) -> int:
    """Writes the inputs."""
    options = parse(ExportOptions, "conformance export", arguments)
    from egobench.validate.conformance import export_vectors

    written = export_vectors(options.folder, with_answers=options.with_answers)
    if options.json:
        print_json({"written": written})
    else:
        print(*written, sep="\n")
    return 0


def check(arguments: list[str]) -> int:
    """Compares."""
    options = parse(CheckOptions, "conformance check", arguments)
    from egobench.validate.conformance import check_outputs

    verdicts = check_outputs(options.folder)
    counts = {status: sum(v.status == status for v in verdicts) for status in ("pass", "fail", "absent")}
    if options.json:
        print_json({"items": [asdict(verdict) for verdict in verdicts], "counts": counts})
    else:
        width = max(len(verdict.item) for verdict in verdicts)
        for verdict in verdicts:
            apart = "" if verdict.difference is None else f"largest difference {verdict.difference:.3g}"
            allowed = f"(allowed {verdict.tolerance:.3g})" if apart else ""
            print(f"{verdict.status:<6}  {verdict.item:<{width}}  {apart or verdict.reason} {allowed}".rstrip())
        print(", ".join(f"{count} {status}" for status, count in counts.items()))
    return 2 if counts["fail"] else 0


ACTIONS = {
    "export": (export, "write inputs for another library"),
    "check": (check, "compare its outputs with the answers"),
}
