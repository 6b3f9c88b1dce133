"""Mask a caption in each place where another caption may differ from it: a noun phrase, a verb, a preposition, something more.

Two captions with the same rest have the same key, so that finding all pairs is one join.
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import pyarrow as pa
import xxhash

from tripletgen.assets import read_yaml
from tripletgen.lexicon import Lexicon
from tripletgen.parsing import ParsedCaption
from tripletgen.phrases import noun_phrases

MIN_WORDS_LEFT = 2
# Words by which two captions may differ without a difference: one writer's "the dog is running" is another's "a dog running".
LIGHT = frozenset(("a", "an", "the", "is", "are"))
_VERB_TAGS = ("VBG", "VBZ", "VBP")
_VERB_DEPS = ("ROOT", "acl", "relcl", "conj", "pcomp")
_LONGEST_RELATION = 3
# What begins something that a caption may have more than another: what is worn, held, or there as well.
_MORE = frozenset(("with", "in", "wearing", "holding", "carrying"))

MASK_SCHEMA = pa.schema(
    [
        ("key", pa.uint64()),
        ("unit", pa.int32()),
        ("row", pa.int32()),
        ("kind", pa.string()),
        ("first", pa.int16()),
        ("last", pa.int16()),
        ("filler", pa.string()),
        ("text", pa.string()),
        ("group_id", pa.uint64()),
    ]
)


class Mask(NamedTuple):
    """A place of a caption: tokens `first` to `last`, and the hash of everything around them."""

    key: int
    kind: str
    first: int
    last: int
    filler: str


def iter_masks(parsed: ParsedCaption, lexicon: Lexicon) -> Iterator[Mask]:
    """Yield the masks of a caption: its noun phrases, its verbs, the prepositions that place things, and what could be left out.

    The last are of the kind "more"; the caption itself, of the kind "less", is what others are without theirs.
    """
    yield from _others(parsed, lexicon)
    for first in range(1, len(parsed)):
        if parsed.lowers[first] in _MORE and parsed.deps[first] in ("prep", "acl"):
            yield from _mask(parsed, "more", first, _last_below(parsed, first))
    yield Mask(_key(parsed, "more", _words(parsed, 0, len(parsed))), "less", 0, -1, "")


def _others(parsed: ParsedCaption, lexicon: Lexicon) -> Iterator[Mask]:
    for phrase in noun_phrases(parsed, lexicon):
        if phrase.noun is not None and phrase.plain:
            yield from _mask(parsed, "noun", phrase.first, phrase.head)
    for token, tag in enumerate(parsed.tags):
        if tag in _VERB_TAGS and parsed.deps[token] in _VERB_DEPS:
            yield from _mask(parsed, f"verb {tag}", token, token)
    for first in range(1, len(parsed)):
        for length in range(_LONGEST_RELATION, 0, -1):
            if " ".join(parsed.lowers[first : first + length]) in relation_words():
                yield from _mask(parsed, "relation", first, first + length - 1)
                break


def _last_below(parsed: ParsedCaption, token: int) -> int:
    """Return the last of the tokens that hang on one, as far as they stand side by side behind it."""
    last = token
    while last + 1 < len(parsed) and parsed.tags[last + 1] not in (".", ",") and _hangs_on(parsed, last + 1, token):
        last += 1
    return last


def _hangs_on(parsed: ParsedCaption, token: int, above: int) -> bool:
    while token != above and parsed.heads[token] != token:
        token = parsed.heads[token]
    return token == above


@cache
def relation_words() -> frozenset[str]:
    """Return the prepositions of `relations.yaml`, in as many words as they have."""
    return frozenset(word for entry in read_yaml("lexicon/relations.yaml") for side in ("from", "to") for word in entry[side])


def _mask(parsed: ParsedCaption, kind: str, first: int, last: int) -> Iterator[Mask]:
    before, after, filler = _words(parsed, 0, first), _words(parsed, last + 1, len(parsed)), _words(parsed, first, last + 1)
    if filler and len(before) + len(after) >= MIN_WORDS_LEFT:
        rest = [*before, *after] if kind == "more" else [*before, "", *after]
        yield Mask(_key(parsed, kind, rest), kind, first, last, " ".join(filler))


def _words(parsed: ParsedCaption, start: int, stop: int) -> list[str]:
    return [word for word in parsed.lowers[start:stop] if word.isalnum() and word not in LIGHT]


def _key(parsed: ParsedCaption, kind: str, words: list[str]) -> int:
    # A row has one licence, so both of its captions must have it.
    return xxhash.xxh3_64_intdigest(f"{parsed.caption.licence}\n{kind}\n{' '.join(words)}".encode())
