"""Map units over a Ray cluster: the only door to Ray, with the files `ray_*.py` beside it.

Ray schedules, restarts and retries. What is ours is small: files are staged, so that workers share no disk and a result is there or not;
only a few tasks are handed out ahead, and they answer with small reports, so the object store stays nearly empty; and a unit whose worker
dies again and again is searched for the captions that do it.
"""

import logging
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache, partial
from itertools import islice
from typing import Any, NamedTuple, TypeVar, cast

from threadpoolctl import threadpool_limits

from tripletgen.assets import code_digest
from tripletgen.engine.base import Means
from tripletgen.engine.local import spare_garbage_collector
from tripletgen.engine.ray_rewriter import replicated
from tripletgen.engine.ray_shuffle import join_on_ray, partition_on_ray
from tripletgen.errors import Interrupted, MissingExtraError, TripletgenError
from tripletgen.options import BuildOptions
from tripletgen.rewrite.engines import Opener
from tripletgen.staging import StagedTask, changed, run_staged, sweep
from tripletgen.tasks import EditTask, MaskTask, ParseTask, ReadTask

RETRIES = 2
"""Times that Ray hands out a task again whose worker or node is gone, before its captions are suspected."""
FAN = 64
"""Parts that a range of captions is tried in."""
WIDEST = FAN**2
"""More captions than a unit has: its captions are hashed, so none has twice as many as another."""
OBJECT_STORE_BYTES = 512 << 20
_CONNECT_SECONDS = 5

Task = TypeVar("Task", bound=StagedTask)
Result = TypeVar("Result")


@contextmanager
def ray_means(options: BuildOptions, root: str, warm_up: Callable[[], Any], opener: Opener) -> Iterator[Means]:
    """Provide the means of a Ray cluster: one that runs, or one of this machine for as long as the build takes.

    Raises:
        MissingExtraError: Ray is not installed.
        TripletgenError: the cluster does not answer.
    """
    with ray_session(options.ray_address or os.environ.get("RAY_ADDRESS"), options.workers):
        engine = RayEngine(root, warm_up)
        engine.wake()
        yield Means(lambda: nullcontext(engine), engine, partial(partition_on_ray, engine), join_on_ray, replicated(opener))


