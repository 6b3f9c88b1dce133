"""change_attribute and compare_attribute: another colour, material, pattern, size, age or state; more or less of it."""

import random
from collections.abc import Iterator

from tripletgen.assets import read_yaml
from tripletgen.edits.base import GRAPHIC, Change, Edit, Frame, insertion, is_subject, lower_first, naming, shuffled, slots_of
from tripletgen.lexicon import AttributeGroup, Noun, words
from tripletgen.lexicon.inflection import article
from tripletgen.phrases import NounPhrase

# How often a group is chosen where several apply; the others count 1.
_GROUP_WEIGHTS = {"paint": 4.0, "fur": 3.0, "plumage": 3.0, "bloom": 3.0, "pattern": 2.0, "size": 0.8, "age_person": 1.5, "wet": 0.4}
_DETERMINERS = words("attributes", "determiners")
_SHADES = words("attributes", "shades")
# Adjectives that say which one is meant, or how much of it: no other adjective goes before or after them.
_CLOSED = frozenset(
    (
        "entire",
        "whole",
        "own",
        "same",
        "other",
        "only",
        "former",
        "main",
        "next",
        "last",
        "first",
        "second",
        "such",
        "half",
        "double",
        "single",
        "twin",
        "king",
        "queen",
    )
)
_QUANTITIES = frozenset(("several", "many", "few", "some", "various", "numerous", "countless"))
_NEUTRAL = words("attributes", "neutral")
_TIED_AFTER = frozenset(("fashioned", "school", "style", "time", "timer", "world", "age", "aged"))
_TIED_WORDS = [[word] for word in sorted(_TIED_AFTER)]
_SIZES = frozenset(("size", "height"))
OPINIONS = words("attributes", "opinions")
# Where these are, no place is empty.
_UNCOLORED = words("attributes", "uncolored")
_PRESENT_KINDS = ("person", "group", "animal", "vehicle")
_MATERIAL_ASPECTS = ("material", "fabric")


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
                old = frame.parsed.lowers[token]
                values = [v for v in group.values if group.is_opposite(old, v) and v not in frame.words]
                if values:
                    yield self.edit(frame, phrase, group, old, rng.choice(values), token)
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
            assert place is not None
            change = insertion(frame, place, new)
        slots = thing_slots(frame, phrase, token)
        noun = lower_first(frame, phrase.name, parsed.span(phrase.name, phrase.head))
        new_name = naming(f"{new} {noun}", phrase.noun, is_plural=phrase.is_plural)
        slots |= slots_of("new", new_name) | value_slots(new, phrase)
        if old is not None:
            slots |= slots_of("old", naming(f"{old} {noun}", phrase.noun, is_plural=phrase.is_plural)) | {"old_value": old}
        if group.aspect:
            slots["aspect"] = group.aspect
        if new in group.stuff:
            slots["stuff"] = group.stuff[new]
        if new in group.phrase:
            slots["print"] = group.phrase[new]
        source = f"{old} {noun}" if old else noun
        return Edit(self.name, self.edit_type, source, f"{new} {noun}", (change,), _wording(group), slots)


def _wording(group: AttributeGroup) -> str:
    if group.aspect == "color":
        return "change_color"
    if group.aspect in _MATERIAL_ASPECTS:
        return "change_material"
    return "change_pattern" if group.aspect == "pattern" else "change_state"


