"""Puts finished weights, cards and logs into the folder that models read (`egobench train --out`)."""

import json
import shutil
from pathlib import Path

from egotwin_ref.loading import weights

from .cards import CARD, sha256


def ship(path: Path, out: Path, row: str, form: str = "bf16") -> Path:
    """Writes finished weights, their card and their log under the names that `Bundle.load` looks for.

    The weights get the preset's `form`, with two exceptions: stage 0, from which trainings start, and the code of a
    path, which has no matrices. The card names the form and the digest of the file beside it. If the weights were
    rewritten in another form, the card also names the digest that they had before: cards of rows name their parents by
    that one.

    Args:
        path: weights of a stage, in the folder of their training.
        row: name of the row's files.

    Returns:
        The file in `out`; `path` itself for a stage that is not shipped.
    """
    out.mkdir(parents=True, exist_ok=True)
    stage, log, card = path.parent.name, path.with_name("log.csv"), path.with_name(CARD)
    if stage == "stage3-coarse":
        shutil.copyfile(log, out / f"{row}.coarse.log.csv")
    is_ours = card.is_file() and (log.is_file() or stage.startswith("motion-vae"))  # a path's tokens are not trained
    if stage in ("stage2", "stage3-coarse") or not is_ours:
        return path  # a stage in between, or CogVideoX's own weights
    name = row if stage == "stage3" else stage
    target, trained = out / f"{name}.safetensors", weights.form_of(weights.about(path))
    facts = json.loads(card.read_text()) | {"form": trained}
    if form == "int8" and trained != form and stage != "stage0" and not stage.endswith("-path"):
        if not _is_made_from(facts["sha256"], target, out / f"{name}.card.json"):  # a second rewriting may differ
            weights.compact(path, target)
        facts |= {"sha256": sha256(target), "form": form, "rewritten_from": facts["sha256"]}
    else:
        shutil.copyfile(path, target)
    (out / f"{name}.card.json").write_text(json.dumps(facts, indent=2) + "\n")
    if log.is_file():
        shutil.copyfile(log, out / f"{name}.log.csv")
    return target


def _is_made_from(source: str, target: Path, card: Path) -> bool:
    """Whether a file was rewritten from the one with the SHA-256 `source`, by the card beside it."""
    if not target.is_file() or not card.is_file():
        return False
    facts = json.loads(card.read_text())
    return facts.get("rewritten_from") == source and facts["sha256"] == sha256(target)
