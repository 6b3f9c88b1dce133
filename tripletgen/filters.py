"""Accept a candidate or answer the reason why not. A filter knows nothing of the rule that proposed.

Adding a filter means one function and one line in `FILTERS`.
"""

import operator
import re
from collections.abc import Callable
from itertools import product

from tripletgen.lexicon.inflection import article
from tripletgen.schema import normalise

MAX_TARGET_WORDS = 45
MAX_MODIFICATION_WORDS = 40

_ARTICLES = ("a", "an", "the")
_DOUBLE_DETERMINERS = frozenset(product(_ARTICLES, (*_ARTICLES, "his", "her", "their", "its", "two", "three", "four", "five", "six")))
_ARTICLE = re.compile(r"(?<![\w'.-])([Aa]n?) ([\w\"'-]+)")
_PUNCTUATION = re.compile(r" [,.;:!?)]|\( |  |,,|\.\.(?!\.)|^[,.;:]|, ?\.$")
_TAXONOMY = frozenset(
    [
        "cardinality",
        "negate",
        "negation",
        "viewpoint",
        "conjunction",
        "attribute",
        "addressing",
        "comparative",
        "modification",
        "spatial",
        "caption",
        "target",
        "reference",
    ]
)
_PICTURE = frozenset(("image", "images", "picture", "pictures", "photo", "photos", "photograph", "photographs"))

Filter = Callable[[str, str, str, str], bool]


def is_identical(reference: str, _modification: str, target: str, _edit_type: str) -> bool:
    """Tell whether the edit changed nothing but spelling."""
    return normalise(reference) == normalise(target)


def has_doubled_word(reference: str, modification: str, target: str, _edit_type: str) -> bool:
    """Tell whether the edit put a word beside itself, or two determiners before one noun."""
    return _doubles(modification) or (_doubles(target) and not _doubles(reference))


def _doubles(text: str) -> bool:
    words = normalise(text).split(" ")
    following = words[1:]
    return any(map(operator.eq, words, following)) or not _DOUBLE_DETERMINERS.isdisjoint(zip(words, following, strict=False))


def has_wrong_article(_reference: str, modification: str, target: str, _edit_type: str) -> bool:
    """Tell whether `a` stands before a spoken vowel or `an` before a consonant, anywhere in the two new texts."""
    return any(found.lower() != article(word) for text in (modification, target) for found, word in _ARTICLE.findall(text))


def has_broken_punctuation(reference: str, modification: str, target: str, _edit_type: str) -> bool:
    """Tell whether the edit left tokenised, doubled or dangling punctuation behind."""
    if _PUNCTUATION.search(modification):
        return True
    return bool(_PUNCTUATION.search(target)) and not _PUNCTUATION.search(reference)


def leaks_taxonomy(_reference: str, modification: str, _target: str, _edit_type: str) -> bool:
    """Tell whether the modification text speaks of the data set instead of the scene."""
    return not _TAXONOMY.isdisjoint(normalise(modification).split(" "))


def speaks_of_picture(reference: str, modification: str, _target: str, edit_type: str) -> bool:
    """Tell whether the text speaks of "the image" where neither the medium changes nor the caption names one."""
    if edit_type in ("change_viewpoint", "combine") or _PICTURE.isdisjoint(normalise(modification).split(" ")):
        return False
    return _PICTURE.isdisjoint(normalise(reference).split(" "))


def is_out_of_bounds(_reference: str, modification: str, target: str, _edit_type: str) -> bool:
    """Tell whether a text is longer than anything that fits CLIP's 77 tokens with the prompt around it."""
    return target.count(" ") >= MAX_TARGET_WORDS or modification.count(" ") >= MAX_MODIFICATION_WORDS


def contains_target(_reference: str, modification: str, target: str, _edit_type: str) -> bool:
    """Tell whether the modification text gives the whole target caption away."""
    return normalise(target) in normalise(modification)


FILTERS: dict[str, Filter] = {
    "identical_target": is_identical,
    "doubled_word": has_doubled_word,
    "wrong_article": has_wrong_article,
    "broken_punctuation": has_broken_punctuation,
    "taxonomy_leak": leaks_taxonomy,
    "speaks_of_picture": speaks_of_picture,
    "too_long": is_out_of_bounds,
    "contains_target": contains_target,
}
"""Reason -> filter, in the order of asking."""


def reject(reference: str, modification: str, target: str, edit_type: str) -> str | None:
    """Return the reason to reject a candidate, or None to accept it."""
    for reason, holds in FILTERS.items():
        if holds(reference, modification, target, edit_type):
            return reason
    return None
