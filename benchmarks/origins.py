"""Triplets of several origins, made of the same captions: what the claims compare the rules with."""

import random
import re
from pathlib import Path

import pyarrow.parquet as pq

from rtd_train.evaluation.probes import TextTriplet
from tripletgen.parsing import ParsedCaption, parse
from tripletgen.schema import Caption

_COLUMNS = ["reference_caption", "modification_text", "target_caption"]


def read_origin(folder: Path, origin: str) -> list[TextTriplet]:
    """Return the training triplets of one origin, `rule` or `pair`, of a data set."""
    shards = sorted((folder / "data").glob("train-*.parquet"))
    tables = [pq.read_table(shard, columns=_COLUMNS, filters=[("origin", "=", origin)]) for shard in shards]
    return [TextTriplet(*row) for table in tables for row in zip(*(table[name].to_pylist() for name in _COLUMNS), strict=True)]


def shuffled(triplets: list[TextTriplet], rng: random.Random) -> list[TextTriplet]:
    """Return triplets whose modification texts are those of others."""
    texts = [triplet.modification for triplet in triplets]
    rng.shuffle(texts)
    return [triplet._replace(modification=text) for triplet, text in zip(triplets, texts, strict=True)]


def caption_pairs(triplets: list[TextTriplet], rng: random.Random) -> list[TextTriplet]:
    """Return triplets of two unrelated captions, the second said once more as the modification: the cheapest other origin."""
    targets = [triplet.reference for triplet in triplets]
    rng.shuffle(targets)
    return [
        TextTriplet(triplet.reference, f"shows {target.rstrip('.').lower()}", target)
        for triplet, target in zip(triplets, targets, strict=True)
    ]


def random_nouns(triplets: list[TextTriplet], rng: random.Random) -> list[TextTriplet]:
    """Return triplets in which a noun of the caption is another noun drawn at random, told in one template: keyword substitution."""
    references = list(dict.fromkeys(triplet.reference for triplet in triplets))
    found = dict(zip(references, map(nouns_of, parse(Caption(text, "", "", "", 0) for text in references)), strict=True))
    everything = sorted({noun for nouns in found.values() for noun in nouns})
    made = []
    for triplet in triplets:
        old = rng.choice(found[triplet.reference] or everything)
        new = rng.choice([noun for noun in everything if noun != old])
        target = re.sub(rf"\b{re.escape(old)}\b", new, triplet.reference, count=1)
        made.append(TextTriplet(triplet.reference, f"replace {old} with {new}", target))
    return made


def nouns_of(parsed: ParsedCaption) -> list[str]:
    """Return the nouns of a caption."""
    spans = zip(parsed.tags, parsed.starts, parsed.ends, strict=True)
    return [parsed.text[start:end] for tag, start, end in spans if tag in ("NN", "NNS")]
