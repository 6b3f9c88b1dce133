"""Tell what two noun phrases have to do with each other: taken apart with the lexicon, are they alike, and is the change told?"""

from typing import NamedTuple

from tripletgen.edits.base import Frame
from tripletgen.edits.counts import NUMBERS
from tripletgen.lexicon import Lexicon, Noun
from tripletgen.pairs.masks import LIGHT
from tripletgen.phrases import NounPhrase

WORN_KINDS = ("clothing", "accessory", "footwear")
"""Kinds of what people wear."""

# Kinds of which one thing may stand where one of another stood, and the difference is one of things.
_LIKE_KINDS = (
    frozenset(("person", "group")),
    frozenset(("landscape", "room", "building")),
    frozenset(("landscape", "material")),
    frozenset(("toy", "container", "kitchenware", "tool", "electronics", "decor", "object", "sport", "instrument", "textile", "furniture")),
    frozenset(WORN_KINDS),
    frozenset(("food", "drink")),
)
_UNTOLD_KINDS = ("body", "sky", "backdrop", "graphic")
# What one writer calls a thing by its kind, another calls by its name.
_KINDS_OF = {
    "dog": ("dog_breed",),
    "bird": ("songbird", "talking_bird", "town_bird", "water_bird", "sea_bird", "bird_of_prey", "poultry"),
    "fish": ("fish_kind",),
    "tree": ("palm", "blossom_tree"),
    "insect": ("flying_insect", "crawling_insect"),
    "ball": ("ball",),
    "drink": ("hot_drink", "coffee_drink", "cold_drink", "alcohol", "mixed_drink"),
}
# Names of a whole kind. "Person" is what data sets write for a name: it says nothing of whom it hides.
_WHOLE_KINDS = frozenset(("person", "musical instrument", "vehicle", "garment", "outfit", "clothes"))
_POINTING = frozenset(("same", "other", "such", "own", "its", "his", "her", "their", "of", "in", "on", "with", "and", "or", "something"))
_MAX_ADJECTIVES = 3


class Found(NamedTuple):
    """A place where another caption has other words: tokens `first` to `last` of this one; the words, text and place of the other."""

    kind: str
    first: int
    last: int
    filler: str
    text: str
    place: int = -1


class Words(NamedTuple):
    """The words of a noun phrase, taken apart with the lexicon."""

    number: str
    adjectives: tuple[str, ...]
    noun: Noun
    is_plural: bool


def take_apart(words: str, lexicon: Lexicon) -> Words | None:
    """Return what the words of a noun phrase are, or None where they are not adjectives and a noun of the lexicon."""
    rest = [word for word in words.split(" ") if word not in LIGHT]
    number = rest[0] if rest and rest[0] in NUMBERS else ""
    rest = rest[1:] if number else rest
    for start in range(len(rest)):
        entry = lexicon.noun(" ".join(rest[start:]))
        if entry is not None:
            found = Words(number, tuple(rest[:start]), *entry)
            return found if _is_plain(found, lexicon) else None
    return None


def _is_plain(words: Words, lexicon: Lexicon) -> bool:
    """Tell whether only adjectives stand before the noun: no second noun with what it does, nothing that points elsewhere."""
    if len(words.adjectives) > _MAX_ADJECTIVES or not _POINTING.isdisjoint(words.adjectives):
        return False
    return not any(word.endswith("ing") and word not in lexicon.groups_of for word in words.adjectives)


def is_alike(lexicon: Lexicon, old: Noun, new: Noun) -> bool:
    """Tell whether two nouns may name one thing: synonyms, spellings of one word, or a kind and its members."""
    if new.lemma in lexicon.synonyms.get(old.lemma, ()) or old.lemma.replace(" ", "") == new.lemma.replace(" ", ""):
        return True
    # A sports car is a car; a woman is no man.
    if (old.lemma.endswith(new.lemma) or new.lemma.endswith(old.lemma)) and old.gender == new.gender:
        return True
    if new.category in _KINDS_OF.get(old.lemma, ()) or old.category in _KINDS_OF.get(new.lemma, ()):
        return True
    generic = lexicon.generic | _WHOLE_KINDS
    return old.kind == new.kind and (old.lemma in generic or new.lemma in generic)


def is_told(frame: Frame, phrase: NounPhrase, old: Noun, new: Noun) -> bool:
    """Tell whether "one instead of the other" is the difference: behind a preposition, only of things of a kind (in a hat, in a park)."""
    if old.kind in _UNTOLD_KINDS or new.kind in _UNTOLD_KINDS:
        return False
    if frame.parsed.deps[phrase.head] != "pobj":
        return True
    return old.kind == new.kind or any(old.kind in kinds and new.kind in kinds for kinds in _LIKE_KINDS)
