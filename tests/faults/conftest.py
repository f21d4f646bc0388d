"""Lets fault tests and the processes they start see the toys of the pipeline's tests."""

import sys
from pathlib import Path

TOYS = Path(__file__).parent.parent / "unit" / "pipeline"
sys.path.insert(0, str(TOYS))
