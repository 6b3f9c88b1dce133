"""Mask a caption in each place where another caption may differ from it: a noun phrase, a verb, a preposition, something more.

A noun phrase is masked as its noun with the words before it, and once more with what hangs on it ("a man in a hat"). Where a caption
says first who and then what is done, or where, the deed and the place are masked too.

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
from tripletgen.phrases import NounPhrase, noun_phrases

MIN_WORDS_LEFT = 2
# Around a long mask more must be left: "a man _" meets everything.
MIN_WORDS_AROUND_LONG = 3
MAX_LONG_WORDS = 10
SEPARATOR = " | "
"""Between the parts of a long filler: preposition, noun phrase, what hangs on it. No clean caption has this sign."""
# Words by which two captions may differ without a difference: one writer's "the dog is running" is another's "a dog running".
LIGHT = frozenset(("a", "an", "the", "is", "are"))
_VERB_TAGS = ("VBG", "VBZ", "VBP")
_VERB_DEPS = ("ROOT", "acl", "relcl", "conj", "pcomp")
_LONGEST_RELATION = 3
# What begins something that a caption may have more than another: what is worn, held, or there as well.
_MORE = frozenset(("with", "in", "wearing", "holding", "carrying"))
# What hangs on a noun and is said of it alone: a preposition's phrase, and of people what they wear and hold.
_TAILS = frozenset(("wearing", "holding", "carrying"))
_PLACING = frozenset(("in", "on", "at", "inside", "along", "through", "by", "near", "under", "behind", "down", "across", "outside"))
# Forms of verbs that tell no deed, or one that may only seem to be done.
_NO_DEEDS = frozenset(
    f"{stem}{ending}" for stem in ("appear", "seem", "attempt", "pretend", "enjoy") for ending in ("", "s", "ing")
) | frozenset(("is", "are", "has", "have", "'s", "do", "does", "being", "having", "try", "tries", "trying"))

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
    phrases = [phrase for phrase in noun_phrases(parsed, lexicon) if phrase.noun is not None and phrase.plain]
    yield from _others(parsed, phrases)
    yield from _long(parsed, phrases)
    for first in range(1, len(parsed)):
        if parsed.lowers[first] in _MORE and parsed.deps[first] in ("prep", "acl"):
            yield from _mask(parsed, "more", first, _last_below(parsed, first))
    yield Mask(_key(parsed, "more", _words(parsed, 0, len(parsed))), "less", 0, -1, "")


def _others(parsed: ParsedCaption, phrases: list[NounPhrase]) -> Iterator[Mask]:
    for phrase in phrases:
        yield from _mask(parsed, "noun", phrase.first, phrase.head)
    for token, tag in enumerate(parsed.tags):
        if tag in _VERB_TAGS and parsed.deps[token] in _VERB_DEPS:
            yield from _mask(parsed, f"verb {tag}", token, token)
    for first in range(1, len(parsed)):
        for length in range(_LONGEST_RELATION, 0, -1):
            if " ".join(parsed.lowers[first : first + length]) in relation_words():
                yield from _mask(parsed, "relation", first, first + length - 1)
                break


def _long(parsed: ParsedCaption, phrases: list[NounPhrase]) -> Iterator[Mask]:
    """Yield the masks of whole phrases: noun phrases and places with what hangs on them, and deeds to the end of the caption."""
    for phrase in phrases:
        last = _last_of(parsed, phrase)
        words = [_inside(parsed, phrase.first, phrase.head), *([parsed.span(phrase.head + 1, last)] if last > phrase.head else [])]
        yield from _mask_long(parsed, "phrase", phrase.first, last, words)
        before = phrase.first - 1
        if before > 0 and parsed.lowers[before] in _PLACING and parsed.heads[phrase.head] == before:
            yield from _mask_long(parsed, "place", before, last, [parsed.lowers[before], *words])
    for token in range(1, len(parsed)):
        if _is_deed(parsed, token):
            end = _end(parsed)
            yield from _mask_long(parsed, "deed", token, end, [parsed.span(token, end)])


def _last_of(parsed: ParsedCaption, phrase: NounPhrase) -> int:
    """Return the last token of a noun phrase with what describes it: of people also what they wear and hold."""
    is_person = phrase.noun is not None and phrase.noun.kind in ("person", "group")
    last = phrase.head
    while last + 1 < len(parsed) and parsed.heads[last + 1] == phrase.head:
        token = last + 1
        if parsed.deps[token] != "prep" and not (is_person and parsed.deps[token] == "acl" and parsed.lowers[token] in _TAILS):
            break
        last = _last_below(parsed, token)
    return last


def _is_deed(parsed: ParsedCaption, token: int) -> bool:
    """Tell whether the rest of a caption, from a verb on, is what its subject does, in one clause."""
    if parsed.tags[token] not in _VERB_TAGS or parsed.lowers[token] in _NO_DEEDS:
        return False
    root = parsed.deps.index("ROOT")
    is_main = token == root or (parsed.deps[token] == "acl" and parsed.heads[token] == root)
    below = {parsed.deps[child] for child, head in enumerate(parsed.heads) if head == token and child != token}
    return is_main and below.isdisjoint(("conj", "cc", "neg", "expl", "attr", "auxpass", "advcl", "ccomp", "parataxis"))


def _end(parsed: ParsedCaption) -> int:
    """Return the last token that is no punctuation."""
    last = len(parsed) - 1
    while last > 0 and parsed.tags[last] in (".", ",", ":"):
        last -= 1
    return last


def _inside(parsed: ParsedCaption, first: int, last: int) -> str:
    """Return the text of tokens as it stands within a sentence, without its article."""
    text = parsed.span(first, last)
    text = text[0].lower() + text[1:] if first == 0 else text
    return text.partition(" ")[2] if text.partition(" ")[0] in ("a", "an", "the") else text


def _mask_long(parsed: ParsedCaption, kind: str, first: int, last: int, parts: list[str]) -> Iterator[Mask]:
    before, after = _words(parsed, 0, first), _words(parsed, last + 1, len(parsed))
    if last - first < MAX_LONG_WORDS and len(before) + len(after) >= MIN_WORDS_AROUND_LONG:
        yield Mask(_key(parsed, kind, [*before, "", *after]), kind, first, last, SEPARATOR.join(parts))


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
