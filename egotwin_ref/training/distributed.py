"""Training on several processes, one a device: weights in shards (FSDP2), clips by rank, one process's loss.

    torchrun --nproc-per-node 8 -m egobench train …     each process: device = join(); shard(model); train(model, …)

Every process draws the whole batch from the step's generator and takes its own clips, so the loss curve is that of
one process. In one process all functions here do nothing. Checkpoints hold whole tensors, so that a training goes on
with any number of processes.
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
"""Others wait so long for the first process, which reads all clips and writes all files."""
MOMENT = 1.0
"""Seconds; the threads need microseconds, unless other work keeps them off the processor."""


def launched() -> bool:
    """Whether `torchrun` started this process."""
    return "WORLD_SIZE" in os.environ and "LOCAL_RANK" in os.environ


def join() -> str:
    """Meets the other processes that `torchrun` started, and returns this one's device; alone, only the latter."""
    local = int(os.environ.get("LOCAL_RANK", "0"))
    device = f"cuda:{local}" if torch.cuda.is_available() else "cpu"
    if device != "cpu":
        torch.cuda.set_device(local)
    if launched() and not dist.is_initialized():
        dist.init_process_group("nccl" if device != "cpu" else "gloo", timeout=PATIENCE)
    return device


def leave() -> None:
    """Parts from the other processes, after a moment in which Gloo's threads let go of what they last sent.

    A thread that still holds a tensor while the interpreter ends kills the process, with all work done (PyTorch pull
    request 179291, not merged); nothing tells when it has let go.
    """
    if dist.is_initialized():
        time.sleep(MOMENT)
        dist.destroy_process_group()


def rank() -> int:
    """This process's number."""
    return dist.get_rank() if dist.is_initialized() else 0


def processes() -> int:
    """How many there are."""
    return dist.get_world_size() if dist.is_initialized() else 1


def shard(model: EgoTwin, multiply_in: torch.dtype | None = None) -> EgoTwin:
    """Spreads the weights over all processes, block by block: a block is whole only while it is computed.

    Args:
        multiply_in: precision of the whole blocks; the shards, their gradients and the optimiser stay float32.
    """
    if processes() > 1:
        _let_hooks_see_branches()
        policy = MixedPrecisionPolicy(param_dtype=multiply_in, reduce_dtype=torch.float32)
        for block in model.blocks:
            fully_shard(block, mp_policy=policy)
        fully_shard(model, mp_policy=policy)
    return model


def wait() -> None:
    """Until all processes are here."""
    if processes() > 1:
        dist.barrier()


def fill(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """`load_state_dict` of whole tensors into a module that may be in shards."""
    module.load_state_dict({name: place(state[name], own) for name, own in module.state_dict().items()})


def gathered(state: Any) -> Any:
    """The same nest of dicts and lists with whole tensors, on the CPU of the first process; all have to call it."""
    if isinstance(state, dict):
        return {key: gathered(value) for key, value in state.items()}
    if isinstance(state, list):
        return [gathered(value) for value in state]
    if not isinstance(state, DTensor):
        return state
    whole = state.full_tensor()
    return whole.cpu() if rank() == 0 else None


def mean(values: Mapping[str, Tensor]) -> dict[str, float]:
    """Of each value over the processes."""
    joined = torch.stack([value.detach().float() for value in values.values()])
    if processes() > 1:
        dist.all_reduce(joined)
    return dict(zip(values, (joined / processes()).tolist(), strict=True))


def agreed(wish: bool, device: str) -> bool:
    """The first process's wish: clocks differ, and what all do together has to be decided once."""
    if processes() == 1:
        return wish
    flag = torch.tensor(int(wish), device=device)
    dist.broadcast(flag, src=0)
    return bool(flag)


def _let_hooks_see_branches() -> None:
    """FSDP finds the tensors that go in and out of a block only in containers that torch knows."""
    if Branch not in _pytree.SUPPORTED_NODES:
        torch.export.register_dataclass(Branch)
