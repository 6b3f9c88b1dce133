"""What an edit is, what a rule is given, and how an edit is applied to a caption."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from tripletgen.lexicon import Lexicon, Noun, words
from tripletgen.lexicon.inflection import article
from tripletgen.parsing import ParsedCaption
from tripletgen.phrases import NounPhrase, noun_phrases
from tripletgen.stats import CorpusStats

FINITE_TAGS = frozenset(("VBZ", "VBP", "VBD", "MD"))

_HIDDEN_CLAUSES = frozenset(("advcl", "ccomp", "parataxis", "csubj", "npadvmod", "meta", "intj"))
_HIDDEN_PREPOSITIONS = words("base", "hidden_prepositions")

LIVING = ("person", "group", "animal")

# Pictures of no place: nothing can stand beside or behind what they show.
GRAPHIC = words("base", "graphic")
# Words for the picture itself, "a portrait of".
MEDIA = words("counts", "media")
_TOWARDS = ("at", "to", "toward", "towards", "into", "from", "for")
_INDOOR_WORDS = words("base", "indoor_words")
_TALE_WORDS = words("base", "tale_words")
_NOT_OUTDOOR = _INDOOR_WORDS | GRAPHIC | _TALE_WORDS


class Change(NamedTuple):
    """Characters `start` to `end` of the reference caption give way to `text`."""

    start: int
    end: int
    text: str


class Edit(NamedTuple):
    """A proposed edit: what changes in the caption, and the words that its modification text is made from.

    `wording` names a set of templates in `wordings.yaml`, `slots` fills them; `parts` are the two edits of a combined one.
    """

    rule: str
    edit_type: str
    source_phrase: str | None
    target_phrase: str | None
    changes: tuple[Change, ...]
    wording: str
    slots: dict[str, str]
    parts: tuple["Edit", ...] = ()


class Frame(NamedTuple):
    """A parsed caption with everything that several rules ask about it, found once.

    `shown` are the phrases of the main clause, of what the picture shows, each with a name of its own; only they are edited.
    `asked` keeps the first edit of each rule, which serves alone and as a part of a combined one.
    """

    parsed: ParsedCaption
    phrases: list[NounPhrase]
    shown: list[NounPhrase]
    lexicon: Lexicon
    stats: CorpusStats
    lemmas: frozenset[str]
    words: frozenset[str]
    is_nominal: bool
    end: int
    phrases_by_head: dict[int, NounPhrase]
    below: list[list[int]]
    is_outdoor: bool
    kinds: frozenset[str]
    asked: dict[str, "Edit | None"]

    @property
    def text(self) -> str:
        """Return the reference caption."""
        return self.parsed.caption.text

    def phrase_at(self, head: int) -> NounPhrase | None:
        """Return the noun phrase whose head is this token."""
        return self.phrases_by_head.get(head)

    def children(self, token: int, *deps: str) -> list[int]:
        """Return the dependents of a token, all or those with one of these labels."""
        if not deps:
            return list(self.below[token])
        labels = self.parsed.deps
        return [child for child in self.below[token] if labels[child] in deps]

    def subtree(self, token: int) -> list[int]:
        """Return a token and all below it, in order."""
        inside = [token]
        for one in inside:
            inside += self.below[one]
        return sorted(inside)


class EditRule(Protocol):
    """Propose edits of one family; proposing is not accepting, filters do that."""

    name: str
    edit_type: str

    def propose(self, frame: Frame, rng: random.Random) -> Iterator[Edit]:
        """Yield edits of a caption, the most wanted first."""


def first_edit(rule: EditRule, frame: Frame, rng: random.Random) -> Edit | None:
    """Return the first edit of a rule; it is asked once a caption."""
    if rule.name not in frame.asked:
        frame.asked[rule.name] = next(iter(rule.propose(frame, rng)), None)
    return frame.asked[rule.name]


def _is_shown(parsed: ParsedCaption, token: int) -> bool:
    """Tell whether a token belongs to what the picture shows: not to a reason, a time, a comparison or a reported clause."""
    if parsed.lowers[token] == "camera" and (parsed.deps[token] == "nsubj" or parsed.lowers[parsed.heads[token]] in _TOWARDS):
        # The one that takes the picture.
        return False
    while True:
        dep, head = parsed.deps[token], parsed.heads[token]
        if dep in _HIDDEN_CLAUSES or (dep == "pobj" and parsed.lowers[head] in _HIDDEN_PREPOSITIONS):
            return False
        if head == token:
            return True
        token = head


def frame_of(parsed: ParsedCaption, lexicon: Lexicon, stats: CorpusStats) -> Frame:
    """Return the frame of a parsed caption."""
    phrases = noun_phrases(parsed, lexicon)
    said = Counter(word.removesuffix("s") for word in parsed.lowers)
    shown = [
        phrase
        for phrase in phrases
        # Of two that are called the same no text could tell which one it is about.
        if phrase.noun is not None and said[parsed.lowers[phrase.head].removesuffix("s")] == 1 and _is_shown(parsed, phrase.head)
    ]
    words_found = frozenset(parsed.lowers)
    end = len(parsed)
    while end > 1 and parsed.tags[end - 1] in (".", ",", ":", "``", "''"):
        end -= 1
    return Frame(
        parsed,
        phrases,
        shown,
        lexicon,
        stats,
        frozenset(phrase.noun.lemma for phrase in phrases if phrase.noun),
        words_found,
        FINITE_TAGS.isdisjoint(parsed.tags),
        parsed.ends[end - 1],
        {phrase.head: phrase for phrase in phrases},
        _below(parsed.heads),
        _is_outdoor(parsed, shown, words_found),
        frozenset(phrase.noun.kind for phrase in shown if phrase.noun),
        {},
    )


def _is_outdoor(parsed: ParsedCaption, shown: list[NounPhrase], found: frozenset[str]) -> bool:
    """Tell whether a caption surely shows the open air: a landscape, or a building from without, and no room, graphic or tale."""
    if found & _NOT_OUTDOOR:
        return False
    for phrase in shown:
        kind = phrase.noun.kind if phrase.noun is not None else ""
        if kind == "landscape":
            return True
        if kind == "building" and parsed.lowers[parsed.heads[phrase.head]] not in ("in", "inside", "at", "of", "from"):
            return True
    return False


def _below(heads: list[int]) -> list[list[int]]:
    """Return the dependents of each token."""
    below: list[list[int]] = [[] for _ in heads]
    for token, head in enumerate(heads):
        if head != token:
            below[head].append(token)
    return below


def _with_article(text: str, change: Change, following: str) -> Change:
    """Widen a change over `a` or `an` just before it, if the word after the article is now another."""
    before = text[: change.start].rpartition(" ")[0].rpartition(" ")[2] if change.start >= 2 else ""
    if before.lower() not in ("a", "an") or text[change.start - 1] != " ":
        return change
    new = article(following)
    if new == before.lower():
        return change
    new = new.capitalize() if before[0].isupper() else new
    return Change(change.start - len(before) - 1, change.end, f"{new} {change.text}")


def apply_changes(text: str, changes: Sequence[Change]) -> str:
    """Return the caption with the changes made; the article before a change and the caption's first capital are kept right.

    Raises:
        ValueError: two changes overlap.
    """
    ordered = sorted(changes)
    result, stop = text, len(text) + 1
    for change in reversed(ordered):
        if change.end > stop:
            raise ValueError(f"overlapping changes {changes} of {text!r}")
        stop = change.start
        widened = _with_article(text, change, (change.text + result[change.end :]).lstrip())
        result = result[: widened.start] + widened.text + result[widened.end :]
    if text[:1].isupper() and result[:1].islower():
        result = result[0].upper() + result[1:]
    return result


def overlap(one: Iterable[Change], other: Iterable[Change]) -> bool:
    """Tell whether two sets of changes touch the same characters, or stand so close that they are of one phrase."""
    return any(a.start <= b.end + 1 and b.start <= a.end + 1 for a in one for b in other)


class Naming(NamedTuple):
    """The ways a modification text speaks of a thing, with agreement."""

    bare: str
    the: str
    a: str
    is_: str
    was: str
    has: str
    it: str
    one: str | None


def naming(words: str, noun: Noun | None, *, is_plural: bool) -> Naming:
    """Return the namings of `words` (adjectives and noun, no determiner)."""
    many = is_plural or (noun is not None and noun.number == "plural")
    mass = noun is not None and noun.number == "mass"
    if many:
        return Naming(words, f"the {words}", words, "are", "were", "have", "them", None if noun and not noun.is_count else "ones")
    if mass:
        return Naming(words, f"the {words}", words, "is", "was", "has", "it", None)
    return Naming(words, f"the {words}", f"{article(words)} {words}", "is", "was", "has", "it", "one")


def slots_of(prefix: str, name: Naming) -> dict[str, str]:
    """Return the template slots of a naming: `old_the`, `old_a`, `old_bare`, `old_is`, ..."""
    slots = {
        prefix: name.bare,
        f"{prefix}_the": name.the,
        f"{prefix}_a": name.a,
        f"{prefix}_is": name.is_,
        f"{prefix}_was": name.was,
        f"{prefix}_has": name.has,
        f"{prefix}_it": name.it,
    }
    if name.one:
        slots[f"{prefix}_one"] = name.one
    return slots


def lower_first(frame: Frame, token: int, text: str) -> str:
    """Return text that begins with this token in lower case, unless the token is a name or an abbreviation."""
    is_name = frame.parsed.tags[0] in ("NNP", "NNPS") and frame.parsed.lowers[0] not in frame.lexicon.forms
    if (token == 0 and not is_name and text[1:2].islower()) or text == "A" or text[:2] == "A ":
        return text[0].lower() + text[1:]
    return text


def insertion(frame: Frame, token: int, words: str) -> Change:
    """Return the change that sets words before a token; before the first one, that one gives its capital up."""
    if token > 0:
        return Change(frame.parsed.starts[token], frame.parsed.starts[token], f"{words} ")
    return Change(0, frame.parsed.ends[0], f"{words} {lower_first(frame, 0, frame.parsed.span(0, 0))}")


def words_of(frame: Frame, phrase: NounPhrase) -> str:
    """Return the noun with its adjectives, without determiner and number, as it may stand inside a sentence."""
    first = phrase.adjectives[0] if phrase.adjectives else phrase.name
    return lower_first(frame, first, frame.parsed.span(first, phrase.head))


def names_kind(frame: Frame, token: int) -> bool:
    """Tell whether a word before a noun is a noun too, and says what kind of thing it is: the "hill" of a hill station."""
    return frame.parsed.tags[token] == "NN" or frame.parsed.deps[token] == "compound"


def kind_of(frame: Frame, phrase: NounPhrase, without: int | None = None) -> str:
    """Return the noun with the nouns that name its kind: "summer house" of "a red summer house"."""
    first = phrase.name
    while first - 1 in phrase.adjectives and first - 1 != without and names_kind(frame, first - 1):
        first -= 1
    return lower_first(frame, first, frame.parsed.span(first, phrase.head))


def name_of(frame: Frame, phrase: NounPhrase, *, short: bool = False) -> Naming:
    """Return the namings of a phrase of the caption: "brown dog", or "dog" if `short`."""
    words = kind_of(frame, phrase) if short else words_of(frame, phrase)
    return naming(words, phrase.noun, is_plural=phrase.is_plural)


def is_subject(frame: Frame, phrase: NounPhrase) -> bool:
    """Tell whether a text without a subject ("is blue") is surely about this phrase: it alone is what the caption shows."""
    return frame.parsed.deps[phrase.head] in ("ROOT", "nsubj", "nsubjpass") and not frame.children(phrase.head, "cc", "conj")


def form_of(noun: Noun, *, plural: bool) -> str:
    """Return the noun in a number."""
    return noun.plural if plural and noun.is_count else noun.lemma


def shuffled(rng: random.Random, items: Iterable[NounPhrase]) -> list[NounPhrase]:
    """Return phrases in random order."""
    listed = list(items)
    rng.shuffle(listed)
    return listed