@contextmanager
def ray_session(address: str | None, workers: int) -> Iterator[None]:
    """Connect to a cluster, or start one with so many workers; a connection that this process has already is used and kept."""
    # Ray's own statistics of use are sent to nobody, and its messages are for those who keep clusters.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_DEDUP_LOGS", "0")
    ray = _import_ray()
    if address is not None:
        _check_answers(address)
    if ray.is_initialized():
        yield
        return
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if address is None:
            memory = OBJECT_STORE_BYTES
            ray.init("local", num_cpus=workers, include_dashboard=False, object_store_memory=memory, **quiet)
        else:
            ray.init(address, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise _no_answer(address or "local", error) from error
    try:
        yield
    except SystemError as error:
        # So Ray's compiled parts show an exception that a signal handler raised within them.
        if isinstance(error.__cause__, KeyboardInterrupt | Interrupted):
            raise error.__cause__ from None
        raise
    finally:
        ray.shutdown()
        sweep()


def _import_ray() -> Any:
    try:
        import ray
    except ModuleNotFoundError as error:
        raise MissingExtraError("Ray is not installed", "pip install 'tripletgen[ray]'") from error
    return ray


def _check_answers(address: str) -> None:
    """Knock at the door: Ray itself would wait for minutes and then end the process."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if address == "auto":
        return
    if not colon or not port.isdecimal():
        raise _no_answer(address, "not HOST:PORT")
    try:
        socket.create_connection((host, int(port)), _CONNECT_SECONDS).close()
    except OSError as error:
        raise _no_answer(address, error) from error


def _no_answer(address: str, error: object) -> TripletgenError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return TripletgenError(f"{address}: no Ray cluster answers ({reason})", "start one with `ray start --head`, or leave --ray-address out")


class RayEngine:
    """Run unit functions in the workers of a cluster, each with the files of its task in a folder of its own."""

    def __init__(self, root: str, warm_up: Callable[[], Any]) -> None:
        self._root, self._warm_up, self._code = root, warm_up, code_digest()

    def wake(self) -> None:
        """Have a worker for each core load what every unit needs, while the sources are still being read by a few of them."""
        import ray

        load = ray.remote(max_retries=0, num_cpus=1)(_wake)
        # Nobody waits for them: what is wrong with a worker shows at its first unit.
        for _ in range(self._cores()):
            load.remote(self._warm_up)

    def map(self, function: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
        """Yield results as they come, of two tasks a core handed out at a time.

        Raises:
            TripletgenError: a unit cannot be finished, or the nodes run another version.
        """
        import ray

        waiting: dict[Any, Task] = {}
        queue = iter(tasks)
        while True:
            for task in islice(queue, max(0, 2 * self._cores() - len(waiting))):
                waiting[self._submit(function, task)] = task
            if not waiting:
                return
            (done, *_), _ = ray.wait(list(waiting), num_returns=1)
            task = waiting.pop(done)
            crashed, result = _result_of(done)
            yield self._without_crashing(function, task) if crashed else result

    @staticmethod
    def _cores() -> int:
        """Return how many cores the cluster has just now."""
        import ray

        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        return max(1, int(resources.get("CPU", 1)))

    def _submit(self, function: Callable[[Task], Result], task: Task, *, keep: bool = True, retries: int = RETRIES) -> Any:
        return _runner(retries).remote(_Order(function, task, self._root, keep, self._code, self._warm_up))

    def _without_crashing(self, function: Callable[[Task], Result], task: Task) -> Result:
        """Return the result of a unit without the captions at which its worker dies."""
        if isinstance(task, ReadTask | ParseTask | MaskTask | EditTask):
            rows = self._rows_read(function, task) if isinstance(task, ReadTask) else WIDEST
            crashing = self._crashing(function, task, 0, rows)
            task = changed(task, skip=tuple(sorted({*task.skip, *crashing})))
        crashed, result = _result_of(self._submit(function, task))
        if crashed:
            raise TripletgenError(
                f"{task.files().writes[-1]}: its worker dies again and again, and at no caption of its own",
                "most likely for want of memory: finished units are kept, run the same command again with fewer workers a node",
            )
        return cast(Result, result)

    def _rows_read(self, function: Callable[[Any], Any], task: ReadTask) -> int:
        """Return how many rows a piece has; none if its worker dies of reading them, whatever they say."""
        crashed, report = _result_of(self._submit(function, changed(task, part=(0, 0)), keep=False))
        return 0 if crashed else int(report["rows"])

    def _crashing(self, function: Callable[[Task], Result], task: Task, first: int, last: int) -> list[int]:
        """Return the rows of a part of a unit, each of which ends the worker that is given it alone, twice."""
        if last - first == 1:
            return [first]
        width = -(-(last - first) // FAN) or 1
        parts = [(start, min(last, start + width)) for start in range(first, last, width)]
        trials = [self._submit(function, changed(task, part=part), keep=False, retries=int(width == 1)) for part in parts]
        return [
            row for part, trial in zip(parts, trials, strict=True) if _result_of(trial)[0] for row in self._crashing(function, task, *part)
        ]


def _result_of(reference: Any) -> tuple[bool, Any]:
    """Return whether the task's worker died, and else its result; what the task raised as ours is raised here."""
    import ray
    from ray.exceptions import NodeDiedError, OutOfMemoryError, WorkerCrashedError

    try:
        result = ray.get(reference)
    except (NodeDiedError, OutOfMemoryError, WorkerCrashedError):
        return True, None
    if isinstance(result, TripletgenError):
        raise result
    return False, result


class _Order(NamedTuple):
    """What is sent to a worker."""

    function: Callable[[Any], Any]
    task: Any
    root: str
    keep: bool
    code: str
    warm_up: Callable[[], Any]


def _run(order: _Order) -> Any:
    """Run a unit function in a worker; an error of ours is returned, for Ray would wrap it."""
    try:
        if code_digest() != order.code:
            raise TripletgenError("a node of the cluster runs another version of tripletgen", "install the same one on every node")
        _prepare(order.warm_up)
        return run_staged(order.function, order.task, order.root, keep=order.keep)
    except TripletgenError as error:
        return error


def _wake(warm_up: Callable[[], Any]) -> None:
    _prepare(warm_up)


@cache
def _runner(retries: int) -> Any:
    """Return what submits orders; made once, for each is sent to every worker."""
    import ray

    return ray.remote(max_retries=retries, num_cpus=1)(_run)


@cache
def _prepare(warm_up: Callable[[], Any]) -> None:
    """Load what every unit needs, once a process; a worker is a core's share, so BLAS has one thread."""
    warm_up()
    spare_garbage_collector()
    threadpool_limits(1, user_api="blas")
