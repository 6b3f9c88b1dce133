"""The typed lexicon: which nouns may stand for one another, and what may be said of them. The data lie beside this file."""

from functools import cache
from typing import Any, NamedTuple

from tripletgen.assets import read_yaml
from tripletgen.lexicon.inflection import plural_of

MAX_NOUN_WORDS = 3
ADD_WAYS = ("wear", "hold", "beside", "surface", "background")


class Noun(NamedTuple):
    """A concrete noun with its category, a set of nouns that may stand for one another."""

    lemma: str
    plural: str
    category: str
    kind: str
    size: int
    attributes: frozenset[str]
    add: frozenset[str]
    gender: str | None
    number: str

    @property
    def is_count(self) -> bool:
        """Tell whether the noun has both numbers (`a dog`, `dogs`), unlike `bread` and `jeans`."""
        return self.number == "count"


class AttributeGroup(NamedTuple):
    """What a noun of some categories may be: see `attributes.yaml` for the fields."""

    name: str
    aspect: str | None
    place: int
    values: tuple[str, ...]
    added: tuple[str, ...]
    compared: bool
    recognised: frozenset[str]
    opposite: tuple[frozenset[str], ...]
    stuff: dict[str, str]
    phrase: dict[str, str]

    def is_opposite(self, old: str, new: str) -> bool:
        """Tell whether `new` may replace `old`: any other value, or one of another side where sides are opposed."""
        return old != new and not any(old in side and new in side for side in self.opposite)


class Lexicon(NamedTuple):
    """Everything the rules know about words."""

    nouns: tuple[Noun, ...]
    forms: dict[str, tuple[Noun, bool]]
    categories: dict[str, tuple[Noun, ...]]
    groups: dict[str, AttributeGroup]
    groups_of: dict[str, tuple[str, ...]]
    near: dict[str, tuple[str, ...]]
    synonyms: dict[str, frozenset[str]]
    addable: dict[str, tuple[Noun, ...]]
    generic: frozenset[str]
    substitutes: dict[str, tuple[Noun, ...]]

    def noun(self, form: str) -> tuple[Noun, bool] | None:
        """Return the noun that a lower-case form belongs to, and whether the form is its plural."""
        return self.forms.get(form)

    def group_of(self, word: str, noun: Noun) -> AttributeGroup | None:
        """Return the attribute group by which `word` describes `noun`, if the noun takes it."""
        for name in self.groups_of.get(word, ()):
            if name in noun.attributes:
                return self.groups[name]
        return None


@cache
def load_lexicon() -> Lexicon:
    """Return the lexicon of the shipped YAML files; the first call takes about a quarter of a second."""
    nouns: list[Noun] = []
    for category, entry in read_yaml("lexicon/nouns.yaml").items():
        for number, key in (("count", "nouns"), ("mass", "mass"), ("plural", "plural")):
            nouns += [_noun(category, entry, lemma, number) for lemma in entry.get(key) or ()]
    categories: dict[str, list[Noun]] = {}
    forms: dict[str, tuple[Noun, bool]] = {}
    for noun in nouns:
        categories.setdefault(noun.category, []).append(noun)
        forms[noun.lemma] = (noun, noun.number == "plural")
    for noun in nouns:
        if noun.is_count:
            forms.setdefault(noun.plural, (noun, True))
    groups = {name: _group(name, entry) for name, entry in read_yaml("lexicon/attributes.yaml").items()}
    groups_of: dict[str, list[str]] = {}
    for group in groups.values():
        for word in sorted(group.recognised):
            groups_of.setdefault(word, []).append(group.name)
    near = {name: tuple(others) for name, others in read_yaml("lexicon/near.yaml").items()}
    synonyms, generic = _synonyms(), frozenset(read_yaml("lexicon/generic.yaml"))
    return Lexicon(
        tuple(nouns),
        forms,
        {name: tuple(members) for name, members in categories.items()},
        groups,
        {word: tuple(names) for word, names in groups_of.items()},
        near,
        synonyms,
        {way: tuple(noun for noun in nouns if way in noun.add) for way in ADD_WAYS},
        generic,
        {noun.lemma: _substitutes(noun, categories, near, synonyms, generic) for noun in nouns},
    )


def _substitutes(
    old: Noun,
    categories: dict[str, list[Noun]],
    near: dict[str, tuple[str, ...]],
    synonyms: dict[str, frozenset[str]],
    generic: frozenset[str],
) -> tuple[Noun, ...]:
    """Return the nouns that could stand for one as far as the two nouns tell: neither a kind of it nor the same by another name."""
    found = []
    for category in (old.category, *near.get(old.category, ())):
        for new in categories[category]:
            is_kind = old.lemma.endswith(new.lemma) or new.lemma.endswith(old.lemma)  # a rock artist is an artist
            if is_kind or (new.category == old.category and not generic.isdisjoint((old.lemma, new.lemma))):
                continue
            # "People" may become "women", "bread" only another mass.
            same_number = new.number == old.number or (old.number == "plural" and old.kind == "person" and new.is_count)
            if same_number and new.lemma not in synonyms.get(old.lemma, ()):
                found.append(new)
    return tuple(found)


@cache
def words(module: str, name: str) -> frozenset[str]:
    """Return a set of words of `words.yaml`, which keeps the word lists of the rules out of their code."""
    return frozenset(read_yaml("lexicon/words.yaml")[module][name].split())


def _synonyms() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for words in read_yaml("lexicon/synonyms.yaml"):
        for word in words:
            found.setdefault(word, set()).update(words)
    return {word: frozenset(words) for word, words in found.items()}


def _noun(category: str, entry: dict[str, Any], lemma: str, number: str) -> Noun:
    plural = plural_of(lemma) if number == "count" else lemma
    attributes, add = frozenset(entry.get("attributes") or ()), frozenset(entry.get("add") or ())
    return Noun(lemma, plural, category, entry["kind"], entry["size"], attributes, add, entry.get("gender"), number)


def _group(name: str, entry: dict[str, Any]) -> AttributeGroup:
    sides = tuple(frozenset(side) for side in entry.get("opposite", ()))
    recognised = frozenset(entry["values"]).union(entry.get("known", ()), *sides)
    return AttributeGroup(
        name,
        entry.get("aspect"),
        entry["place"],
        tuple(entry["values"]),
        tuple(entry.get("added", entry["values"])),
        entry.get("compared", False),
        recognised,
        sides,
        entry.get("stuff", {}),
        entry.get("phrase", {}),
    )
