"""Several replicas of a language model on a cluster, behind the one that the stage knows.

What is asked, what is kept and what is accepted is decided in the process that leads the build, as on one machine: so the rows are the
same, and an answer is paid for once. A replica is an actor that holds a rewriter of ours; one that dies is started again by Ray, and asked
again for the batch that it had.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from tripletgen.errors import TripletgenError
from tripletgen.rewrite.base import Answer, Request, Rewriter, RewriterError, Sampling
from tripletgen.rewrite.engines import Opener
from tripletgen.rewrite_options import RewriteOptions

RESTARTS = 3
MOST_ASKED = 256
_AHEAD = 2


class Replica:
    """Hold a rewriter in a worker of its own; it is opened when it is first asked."""

    def __init__(self, opener: Opener, options: RewriteOptions, sampling: Sampling) -> None:
        self._opener, self._options, self._sampling = opener, options, sampling
        self._rewriter: Rewriter | None = None

    def answer(self, requests: Sequence[Request]) -> list[Answer] | TripletgenError:
        """Return the answers; an error of ours is returned, for Ray would wrap it."""
        try:
            if self._rewriter is None:
                self._rewriter = self._opener(self._options, self._sampling)
            return list(self._rewriter.answer(requests))
        except TripletgenError as error:
            return error

    def close(self) -> None:
        """Let go of the engine."""
        if self._rewriter is not None:
            self._rewriter.close()


class ReplicatedRewriter:
    """Spread requests over replicas; each has a batch under way and one waiting."""

    def __init__(self, replicas: list[Any]) -> None:
        self._replicas = replicas

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Yield answers as batches of them are done.

        Raises:
            RewriterError: a replica died too often, or what it holds cannot be used.
        """
        import ray

        size = max(1, min(MOST_ASKED, -(-len(requests) // (_AHEAD * len(self._replicas)))))
        batches = iter([requests[start : start + size] for start in range(0, len(requests), size)])
        free = self._replicas * _AHEAD
        asked: dict[Any, Any] = {}
        while True:
            while free and (batch := next(batches, None)):
                replica = free.pop()
                asked[replica.answer.remote(batch)] = replica
            if not asked:
                return
            (done, *_), _ = ray.wait(list(asked), num_returns=1)
            free.append(asked.pop(done))
            yield from _answers_of(done)

    def close(self) -> None:
        """Let go of the replicas."""
        import ray

        for replica in self._replicas:
            ray.wait([replica.close.remote()], timeout=10)
            ray.kill(replica)


def _answers_of(reference: Any) -> list[Answer]:
    import ray
    from ray.exceptions import RayActorError

    try:
        answers = ray.get(reference)
    except RayActorError as error:
        raise RewriterError(
            f"a replica of the model died {RESTARTS + 1} times",
            "answers so far are kept: look at its node's memory and at Ray's logs, then run the same command again",
        ) from error
    if isinstance(answers, TripletgenError):
        raise answers
    return list(answers)


def replicated(opener: Opener) -> Opener:
    """Return an opener of `data_parallel_size` replicas of what `opener` opens, each with the GPUs that the model takes."""

    def open_replicas(options: RewriteOptions, sampling: Sampling) -> Rewriter:
        import ray

        number, gpus = options.data_parallel_size, options.tensor_parallel_size if options.rewriter == "vllm" else 0
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        if number * gpus > resources.get("GPU", 0):
            raise RewriterError(
                f"{number * gpus} GPUs are needed and the cluster has {resources.get('GPU', 0):.0f}",
                "start nodes with GPUs first, or lower data_parallel_size",
            )
        actor = ray.remote(num_cpus=0, num_gpus=gpus, max_restarts=RESTARTS, max_task_retries=RESTARTS)(Replica)
        alone = replace(options, data_parallel_size=1)
        return ReplicatedRewriter([actor.remote(opener, alone, sampling) for _ in range(number)])

    return open_replicas
