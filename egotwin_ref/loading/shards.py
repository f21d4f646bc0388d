"""Copies whole tensors of a file into parameters that may be sharded over several processes (DTensor)."""

from torch import Tensor
from torch.distributed.tensor import DTensor, distribute_tensor


def place(whole: Tensor, like: Tensor) -> Tensor:
    """This process's shard of a tensor that every process has whole: on the device of `like`, sharded as `like` is."""
    whole = whole.to(like.device)
    if not isinstance(like, DTensor):
        return whole
    return distribute_tensor(whole, like.device_mesh, like.placements, src_data_rank=None)
