"""Map units over processes of this machine."""

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from tripletgen.errors import TripletgenError

Task = TypeVar("Task")
Result = TypeVar("Result")


class Engine(Protocol):
    """Map a picklable function over tasks; results come in any order."""

    def map(self, function: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
        """Yield the result of each task as it is done."""


class SerialEngine:
    """Run every unit in this process: the plain case, and the one to debug."""

    def map(self, function: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
        """Yield the result of each task in order."""
        return map(function, tasks)


class PoolEngine:
    """Run units in worker processes that start while the captions are still being read."""

    def __init__(self, pool: ProcessPoolExecutor, workers: int) -> None:
        self._pool = pool
        self._ahead = 2 * workers

    def map(self, function: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
        """Yield results as they come; only a few tasks are handed out ahead, so that an interrupt loses little.

        Raises:
            TripletgenError: a worker process died.
        """
        waiting: set[Future[Result]] = set()
        queue = iter(tasks)
        try:
            while True:
                for task in queue:
                    waiting.add(self._pool.submit(function, task))
                    if len(waiting) >= self._ahead:
                        break
                if not waiting:
                    return
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        except BrokenProcessPool as error:
            raise TripletgenError(
                "a worker process died, most likely for want of memory",
                "finished units are kept: run the same command again, with fewer --workers",
            ) from error


@contextmanager
def local_engine(workers: int, warm_up: Callable[[], Any]) -> Iterator[Engine]:
    """Provide an engine; with more than one worker, each calls `warm_up` when it starts."""
    if workers == 1:
        yield SerialEngine()
        return
    # Not fork: a forked child of a process with threads (Arrow's) can deadlock.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=warm_up)
    try:
        with _interrupts_held():
            for _ in range(workers):
                pool.submit(_nothing)
        yield PoolEngine(pool, workers)
        pool.shutdown()
    except BaseException:
        for process in list(pool._processes.values()):
            process.terminate()
        pool.shutdown(wait=False, cancel_futures=True)
        raise


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold back Ctrl-C: processes that start meanwhile never get it, this one gets it at the end and stops them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _nothing() -> None:
    """Make the pool start a worker."""
