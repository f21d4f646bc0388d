"""The toy split of the pipeline's tests."""

import sys
from pathlib import Path

PIPELINE = Path(__file__).parents[1] / "pipeline"
if str(PIPELINE) not in sys.path:
    sys.path.append(str(PIPELINE))
