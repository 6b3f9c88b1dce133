"""Speed of the rewriting stage against a bare `LLM.chat` call over the same prompts, in one process with one engine.

Usage: python benchmarks/rewrite.py --model FOLDER [--rows 192] [--rounds 3]
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import tripletgen
from tripletgen.assets import asset
from tripletgen.rewrite.base import Answer, Request, sampling_of
from tripletgen.rewrite.cache import Cache
from tripletgen.rewrite.prompt import load_prompts
from tripletgen.rewrite.stage import Stage, UnitRows
from tripletgen.rewrite.vllm_engine import VllmRewriter, open_vllm
from tripletgen.rewrite_options import RewriteOptions
from tripletgen.schema import Triplet

UNIT = 16


class Watched:
    """Note when the engine begins and ends a batch, and keep it alive after the stage."""

    def __init__(self, engine: VllmRewriter) -> None:
        self.engine = engine
        self.busy: list[tuple[float, float]] = []

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Hand a batch on and note its time."""
        began = time.perf_counter()
        answers = list(self.engine.answer(requests))
        self.busy.append((began, time.perf_counter()))
        yield from answers

    def close(self) -> None:
        """Leave the engine running: the next round uses it."""


class Run(NamedTuple):
    """Output tokens, seconds, the seconds in which the engine worked, and those between two batches in which it had nothing to do."""

    tokens: int
    seconds: float
    busy: float
    idle: float

    @property
    def rate(self) -> float:
        """Return output tokens a second."""
        return self.tokens / self.seconds


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--rows", type=int, default=192)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    # A second attempt has other prompts than the bare call, so there is none.
    options = RewriteOptions(
        "vllm", given.model, share={"paraphrase": 1.0}, attempts=1, temperature=0.5, max_tokens=80, max_model_len=2048, enforce_eager=True
    )
    captions = [line for path in sorted(asset("captions/embedded").glob("*.txt")) for line in path.read_text(encoding="utf-8").splitlines()]
    rows = tripletgen.propose(captions[: given.rows])[: given.rows]
    engine = open_vllm(options, sampling_of(options, 0))
    try:
        measure(engine, rows, options, given.rounds)
    finally:
        engine.close()


def measure(engine: VllmRewriter, rows: Sequence[Triplet], options: RewriteOptions, rounds: int) -> None:
    """Print the rates of both ways, taken in turns, and how long the engine waits between small batches."""
    requests = list(_stage(options, Path(":memory:"), Watched(engine)).requests(_units(rows)))
    bare(engine, requests)  # the first call warms kernels and tokenizer up
    pairs = []
    for _ in range(rounds):
        pairs.append((bare(engine, requests), staged(engine, rows, options)))
        print(f"bare {pairs[-1][0].rate:7.1f} tokens/s   stage {pairs[-1][1].rate:7.1f} tokens/s")
    ratios = [stage.rate / plain.rate for plain, stage in pairs]
    print(
        f"{len(requests)} prompts, {rounds} rounds: stage / bare {median(ratios):.3f} (lowest {min(ratios):.3f}, highest {max(ratios):.3f})"
    )
    # On a shared machine rates swing; how much of its own time the stage leaves to the engine does not.
    shares = [stage.busy / stage.seconds for _, stage in pairs]
    print(f"the engine works {100 * median(shares):.2f} % of the stage's time, from {100 * min(shares):.2f} to {100 * max(shares):.2f}")
    small = staged(engine, rows, RewriteOptions(**{**vars(options), "batch_requests": len(requests) // 4}))
    print(f"4 batches of units of {UNIT} rows: the engine waits {100 * small.idle / small.seconds:.2f} % of the time between batches")


def bare(engine: VllmRewriter, requests: Sequence[Request]) -> Run:
    """Ask everything in one call of the engine, and judge nothing."""
    llm: Any = engine.llm
    llm.reset_prefix_cache()
    chats = [[message._asdict() for message in request.messages] for request in requests]
    parameters = [engine.parameters(request.schema) for request in requests]
    began = time.perf_counter()
    outputs = llm.chat(chats, parameters, use_tqdm=False)
    seconds = time.perf_counter() - began
    return Run(sum(len(o.token_ids) for output in outputs for o in output.outputs), seconds, seconds, 0.0)


def staged(engine: VllmRewriter, rows: Sequence[Triplet], options: RewriteOptions) -> Run:
    """Let the stage plan, ask, store and judge."""
    engine.llm.reset_prefix_cache()
    watched = Watched(engine)
    with tempfile.TemporaryDirectory() as folder:
        stage = _stage(options, Path(folder) / "answers.sqlite", watched)
        began = time.perf_counter()
        for _ in stage.run(_units(rows)):
            pass
        seconds = time.perf_counter() - began
    idle = sum(after[0] - before[1] for before, after in zip(watched.busy, watched.busy[1:], strict=False))
    return Run(stage.counts.tokens_out, seconds, sum(end - start for start, end in watched.busy), idle)


def _stage(options: RewriteOptions, path: Path, watched: Watched) -> Stage:
    return Stage(options, 0, load_prompts(), Cache(path), opener=lambda _options, _sampling: watched)


def _units(rows: Sequence[Triplet]) -> Iterator[UnitRows]:
    return (UnitRows(number, list(rows[start : start + UNIT]), []) for number, start in enumerate(range(0, len(rows), UNIT)))


if __name__ == "__main__":
    main()
