"""Where a run runs: one device, alone or with other processes."""

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.distributed as dist

from rtd_train.errors import UsageError

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class World(NamedTuple):
    """This process among those that train together."""

    device: torch.device
    rank: int = 0
    size: int = 1

    @property
    def is_main(self) -> bool:
        """Tell whether this process writes files."""
        return self.rank == 0

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.size > 1:
            dist.barrier()

    def gather(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the rows of all processes in the order of their ranks; only this process's rows carry gradients.

        Shape: (B, ...) -> (size * B, ...).
        """
        if self.size == 1:
            return rows
        parts = [torch.empty_like(rows) for _ in range(self.size)]
        dist.all_gather(parts, rows.detach().contiguous())
        parts[self.rank] = rows
        return torch.cat(parts)


@contextlib.contextmanager
def join_world(device: str) -> Iterator[World]:
    """Provide this process's place among those that `accelerate launch` or `torchrun` started; alone without one.

    Raises:
        UsageError: a GPU is asked for and there is none.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("no GPU is here (CUDA is not available)", "--device cpu, or install torch for this machine's driver")
    from accelerate import PartialState

    began = not dist.is_initialized()
    state = PartialState(cpu=device == "cpu" or (device == "auto" and not torch.cuda.is_available()))
    try:
        yield World(state.device, state.process_index, state.num_processes)
    finally:
        if began and dist.is_initialized():
            dist.destroy_process_group()
            PartialState._reset_state()


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[object]:
    """Return the context in which a forward pass runs in a precision."""
    if precision == "fp32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, _DTYPES[precision])
