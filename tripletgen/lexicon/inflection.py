"""Inflect words: plurals and the forms of known verbs are looked up in files that `make lexicon` computes; unknown verbs are regular.

The libraries that know English forms take a second to load, which no build pays: only `lexicon.regenerate` asks them.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from tripletgen.assets import read_json
from tripletgen.errors import TripletgenError

PLURALS_FILE = "lexicon/plurals.json"
VERBS_FILE = "lexicon/verbs.json"
TAGS = ("VBZ", "VBD", "VBN", "VBG")
_BE = {"VBZ": "is", "VBP": "are", "VBD": "was", "VBG": "being", "VBN": "been", "VB": "be"}
_FORMS_OF_BE = frozenset(("am", "is", "are", "was", "were", "being", "been", "'s", "'re", "'m"))
_HISSING = ("s", "x", "z", "ch", "sh")
_CONSONANT_Y = re.compile(r"[^aeiou]y$")
_CONSONANT_O = re.compile(r"[^aeiou]o$")
# One vowel between consonants, of one syllable: stop, stopped; longer verbs that double are told in the file.
_DOUBLES = re.compile(r"[^aeiou]*(?:qu)?[aeiou][bcdfgklmnprtvz]")
_SILENT_E = re.compile(r"(?<![eoy])e$")
# Spelt with a vowel, spoken with a consonant; and the reverse.
_SPOKEN_CONSONANT = re.compile(
    r"eu|ewe|one\b|one-|once|uni(?=[cfoqstv])|us[aeu]|ut[eio]|ur[ai]n|ubiq|uk[ru]|u[ks]\b|usa\b|u-", re.IGNORECASE
)
_SPOKEN_VOWEL = re.compile(r"hou?rs?\b|hourglass|honest|honou?r|heir|8|11(?:\b|th)|18(?:\b|th|\d\d)|[aefhilmnorsx]-", re.IGNORECASE)
_LETTERS = re.compile(r"[A-Z]{2,}s?\b")


class Verbs(NamedTuple):
    """The verbs that are known: regular ones, the four forms of the others, and the lemmas of forms that the rest does not tell right."""

    regular: frozenset[str]
    irregular: dict[str, tuple[str, ...]]
    lemmas: dict[str, str]

    def forms(self, lemma: str) -> tuple[str, ...]:
        """Return VBZ, VBD, VBN and VBG of a verb."""
        return self.irregular.get(lemma) or regular_forms(lemma)

    def lemma(self, form: str) -> str:
        """Return the lemma of an inflected verb; of a form of no known verb, one that it would regularly be a form of, or itself."""
        if form in self.lemmas:
            return self.lemmas[form]
        stems = [stem for stem in _stems(form) if form in self.forms(stem)]
        known = (word for word in (*stems, form) if word in self.regular or word in self.irregular)
        return next(known, stems[0] if stems else form)


def verbs_of(regular: str, irregular: dict[str, str], lemmas: dict[str, str]) -> Verbs:
    """Return the verbs of a table as `verbs.json` holds it: words are separated by spaces."""
    forms = {lemma: tuple(told.split()) for lemma, told in irregular.items()}
    return Verbs(frozenset(regular.split()), forms, {form: lemma for lemma, told in forms.items() for form in told} | lemmas)


@cache
def _verbs() -> Verbs:
    return verbs_of(**read_json(VERBS_FILE))


@cache
def plural_of(noun: str) -> str:
    """Return the plural of a countable noun of the lexicon.

    Raises:
        TripletgenError: the noun is new, and `make lexicon` was not run since.
    """
    plurals: dict[str, str] = read_json(PLURALS_FILE)
    if noun not in plurals:
        raise TripletgenError(f"{noun!r}: the lexicon has no plural of this noun", "run `make lexicon`, which computes it")
    return plurals[noun]


def regular_forms(lemma: str) -> tuple[str, str, str, str]:
    """Return VBZ, VBD, VBN and VBG of a verb by the rules of spelling (hope, hopes, hoped, hoped, hoping)."""
    stem = lemma + lemma[-1] if _DOUBLES.fullmatch(lemma) else lemma
    doing = f"{lemma[:-2]}ying" if lemma.endswith("ie") else f"{_SILENT_E.sub('', stem)}ing"
    if _CONSONANT_Y.search(lemma):
        return f"{lemma[:-1]}ies", f"{lemma[:-1]}ied", f"{lemma[:-1]}ied", doing
    does = f"{lemma}es" if lemma.endswith(_HISSING) or _CONSONANT_O.search(lemma) else f"{lemma}s"
    did = f"{lemma}d" if lemma.endswith("e") else f"{stem}ed"
    return does, did, did, doing


@cache
def verb_form(lemma: str, tag: str) -> str:
    """Return the form of a verb for a Penn tag (VB VBZ VBP VBD VBN VBG)."""
    if lemma == "be":
        return _BE[tag]
    return lemma if tag in ("VB", "VBP") else _verbs().forms(lemma)[TAGS.index(tag)]


def is_verb(lemma: str) -> bool:
    """Tell whether a word is a known verb."""
    return lemma == "be" or lemma in _verbs().regular or lemma in _verbs().irregular


@cache
def verb_lemma(form: str) -> str:
    """Return the lemma of an inflected verb."""
    return "be" if form in _FORMS_OF_BE else _verbs().lemma(form)


def _stems(form: str) -> Iterator[str]:
    """Yield what a word may be a regular form of."""
    for ending in ("ing", "ed", "s"):
        stem = form.removesuffix(ending)
        if stem == form or len(stem) < 2:
            continue
        if stem[-1] == stem[-2]:
            yield stem[:-1]
        if stem.endswith("e") and ending == "s":
            yield stem[:-1]
        yield stem
        if ending != "s":
            yield f"{stem}e"
        if stem.endswith("y") and ending == "ing":
            yield f"{stem[:-1]}ie"
        if stem.endswith(("ie", "i")):
            yield f"{stem.rstrip('e')[:-1]}y"


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
