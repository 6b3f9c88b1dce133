"""change_attribute: another colour, material, pattern, age or state of a thing."""

import random
from collections.abc import Iterator

from tripletgen.edits.base import Change, Edit, Frame, insertion, kind_of, naming, shuffled, slots_of
from tripletgen.edits.describing import (
    AGES,
    contradicts,
    fits,
    is_as_busy,
    is_describable,
    is_unlikely_beside,
    place_for,
    stated_values,
    thing_slots,
    value_slots,
)
from tripletgen.lexicon import AttributeGroup, Noun, words
from tripletgen.phrases import NounPhrase

# How often a group is chosen where several apply; the others count 1.
_GROUP_WEIGHTS = {"paint": 4.0, "fur": 3.0, "plumage": 3.0, "bloom": 3.0, "pattern": 2.0, "age_person": 1.5, "wet": 0.4}
_UNCOLORED = words("attributes", "uncolored")
_WORDINGS = {"color": "change_color", "material": "change_material", "fabric": "change_material", "pattern": "change_pattern"}


class ChangeAttribute:
    """Give a noun another value of an attribute that it takes, in the place of the old one or as a new adjective."""

    name = "change_attribute"
    edit_type = "change_attribute"

    def propose(self, frame: Frame, rng: random.Random) -> Iterator[Edit]:
        """Yield one edit for each describable noun; a stated value is replaced before a new one is added."""
        for phrase in shuffled(rng, [*frame.shown, *_colored_unknown(frame)]):
            if not is_describable(frame, phrase):
                continue
            stated = stated_values(frame, phrase)
            if stated:
                token, group = rng.choice(stated)
                values = _other_values(frame, phrase, group, frame.parsed.lowers[token])
                if values:
                    yield self.edit(frame, phrase, group, frame.parsed.lowers[token], rng.choice(values), token)
            elif phrase.noun is not None:
                group_and_values = _new_values(frame, phrase, phrase.noun, rng)
                if group_and_values is not None:
                    group, values = group_and_values
                    yield self.edit(frame, phrase, group, None, rng.choice(values), None)

    def edit(self, frame: Frame, phrase: NounPhrase, group: AttributeGroup, old: str | None, new: str, token: int | None) -> Edit:
        """Return the edit that gives a noun a value of a group, in the place of the old one if there is one."""
        parsed = frame.parsed
        if token is not None:
            change = Change(parsed.starts[token], parsed.ends[token], new)
        else:
            place = place_for(frame, phrase, group)
            change = insertion(frame, phrase.name if place is None else place, new)
        slots = thing_slots(frame, phrase, token)
        noun = kind_of(frame, phrase, token)
        new_name = naming(f"{new} {noun}", phrase.noun, is_plural=phrase.is_plural)
        slots |= slots_of("new", new_name) | value_slots(new, phrase)
        if old is not None:
            slots |= slots_of("old", naming(f"{old} {noun}", phrase.noun, is_plural=phrase.is_plural))
            slots |= value_slots(old, phrase, "old_value")
        if new in group.stuff:
            slots["stuff"] = group.stuff[new]
        if new in group.phrase:
            slots["print"] = group.phrase[new]
        source = f"{old} {noun}" if old else noun
        return Edit(self.name, self.edit_type, source, f"{new} {noun}", (change,), _wording(group), slots)


def _wording(group: AttributeGroup) -> str:
    return "change_age" if group.name in AGES else _WORDINGS.get(group.aspect or "", "change_state")


def _other_values(frame: Frame, phrase: NounPhrase, group: AttributeGroup, old: str) -> list[str]:
    """Return the values that may stand for a stated one."""
    if group.name in AGES and any(frame.parsed.tags[token] == "NN" for token in phrase.adjectives if frame.parsed.lowers[token] != old):
        # A "travel retro car" is no "travel new car".
        return []
    if is_unlikely_beside(frame, group, old):
        return []
    alike = frame.words | frame.lexicon.synonyms.get(old, frozenset())
    values = [v for v in group.values if group.is_opposite(old, v) and v not in alike and not contradicts(frame, phrase, v)]
    return [v for v in values if phrase.noun is None or fits(v, phrase.noun)]


def _new_values(frame: Frame, phrase: NounPhrase, noun: Noun, rng: random.Random) -> tuple[AttributeGroup, list[str]] | None:
    """Return a group of which the phrase states no value, and the values that may be added, or None."""
    groups = [frame.lexicon.groups[name] for name in sorted(noun.attributes)]
    groups = [group for group in groups if group.added and _may_add(frame, phrase, group) and place_for(frame, phrase, group) is not None]
    if not groups:
        return None
    group = rng.choices(groups, [_GROUP_WEIGHTS.get(group.name, 1.0) for group in groups])[0]
    values = [v for v in group.added if v not in frame.words and fits(v, noun) and not contradicts(frame, phrase, v)]
    if group.name == "crowd":
        values = [v for v in values if is_as_busy(frame, v)]
    return (group, values) if values else None


def _may_add(frame: Frame, phrase: NounPhrase, group: AttributeGroup) -> bool:
    """Tell whether the thing's part in the caption leaves room for a state that the caption does not tell."""
    dep = frame.parsed.deps[phrase.head]
    if group.name == "full_empty":
        # Something is on the plate, or in the cup.
        has_filling = any(other.noun is not None and other.noun.kind in ("food", "drink", "plant") for other in frame.phrases)
        return dep != "pobj" and not has_filling and not frame.children(phrase.head, "prep")
    if group.name in ("hair_color", "hair_length"):
        return phrase.determiner >= 0 and frame.parsed.tags[phrase.determiner] == "PRP$"
    return not (group.name == "open_closed" and dep == "dobj")


def _colored_unknown(frame: Frame) -> list[NounPhrase]:
    """Return the phrases of nouns that the lexicon does not hold: what has a color can have another, whatever it is."""
    return [phrase for phrase in frame.phrases if phrase.noun is None and frame.parsed.lowers[phrase.head] not in _UNCOLORED]
