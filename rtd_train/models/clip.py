"""CLIP text encoders with projection, by Hub name, local folder, or freshly initialised from a configuration alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
import xxhash
from transformers import AutoTokenizer, CLIPTextConfig, CLIPTextModelWithProjection

from rtd_train.errors import ModelError
from rtd_train.templates import PLACEHOLDER

CONTEXT = 77
RANDOM_PREFIX = "random:"
RANDOM_TOKENIZER = Path(__file__).resolve().parents[1] / "scenes" / "clip"
"""Folder of the tokenizer of random backbones: CLIP's format with a small vocabulary, shipped with the package."""

# hidden size, layers, heads, projection size, vocabulary (None: the tokenizer's)
RANDOM_SIZES: dict[str, tuple[int, int, int, int, int | None]] = {
    "tiny": (64, 2, 4, 64, None),
    "vit-b-32": (512, 12, 8, 512, 49408),
    "vit-l-14": (768, 12, 12, 768, 49408),
}
"""Configurations of `random:NAME` backbones, for tests and benchmarks: nothing is downloaded, nothing is learned."""


class TextBackbone(NamedTuple):
    """A text encoder (CLIPTextModelWithProjection) with its tokenizer; `placeholder_id` is the token that a pseudo-token replaces."""

    name: str
    model: Any
    tokenizer: Any
    placeholder_id: int

    @property
    def hidden_size(self) -> int:
        """Return the width of token embeddings: what phi must give."""
        return int(self.model.config.hidden_size)

    @property
    def projection_dim(self) -> int:
        """Return the width of `text_embeds`: what phi must take."""
        return int(self.model.config.projection_dim)

    @property
    def eot_id(self) -> int:
        """Return the token at which the encoder pools."""
        return int(self.tokenizer.eos_token_id)


def load_backbone(name: str, *, text_encoder: str | None = None, seed: int = 0) -> TextBackbone:
    """Load a CLIP text encoder and its tokenizer; `text_encoder` is a folder with trained weights for the same tokenizer.

    Weights of strangers are read as plain tensors only, and no code of theirs is run.

    Raises:
        ModelError: there is no such model, or it is no CLIP text encoder.
    """
    if name.startswith(RANDOM_PREFIX):
        model, tokenizer = _random(name.removeprefix(RANDOM_PREFIX), seed)
    else:
        tokenizer = _load(AutoTokenizer, name)
        model = _load(CLIPTextModelWithProjection, name)
    if text_encoder is not None:
        model = _load(CLIPTextModelWithProjection, text_encoder)
    model.eval()
    return TextBackbone(name, model, tokenizer, _placeholder_id(name, tokenizer))


def _load(kind: Any, name: str) -> Any:
    try:
        with _hushed():
            return kind.from_pretrained(name)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        first = str(error).strip().partition("\n")[0]
        hint = "give a CLIP model's Hub name (openai/clip-vit-large-patch14) or a folder that save_pretrained wrote"
        raise ModelError(f"{name}: no CLIP text encoder can be loaded ({first})", hint) from error


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep transformers from reporting that a whole CLIP has a vision tower too, and from drawing bars."""
    from transformers.utils import logging

    log: Any = logging
    before, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(before)
        if bars:
            log.enable_progress_bar()


def _random(size: str, seed: int) -> tuple[Any, Any]:
    if size not in RANDOM_SIZES:
        raise ModelError(f"no random backbone {size!r}", f"there are {', '.join(RANDOM_PREFIX + name for name in RANDOM_SIZES)}")
    tokenizer = _load(AutoTokenizer, str(RANDOM_TOKENIZER))
    hidden, layers, heads, projection, vocabulary = RANDOM_SIZES[size]
    config = CLIPTextConfig(
        vocab_size=vocabulary or len(tokenizer),
        hidden_size=hidden,
        intermediate_size=4 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        projection_dim=projection,
        max_position_embeddings=CONTEXT,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return CLIPTextModelWithProjection(config), tokenizer


def _placeholder_id(name: str, tokenizer: Any) -> int:
    """Return the id of the placeholder as a word of its own; found by name, for vocabularies differ."""
    vocabulary = tokenizer.get_vocab()
    for word in (f"{PLACEHOLDER}</w>", PLACEHOLDER):
        if word in vocabulary:
            return int(vocabulary[word])
    raise ModelError(f"{name}: the vocabulary has no word {PLACEHOLDER!r}", "take a backbone with CLIP's tokenizer")


def weights_hash(model: torch.nn.Module) -> str:
    """Return 32 hex digits that tell two sets of weights apart, names and bytes."""
    digest = xxhash.xxh3_128()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def tokenize(backbone: TextBackbone, texts: list[str]) -> list[list[int]]:
    """Return token ids with both special tokens, at most 77 a text: the first 75 between them are kept."""
    return backbone.tokenizer(texts, truncation=True, max_length=CONTEXT)["input_ids"] if texts else []
