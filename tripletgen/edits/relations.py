"""change_relation: the same things, placed otherwise to one another."""

import random
from collections.abc import Iterator
from functools import cache
from typing import Any

from tripletgen.assets import read_yaml
from tripletgen.edits.base import LIVING, MEDIA, Change, Edit, Frame, form_of, name_of, slots_of
from tripletgen.lexicon import words
from tripletgen.lexicon.inflection import verb_form, verb_lemma
from tripletgen.phrases import NounPhrase

_LONGEST = 3
_MAX_ALTERNATIVES = 4
# Postures and rests that go with any place; other verbs are tied to their preposition ("jumping over").
_POSTURES = words("relations", "postures")
_MOVES = words("relations", "moves")
_SITTING = words("relations", "sitting")
_SITTERS = (*LIVING, "toy")
# They are in the water, wherever that is.
_SWIMMERS = frozenset(("fish_kind", "sea_fish", "sea_mammal", "reef_creature"))
_NO_PLACES = frozenset(("at the edge of", "along", "across", "past", "towards", "away from", "overlooking"))
_MOVING_SETS = ("along_way", "direction")


class ChangeRelation:
    """Put another preposition between two things that may stand in either relation."""

    name = "change_relation"
    edit_type = "change_relation"

    def propose(self, frame: Frame, rng: random.Random) -> Iterator[Edit]:
        """Yield an edit for each preposition that has an alternative, in random order."""
        found = list(_relations(frame))
        rng.shuffle(found)
        for first, last, figure, ground, others in found:
            for new in rng.sample(others, min(len(others), _MAX_ALTERNATIVES)):
                yield self.edit(frame, (first, last), figure, ground, new)

    def edit(self, frame: Frame, span: tuple[int, int], figure: NounPhrase, ground: NounPhrase, new: str) -> Edit:
        """Return the edit that puts a preposition in the place of another."""
        parsed = frame.parsed
        old = parsed.span(*span)
        slots = slots_of("figure", name_of(frame, figure, short=True)) | slots_of("ground", name_of(frame, ground, short=True))
        slots |= {"old_relation": old.lower(), "new_relation": new}
        if new != "overlooking":
            slots["to_relation"] = new.replace("at the edge", "to the edge")
        if new not in _NO_PLACES:
            slots["put_relation"] = new
        before = parsed.lowers[span[0] - 1]
        if before in _MOVES:
            slots["moving"] = verb_form(verb_lemma(before), "VBG")
        assert ground.noun is not None
        source = f"{old} {form_of(ground.noun, plural=ground.is_plural)}"
        target = f"{new} {form_of(ground.noun, plural=ground.is_plural)}"
        change = Change(parsed.starts[span[0]], parsed.ends[span[1]], new)
        return Edit(self.name, self.edit_type, source, target, (change,), "relation_move" if "moving" in slots else "relation", slots)


@cache
def _sets() -> dict[str, list[dict[str, Any]]]:
    """Return the sets of `relations.yaml` by the prepositions that they replace."""
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in read_yaml("lexicon/relations.yaml"):
        for preposition in entry["from"]:
            found.setdefault(preposition, []).append(entry)
    return found


def _relations(frame: Frame) -> Iterator[tuple[int, int, NounPhrase, NounPhrase, list[str]]]:
    """Yield span of the preposition, figure, ground, and the other prepositions that may stand there."""
    for ground in frame.shown:
        if ground.noun is None or ground.first < 2 or not ground.noun.is_count:
            continue
        if frame.parsed.lowers[ground.head + 1 : ground.head + 2] == ["of"]:
            continue  # one stands in a pool of light, but not near that pool
        for length in range(_LONGEST, 0, -1):
            first = ground.first - length
            words = " ".join(frame.parsed.lowers[max(first, 0) : ground.first])
            if words not in _sets():
                continue
            figure, moves = figure_of(frame, first)
            if figure is None or figure.noun is None or figure not in frame.shown or figure.noun.category in _SWIMMERS:
                continue
            if frame.parsed.deps[figure.head] == "conj" or frame.children(figure.head, "conj"):
                continue
            others = _alternatives(words, figure, ground, moves=moves)
            if others:
                yield first, ground.first - 1, figure, ground, others
                break


def figure_of(frame: Frame, first: int) -> tuple[NounPhrase | None, bool]:
    """Return what stands just before a preposition: a thing, or a thing with a verb of posture or motion."""
    parsed = frame.parsed
    if first < 1:
        return None, False
    before = first - 1
    phrase = frame.phrase_at(before)
    if phrase is not None:
        # Of "a man with a dog next to a car" it is not clear who stands next to the car.
        while parsed.deps[phrase.head] == "pobj" and parsed.lowers[parsed.heads[phrase.head]] == "of":
            # A cup of coffee on a table: the cup is on the table.
            holder = frame.phrase_at(parsed.heads[parsed.heads[phrase.head]])
            if holder is None or holder.noun is None:
                break
            phrase = holder
        return (phrase if _stands_itself(frame, phrase) else None), False
    word = parsed.lowers[before]
    if word not in _POSTURES and word not in _MOVES:
        return None, False
    head = parsed.heads[before] if parsed.deps[before] == "acl" else next(iter(frame.children(before, "nsubj", "nsubjpass")), -1)
    phrase = frame.phrase_at(head)
    if word in _SITTING and phrase is not None and phrase.noun is not None and phrase.noun.kind not in _SITTERS:
        return None, False  # "a girl reading a book sitting on a chair"
    return phrase, word in _MOVES


def _stands_itself(frame: Frame, figure: NounPhrase) -> bool:
    """Tell whether a place behind a thing is surely that of the thing, not of who holds it or what it comes with."""
    parsed = frame.parsed
    if parsed.deps[figure.head] != "pobj":
        return parsed.deps[figure.head] in ("ROOT", "nsubj")
    holder = parsed.heads[parsed.heads[figure.head]]
    return parsed.lowers[parsed.heads[figure.head]] == "of" and parsed.lowers[holder] in MEDIA


def _alternatives(words: str, figure: NounPhrase, ground: NounPhrase, *, moves: bool) -> list[str]:
    assert figure.noun is not None
    assert ground.noun is not None
    others: set[str] = set()
    for entry in _sets()[words]:
        if moves != (entry["name"] in _MOVING_SETS) or (ground.is_plural and entry.get("number") == "singular"):
            continue
        if figure.noun.kind not in entry["figure"] or not {ground.noun.kind, ground.noun.category} & set(entry["ground"]):
            continue
        others.update(word for word in entry["to"] if word != words and not means_same(word, words))
    return sorted(others)


_ALIKE = (
    frozenset(("beside", "next to", "near", "by", "outside")),
    frozenset(("outside", "in front of")),
    frozenset(("under", "underneath", "beneath")),
    frozenset(("on", "on top of")),
    frozenset(("towards", "toward")),
    frozenset(("down", "along")),
    frozenset(("in", "inside")),
)


def means_same(one: str, other: str) -> bool:
    """Tell whether two prepositions may say the same of one picture."""
    return any(one in words and other in words for words in _ALIKE)
