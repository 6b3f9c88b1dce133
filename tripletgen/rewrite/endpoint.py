"""Ask any server that speaks OpenAI's chat completions: many requests at a time, patiently."""

import asyncio
import os
import queue
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from tripletgen.errors import MissingExtraError
from tripletgen.rewrite.base import Answer, Reply, Request, RewriterError, Sampling
from tripletgen.rewrite_options import RewriteOptions

INSTALL = "pip install 'tripletgen[endpoint]'"
KEY_VARIABLE = "OPENAI_API_KEY"
MAX_BODY = 8_000_000
_TRIES = 4
_FIRST_TRIES = 3
_MAX_WAIT = 20.0
_HOPELESS = 50
_DONE = None


class _TryAgainError(Exception):
    """Report a failure that may pass; `wait` is what the server asked for."""

    def __init__(self, reason: str, detail: str, wait: float | None = None) -> None:
        super().__init__(detail)
        self.reason, self.detail, self.wait = reason, detail, wait


class EndpointRewriter:
    """Answer chats by a server; `pause` scales every wait, so that tests need not wait."""

    def __init__(self, options: RewriteOptions, sampling: Sampling, pause: float = 1.0) -> None:
        try:
            import httpx
            import tenacity
        except ImportError as error:
            raise MissingExtraError(f"the endpoint's client is not installed ({error.name})", INSTALL) from error
        self._httpx, self._tenacity = httpx, tenacity
        self._options, self._sampling, self._pause = options, sampling, pause
        self._address = (options.endpoint or "").rstrip("/")
        self._model = options.model
        self._cool_until = 0.0
        self._failures = 0
        self._checked = False

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Yield answers as they come; the requests run on a thread of their own, for a generator has no event loop.

        Raises:
            RewriterError: the server cannot be reached, does not know the model, refuses the key, or fails on everything.
        """
        answers: queue.Queue[Answer | BaseException | None] = queue.Queue()
        stop = threading.Event()
        thread = threading.Thread(target=self._run, args=(requests, answers, stop), daemon=True)
        thread.start()
        try:
            while (item := answers.get()) is not _DONE:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            stop.set()
            thread.join()

    def close(self) -> None:
        """Nothing is held between two batches."""

    def _run(self, requests: Sequence[Request], answers: "queue.Queue[Any]", stop: threading.Event) -> None:
        try:
            asyncio.run(self._ask_all(requests, answers, stop))
        except BaseException as error:  # it is raised again where the answers are read
            answers.put(error)
        answers.put(_DONE)

    async def _ask_all(self, requests: Sequence[Request], answers: "queue.Queue[Any]", stop: threading.Event) -> None:
        """Keep `concurrency` requests under way until all are answered or one shows that it is no use."""
        key = os.environ.get(KEY_VARIABLE)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        limits = self._httpx.Limits(max_connections=self._options.concurrency)
        timeout = self._httpx.Timeout(self._options.timeout, connect=min(10.0, self._options.timeout), pool=None)
        async with self._httpx.AsyncClient(headers=headers, limits=limits, timeout=timeout, follow_redirects=False) as client:
            if not self._checked:
                await self._check_model(client)
                self._checked = True
            waiting = iter(requests)

            async def work() -> None:
                for request in waiting:
                    if stop.is_set():
                        return
                    answers.put(await self._ask(client, request))

            workers = [asyncio.create_task(work()) for _ in range(min(self._options.concurrency, len(requests)))]
            try:
                await asyncio.gather(*workers)
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)

    async def _check_model(self, client: Any) -> None:
        """Ask for the list of models, so that a wrong address or name shows at once."""
        url = f"{self._address}/models"
        for attempt in range(_FIRST_TRIES):
            try:
                response = await client.get(url)
                break
            except self._httpx.HTTPError as error:
                await asyncio.sleep(self._pause * 2**attempt)
                last = error
        else:
            raise RewriterError(
                f"{self._address}: no answer ({_name(last)}); GET {url} was tried {_FIRST_TRIES} times",
                "start the server, or check --endpoint: it ends in /v1 for most",
            )
        self._check_access(response)
        names = None
        if response.status_code == 200:
            with suppress(ValueError, KeyError, TypeError):
                names = [str(entry["id"]) for entry in response.json()["data"]]
        if names is not None and self._model not in names:
            raise RewriterError(f"{self._address}: does not serve {self._model!r}", f"models there: {', '.join(names[:10]) or 'none'}")

    def _check_access(self, response: Any) -> None:
        if response.status_code in (401, 403):
            raise RewriterError(
                f"{self._address}: access refused ({response.status_code})", f"set {KEY_VARIABLE} to a key that the server takes"
            )

    async def _ask(self, client: Any, request: Request) -> Answer:
        """Return the answer of one request, or its failure when all tries are used up."""
        retrying = self._tenacity.AsyncRetrying(
            retry=self._tenacity.retry_if_exception_type(_TryAgainError), wait=self._wait, stop=self._stop, reraise=True
        )
        try:
            answer: Answer = await retrying(self._ask_once, client, request)
        except _TryAgainError as error:
            if error.reason == "no_connection":
                raise RewriterError(
                    f"{self._address}: no answer for {self._options.patience:g} s to POST /chat/completions, often tried ({error.detail})",
                    "what was answered is kept: start the server and run the same command again",
                ) from error
            answer = Answer(request.key, (), 0, 0, error.reason, error.detail)
        self._failures = self._failures + 1 if answer.failure else 0
        if self._failures >= _HOPELESS:
            raise RewriterError(
                f"{self._address}: {_HOPELESS} requests in a row failed, the last with {answer.failure} ({answer.detail[:200]})",
                "look at the server's log; what was answered is kept",
            )
        return answer

    def _wait(self, state: Any) -> float:
        """Return how long to wait: what the server asked for, else twice as long each time, with some chance in it."""
        asked = state.outcome.exception().wait
        grown = min(_MAX_WAIT, 0.5 * 2 ** min(state.attempt_number, 10)) * random.uniform(0.5, 1.0)
        return float(self._pause * (asked if asked is not None else grown))

    def _stop(self, state: Any) -> bool:
        """Tell whether to give up: a server may be away for a while, one that is there and fails is given few tries."""
        if state.outcome.exception().reason in ("no_connection", "rate_limited"):
            return bool(state.seconds_since_start >= self._options.patience)
        return bool(state.attempt_number >= _TRIES)

    async def _ask_once(self, client: Any, request: Request) -> Answer:
        await self._cool_down()
        try:
            async with client.stream("POST", f"{self._address}/chat/completions", json=self._body(request)) as response:
                body = await _read(response)
        except self._httpx.TimeoutException as error:
            reason = "no_connection" if isinstance(error, self._httpx.ConnectTimeout) else "timeout"
            raise _TryAgainError(reason, _name(error)) from error
        except self._httpx.ConnectError as error:
            raise _TryAgainError("no_connection", _name(error)) from error
        except self._httpx.HTTPError as error:
            raise _TryAgainError("connection_broken", _name(error)) from error
        return self._read_answer(request, response, body)

    async def _cool_down(self) -> None:
        """Wait while the server wants to be left alone: one 429 holds back every request, not only its own."""
        while (left := self._cool_until - time.monotonic()) > 0:
            await asyncio.sleep(left)

    def _body(self, request: Request) -> dict[str, Any]:
        sampling = self._sampling
        return {
            "model": self._model,
            "messages": [message._asdict() for message in request.messages],
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
            "n": sampling.num_replies,
            "response_format": {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": request.schema}},
        }

    def _read_answer(self, request: Request, response: Any, body: bytes) -> Answer:
        status, text = response.status_code, body[:500].decode("utf-8", "replace")
        self._check_access(response)
        if status == 429:
            wait = _retry_after(response.headers.get("retry-after"))
            self._cool_until = max(self._cool_until, time.monotonic() + self._pause * (1.0 if wait is None else wait))
            raise _TryAgainError("rate_limited", text, wait)
        if status in (408, 409, 425) or status >= 500:
            raise _TryAgainError("server_error", f"{status} {text}", _retry_after(response.headers.get("retry-after")))
        if status == 404:
            raise RewriterError(f"{self._address}: 404 for /chat/completions ({text[:200]})", "check --endpoint and --model")
        if status != 200:
            too_long = "context" in text.lower() and "length" in text.lower()
            return Answer(request.key, (), 0, 0, "context_too_small" if too_long else "bad_request", f"{status} {text}")
        return _parse(request, body)


async def _read(response: Any) -> bytes:
    """Read a body up to a bound: a server that never ends must not fill the memory."""
    parts, size = [], 0
    async for part in response.aiter_bytes():
        parts.append(part)
        size += len(part)
        if size > MAX_BODY:
            raise _TryAgainError("answer_too_large", f"more than {MAX_BODY} bytes")
    return b"".join(parts)


def _parse(request: Request, body: bytes) -> Answer:
    """Return what a body of the protocol says.

    Raises:
        _TryAgainError: it is none.
    """
    import json

    try:
        value = json.loads(body)
        replies = tuple(Reply(choice["message"]["content"] or "", choice.get("finish_reason") == "length") for choice in value["choices"])
        usage = value.get("usage") or {}
        return Answer(request.key, replies, int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _TryAgainError("not_the_protocol", body[:200].decode("utf-8", "replace")) from error


def _retry_after(value: str | None) -> float | None:
    """Return the seconds a server asks for; a date or nonsense counts as nothing."""
    try:
        return min(max(float(value or ""), 0.0), 120.0)
    except ValueError:
        return None


def _name(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")[:200]


def open_endpoint(options: RewriteOptions, sampling: Sampling) -> EndpointRewriter:
    """Make a client for the server at `options.endpoint`."""
    return EndpointRewriter(options, sampling)
