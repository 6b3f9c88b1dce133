"""Tell a caption that describes a picture from a headline, an advertisement, a question, a story, or a text that was cut off.

Web captions are often none of a picture; an edit of such a text is no composed query. Words and signs that speak to the reader are seen
without a parse, which spares it. The rest is weighed: each word, tag and relation of the parse speaks for or against a description by as
much as it did in captions that people labelled (`benchmarks/depiction.py` computes the weights; docs/decisions/0004-descriptions.md).
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from tripletgen.assets import read_json
from tripletgen.lexicon import load_lexicon, words
from tripletgen.parsing import ParsedCaption
from tripletgen.soundness import is_sound

WEIGHTS = "lexicon/depiction.json"
LEAST_SCORE = 130
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


def may_depict(text: str) -> bool:
    """Tell whether the words and signs of a text leave it possible that it describes a picture."""
    lowered = text.lower()
    return _TALK.isdisjoint(_WORD.findall(lowered)) and not _SIGN.search(lowered)


def depicts(parsed: ParsedCaption) -> bool:
    """Tell whether a caption that `may_depict` is sound English and describes a picture."""
    weights = _weights()
    score = weights["bias"] + sum(weights.get(item, 0) for item in {*evidence(parsed)})
    return score > LEAST_SCORE and is_sound(parsed)


def evidence(parsed: ParsedCaption) -> Iterator[str]:
    """Yield what speaks for or against a description: words, neighbouring words and tags, relations, and what its nouns are."""
    lexicon, (lowers, tags, deps) = load_lexicon(), (parsed.lowers, parsed.tags, parsed.deps)
    yield f"first {lowers[0]}"
    yield f"last {lowers[-1]}"
    yield f"root {lowers[deps.index('ROOT')]}"
    for before, after in pairwise(("^", *tags, "$")):
        yield f"{before} {after}"
    for before, after in pairwise(("^", *lowers, "$")):
        yield f"pair {before} {after}"
    for lower, tag, dep in zip(lowers, tags, deps, strict=True):
        yield f"word {lower}"
        yield f"{dep}: {tag}"
        if tag in ("NN", "NNS"):
            noun = lexicon.noun(lower)
            category = noun[0].category if noun else "unknown"
            yield f"a {category}"
            yield f"{dep}: a {category}"


def _weights() -> dict[str, int]:
    weights: dict[str, int] = read_json(WEIGHTS)
    return weights
