"""A rewriter without a model, for tests: a function answers."""

from collections.abc import Callable, Iterator, Sequence

from tripletgen.rewrite.base import Answer, Reply, Request

Script = Callable[[Request], str | Answer]


class ScriptedRewriter:
    """Answer as a function says; `asked` holds every request that came."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.asked: list[Request] = []
        self.closed = False

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Yield an answer a request, in order; what the script raises is raised."""
        for request in requests:
            self.asked.append(request)
            said = self._script(request)
            yield said if isinstance(said, Answer) else Answer(request.key, (Reply(said, truncated=False),), 100, 20)

    def close(self) -> None:
        """Note that the stage let go."""
        self.closed = True
