"""Make the small CLIP of Scenes: train tokenizer and both encoders from scratch on pictures and captions of the world.

    python -m rtd_train.scenes.pretrain --out rtd_train/scenes/clip

The weights ship with the package, so nobody needs to run this; it is how they were made. It knows nothing of triplets,
modification texts or queries: like any CLIP it sees pictures with captions and nothing else.
"""

import argparse
import json
import math
import random
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtd_train.scenes.captions import caption
from rtd_train.scenes.render import SIZE, render
from rtd_train.scenes.world import Scene, random_scene

if TYPE_CHECKING:
    import torch
    from transformers import CLIPModel

WIDTH, HEADS, PATCH, VISION_LAYERS, TEXT_LAYERS = 128, 4, 12, 4, 3
VOCABULARY, CONTEXT = 4096, 77
MEAN = STD = (0.5, 0.5, 0.5)
_START, _END = "<|startoftext|>", "<|endoftext|>"
# The splitting of CLIP's own tokenizer: words, single digits, runs of signs.
_SPLIT = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def tokenizer_corpus(num_captions: int, seed: int) -> Iterator[str]:
    """Yield captions of the world, then every word of tripletgen's lexicon and wordings, so that each is one token."""
    from tripletgen.assets import read_yaml
    from tripletgen.lexicon import load_lexicon

    rng = random.Random(seed)
    for _ in range(num_captions):
        yield caption(random_scene(rng), rng)
    lexicon = load_lexicon()
    words = {word for noun in lexicon.nouns for form in (noun.lemma, noun.plural) for word in form.split()}
    words |= {value for group in lexicon.groups.values() for value in group.recognised}
    templates = json.dumps(read_yaml("edits/wordings.yaml"))
    said = set(re.findall(r"[a-z]+", re.sub(r"\{\w+\}", " ", templates)))
    yield from sorted(words) * 2
    yield from sorted(said) * 5
    yield from ["$"] * 2


def write_tokenizer(folder: Path, seed: int) -> None:
    """Train a byte-pair tokenizer in CLIP's format (lower case, `</w>` at word ends) and write its files."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(unk_token=_END, end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    split = pre_tokenizers.Split(Regex(_SPLIT), behavior="removed", invert=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    # Every printable sign, alone and at the end of a word, so that no text is unknown.
    alphabet = sorted(chr(code) for code in range(33, 127))
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - 2, min_frequency=2, initial_alphabet=alphabet, end_of_word_suffix="</w>", show_progress=False
    )
    tokenizer.train_from_iterator(tokenizer_corpus(4000, seed), trainer)
    learned = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(learned["vocab"], key=learned["vocab"].__getitem__)
    tokens += [f"{sign}</w>" for sign in alphabet if f"{sign}</w>" not in learned["vocab"]]
    vocabulary = {token: number for number, token in enumerate([*tokens, _START, _END])}
    merges = [" ".join(pair) if isinstance(pair, list) else pair for pair in learned["merges"]]
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")
    config = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": CONTEXT,
        "bos_token": _START,
        "eos_token": _END,
        "unk_token": _END,
        "pad_token": _END,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def build_model(folder: Path, seed: int) -> "CLIPModel":
    """Return a small CLIP of transformers' own class, freshly initialised, for the tokenizer in a folder."""
    import torch
    from transformers import CLIPConfig, CLIPModel

    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    shared = {"hidden_size": WIDTH, "intermediate_size": 2 * WIDTH, "num_attention_heads": HEADS, "projection_dim": WIDTH}
    ids = {"bos_token_id": vocabulary[_START], "eos_token_id": vocabulary[_END], "pad_token_id": vocabulary[_END]}
    text = {"vocab_size": len(vocabulary), "num_hidden_layers": TEXT_LAYERS, "max_position_embeddings": CONTEXT, **ids, **shared}
    vision = {"image_size": SIZE, "patch_size": PATCH, "num_hidden_layers": VISION_LAYERS, **shared}
    torch.manual_seed(seed)
    return CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=WIDTH))


def paint(scenes: list[Scene], seed: int) -> "torch.Tensor":
    """Return the pictures of scenes as bytes. Shape: (scenes, 3, SIZE, SIZE)."""
    import numpy as np
    import torch

    rng = random.Random(seed)
    pixels = np.stack([np.asarray(render(scene, rng)) for scene in scenes])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()


def train(model: "CLIPModel", tokenizer: Any, scenes: list[Scene], pixels: "torch.Tensor", *, steps: int, batch: int, seed: int) -> None:
    """Train both encoders with CLIP's symmetric contrastive loss, with a fresh caption of every picture each time it is seen."""
    import torch

    rng, generator = random.Random(seed), torch.Generator().manual_seed(seed)
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}], lr=1.0, betas=(0.9, 0.98)
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _learning_rate(step, steps))
    start = time.monotonic()
    model.train()
    for step in range(steps):
        chosen = torch.randint(len(scenes), (batch,), generator=generator)
        texts = [caption(scenes[index], rng) for index in chosen.tolist()]
        tokens = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        images = pixels[chosen].float().div_(127.5).sub_(1.0)
        loss = model(**tokens, pixel_values=images, return_loss=True).loss
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            model.logit_scale.clamp_(max=math.log(100))
        if step % 50 == 0 or step == steps - 1:
            sys.stderr.write(f"step {step:5d}  loss {loss.item():.3f}  {time.monotonic() - start:.0f} s\n")
    model.train(mode=False)


def _learning_rate(step: int, steps: int, peak: float = 1e-3, warmup: int = 100) -> float:
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def pretrain(folder: Path, *, num_images: int, steps: int, batch: int, seed: int) -> None:
    """Write a model folder as transformers reads it: weights in half precision, configuration, tokenizer, preprocessing."""
    from transformers import CLIPTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder, seed)
    rng = random.Random(seed)
    scenes = [random_scene(rng) for _ in range(num_images)]
    model = build_model(folder, seed)
    train(model, CLIPTokenizer.from_pretrained(folder), scenes, paint(scenes, seed), steps=steps, batch=batch, seed=seed)
    weights: Any = model
    weights.half().save_pretrained(folder)
    # Half precision is how the weights travel; who loads them without asking gets what can be trained.
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    for part in (config, config["text_config"], config["vision_config"]):
        part["dtype"] = "float32"
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    preprocessing = {
        "image_processor_type": "CLIPImageProcessor",
        "do_resize": True,
        "size": {"shortest_edge": SIZE},
        "resample": 3,
        "do_center_crop": True,
        "crop_size": {"height": SIZE, "width": SIZE},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": MEAN,
        "image_std": STD,
        "do_convert_rgb": True,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessing, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Read the options and train."""
    parser = argparse.ArgumentParser(description="Train the small CLIP of Scenes from scratch.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--steps", type=int, default=2_400)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    pretrain(options.out, num_images=options.images, steps=options.steps, batch=options.batch, seed=options.seed)


if __name__ == "__main__":
    main()