class CompareAttribute:
    """Make a noun larger, older, longer ... than it is."""

    name = "compare_attribute"
    edit_type = "compare_attribute"

    def propose(self, frame: Frame, rng: random.Random) -> Iterator[Edit]:
        """Yield one edit for each noun whose size, length, height, age, shade or fullness can be compared."""
        comparatives = read_yaml("lexicon/comparatives.yaml")
        for phrase in shuffled(rng, frame.shown):
            if phrase.noun is None or not is_describable(frame, phrase):
                continue
            options: list[tuple[str, dict[str, list[str]], int | None]] = []
            for group in sorted(comparatives):
                taken = group in phrase.noun.attributes or (group == "shade" and "paint" in phrase.noun.attributes)
                if taken:
                    options += self._options(frame, phrase, group, comparatives[group])
            if options:
                yield self.edit(frame, phrase, rng, *rng.choice(options))

    def _options(
        self, frame: Frame, phrase: NounPhrase, group: str, pairs: list[dict[str, list[str]]]
    ) -> list[tuple[str, dict[str, list[str]], int | None]]:
        lowers = frame.parsed.lowers
        stated = [(pair, token) for pair in pairs for token in phrase.adjectives if lowers[token] in pair["from"]]
        stated = [(pair, token) for pair, token in stated if is_free(frame, token)]
        if stated:
            return [(group, pair, token) for pair, token in stated]
        known = frame.lexicon.groups.get(group)
        if known is None or _is_ground(frame, phrase, group) or place_for(frame, phrase, known) is None:
            return []
        return [(group, pair, None) for pair in pairs]

    def edit(self, frame: Frame, phrase: NounPhrase, rng: random.Random, group: str, pair: dict[str, list[str]], token: int | None) -> Edit:
        """Return the edit that makes a noun more or less of what it is."""
        parsed = frame.parsed
        word = str(pair["word"])
        if token is None:
            place = place_for(frame, phrase, frame.lexicon.groups[group])
            assert place is not None
            change = insertion(frame, place, word)
        else:
            change = Change(parsed.starts[token], parsed.ends[token], word)
        noun = lower_first(frame, phrase.name, parsed.span(phrase.name, phrase.head))
        spoken = rng.choice(pair["spoken"])
        slots = thing_slots(frame, phrase, token) | value_slots(spoken, phrase)
        slots |= slots_of("new", naming(f"{word} {noun}", phrase.noun, is_plural=phrase.is_plural))
        source = f"{parsed.lowers[token]} {noun}" if token is not None else noun
        return Edit(self.name, self.edit_type, source, f"{word} {noun}", (change,), "compare", slots)


def is_describable(frame: Frame, phrase: NounPhrase) -> bool:
    """Tell whether an adjective may be set before the noun or changed: a plain phrase with an ordinary determiner."""
    parsed = frame.parsed
    if phrase.noun is not None and phrase.noun.kind == "graphic" and not frame.words & GRAPHIC:
        # The heart of a city is no heart.
        return False
    if not phrase.plain or parsed.deps[phrase.head] in ("nmod", "npadvmod"):
        return False
    if phrase.determiner >= 0 and (parsed.lowers[phrase.determiner] not in _DETERMINERS or "such" in parsed.lowers[: phrase.determiner]):
        return False
    governor = parsed.lowers[parsed.heads[phrase.head]]
    return not (parsed.deps[phrase.head] == "pobj" and governor in ("as", "like", "than", "by"))


def is_free(frame: Frame, token: int) -> bool:
    """Tell whether an adjective stands alone: not `light blue`, `black and white`, `red-haired`."""
    parsed = frame.parsed
    if token > 0 and (parsed.lowers[token - 1] in _SHADES or parsed.tags[token - 1] in ("HYPH", "RB", "CC", ",")):
        return False
    following = parsed.tags[token + 1] if token + 1 < len(parsed) else ""
    if following in ("HYPH", "CC", ",") or parsed.lowers[token + 1 : token + 2] in _TIED_WORDS:
        return False
    return not frame.children(token)


def _new_values(frame: Frame, phrase: NounPhrase, noun: Noun, rng: random.Random) -> tuple[AttributeGroup, list[str]] | None:
    """Return a group of which the phrase states no value, and the values that may be added, or None."""
    groups = [frame.lexicon.groups[name] for name in sorted(noun.attributes)]
    groups = [group for group in groups if group.insert and not _is_ground(frame, phrase, group.name)]
    groups = [group for group in groups if place_for(frame, phrase, group) is not None]
    if not groups:
        return None
    group = rng.choices(groups, [_GROUP_WEIGHTS.get(group.name, 1.0) for group in groups])[0]
    values = [v for v in group.values if v not in frame.words and v not in noun.lemma]
    if group.name == "full_empty" and (frame.parsed.deps[phrase.head] == "pobj" or frame.children(phrase.head, "prep")):
        # Something is on the plate, or in the cup.
        return None
    if group.name == "crowd" and any(other.noun and other.noun.kind in _PRESENT_KINDS for other in frame.phrases):
        values = [v for v in values if v != "empty"]
    return (group, values) if values else None


def _colored_unknown(frame: Frame) -> list[NounPhrase]:
    """Return the phrases of nouns that the lexicon does not hold: what has a color can have another, whatever it is."""
    return [phrase for phrase in frame.phrases if phrase.noun is None and frame.parsed.lowers[phrase.head] not in _UNCOLORED]


