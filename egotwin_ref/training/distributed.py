"""Training on several processes, one per device: sharded weights (FSDP2), a share of the clips each, one common loss.

    torchrun --nproc-per-node 8 -m egobench train …     each process: device = join(); shard(model); train(model, …)

Every process draws the whole batch from the step's generator and takes its own clips, so the loss curve is that of
one process. In one process, all functions here do nothing. Checkpoints hold whole tensors, so a training can be resumed
with another number of processes.
"""

import os
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor
from torch.utils import _pytree

from egotwin_ref.loading.shards import place
from egotwin_ref.model.blocks import Branch
from egotwin_ref.model.network import EgoTwin

PATIENCE = timedelta(hours=12)
"""How long other processes wait for the first one, which reads all clips and writes all files."""
MOMENT = 1.0
"""Seconds. The threads need microseconds, unless other work occupies the processor."""


def launched() -> bool:
    """Whether `torchrun` started this process."""
    return "WORLD_SIZE" in os.environ and "LOCAL_RANK" in os.environ


def join() -> str:
    """Joins the processes that `torchrun` started, if it did, and returns this process's device."""
    local = int(os.environ.get("LOCAL_RANK", "0"))
    device = f"cuda:{local}" if torch.cuda.is_available() else "cpu"
    if device != "cpu":
        torch.cuda.set_device(local)
    if launched() and not dist.is_initialized():
        dist.init_process_group("nccl" if device != "cpu" else "gloo", timeout=PATIENCE)
    return device


def leave() -> None:
    """Leaves the group of processes, after a moment in which Gloo's threads release the tensors that they sent last.

    If a thread still holds a tensor when the interpreter ends, the process crashes after all work is done (PyTorch pull
    request 179291, not merged). PyTorch does not say when the tensors are released.
    """
    if dist.is_initialized():
        time.sleep(MOMENT)
        dist.destroy_process_group()


def rank() -> int:
    """Number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def processes() -> int:
    """Number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def shard(model: EgoTwin, multiply_in: torch.dtype | None = None) -> EgoTwin:
    """Shards the weights over all processes, block by block. A block is whole only while it is computed.

    Args:
        multiply_in: precision of the whole blocks; shards, their gradients and the optimiser stay float32.
    """
    if processes() > 1:
        _register_branch()
        policy = MixedPrecisionPolicy(param_dtype=multiply_in, reduce_dtype=torch.float32)
        for block in model.blocks:
            fully_shard(block, mp_policy=policy)
        fully_shard(model, mp_policy=policy)
    return model


def wait() -> None:
    """Waits until all processes call it."""
    if processes() > 1:
        dist.barrier()


def fill(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """`load_state_dict` of whole tensors into a module that may be sharded."""
    module.load_state_dict({name: place(state[name], own) for name, own in module.state_dict().items()})


def gathered(state: Any) -> Any:
    """The same nested dicts and lists with whole tensors, on the first process's CPU. All processes must call it."""
    if isinstance(state, dict):
        return {key: gathered(value) for key, value in state.items()}
    if isinstance(state, list):
        return [gathered(value) for value in state]
    if not isinstance(state, DTensor):
        return state
    whole = state.full_tensor()
    return whole.cpu() if rank() == 0 else None


def mean(values: Mapping[str, Tensor]) -> dict[str, float]:
    """Mean of each value over the processes."""
    joined = torch.stack([value.detach().float() for value in values.values()])
    if processes() > 1:
        dist.all_reduce(joined)
    return dict(zip(values, (joined / processes()).tolist(), strict=True))


def agreed(decision: bool, device: str) -> bool:
    """The first process's decision, for all: their clocks and their view of files differ."""
    if processes() == 1:
        return decision
    flag = torch.tensor(int(decision), device=device)
    dist.broadcast(flag, src=0)
    return bool(flag)


def _register_branch() -> None:
    """Makes `Branch` known to torch: FSDP finds a block's inputs and outputs only in containers that torch knows."""
    if Branch not in _pytree.SUPPORTED_NODES:
        torch.export.register_dataclass(Branch)
