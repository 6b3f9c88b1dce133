"""Stand where vLLM would: importing it, or starting an engine, fails with what the test names."""

import builtins
import os

_SAID = os.environ["FAKE_VLLM_RAISES"]
if not _SAID:
    raise ImportError("No module named 'vllm'")


class SamplingParams:
    pass


class LLM:
    def __init__(self, **_: object) -> None:
        kind, _, text = _SAID.partition(": ")
        raise getattr(builtins, kind)(text)