def stated_values(frame: Frame, phrase: NounPhrase) -> list[tuple[int, AttributeGroup]]:
    """Return the adjectives of a phrase that are values of attributes its noun takes; of an unknown noun, colors."""
    lexicon, found = frame.lexicon, []
    for token in phrase.adjectives:
        word = frame.parsed.lowers[token]
        if phrase.noun is not None:
            group = lexicon.group_of(word, phrase.noun)
        else:
            group = lexicon.groups["paint"] if word in lexicon.groups["paint"].values else None
        if group is not None and is_free(frame, token):
            found.append((token, group))
    names = [group.name for _, group in found]
    # Of a "clear blue sky" neither word can change alone.
    return [(token, group) for token, group in found if names.count(group.name) == 1]


def place_for(frame: Frame, phrase: NounPhrase, group: AttributeGroup) -> int | None:
    """Return the token before which a new adjective of a group goes, by the order of English adjectives.

    None where the phrase states a value of that attribute already, or holds words whose place is not known.
    """
    parsed, lexicon = frame.parsed, frame.lexicon
    # Of "pedestrians and vendors" an adjective would describe both.
    joined = frame.children(phrase.head, "conj") or parsed.deps[phrase.head] == "conj"
    if phrase.determiner < 0 and (joined or (_is_bare(frame, phrase) and not phrase.adjectives)):
        return None
    if joined and phrase.is_plural:
        return None
    place = phrase.name
    for token in reversed(phrase.adjectives):
        word = parsed.lowers[token]
        if word in _QUANTITIES:
            break
        names = lexicon.groups_of.get(word, ())
        groups = [lexicon.groups[name] for name in names]
        if any(other.name == group.name or (other.aspect is not None and other.aspect == group.aspect) for other in groups):
            return None
        if parsed.tags[token] not in ("JJ", "NN") or not is_free(frame, token):
            return None
        # What an unknown word says may be the same or the contrary: "a vintage trendy kitchen", "a huge mini chest".
        is_unknown = not groups and not _is_neutral(frame, token)
        if is_unknown or parsed.tags[token + 1] in ("CC", ",") or word in _CLOSED:
            return None
        if max((other.place for other in groups), default=_unknown_place(frame, token)) <= group.place:
            break
        place = token
    return place


def _is_ground(frame: Frame, phrase: NounPhrase, group: str) -> bool:
    """Tell whether a landscape is where something else is: nobody fishes "in the larger mountains"."""
    is_land = phrase.noun is not None and phrase.noun.kind in ("landscape", "sky")
    return is_land and group in _SIZES and frame.parsed.deps[phrase.head] == "pobj"


def _is_bare(frame: Frame, phrase: NounPhrase) -> bool:
    """Tell whether a noun that wants an article goes without one inside a caption: of "at school" no adjective makes a place."""
    wants_article = phrase.noun is not None and phrase.noun.is_count and not phrase.is_plural
    return wants_article and frame.parsed.deps[phrase.head] in ("pobj", "dobj")


def _is_neutral(frame: Frame, token: int) -> bool:
    """Tell whether a word of no group says nothing of size, age, color or make: an opinion, a noun, or a known plain adjective."""
    word = frame.parsed.lowers[token]
    return frame.parsed.tags[token] == "NN" or frame.parsed.deps[token] == "compound" or word in OPINIONS or word in _NEUTRAL


def _unknown_place(frame: Frame, token: int) -> int:
    """Return the place of a word that is of no group: a noun stays at its noun, an opinion goes first, the rest follow the state."""
    if frame.parsed.tags[token] == "NN" or frame.parsed.deps[token] == "compound":
        return 9
    return 1 if frame.parsed.lowers[token] in OPINIONS else 5


def value_slots(value: str, phrase: NounPhrase) -> dict[str, str]:
    """Return the slots that name a value alone: `red`, `a red one`, `red ones`."""
    slots = {"value": value}
    if phrase.noun is not None and phrase.noun.is_count:
        slots["value_one"] = f"{value} ones" if phrase.is_plural else f"{article(value)} {value} one"
    return slots


def thing_slots(frame: Frame, phrase: NounPhrase, without: int | None) -> dict[str, str]:
    """Return the slots that name the thing itself, by its noun, or by its other adjectives where the noun occurs twice."""
    parsed = frame.parsed
    words = lower_first(frame, phrase.name, parsed.span(phrase.name, phrase.head))
    if sum(other.noun == phrase.noun for other in frame.phrases) > 1:
        kept = [parsed.lowers[token] for token in phrase.adjectives if token != without]
        words = " ".join([*kept, words])
    name = naming(words, phrase.noun, is_plural=phrase.is_plural)
    slots = slots_of("thing", name)
    if is_subject(frame, phrase):
        slots["self_is"] = name.is_
    return slots
