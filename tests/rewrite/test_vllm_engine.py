"""The door to vLLM where vLLM is not: what is asked of an engine, and what its absence and its faults are told as."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.helpers import ROOT, environment, run_cli
from tripletgen.rewrite.base import Message, Request, RewriterError
from tripletgen.rewrite.vllm_engine import VllmRewriter

FAKE = ROOT / "tests" / "rewrite" / "fake_vllm"


class Engine:
    """Answer every chat with its last message, in a context of 100 tokens, a token a character; die when told."""

    def __init__(self, *, dies: bool = False) -> None:
        self.llm_engine = SimpleNamespace(model_config=SimpleNamespace(max_model_len=100))
        self.dies = dies
        self.calls: list[int] = []

    def get_tokenizer(self) -> Any:
        def apply_chat_template(turns: list[dict[str, str]], **_: object) -> list[int]:
            return [0] * sum(len(turn["content"]) for turn in turns)

        return SimpleNamespace(apply_chat_template=apply_chat_template)

    def chat(self, chats: list[list[dict[str, str]]], parameters: list[Any], use_tqdm: bool) -> list[Any]:
        self.calls.append(len(chats))
        if self.dies:
            raise RuntimeError("EngineCore encountered an issue.\nSee stack trace above.")
        answers = [SimpleNamespace(text=chat[-1]["content"], finish_reason="length", token_ids=[1, 2]) for chat in chats]
        return [SimpleNamespace(outputs=[answer], prompt_token_ids=[1, 2, 3]) for answer in answers]


def rewriter(engine: Engine) -> VllmRewriter:
    return VllmRewriter(engine, lambda _schema: SimpleNamespace(max_tokens=20))


def request(key: str, text: str) -> Request:
    return Request(key, (Message("user", text),), {})


def test_all_requests_go_to_the_engine_in_one_call() -> None:
    engine = Engine()
    answers = list(rewriter(engine).answer([request("a", "a dog"), request("b", "a cat")]))
    assert engine.calls == [2]
    assert [(a.key, a.replies[0].text, a.replies[0].truncated, a.tokens_in, a.tokens_out) for a in answers] == [
        ("a", "a dog", True, 3, 2),
        ("b", "a cat", True, 3, 2),
    ]


def test_a_prompt_that_leaves_no_room_for_an_answer_is_not_sent() -> None:
    engine = Engine()
    answers = {answer.key: answer.failure for answer in rewriter(engine).answer([request("fits", "x" * 80), request("long", "x" * 81)])}
    assert answers == {"fits": None, "long": "context_too_small"}
    assert engine.calls == [1]


def test_a_context_too_small_for_every_prompt_stops_the_run_with_a_remedy() -> None:
    with pytest.raises(RewriterError, match="no prompt fits the model's context") as caught:
        list(rewriter(Engine()).answer([request("long", "x" * 81)]))
    assert "--max-model-len" in caught.value.hint


def test_a_batch_of_long_prompts_alone_does_not_stop_a_run_in_which_others_fitted() -> None:
    one = rewriter(Engine())
    assert [answer.failure for answer in one.answer([request("fits", "a dog")])] == [None]
    assert [answer.failure for answer in one.answer([request("long", "x" * 81)])] == ["context_too_small"]


def test_the_death_of_the_engine_is_told_in_its_last_words() -> None:
    with pytest.raises(RewriterError, match=r"the engine of vLLM failed \(See stack trace above.\)") as caught:
        list(rewriter(Engine(dies=True)).answer([request("a", "a dog")]))
    assert caught.value.hint == "what was answered is kept: run the same command again"


def folder_of_a_model(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    return tmp_path / "model"


@pytest.mark.parametrize(
    ("said", "message", "hint"),
    [
        ("", "vLLM cannot be imported", "pip install 'tripletgen[vllm]'"),
        ("RuntimeError: Failed to infer device type", "vLLM cannot start with it (Failed to infer device type)", "no usable GPU was found"),
        ("ValueError: max seq len (9) is larger than the KV cache", "vLLM cannot start", "give --max-model-len a smaller number"),
        ("ValueError: LLM(data_parallel_size=2) is not supported", "vLLM cannot start", "vllm serve MODEL --data-parallel-size N"),
    ],
)
def test_what_stands_in_the_way_of_an_engine_is_told_in_two_lines(
    said: str, message: str, hint: str, dataset: Path, tmp_path: Path
) -> None:
    # A module `vllm` that raises what the real one was seen to raise; the first case forbids the import.
    path = f"{ROOT}:{FAKE}"
    arguments = ["rewrite", dataset, "--out", "x", "--rewriter", "vllm", "--model", folder_of_a_model(tmp_path)]
    done = run_cli(*arguments, cwd=tmp_path, env=environment(PYTHONPATH=path, FAKE_VLLM_RAISES=said))
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 2), done.stderr
    assert message in done.stderr
    assert hint in done.stderr
