"""Fetch the answers of a batch beside the checks of the one before: from the cache, and the rest from an engine."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import NamedTuple, Self

from tripletgen.rewrite.base import Answer, Request, Rewriter, RewriterError, Sampling
from tripletgen.rewrite.cache import Cache
from tripletgen.rewrite.engines import Opener
from tripletgen.rewrite_options import RewriteOptions

_STORE = 64


class Coming(NamedTuple):
    """Answers by their request's key, as they come, and the call that fetches them."""

    answers: Mapping[str, "Future[Answer]"]
    call: "Future[None]"


class Fetcher:
    """Fetch batches one after another in a thread; the engine is started when the cache lacks an answer."""

    def __init__(
        self, options: RewriteOptions, sampling: Sampling, cache: Cache, opener: Opener, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._options, self._sampling, self._cache = options, sampling, cache
        self._opener, self._clock = opener, clock
        self._rewriter: Rewriter | None = None
        self._pool = ThreadPoolExecutor(1, "rewriter")
        self._tokens_out, self._seconds = 0, 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pool.shutdown(cancel_futures=True)
        if self._rewriter is not None:
            self._rewriter.close()

    @property
    def rate(self) -> float:
        """Return the output tokens a second of the engine so far."""
        return self._tokens_out / self._seconds if self._seconds else 0.0

    def send(self, requests: Sequence[Request]) -> Coming:
        """Fetch the answers of a batch when those before it are there."""
        answers: dict[str, Future[Answer]] = {request.key: Future() for request in requests}
        return Coming(answers, self._pool.submit(self._answer, requests, answers))

    def _answer(self, requests: Sequence[Request], answers: Mapping[str, "Future[Answer]"]) -> None:
        """Fetch every answer, or tell whoever waits for one why there is none."""
        try:
            self._fetch(requests, answers)
        except BaseException as error:
            for future in answers.values():
                if not future.done():
                    future.set_exception(error)
            raise

    def _fetch(self, requests: Sequence[Request], answers: Mapping[str, "Future[Answer]"]) -> None:
        known = self._cache.get([request.key for request in requests])
        for answer in known.values():
            answers[answer.key].set_result(answer)
        missing = list({request.key: request for request in requests if request.key not in known}.values())
        if not missing:
            return
        if self._rewriter is None:
            self._rewriter = self._opener(self._options, self._sampling)
        began, received = self._clock(), self._ask(self._rewriter, missing, answers)
        self._seconds += self._clock() - began
        if received < len(missing):
            raise RewriterError(f"the engine answered {received} of {len(missing)} requests", "run the same command again")

    def _ask(self, rewriter: Rewriter, missing: Sequence[Request], answers: Mapping[str, "Future[Answer]"]) -> int:
        """Ask the engine and keep what it says, even if it fails in between; return how many answers came."""
        received, waiting = 0, []
        try:
            for answer in rewriter.answer(missing):
                answers[answer.key].set_result(answer)
                received += 1
                self._tokens_out += answer.tokens_out
                waiting.append(answer)
                if len(waiting) >= _STORE:
                    self._cache.put(waiting)
                    waiting = []
        finally:
            self._cache.put(waiting)
        return received
