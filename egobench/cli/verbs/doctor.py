"""`egobench doctor`: one line for each thing that a run needs, with ok, warn or fail, and advice."""

import json
from dataclasses import asdict

from egobench.cli.plain import parse_plain
from egobench.cli.stdout import print
from egobench.validate.installation import all_checks

USAGE = """usage: egobench doctor [-h] [--json]

Is everything here that a run needs?

options:
  -h, --help  show this help message and exit
  --json      machine-readable output"""


def main(arguments: list[str]) -> int:
    """Prints all checks. The exit code is 2 if a check failed. It imports no package that may be missing."""
    options = parse_plain(USAGE, arguments, ("--json",))
    checks = list(all_checks())
    if options.json:
        print(json.dumps([asdict(check) for check in checks], indent=2, sort_keys=True, ensure_ascii=False))
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            advice = f"  → {check.advice}" if check.advice else ""
            print(f"{check.status:<4}  {check.name:<{width}}  {check.found}{advice}")
    return 2 if any(check.status == "fail" for check in checks) else 0
