"""Ask any server that speaks OpenAI's chat completions: many requests at a time, patiently."""

import asyncio
import json
import os
import queue
import random
import re
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
TOO_LONG = "context_too_small"
MAX_BODY = 8_000_000
_TRIES = 4
_FIRST_TRIES = 3
_MAX_WAIT = 20.0
_HOPELESS = 50
_MOST_TOKENS = 1_000_000_000
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
        self._checked = self._fitted = False

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Yield answers as they come; the requests run on a thread of their own, for a generator has no event loop.

        Raises:
            RewriterError: the server cannot be reached, does not know the model, refuses the key, has no room for any prompt, or fails
                on everything.
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
        limits = self._httpx.Limits(max_connections=self._options.concurrency)
        # Half of the limit at most: a server that does not even connect is to be told from one that is slow.
        timeout = self._httpx.Timeout(self._options.timeout, connect=min(10.0, self._options.timeout / 2), pool=None)
        async with self._httpx.AsyncClient(headers=_headers(), limits=limits, timeout=timeout, follow_redirects=False) as client:
            if not self._checked:
                await self._check_model(client)
                self._checked = True
            waiting, too_long = iter(requests), list[Answer]()

            async def work() -> None:
                for request in waiting:
                    if stop.is_set():
                        return
                    answer = await self._ask(client, request)
                    if answer.failure == TOO_LONG:
                        too_long.append(answer)
                    answers.put(answer)

            workers = [asyncio.create_task(work()) for _ in range(min(self._options.concurrency, len(requests)))]
            try:
                await asyncio.gather(*workers)
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)
            self._check_room(len(requests), too_long)

    def _check_room(self, asked: int, too_long: Sequence[Answer]) -> None:
        """Stop where no prompt has ever fitted: that is no fault of single rows."""
        if too_long and len(too_long) == asked and not self._fitted:
            raise RewriterError(
                f"{self._address}: no prompt fits the model's context ({too_long[-1].detail[:200]})",
                "start the server with a longer context (vllm serve: --max-model-len), take a model that has one, or shorten the prompt",
            )

    async def _check_model(self, client: Any) -> None:
        """Ask for the list of models, so that a wrong address or name shows at once."""
        for attempt in range(_FIRST_TRIES):
            try:
                response, body = await self._send(client, "GET", "/models")
                break
            except _TryAgainError as error:
                await asyncio.sleep(self._pause * 2**attempt)
                last = error
        else:
            raise RewriterError(
                f"{self._address}: no answer ({last.detail}); GET {self._address}/models was tried {_FIRST_TRIES} times",
                "start the server, or check --endpoint: it ends in /v1 for most",
            )
        self._check_access(response)
        names = None
        if response.status_code == 200:
            with suppress(ValueError, KeyError, TypeError, RecursionError):
                names = [str(entry["id"]) for entry in json.loads(body)["data"]]
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
        self._fitted = self._fitted or answer.failure is None
        # A server that says what is too long is well: that counts apart.
        self._failures = self._failures + 1 if answer.failure not in (None, TOO_LONG) else 0
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
        response, body = await self._send(client, "POST", "/chat/completions", self._body(request))
        return self._read_answer(request, response, body)

    async def _send(self, client: Any, method: str, path: str, content: dict[str, Any] | None = None) -> tuple[Any, bytes]:
        """Return a response and its body, both within the time limit: that of httpx begins anew with every byte that comes."""
        limit = self._options.timeout
        try:
            async with asyncio.timeout(limit), client.stream(method, f"{self._address}{path}", json=content) as response:
                return response, await _read(response)
        except (self._httpx.ConnectTimeout, self._httpx.ConnectError) as error:
            raise _TryAgainError("no_connection", _name(error)) from error
        except TimeoutError as error:
            raise _TryAgainError("timeout", f"not finished after {limit:g} s") from error
        except self._httpx.TimeoutException as error:
            raise _TryAgainError("timeout", _name(error)) from error
        except self._httpx.HTTPError as error:
            raise _TryAgainError("connection_broken", _name(error)) from error

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
        # Servers lay their errors out over several lines; ours are one.
        status, text = response.status_code, " ".join(body[:500].decode("utf-8", "replace").split())
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
            too_long = "context" in text.lower() and any(word in text.lower() for word in ("length", "size", "window"))
            return Answer(request.key, (), 0, 0, TOO_LONG if too_long else "bad_request", f"{status} {text}")
        return _parse(request, body)


def _headers() -> dict[str, str]:
    """Return the header with the key, if there is a key; a newline behind it is the file's that it was read from.

    Raises:
        RewriterError: it is none; a library would say so with the key in its message.
    """
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not re.fullmatch(r"[!-~]*", key):
        raise RewriterError(f"{KEY_VARIABLE}: holds a space or another character that no key has", "set it to the key and nothing else")
    return {"Authorization": f"Bearer {key}"} if key else {}


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
    try:
        value = json.loads(body)
        replies = tuple(_reply_of(choice) for choice in value["choices"])
        return Answer(request.key, replies, _tokens(value, "prompt_tokens"), _tokens(value, "completion_tokens"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _TryAgainError("not_the_protocol", body[:200].decode("utf-8", "replace")) from error


def _reply_of(choice: Any) -> Reply:
    content = choice["message"]["content"]
    if not isinstance(content, str | None):
        raise TypeError("content is no text")
    return Reply(content or "", choice.get("finish_reason") == "length")


def _tokens(value: dict[str, Any], name: str) -> int:
    """Return a number of tokens, 0 where the server tells none that can be true: replies hold without it."""
    usage = value.get("usage")
    number = usage.get(name) if isinstance(usage, dict) else None
    return int(number) if isinstance(number, int | float) and 0 <= number < _MOST_TOKENS else 0


def _retry_after(value: str | None) -> float | None:
    """Return the seconds a server asks for; a date or nonsense counts as nothing."""
    try:
        return min(max(float(value or ""), 0.0), 120.0)
    except ValueError:
        return None


def _name(error: BaseException) -> str:
    """Return an error's kind and text; one about what we sent is not quoted, for the key is part of that."""
    kind = type(error).__name__
    return kind if kind == "LocalProtocolError" else f"{kind}: {error}".rstrip(": ")[:200]


def open_endpoint(options: RewriteOptions, sampling: Sampling) -> EndpointRewriter:
    """Make a client for the server at `options.endpoint`."""
    return EndpointRewriter(options, sampling)
