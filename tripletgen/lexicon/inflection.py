"""Inflect words: the only door to `inflect` (nouns, articles) and `lemminflect` (verbs, adjectives).

Every answer is cached: the vocabulary is small and the libraries are slow.
"""

import re
from functools import cache
from typing import Any

from tripletgen.assets import read_yaml

PLURALS_FILE = "lexicon/plurals.yaml"
# Plurals in which captions differ from dictionaries.
_PLURALS = {
    "gentleman": "gentlemen",
    "person": "people",
    "passerby": "passersby",
    "fish": "fish",
    "aircraft": "aircraft",
    "moose": "moose",
    "bison": "bison",
}
# Forms in which lemminflect's first answer is not the modern one.
_VERB_FORMS = {("light", "VBD"): "lit", ("light", "VBN"): "lit", ("speed", "VBD"): "sped", ("speed", "VBN"): "sped"}
_BE = {"VBZ": "is", "VBP": "are", "VBD": "was", "VBG": "being", "VBN": "been", "VB": "be"}
# Spelt with a vowel, spoken with a consonant; and the reverse.
_SPOKEN_CONSONANT = re.compile(
    r"eu|ewe|one\b|one-|once|uni(?=[cfoqstv])|us[aeu]|ut[eio]|ur[ai]n|ubiq|uk[ru]|u[ks]\b|usa\b|u-", re.IGNORECASE
)
_SPOKEN_VOWEL = re.compile(r"hou?rs?\b|hourglass|honest|honou?r|heir|8|11(?:\b|th)|18(?:\b|th|\d\d)|[aefhilmnorsx]-", re.IGNORECASE)
_LETTERS = re.compile(r"[A-Z]{2,}s?\b")


@cache
def _engine() -> Any:
    import inflect

    return inflect.engine()


def inflect_plural(noun: str) -> str:
    """Return the plural of a singular noun, whose last word is its head (`fire truck` -> `fire trucks`)."""
    head = noun.rpartition(" ")[2]
    if head in _PLURALS:
        return noun.removesuffix(head) + _PLURALS[head]
    return str(_engine().plural_noun(noun))


@cache
def plural_of(noun: str) -> str:
    """Return the plural of a noun; those of the lexicon were computed beforehand, for `inflect` takes two seconds to load."""
    plurals: dict[str, str] = read_yaml(PLURALS_FILE)
    return plurals.get(noun) or inflect_plural(noun)


@cache
def verb_form(lemma: str, tag: str) -> str:
    """Return the form of a verb for a Penn tag (VB VBZ VBP VBD VBN VBG)."""
    if lemma == "be":
        return _BE[tag]
    if tag in ("VB", "VBP"):
        return lemma
    if (lemma, tag) in _VERB_FORMS:
        return _VERB_FORMS[lemma, tag]
    import lemminflect

    forms = lemminflect.getInflection(lemma, tag)
    return str(forms[0]) if forms else lemma


@cache
def verb_lemma(form: str) -> str:
    """Return the lemma of an inflected verb."""
    if form in ("am", "is", "are", "was", "were", "being", "been", "'s", "'re", "'m"):
        return "be"
    import lemminflect

    lemmas = lemminflect.getLemma(form, "VERB")
    return str(lemmas[0]) if lemmas else form


@cache
def article(words: str) -> str:
    """Return `a` or `an` for the words that follow it, by how the first is spoken (an hour, a unicorn, an 8-year-old)."""
    first = words.lstrip("\"'([").partition(" ")[0]
    if _SPOKEN_VOWEL.match(first):
        return "an"
    if _LETTERS.match(first):
        return "an" if first[0] in "AEFHILMNORSX" else "a"
    if _SPOKEN_CONSONANT.match(first):
        return "a"
    return "an" if first[:1].lower() in tuple("aeiou") else "a"
