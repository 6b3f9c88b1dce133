"""The only door to vLLM: its offline engine, which answers a large batch of chats at a time."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tripletgen.errors import MissingExtraError
from tripletgen.rewrite.base import Answer, Reply, Request, RewriterError, Sampling
from tripletgen.rewrite_options import RewriteOptions

INSTALL = "pip install 'tripletgen[vllm]' (a GPU machine); without a GPU see docs/rewriting.md, or use --rewriter endpoint"


class VllmRewriter:
    """Answer chats with an engine in this process."""

    def __init__(self, llm: Any, parameters: Callable[[dict[str, Any]], Any]) -> None:
        self.llm = llm
        self.parameters = parameters
        self._fitted = False

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Answer all requests in one call, so that the engine is full from the first to the last.

        Raises:
            RewriterError: the engine died, or has no room for any prompt.
        """
        fitting: list[Request] = []
        for request in requests:
            if self._fits(request):
                fitting.append(request)
            else:
                yield Answer(request.key, (), 0, 0, "context_too_small", "the prompt alone is longer than the model's context")
        self._fitted = self._fitted or bool(fitting)
        if requests and not self._fitted:
            raise RewriterError(
                "no prompt fits the model's context", "raise --max-model-len, take a model with a longer context, or shorten the prompt"
            )
        yield from map(_answer_of, fitting, self._chat(fitting))

    def _fits(self, request: Request) -> bool:
        """Tell whether a prompt leaves room for an answer; only one that may be too long is counted exactly."""
        limit = self.llm.llm_engine.model_config.max_model_len - self.parameters(request.schema).max_tokens
        if sum(len(message.content) + 16 for message in request.messages) <= limit:
            return True  # a token is at least a character
        turns = [message._asdict() for message in request.messages]
        tokens = self.llm.get_tokenizer().apply_chat_template(turns, tokenize=True, add_generation_prompt=True, return_dict=False)
        return bool(len(tokens) <= limit)

    def _chat(self, requests: Sequence[Request]) -> list[Any]:
        if not requests:
            return []
        chats = [[message._asdict() for message in request.messages] for request in requests]
        try:
            outputs: list[Any] = self.llm.chat(chats, [self.parameters(r.schema) for r in requests], use_tqdm=False)
        except Exception as error:
            raise RewriterError(
                f"the engine of vLLM failed ({_last_line(error)})", "what was answered is kept: run the same command again"
            ) from error
        return outputs

    def close(self) -> None:
        """Stop the engine's processes."""
        core = getattr(self.llm.llm_engine, "engine_core", None)
        if core is not None and hasattr(core, "shutdown"):
            core.shutdown()


def _answer_of(request: Request, output: Any) -> Answer:
    replies = tuple(Reply(o.text, o.finish_reason == "length") for o in output.outputs)
    return Answer(request.key, replies, len(output.prompt_token_ids or ()), sum(len(o.token_ids) for o in output.outputs))


def open_vllm(options: RewriteOptions, sampling: Sampling) -> VllmRewriter:
    """Start an engine; its own seed makes it repeatable, for a seed a request is not supported everywhere.

    Raises:
        MissingExtraError: vLLM is not installed.
        RewriterError: the model cannot be loaded, or there is no device for it.
    """
    if _is_path(options.model) and not (Path(options.model) / "config.json").is_file():
        raise RewriterError(f"{options.model}: no folder of a model (no config.json in it)", "name a folder, or ORG/NAME of the Hub")
    try:
        from vllm import LLM, SamplingParams
        from vllm.sampling_params import StructuredOutputsParams
    except ImportError as error:
        raise MissingExtraError(f"vLLM cannot be imported ({_last_line(error)})", INSTALL) from error
    more: dict[str, Any] = {} if options.max_model_len is None else {"max_model_len": options.max_model_len}
    try:
        llm = LLM(
            model=options.model,
            seed=sampling.seed,
            enable_prefix_caching=True,
            tensor_parallel_size=options.tensor_parallel_size,
            data_parallel_size=options.data_parallel_size,
            disable_log_stats=True,
            enforce_eager=options.enforce_eager,
            **more,
        )
    except Exception as error:
        raise RewriterError(f"{options.model}: vLLM cannot start with it ({_last_line(error)})", _hint(str(error))) from error

    made: dict[int, Any] = {}

    def parameters(schema: dict[str, Any]) -> Any:
        if id(schema) not in made:
            made[id(schema)] = SamplingParams(
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                max_tokens=sampling.max_tokens,
                n=sampling.num_replies,
                structured_outputs=StructuredOutputsParams(json=schema, disable_any_whitespace=True),
            )
        return made[id(schema)]

    return VllmRewriter(llm, parameters)


def _is_path(model: str) -> bool:
    return model.startswith((".", "/", "~")) or model.count("/") != 1 or Path(model).is_dir()


def _hint(message: str) -> str:
    lowered = message.lower()
    if "data_parallel" in lowered:
        return "one process holds one copy: run `vllm serve MODEL --data-parallel-size N` and use --rewriter endpoint"
    if "device" in lowered or "cuda" in lowered or "gpu" in lowered:
        return "no usable GPU was found, or it is too small; on a CPU install the CPU build of vLLM, or use --rewriter endpoint"
    if "max_model_len" in lowered or "kv cache" in lowered or "max seq len" in lowered:
        return "give --max-model-len a smaller number, or a larger GPU"
    return "check the name; without a network the model must be a local folder"


def _last_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1][:300] if lines else type(error).__name__
