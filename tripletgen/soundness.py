"""Tell sound English from a caption that was cut off, lost a name, stutters or does not agree with itself.

Each fault is certain from the words or the parse; what is only likely is weighed in `depiction.py`.
"""

import re
from itertools import combinations

from tripletgen.lexicon import load_lexicon, words
from tripletgen.parsing import ParsedCaption

_HELPERS = ("aux", "auxpass", "compound", "amod", "conj")
_NEAR = 4
# Masks of names, of which two may be in one picture.
_TWICE = words("soundness", "twice")
_OPEN_TAGS = frozenset(("DT", "CC", "TO", "PRP$", "IN", "WDT", "WP"))
# Words that ask for another, such as a name that was taken out, and those that may end a place.
_OPEN = words("soundness", "open")
_AROUND = words("soundness", "around")
# Nouns of which one acts as many: "a couple walk".
_COLLECTIVE = words("soundness", "collective")
_DISAGREEING = (("NN", "VBP"), ("NNS", "VBZ"))
# A keyword list: so many nouns and adjectives in a row are no phrase.
_MAX_RUN = 6
_NUMBERED = (["few"], ["dozen"], ["hundred"], ["thousand"], ["couple"], ["lot"])
_NOMINAL_TAGS = frozenset(("NN", "NNS", "JJ", "NNP"))
_MASK, _KIND = (f"(?:{'|'.join(sorted(words('soundness', name)))})" for name in ("masks", "kinds"))
_BROKEN = re.compile(
    "|".join(
        (
            # What masks leave of "the singer of a band", "during the Tour", "a glass of beer" and "a four year old girl".
            rf"\b{_MASK} of (?:[a-z]+ ){{0,3}}{_MASK}\b",
            rf"\b(?:at|by|during|for|from|in|of|on|to|with) (?!(?:an?|another|h(?:er|is)|its|one|the|their|this) )(?:[a-z]+ )?{_KIND}\b",
            r"\bperson of (?!colou?r\b|\w+ (?:descent|ethnicity|origin)\b)",
            r"\b(\w+)s and \1\b",
            r"(?<!year )(?<!years )\bold (?:girl|boy|baby)\b|\ban? (?:toed|legged|eyed|sided|storey|wheeled) ",
            r"\b(?:premiere|conference|screening) of person\b|\bisolated\b.*\bisolated\b",
            r"\bon day\b|\bday of (?:the )?festival\b",
            # Two articles, a surplus word, and what is left of "in front of the church".
            r"\bthe an?\b|\ban? the\b|\bin (?:standing|sitting|lying)\b",
            r"\b(?:in connection|in front|in the heart|at the beginning)\W*$",
        )
    )
)


def is_sound(parsed: ParsedCaption) -> bool:
    """Tell whether a caption is whole and no more wrong than a person's caption may be."""
    if _BROKEN.search(parsed.text.lower()) or _stutters(parsed) or _is_cut_off(parsed):
        return False
    return _is_phrased(parsed) and not _disagrees(parsed)


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


def _disagrees(parsed: ParsedCaption) -> bool:
    """Tell whether somebody and what they do, with no comma or "and" up to there, differ in number: "a nurse adjust her mask"."""
    for token, (tag, dep, head) in enumerate(zip(parsed.tags, parsed.deps, parsed.heads, strict=True)):
        if dep not in ("nsubj", "nsubjpass") or tag not in ("NN", "NNS") or not {"CC", ",", ":"}.isdisjoint(parsed.tags[:head]):
            continue
        noun = load_lexicon().noun(parsed.lowers[token])
        if noun is None or noun[0].kind not in ("person", "animal") or parsed.lowers[token] in _COLLECTIVE:
            continue
        helpers = [k for k, other in enumerate(parsed.heads) if other == head and parsed.deps[k] in ("aux", "auxpass")]
        verb = parsed.tags[(helpers or [head])[0]]
        if (tag, verb) in _DISAGREEING or (not helpers and (tag, verb) == ("NN", "VB")):
            return True
    return False


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
