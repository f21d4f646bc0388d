"""How many clips are sampled, and extracted, together. It follows from the plan alone, so every machine forms the same
batches, and a resumed run keeps those that it began with."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from egobench.plan.request import RunRequest
from egobench.plan.resolve import user_code
from egobench.types import NamesBatch

SHARES = 4
"""With `auto`, a plan has at least so many batches, so that as many workers can share a small one."""
ON_GPU = 16
"""Clips of which extractors and estimators see at once on a GPU. On a CPU it is one, as their protocols say: there a
batch gains nothing and would make a feature depend on its neighbours by rounding."""


@dataclass(frozen=True)
class BatchSizes:
    """Clips × seeds of one batch."""

    generate: int = 1
    extract: int = 1


SINGLY = BatchSizes()


def batch_sizes(request: RunRequest, model: Any, device: str, items: int) -> BatchSizes:
    """The sizes that a request comes to.

    Args:
        device: as resolved, without `auto`.
        items: clips × seeds of the plan.

    Raises:
        BadInputError: `code-raised`: the model's own code raises.
    """
    if request.batch_size != "auto":
        return BatchSizes(int(request.batch_size), int(request.batch_size))
    wanted = 1
    if isinstance(model, NamesBatch):
        with user_code(f"batch_size of model '{request.model}'"):
            wanted = int(model.batch_size(device))
    return BatchSizes(max(1, min(wanted, -(-items // SHARES))), 1 if device == "cpu" else ON_GPU)


def sizes_record(sizes: BatchSizes) -> dict[str, int]:
    """The sizes as the manifest has them."""
    return asdict(sizes)


def sizes_of(manifest: Mapping[str, Any]) -> BatchSizes:
    """The sizes of a run; an older one went clip by clip."""
    return BatchSizes(**manifest.get("batches", {}))
