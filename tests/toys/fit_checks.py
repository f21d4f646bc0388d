"""What every fit and every network with a weight file has to stand, whatever it sees."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from egobench.errors import BadInputError

Fit = Callable[[Path, Callable[[int, float], None]], Mapping[str, Any]]
"""Takes a checkpoint's path and a report; returns a network's state."""
CODES = ["weights-missing", "weights-unreadable", "weights-other"]


def codes_of_bad_weights(kind: Callable[[Path], Any], path: Path) -> list[str]:
    """Codes by which an extractor or estimator refuses no file, one that is no weight file, and another network's."""
    codes = []
    for content in (None, b"not a weight file", "other"):
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif content:
            save_file({"weight": np.zeros((2, 2), np.float32)}, path)
        with pytest.raises(BadInputError) as refusal:
            kind(path).load("cpu")
        codes.append(refusal.value.code)
        assert "\n" not in str(refusal.value)
    return codes


def is_same_after_a_stop(fit: Fit, folder: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a fit that is stopped at its first report and goes on gives the bytes of one that is not stopped."""
    import torch

    monkeypatch.setattr("egobench.fit.training.SECONDS_BETWEEN_SAVES", 0.0)
    monkeypatch.setattr("egobench.fit.training.STEPS_BETWEEN_REPORTS", 2)
    whole = fit(folder / "whole", lambda step, loss: None)

    def stop(step: int, loss: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(folder / "parts", stop)
    torch.rand(3)  # whatever happens to torch's own generator in between
    parts = fit(folder / "parts", lambda step, loss: None)
    return set(whole) == set(parts) and all(torch.equal(whole[name], parts[name]) for name in whole)
