"""CLIP text encoders with projection, by Hub name, local folder, or freshly initialised from a configuration alone."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
import xxhash
from transformers import AutoConfig, AutoTokenizer, CLIPConfig, CLIPTextConfig, CLIPTextModelWithProjection

from rtd_train.errors import ModelError
from rtd_train.models.weights import is_state, read_pickle
from rtd_train.templates import PLACEHOLDER

CONTEXT = 77
RELEASED_KEY = "CLIPTextModelWithProjection"
"""Where the `.pt` files of RTD's authors hold the weights of a text encoder."""
_PICKLES = (".pt", ".pth", ".bin")
_GIVE = "give a CLIP's Hub name (openai/clip-vit-large-patch14), or a folder that save_pretrained wrote"
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
    """Load a CLIP text encoder and its tokenizer; `text_encoder` has trained weights for the same tokenizer.

    These are a folder, or a `.pt` file of RTD's authors. Weights of strangers are read as plain tensors only, and no code of theirs
    is run.

    Raises:
        ModelError: there is no such model, or it is no CLIP text encoder.
    """
    if name.startswith(RANDOM_PREFIX):
        model, tokenizer = _random(name.removeprefix(RANDOM_PREFIX), seed)
    else:
        tokenizer = _load(AutoTokenizer, name)
        model = load_encoder(CLIPTextModelWithProjection, name)
    if text_encoder is not None and Path(text_encoder).suffix in _PICKLES:
        _put_released(model, Path(text_encoder))
    elif text_encoder is not None:
        # The folder of a run has its encoder one below.
        inner = Path(text_encoder) / "text_encoder"
        model = load_encoder(CLIPTextModelWithProjection, str(inner) if inner.is_dir() else text_encoder)
    model.eval()
    return TextBackbone(name, model, tokenizer, _placeholder_id(name, tokenizer))


def load_encoder(kind: Any, name: str) -> Any:
    """Load the text or image encoder (`kind` of transformers) of a CLIP in single precision, whatever it is stored in.

    The width of the projection is that of the whole CLIP: LAION's and MetaCLIP's configurations say another one in their halves.

    Raises:
        ModelError: there is no such model, or it is no CLIP.
    """
    config: Any = _load(AutoConfig, name)
    if isinstance(config, CLIPConfig):
        width = config.projection_dim
        config = getattr(config, "text_config" if kind.config_class is CLIPTextConfig else "vision_config")
        config.projection_dim = width
    if not isinstance(config, kind.config_class):
        raise ModelError(f"{name}: is no CLIP but {config.model_type!r}", _GIVE)
    return _load(kind, name, config=config, dtype=torch.float32)


def _put_released(model: Any, path: Path) -> None:
    """Put the weights of a file of RTD's authors into a text encoder."""
    content = read_pickle(path)
    state = content.get(RELEASED_KEY) if isinstance(content, dict) else None
    if not is_state(state):
        raise ModelError(
            f"{path}: holds no text encoder", f"a file of RTD's authors has {RELEASED_KEY!r}; give theirs, or the folder of a run"
        )
    # Older versions of transformers kept the numbers of the positions among the weights.
    weights = {key: tensor for key, tensor in state.items() if not key.endswith("position_ids")}
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        first = str(error).strip().splitlines()[-1].strip()
        raise ModelError(f"{path}: does not fit the backbone ({first})", "give the backbone that it was trained from") from error


def _load(kind: Any, name: str, **options: Any) -> Any:
    try:
        with hushed():
            return kind.from_pretrained(name, **options)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        first = str(error).strip().partition("\n")[0]
        raise ModelError(f"{name}: no CLIP can be loaded ({first})", _GIVE) from error


@contextmanager
def hushed() -> Iterator[None]:
    """Keep transformers from reporting that a whole CLIP has another half too, and from drawing bars, while it loads or saves."""
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


def tokenizer_hash(tokenizer: Any) -> str:
    """Return 32 hex digits that tell two tokenizers apart; how one was called before does not matter."""
    described = json.loads(tokenizer.backend_tokenizer.to_str())
    # A call leaves its truncation and padding behind.
    kept = {key: value for key, value in described.items() if key not in ("truncation", "padding")}
    return xxhash.xxh3_128_hexdigest(json.dumps(kept, sort_keys=True).encode())


def tokenize(backbone: TextBackbone, texts: list[str]) -> list[list[int]]:
    """Return token ids with both special tokens, at most 77 a text: the first 75 between them are kept.

    A text ends at its first end-of-text token, where CLIP pools: a small tokenizer writes it for every letter that it does not know.
    """
    rows = backbone.tokenizer(texts, truncation=True, max_length=CONTEXT)["input_ids"] if texts else []
    return [row[: row.index(backbone.eot_id) + 1] for row in rows]
