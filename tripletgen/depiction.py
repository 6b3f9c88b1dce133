"""Tell a caption that describes a picture from a headline, an advertisement, a question, a story, or a text that was cut off.

Web captions are often none of a picture; an edit of such a text is no composed query. Words and signs that speak to the reader are seen
without a parse, which spares it. The rest is weighed: each word, tag and relation of the parse speaks for or against a description by as
much as it did in captions that people labelled (`benchmarks/depiction.py` computes the weights; docs/decisions/0004-descriptions.md).
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import combinations, pairwise

from tripletgen.assets import asset
from tripletgen.lexicon import load_lexicon, words
from tripletgen.parsing import ParsedCaption

WEIGHTS = "lexicon/depiction.json"
LEAST_SCORE = 140
"""In hundredths; at 0 a caption is as likely a description as not, and one that is none costs as many bad triplets as it has."""

_TALK = words("depiction", "talk") | words("depiction", "persons")
_WORD = re.compile(r"[a-z']+")
# Contractions, the punctuation of titles, and lists of people.
_SIGN = re.compile(
    r"n't\b|'(?:ll|ve|re|d)\b|!(?=.)|[?:|~$\u00a3\u20ac%@*=/<>;]|\.\.|--|\d+ (?:of|out)\b|^(?:image|photo|picture)s? (?!of\b)|"
    r"\b(?:an?|the|of|in|at|during|with|for|to|and) - |\bof the (?:day|week|month|year)\b|\bmakes? for\b|^(?:just )?like |"
    r"\b(?:an?|first|sneak|closer|inside|early|rare|quick) (?:look|peek|glimpse) (?:at|inside|into|back|of)\b|"
    r"^(?:not?|never) |\bperson,? (?:and )?person,|\b(?:at|of|by|with|from) person [a-z]+ (?:up|shop|store|house|home)"
)
_HELPERS = ("aux", "auxpass", "compound", "amod", "conj")
_NEAR = 4
# Masks of names, of which two may be in one picture.
_TWICE = words("depiction", "twice")
_OPEN_TAGS = frozenset(("DT", "CC", "TO", "PRP$", "IN", "WDT", "WP"))
# Words that ask for another, such as a name that was taken out, and those that may end a place.
_OPEN = words("depiction", "open")
_AROUND = words("depiction", "around")
# A keyword list: so many nouns and adjectives in a row are no phrase.
_MAX_RUN = 6
_NUMBERED = (["few"], ["dozen"], ["hundred"], ["thousand"], ["couple"], ["lot"])
_NOMINAL_TAGS = frozenset(("NN", "NNS", "JJ", "NNP"))


def may_depict(text: str) -> bool:
    """Tell whether the words and signs of a text leave it possible that it describes a picture."""
    lowered = text.lower()
    return _TALK.isdisjoint(_WORD.findall(lowered)) and not _SIGN.search(lowered)


def depicts(parsed: ParsedCaption) -> bool:
    """Tell whether a caption that `may_depict` is whole and describes a picture."""
    if _stutters(parsed) or _is_cut_off(parsed) or not _is_phrased(parsed):
        return False
    weights = _weights()
    return weights["bias"] + sum(weights.get(item, 0) for item in {*evidence(parsed)}) > LEAST_SCORE


def evidence(parsed: ParsedCaption) -> Iterator[str]:
    """Yield what speaks for or against a description: words, neighbouring tags, relations, and what its nouns are."""
    lexicon, (lowers, tags, deps) = load_lexicon(), (parsed.lowers, parsed.tags, parsed.deps)
    yield f"first {lowers[0]}"
    yield f"last {lowers[-1]}"
    yield f"root {lowers[deps.index('ROOT')]}"
    for before, after in pairwise(("^", *tags, "$")):
        yield f"{before} {after}"
    for lower, tag, dep in zip(lowers, tags, deps, strict=True):
        yield f"word {lower}"
        yield f"{dep}: {tag}"
        if tag in ("NN", "NNS"):
            noun = lexicon.noun(lower)
            category = noun[0].category if noun else "unknown"
            yield f"a {category}"
            yield f"{dep}: a {category}"


@cache
def _weights() -> dict[str, int]:
    weights: dict[str, int] = json.loads(asset(WEIGHTS).read_text(encoding="utf-8"))
    return weights


def _stutters(parsed: ParsedCaption) -> bool:
    """Tell whether a verb or a thing is said twice, as where a mask or a mistake made them alike: "compete in race compete"."""
    said = [(k, parsed.lowers[k]) for k, tag in enumerate(parsed.tags) if tag[:2] in ("NN", "VB") and parsed.deps[k] not in _HELPERS]
    pairs = ((b - a, word) for (a, word), (b, other) in combinations(said, 2) if word == other)
    return any(distance <= _NEAR and word not in _TWICE for distance, word in pairs)


def _is_cut_off(parsed: ParsedCaption) -> bool:
    """Tell whether a caption ends in a word that asks for another: a name was taken out of it, or it was cut."""
    last = len(parsed) - 1
    while last > 0 and parsed.tags[last] in (".", ","):
        last -= 1
    is_place = parsed.lowers[last] in _AROUND
    return (parsed.tags[last] in _OPEN_TAGS and not is_place) or parsed.lowers[last] in _OPEN


def _is_phrased(parsed: ParsedCaption) -> bool:
    """Tell whether nothing in the parse is impossible: no long run of nouns, no article before a plural."""
    run = 0
    for token, tag in enumerate(parsed.tags):
        run = run + 1 if tag in _NOMINAL_TAGS else 0
        is_few = parsed.lowers[token + 1 : token + 2] in _NUMBERED
        if run > _MAX_RUN or (
            tag == "DT" and parsed.lowers[token] in ("a", "an") and parsed.tags[parsed.heads[token]] == "NNS" and not is_few
        ):
            return False
    return True
