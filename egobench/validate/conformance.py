"""Conformance vectors: does another library compute the same distances and pixels?

`egobench conformance export DIR` writes inputs. The other library writes `outputs.npz` beside them. `check` compares.
Answers ship with the package (`vectors/conformance.npz`, made by `make_vectors.py`), so checking needs no torch.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from egobench.errors import BadInputError, UnknownNameError
from egobench.extractors.preprocess import PREPROCESS
from egobench.files.arrays import read_npz, write_npz
from egobench.files.atomic import make_folder, write_bytes
from egobench.registry import unknown
from egobench.stats.frechet import frechet_distance
from egobench.stats.kernel import kernel_distance

VECTORS = Path(__file__).parent / "vectors" / "conformance.npz"
INPUTS, OUTPUTS, README = "inputs.npz", "outputs.npz", "README.txt"
GRID = 16
"""Rows and columns of a tensor whose values are kept as answers, both borders among them."""
PRESETS = ("inception.tf", "inception.clean", "inception.torchmetrics", "i3d.stylegan-v", "i3d.crop", "clip.vit-b-32")
"""Presets that treat pixels differently (`clip.vit-l-14` is as `clip.vit-b-32`)."""
TEXT = """Conformance vectors of EgoBench

inputs.npz
  features.NAME.reference, features.NAME.sample   float64 (rows, features)
  video.NAME                                      uint8 RGB (frames, height, width, 3), 0 ... 255

Write outputs.npz beside this file, with any of these arrays (what is absent is not judged):
  frechet.NAME    squared Frechet distance of the two Gaussians, covariance with N - 1
  kid.NAME        unbiased MMD^2 over all rows, kernel (x.y / d + 1)^3, not scaled
  PRESET.NAME     what the preset's network is given for video NAME, whole tensor:
                  inception.*  float (frames, 3, 299, 299)       clip.*    float (frames, 3, 224, 224)
                  i3d.crop     float (1, 3, frames, 224, 224)    i3d.stylegan-v    uint8 (1, 3, frames, height, width)
                  `egobench describe PRESET` says step by step what is done to a pixel

Then: egobench conformance check DIR
"""


@dataclass(frozen=True)
class Verdict:
    """One item."""

    item: str
    status: Literal["pass", "fail", "absent"]
    difference: float | None
    """Largest absolute difference from the answer; None where nothing could be compared."""
    tolerance: float
    reason: str = ""
    """Why nothing could be compared."""


def export_vectors(folder: Path, *, with_answers: bool = False) -> list[Path]:
    """Writes inputs and instructions, and with `with_answers` an `outputs.npz` made by this installation.

    Raises:
        BadInputError: `vectors-present`: an `outputs.npz` is there already and would be overwritten.
        StorageError: the disk refused.
    """
    if with_answers and (folder / OUTPUTS).exists():
        text = f"{folder / OUTPUTS} is there already; choose another folder, or delete it"
        raise BadInputError(text, code="vectors-present")
    vectors = read_npz(VECTORS)
    inputs = {name: array for name, array in vectors.items() if name.startswith(("features.", "video."))}
    outputs = own_outputs(inputs) if with_answers else None
    make_folder(folder)
    write_npz(folder / INPUTS, **inputs)
    write_bytes(folder / README, TEXT.encode())
    if outputs is not None:
        write_npz(folder / OUTPUTS, **outputs)
    return [folder / name for name in (INPUTS, README, *([OUTPUTS] if with_answers else []))]


def check_outputs(folder: Path) -> list[Verdict]:
    """Compares every item of `outputs.npz` with its answer; sorted by item.

    Raises:
        BadInputError: no readable `outputs.npz` (`npz-…`), or `vectors-none`: it holds nothing.
        UnknownNameError: it holds an array that is no item; near names are suggested.
    """
    if not (folder / OUTPUTS).is_file():
        text = f"{folder / OUTPUTS}: no such file; `egobench conformance export {folder}` says what it should hold"
        raise BadInputError(text, code="npz-missing")
    found, vectors = read_npz(folder / OUTPUTS), read_npz(VECTORS)
    items = sorted(name.removeprefix("tolerance.") for name in vectors if name.startswith("tolerance."))
    for name in found:
        if name not in items:
            raise UnknownNameError(unknown("conformance items", name, items))
    if not found:
        raise BadInputError(f"{folder / OUTPUTS} holds no array", code="vectors-none")
    return [_judge(item, found.get(item), vectors) for item in items]


def own_outputs(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Outputs of this installation for the inputs. The presets need torch, torch-fidelity and open_clip."""
    outputs: dict[str, np.ndarray] = {}
    for key, reference in inputs.items():
        kind, _, name = key.partition(".")
        if kind == "video":
            outputs |= {f"{preset}.{name}": PREPROCESS[preset](reference).numpy() for preset in PRESETS}
        elif name.endswith(".reference"):
            name = name.removesuffix(".reference")
            sample = inputs[f"features.{name}.sample"]
            outputs[f"frechet.{name}"] = np.array(frechet_distance(reference, sample))
            outputs[f"kid.{name}"] = np.array(kernel_distance(reference, sample))
    return outputs


def on_grid(tensor: np.ndarray) -> np.ndarray:
    """A tensor at about `GRID` × `GRID` evenly spread places of its last two axes."""
    rows, columns = (np.unique(np.linspace(0, n - 1, GRID).round().astype(int)) for n in tensor.shape[-2:])
    return tensor[..., rows[:, None], columns]


def _judge(item: str, found: np.ndarray | None, vectors: dict[str, np.ndarray]) -> Verdict:
    tolerance = float(vectors[f"tolerance.{item}"])
    shape = tuple(int(n) for n in vectors.get(f"shape.{item}", ()))
    if found is None:
        return Verdict(item, "absent", None, tolerance)
    if found.shape != shape:
        return Verdict(item, "fail", None, tolerance, f"shape {found.shape}, {shape} is right")
    if found.dtype.kind not in "fiu" or not np.isfinite(found).all():
        return Verdict(item, "fail", None, tolerance, f"{found.dtype} values that are not all finite real numbers")
    answer = vectors[item].astype(np.float64)
    values = (on_grid(found) if shape else found).astype(np.float64)
    difference = float(np.abs(values - answer).max())
    return Verdict(item, "pass" if difference <= tolerance else "fail", difference, tolerance)
