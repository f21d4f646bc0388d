"""Takes over weights that were trained elsewhere, such as those that the package ships."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from egotwin_ref.loading import weights
from egotwin_ref.model.network import is_motion

from .cards import CARD, FILE
from .distributed import rank, wait


def adopt(
    source: Path, name: str, folder: Path, expected: Mapping[str, Any], module: nn.Module, preset: str
) -> str | None:
    """Takes over the weights `name` in `source`, if they were made from the expected parents.

    If their recipe is the expected one, weights, card and log are copied into `folder`, and that training is over. If
    their recipe has another number of steps only, `module` is filled with them, as the start of a training.

    Args:
        source: finished weights and cards, named as `Bundle.load` reads them.
        expected: see `cards.expected`.

    Returns:
        SHA-256 of the weights that `module` starts from; None if it keeps its own.
    """
    if not (source / f"{name}.card.json").is_file():
        return None
    card = json.loads((source / f"{name}.card.json").read_text())
    if card["parents"] != expected["parents"]:
        return None
    if card["recipe"] == expected["recipe"]:
        for suffix, target in (("log.csv", "log.csv"), ("safetensors", FILE), ("card.json", CARD)):
            if rank() == 0 and (source / f"{name}.{suffix}").is_file():
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source / f"{name}.{suffix}", folder / target)
        wait()
        return None
    if card["recipe"] | {"steps": 0} == expected["recipe"] | {"steps": 0}:
        weights.load(source / f"{name}.safetensors", module, {"preset": preset}, may_miss=is_motion)
        return str(card["sha256"])
    return None
