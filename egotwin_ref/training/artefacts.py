"""What training leaves: weights and a card in a folder; when it is the one wanted, and taking over a finished one."""

import hashlib
import json
import platform
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from egotwin_ref.loading import weights
from egotwin_ref.model.network import is_motion

from .distributed import processes, rank, wait
from .recipes import Recipe

FILE, CARD = "weights.safetensors", "card.json"


def wanted(recipe: Recipe, parents: list[Path]) -> dict[str, Any]:
    """What a card has to say for its weights to be the ones wanted: made by this recipe from these parents."""
    return {"recipe": asdict(recipe), "parents": {path.parent.name: sha256(path) for path in parents}}


def is_done(folder: Path, wanted: Mapping[str, Any]) -> bool:
    """Whether the folder's weights are the ones wanted."""
    if not (folder / CARD).is_file() or not (folder / FILE).is_file():
        return False
    told = json.loads((folder / CARD).read_text())
    return {key: told[key] for key in wanted} == wanted


def is_begun(folder: Path) -> bool:
    """Whether a training is under way, or over."""
    return (folder / "checkpoint.pt").is_file() or (folder / CARD).is_file()


def write(folder: Path, state: Mapping[str, Tensor], about: Mapping[str, str], facts: Mapping[str, Any]) -> Path:
    """Writes weights and card, by the first process.

    Args:
        state: whole tensors.
        about: what the weight file says of itself.
        facts: what the card says beside the circumstances.
    """
    path, log = folder / FILE, folder / "log.csv"
    if rank() == 0:
        weights.save(path, state, about)
        circumstances = {
            "sha256": sha256(path), "parameters": sum(value.numel() for value in state.values()),
            "torch": torch.__version__, "processor": _device(), "threads": torch.get_num_threads(),
            "processes": processes(), "licence": "Apache-2.0",
            "seconds": float(log.read_text().rsplit(",", 1)[1]) if log.is_file() else 0.0,
        }  # fmt: skip
        (folder / CARD).write_text(json.dumps({**facts, **circumstances}, indent=2) + "\n")
    wait()
    return path


def adopt(
    source: Path, name: str, folder: Path, wanted: Mapping[str, Any], module: nn.Module, preset: str
) -> str | None:
    """Takes over what lies in `source` as `name` by the same parents: whole, into `folder`, if its recipe is the one
    wanted; if only its steps are others, as the weights that `module` starts from, whose SHA-256 is returned."""
    if not (source / f"{name}.card.json").is_file():
        return None
    told = json.loads((source / f"{name}.card.json").read_text())
    if told["parents"] != wanted["parents"]:
        return None
    if told["recipe"] == wanted["recipe"]:
        for suffix, target in (("log.csv", "log.csv"), ("safetensors", FILE), ("card.json", CARD)):
            if rank() == 0 and (source / f"{name}.{suffix}").is_file():
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source / f"{name}.{suffix}", folder / target)
        wait()
        return None
    if told["recipe"] | {"steps": 0} == wanted["recipe"] | {"steps": 0}:
        weights.load(source / f"{name}.safetensors", module, {"preset": preset}, may_miss=is_motion)
        return str(told["sha256"])
    return None


def ship(path: Path, out: Path, row: str, form: str = "bf16") -> Path:
    """Writes finished weights, their card and their log under the names by which `Bundle.load` looks for them.

    All are in the preset's `form` but stage 0, from which trainings start, and the code of a path, which has no
    matrices. The card says the form, the digest of the file that it lies beside, and, of one that was rewritten, the
    digest that it had: by that one the cards of rows name their parents.
    """
    out.mkdir(parents=True, exist_ok=True)
    stage, log, card = path.parent.name, path.with_name("log.csv"), path.with_name(CARD)
    if stage == "stage3-coarse":
        shutil.copyfile(log, out / f"{row}.coarse.log.csv")
    is_ours = card.is_file() and (log.is_file() or stage.startswith("motion-vae"))  # a path's tokens are not trained
    if stage in ("stage2", "stage3-coarse") or not is_ours:
        return path  # on the way, or CogVideoX's
    name = row if stage == "stage3" else stage
    target, trained = out / f"{name}.safetensors", weights.form_of(weights.about(path))
    told = json.loads(card.read_text()) | {"form": trained}
    if form == "int8" and trained != form and stage != "stage0" and not stage.endswith("-path"):
        if not _is_of(target, out / f"{name}.card.json", told["sha256"]):  # a second rewriting may have other bytes
            weights.compact(path, target)
        told |= {"sha256": sha256(target), "form": form, "rewritten_from": told["sha256"]}
    else:
        shutil.copyfile(path, target)
    (out / f"{name}.card.json").write_text(json.dumps(told, indent=2) + "\n")
    if log.is_file():
        shutil.copyfile(log, out / f"{name}.log.csv")
    return target


def _is_of(target: Path, card: Path, source: str) -> bool:
    """Whether a file is what was made of the one with the digest `source`, by the card beside it."""
    if not target.is_file() or not card.is_file():
        return False
    told = json.loads(card.read_text())
    return told.get("rewritten_from") == source and told["sha256"] == sha256(target)


def sha256(path: Path) -> str:
    """Of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _device() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor() or platform.machine()
