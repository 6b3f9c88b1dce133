"""What the stage and the engines say to each other: requests, answers, and one method."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from tripletgen.errors import TripletgenError
from tripletgen.rewrite_options import RewriteOptions, model_name


class RewriterError(TripletgenError):
    """Report an engine that cannot be started or used; what it answered before is kept."""


class Message(NamedTuple):
    """One turn of a chat."""

    role: str
    content: str


class Sampling(NamedTuple):
    """How answers are drawn; part of what identifies a request."""

    temperature: float
    top_p: float
    max_tokens: int
    num_replies: int
    seed: int


class Request(NamedTuple):
    """A chat that asks for JSON of a schema; `key` is the hash of all that determines the answer."""

    key: str
    messages: tuple[Message, ...]
    schema: dict[str, Any]


class Reply(NamedTuple):
    """One text that a model wrote, and whether it ended by itself."""

    text: str
    truncated: bool


class Answer(NamedTuple):
    """What came of a request: replies with their tokens, or the reason why there are none."""

    key: str
    replies: tuple[Reply, ...]
    tokens_in: int
    tokens_out: int
    failure: str | None = None
    detail: str = ""


class Rewriter(Protocol):
    """Answer chats. An engine keeps its own order and pace."""

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Yield one answer a request, as they are done.

        Raises:
            RewriterError: the engine is gone; what was yielded before holds.
        """

    def close(self) -> None:
        """Let go of processes and connections."""


def sampling_of(options: RewriteOptions, seed: int) -> Sampling:
    """Return how the answers of a run are drawn."""
    return Sampling(options.temperature, options.top_p, options.max_tokens, options.num_replies, seed)


def make_request(model: str, sampling: Sampling, messages: tuple[Message, ...], schema: dict[str, Any]) -> Request:
    """Return a request with the hash of model, sampling, prompt and data as its key."""
    state = json.dumps([model_name(model), sampling, messages, schema], sort_keys=True, ensure_ascii=False)
    return Request(hashlib.sha256(state.encode()).hexdigest()[:32], messages, schema)
