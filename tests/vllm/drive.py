"""Rewrite with the real engine and write down each batch before it is sent.

Usage: python -m tests.vllm.drive DATASET OUT OPTIONS.json LOG
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tripletgen.rewrite.base import Answer, Request, Rewriter, Sampling
from tripletgen.rewrite.vllm_engine import open_vllm
from tripletgen.rewrite_options import RewriteOptions
from tripletgen.rewritten import rewrite_dataset


class Noted:
    """Write the keys of each batch as a line of a file, then hand the batch on."""

    def __init__(self, rewriter: Rewriter, log: Path) -> None:
        self._rewriter, self._log = rewriter, log

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        with self._log.open("a") as file:
            file.write(json.dumps([request.key for request in requests]) + "\n")
        yield from self._rewriter.answer(requests)

    def close(self) -> None:
        self._rewriter.close()


def main() -> None:
    folder, out, options, log = sys.argv[1:]

    def opener(options: RewriteOptions, sampling: Sampling) -> Noted:
        return Noted(open_vllm(options, sampling), Path(log))

    rewrite_dataset(folder, out, RewriteOptions(**json.loads(Path(options).read_text())), opener=opener)


if __name__ == "__main__":
    main()
