"""Map units over processes of this machine."""

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing.forkserver import ensure_running
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

from tripletgen.crossing import join_here, partition_here
from tripletgen.engine.base import Engine, Means
from tripletgen.errors import TripletgenError
from tripletgen.options import BuildOptions
from tripletgen.rewrite.engines import Opener
from tripletgen.staging import StagedTask, run_staged
from tripletgen.storage import is_remote

Task = TypeVar("Task")
Staged = TypeVar("Staged", bound=StagedTask)
Result = TypeVar("Result")


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


class StagedEngine:
    """Let another engine's workers fetch the files of a task from a remote place, and send what they write."""

    def __init__(self, engine: "SerialEngine | PoolEngine", root: str) -> None:
        self._engine, self._root = engine, root

    def map(self, function: Callable[[Staged], Result], tasks: Iterable[Staged]) -> Iterator[Result]:
        """Yield results as they come."""
        return self._engine.map(partial(run_staged, function, root=self._root), tasks)


@contextmanager
def local_means(options: BuildOptions, root: str, warm_up: Callable[[], Any], opener: Opener) -> Iterator[Means]:
    """Provide the means of one machine."""

    @contextmanager
    def workers() -> Iterator[Engine]:
        with local_engine(options.workers, warm_up) as engine:
            yield StagedEngine(engine, root) if is_remote(root) else engine

    writer = SerialEngine()
    yield Means(workers, StagedEngine(writer, root) if is_remote(root) else writer, partition_here, join_here, opener)


@contextmanager
def local_engine(workers: int, warm_up: Callable[[], Any]) -> Iterator[SerialEngine | PoolEngine]:
    """Provide an engine; each worker process, or this one where it is the only one, calls `warm_up` when it starts."""
    if workers == 1:
        warm_up()
        with _less_garbage(), threadpool_limits(1, user_api="blas"):
            yield SerialEngine()
        return
    context = _context()
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(warm_up, dict(os.environ)))
    try:
        with _interrupts_held():
            if context.get_start_method() == "forkserver":
                ensure_running()  # to ask it for workers would be to wait until it is ready
            else:
                for _ in range(workers):
                    pool.submit(_nothing)
        yield PoolEngine(pool, workers)
        pool.shutdown()
    except BaseException:
        for process in list(pool._processes.values()):
            process.terminate()
        pool.shutdown(wait=False, cancel_futures=True)
        raise


def _context() -> Any:
    """Return how workers are started: forked from a process that loaded everything and has no threads, or afresh where there is none.

    Not forked from this process: a child of one with threads, such as Arrow's, can deadlock.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tripletgen.engine.warm"])
    return context


def _start(warm_up: Callable[[], Any], environment: dict[str, str]) -> None:
    """Prepare a worker; one whose parent is killed ends too."""
    # The process that it was forked from may be of an earlier build.
    os.environ.clear()
    os.environ.update(environment)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    warm_up()
    spare_garbage_collector()
    # A worker is a core's share: BLAS threads of its own would only wait for those of the others.
    threadpool_limits(1, user_api="blas")


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _less_garbage() -> Iterator[None]:
    """Collect garbage more rarely for a while: a unit makes many small records and no cycles."""
    before = gc.get_threshold()
    spare_garbage_collector()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def spare_garbage_collector() -> None:
    """Keep the collector from walking through what is loaded for good."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


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
