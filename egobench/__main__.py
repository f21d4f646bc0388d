"""`python -m egobench` is `egobench`."""

from egobench.cli.main import console

console()
