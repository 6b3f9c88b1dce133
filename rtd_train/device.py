"""Where a run runs: one device, alone or with other processes."""

import atexit
import contextlib
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

import torch
import torch.distributed as dist

from rtd_train.errors import PeerError, TrainError, UsageError

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
# How long a process waits for another. A dead one is noticed by the launcher at once; this is for a machine that went silent.
_PATIENCE = timedelta(minutes=30)

T = TypeVar("T")


class World(NamedTuple):
    """This process among those that train together."""

    device: torch.device
    rank: int = 0
    size: int = 1

    @property
    def is_main(self) -> bool:
        """Tell whether this process writes files."""
        return self.rank == 0

    def share(self, total: int) -> slice:
        """Return this process's part of `total` things: the parts lie side by side and differ by one at most."""
        return slice(self.rank * total // self.size, (self.rank + 1) * total // self.size)

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

    def gather_values(self, value: T) -> list[T]:
        """Return one small value of each process, in the order of their ranks."""
        if self.size == 1:
            return [value]
        found: list[Any] = [None] * self.size
        dist.all_gather_object(found, value)
        return found

    def tell(self, make: Callable[[], T]) -> T:
        """Return what the main process makes; the others make nothing."""
        return self.gather_values(make() if self.is_main else None)[0]  # type: ignore[return-value]

    def add(self, tensors: Iterable[torch.Tensor]) -> None:
        """Add up, in place, each tensor over all processes."""
        if self.size > 1:
            for work in [dist.all_reduce(tensor, async_op=True) for tensor in tensors]:
                work.wait()

    @contextlib.contextmanager
    def agree(self) -> Iterator[None]:
        """Leave a block together: what is wrong in one process ends all, and that one tells it.

        In the block no process may wait for another.

        Raises:
            TrainError: its own, in the first process that raised one; `PeerError` in all others.
        """
        mine: TrainError | None = None
        try:
            yield
        except TrainError as error:
            mine = error
        raised = [rank for rank, failed in enumerate(self.gather_values(mine is not None)) if failed]
        if raised and raised[0] != self.rank:
            raise PeerError(f"process {raised[0]} stopped", "see what it says")
        if mine is not None:
            raise mine


def choose_device(wanted: str) -> str:
    """Return `cuda` or `cpu`, for `auto` what is there.

    Raises:
        UsageError: a GPU is asked for and there is none.
    """
    has_gpu = torch.cuda.is_available()
    if wanted == "cuda" and not has_gpu:
        raise UsageError("no GPU is here (CUDA is not available)", "--device cpu, or install torch for this machine's driver")
    return "cuda" if wanted != "cpu" and has_gpu else "cpu"


def join_world(device: str) -> World:
    """Return this process's place among those that `accelerate launch` or `torchrun` started; alone without one.

    Raises:
        UsageError: a GPU is asked for and there is none.
    """
    on_cpu = choose_device(device) == "cpu"
    from accelerate import PartialState

    began = not dist.is_initialized()
    state = PartialState(cpu=on_cpu, timeout=_PATIENCE)
    if began and dist.is_initialized():
        # Not before the process ends: the addresses of a group that was left would be taken for those of the next.
        atexit.register(_leave_world)
    return World(state.device, state.process_index, state.num_processes)


def _leave_world() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[object]:
    """Return the context in which a forward pass runs in a precision."""
    if precision == "fp32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, DTYPES[precision])
