"""What asking takes: tokens told without the model's tokenizer, and the limits that a run is given.

Measured with the tokenizer of SmolLM2 over chats of all three prompts: 3.4 to 3.7 characters a token, and 5 to 6 more tokens a turn for
the marks of the chat template. A chat is about twelve turns, for five examples come before the data. Replies have 4 characters a token.
"""

import json
from collections.abc import Sequence

from tripletgen.rewrite.base import Message, Request
from tripletgen.rewrite_options import RewriteOptions
from tripletgen.schema import Triplet

_CHARACTERS_A_TOKEN = 3.5
_TOKENS_A_TURN = 6
_CHARACTERS_A_REPLY_TOKEN = 4


def chat_tokens(messages: Sequence[Message]) -> int:
    """Return about how many tokens a chat is read as."""
    return round(sum(len(message.content) for message in messages) / _CHARACTERS_A_TOKEN) + _TOKENS_A_TURN * len(messages)


def likely_reply(task: str, row: Triplet) -> str:
    """Return a reply as long as one may expect: with the row's own texts."""
    texts = {"modification_text": row.modification_text} | ({"target_caption": row.target_caption} if task == "edit" else {})
    return json.dumps(texts, ensure_ascii=False, separators=(",", ":"))


def reply_tokens(reply: str) -> int:
    """Return about how many tokens a reply has."""
    return round(len(reply) / _CHARACTERS_A_REPLY_TOKEN)


class Budget:
    """Keep to the limits of requests and tokens; what is under way counts with its prompt and the longest answers it may have."""

    def __init__(self, options: RewriteOptions) -> None:
        self._max_requests, self._max_tokens = options.max_requests, options.max_tokens_total
        self._longest = options.max_tokens * options.num_replies
        self._requests = self._tokens = self._reserved = 0
        self._spent = False

    def must_wait(self, request: Request) -> bool:
        """Tell whether a request has to wait for what is under way, which may take less than it could."""
        return self._reserved > 0 and self._lacks_tokens(request)

    def is_spent(self, request: Request) -> bool:
        """Tell whether a limit is reached, and remember it: no later row is asked for because it is short."""
        no_more = self._max_requests is not None and self._requests >= self._max_requests
        self._spent = self._spent or no_more or self._lacks_tokens(request)
        return self._spent

    def reserve(self, request: Request) -> None:
        """Count a request as under way."""
        self._requests += 1
        self._reserved += self._most(request)

    def settle(self, request: Request, tokens: int) -> None:
        """Count what a request took in the end."""
        self._reserved -= self._most(request)
        self._tokens += tokens

    def _lacks_tokens(self, request: Request) -> bool:
        return self._max_tokens is not None and self._tokens + self._reserved + self._most(request) > self._max_tokens

    def _most(self, request: Request) -> int:
        return chat_tokens(request.messages) + self._longest
