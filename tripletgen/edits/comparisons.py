"""compare_attribute: a thing becomes larger, older, longer, darker ... than it is; the new caption says so by a plain adjective."""

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from tripletgen.assets import read_yaml
from tripletgen.edits.base import Change, Edit, Frame, insertion, kind_of, naming, shuffled, slots_of
from tripletgen.edits.describing import (
    SHADED,
    contradicts,
    fits,
    is_as_busy,
    is_describable,
    is_free,
    is_unlikely_beside,
    place_for,
    thing_slots,
    value_slots,
)
from tripletgen.lexicon import Noun
from tripletgen.phrases import NounPhrase


class _Step(NamedTuple):
    """An adjective that comes before a token or in its place, and the comparatives that tell it."""

    word: str
    spoken: list[str]
    place: int
    replaces: bool
    is_shade: bool = False


class CompareAttribute:
    """Make a noun larger, older, longer ... than it is."""

    name = "compare_attribute"
    edit_type = "compare_attribute"

    def propose(self, frame: Frame, rng: random.Random) -> Iterator[Edit]:
        """Yield one edit for each noun whose size, length, height, age, shade or bustle can be compared."""
        comparatives = read_yaml("lexicon/comparatives.yaml")
        for phrase in shuffled(rng, frame.shown):
            noun = phrase.noun
            if noun is None or not is_describable(frame, phrase):
                continue
            steps = _shades(frame, phrase, comparatives["shade"])
            for group in sorted(noun.attributes & comparatives.keys()):
                steps += _steps(frame, phrase, noun, group, comparatives[group])
            if steps:
                yield self.edit(frame, phrase, rng, rng.choice(steps))

    def edit(self, frame: Frame, phrase: NounPhrase, rng: random.Random, step: _Step) -> Edit:
        """Return the edit that makes a noun more or less of what it is."""
        parsed = frame.parsed
        if step.replaces:
            change = Change(parsed.starts[step.place], parsed.ends[step.place], step.word)
        else:
            change = insertion(frame, step.place, step.word)
        noun = kind_of(frame, phrase, step.place if step.replaces else None)
        # A tree is taller, not higher.
        spoken = rng.choice([word for word in step.spoken if phrase.noun is None or fits(word, phrase.noun)])
        slots = thing_slots(frame, phrase, step.place if step.replaces else None) | value_slots(spoken, phrase)
        if phrase.noun is not None and phrase.noun.kind == "landscape":
            # A road is not swapped for another.
            slots.pop("value_one", None)
        slots |= slots_of("new", naming(f"{spoken} {noun}", phrase.noun, is_plural=phrase.is_plural))
        wording = "compare"
        if step.is_shade:
            color = parsed.lowers[phrase.name - 1]
            slots |= {"shade_a": f"a {spoken} shade of {color}", "color": color}
            noun, wording = f"{color} {noun}", "compare_shade"
        source = f"{parsed.lowers[step.place]} {noun}" if step.replaces else noun
        return Edit(self.name, self.edit_type, source, f"{step.word} {noun}", (change,), wording, slots)


def _steps(frame: Frame, phrase: NounPhrase, noun: Noun, group: str, pairs: list[dict[str, Any]]) -> list[_Step]:
    """Return the steps from a stated adjective to its opposite, or where none is stated, to either side."""
    lowers = frame.parsed.lowers
    known = frame.lexicon.groups[group]
    fitting = [pair for pair in pairs if fits(pair["word"], noun) and not contradicts(frame, phrase, pair["word"])]
    stated = [token for token in phrase.adjectives if any(lowers[token] in (pair["word"], *pair["from"]) for pair in pairs)]
    if stated:
        token, old = stated[0], lowers[stated[0]]
        if len(stated) > 1 or not is_free(frame, token) or is_unlikely_beside(frame, known, old):
            return []
        return [_Step(pair["word"], pair["spoken"], token, replaces=True) for pair in fitting if old in pair["from"]]
    place = place_for(frame, phrase, known)
    if place is None or not known.compared:
        return []
    fitting = [pair for pair in fitting if not pair.get("replaces") and pair["word"] not in frame.words and is_as_busy(frame, pair["word"])]
    return [_Step(pair["word"], pair["spoken"], place, replaces=False) for pair in fitting]


def _shades(frame: Frame, phrase: NounPhrase, pairs: list[dict[str, Any]]) -> list[_Step]:
    """Return the steps from a color to a darker or lighter one: blue, dark blue, light blue."""
    parsed, found = frame.parsed, []
    for token in phrase.adjectives:
        if parsed.lowers[token] not in SHADED or parsed.tags[token] != "JJ" or token != phrase.name - 1:
            continue
        before = parsed.lowers[token - 1] if token - 1 in phrase.adjectives else ""
        stated = [pair for pair in pairs if before in pair["from"]]
        if stated:
            found += [_Step(pair["word"], pair["spoken"], token - 1, replaces=True, is_shade=True) for pair in stated]
        elif is_free(frame, token) and len(phrase.adjectives) == 1:
            found += [_Step(pair["word"], pair["spoken"], token, replaces=False, is_shade=True) for pair in pairs]
    return found
