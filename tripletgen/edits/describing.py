"""What an adjective may be said of, where it stands, and how a text names what it describes."""

from functools import cache

from tripletgen.assets import read_yaml
from tripletgen.edits.base import GRAPHIC, MEDIA, Frame, is_subject, kind_of, names_kind, naming, slots_of
from tripletgen.lexicon import AttributeGroup, Noun, words
from tripletgen.lexicon.inflection import article, verb_lemma
from tripletgen.phrases import NounPhrase

OPINIONS = words("attributes", "opinions")
_LOVELY = OPINIONS | words("attributes", "lovely")
_UNLOVELY = words("attributes", "unlovely")
_CUTE = words("attributes", "cute")
_FEELINGS = words("attributes", "feelings")
_NEUTRAL = words("attributes", "neutral")
_DETERMINERS = words("attributes", "determiners")
_SHADES = words("attributes", "shades")
# Colors that are dark or light still.
SHADED = words("attributes", "shaded")
_QUANTITIES = words("attributes", "quantities")
# They say which one is meant, or how much of it: no other adjective goes before or after them.
_CLOSED = words("attributes", "closed")
_TIED_WORDS = [[word] for word in sorted(words("attributes", "tied_after"))]
# What is after these is no thing in view, but where one stands, goes, or what something is for.
_UNSEEN_AFTER = words("attributes", "unseen_after")
_NEXT_TO = words("attributes", "next_to")
# "A view of", "a pair of": what is of them is what one sees.
_SHOWN_OF = words("attributes", "shown_of") | words("views", "partitives") | MEDIA
_CLAD = words("attributes", "clad")
_MEASURES = words("attributes", "measures")
_INTERIOR = words("attributes", "interior")
_MAKING = words("attributes", "making")
# Whatever else a caption says of color or age is said of all that it shows.
_COLORED = words("attributes", "colored")
_AGED = words("attributes", "aged")
_MADE = words("attributes", "made")
_CROWDED = words("attributes", "crowded")
_SIZED = words("attributes", "sized")
_SPORT = words("additions", "sport")
_TOLD_BESIDE = ("food_state", "print_kind", "sky_state", "water_state", "wet", "open_closed")
_UNFIT_BESIDE = {group: words("attributes", f"beside_{group}") for group in _TOLD_BESIDE}
_DEPENDENCIES = frozenset(("ROOT", "nsubj", "nsubjpass", "dobj", "pobj", "conj", "appos"))
# Where these are, no place is empty.
_PRESENT_KINDS = frozenset(("person", "group", "animal", "vehicle"))
_PLACES = frozenset(("building", "room", "structure", "landscape"))
_INSIDE = frozenset(("in", "inside", "at", "within", "through", "throughout", "around", "on", "across", "over", "along", "down"))
AGES = frozenset(("age_thing", "age_building"))
# Of these a noun before the noun says another kind: "metal factory", "picnic table".
_MAKE_ASPECTS = frozenset(("material", "fabric", "pattern"))
_STATES = AGES | frozenset(("dirt", "rust", "wet", "food_state", "open_closed", "full_empty"))
_OPINION_PLACE, _ORIGIN_PLACE = 1, 7


@cache
def _unfit() -> dict[str, frozenset[str]]:
    return {value: frozenset(names) for value, names in read_yaml("lexicon/unfit.yaml").items()}


def fits(value: str, noun: Noun) -> bool:
    """Tell whether a value, or any of a group, can be said of a noun: no small mountain, no modern steam train, no black blackbird."""
    return value not in noun.lemma and _unfit().get(value, frozenset()).isdisjoint((noun.lemma, noun.category, noun.kind))


def is_describable(frame: Frame, phrase: NounPhrase) -> bool:
    """Tell whether an adjective may be set before the noun or changed: a plain phrase with an ordinary determiner, of a thing in view."""
    if not phrase.plain or frame.parsed.deps[phrase.head] not in _DEPENDENCIES or _is_shared(frame, phrase):
        return False
    if any(frame.parsed.lowers[token] in _CLOSED for token in phrase.adjectives):
        return False  # a "single storey house" is no "storey house"
    return _is_itself(frame, phrase) and _has_plain_determiner(frame, phrase) and _is_in_view(frame, phrase)


def _is_shared(frame: Frame, phrase: NounPhrase) -> bool:
    """Tell whether an adjective would be of two things: "wooden table and chairs"."""
    others = (frame.phrase_at(other) for other in frame.children(phrase.head, "conj"))
    return any(other is not None and other.first == other.name for other in others)


def _is_itself(frame: Frame, phrase: NounPhrase) -> bool:
    """Tell whether the noun alone says what it is: the heart of a city is no heart, a ball of wool is wool, not "snow covered hills"."""
    lowers = frame.parsed.lowers
    if _is_in_a_name(frame, phrase):
        return False
    if phrase.noun is not None:
        if phrase.noun.kind == "graphic" and not frame.words & GRAPHIC:
            return False
        if phrase.noun.lemma == "camera" and frame.parsed.deps[phrase.head] != "dobj":
            # The one that takes the picture.
            return False
        if phrase.noun.lemma in _MEASURES and lowers[phrase.head + 1 : phrase.head + 2] == ["of"]:
            return False
    return phrase.determiner >= 0 or phrase.first == 0 or lowers[phrase.first - 1] not in _CLAD


def _is_in_a_name(frame: Frame, phrase: NounPhrase) -> bool:
    """Tell whether the noun only says what the next one is: a boat ride, a tree lined road, a wall hanging clock."""
    first, second = (*frame.parsed.tags[phrase.head + 1 : phrase.head + 3], "", "")[:2]
    if first.startswith("NN") or first == "VB":
        return True
    is_alive = phrase.noun is not None and phrase.noun.kind in ("person", "group", "animal", "vehicle")
    return second.startswith("NN") and (first == "VBN" or (first in ("VBG", "VBD") and not is_alive))


def _has_plain_determiner(frame: Frame, phrase: NounPhrase) -> bool:
    parsed = frame.parsed
    if phrase.determiner < 0:
        return True
    word = parsed.lowers[phrase.determiner]
    if word not in _DETERMINERS or "such" in parsed.lowers[: phrase.determiner]:
        return False
    # Whose wife it is decides her age.
    return phrase.noun is None or phrase.noun.kind != "person" or parsed.tags[phrase.determiner] != "PRP$"


def _is_in_view(frame: Frame, phrase: NounPhrase) -> bool:
    """Tell whether one sees the thing itself: not the house of which a room is shown, nor the boat that one looks from."""
    parsed = frame.parsed
    kind = phrase.noun.kind if phrase.noun is not None else ""
    if (kind in ("building", "vehicle") and frame.words & _INTERIOR) or _is_told_of(frame, phrase.head):
        return False
    if parsed.deps[phrase.head] != "pobj":
        return True
    preposition = parsed.heads[phrase.head]
    governor, before = parsed.lowers[preposition], parsed.lowers[max(preposition - 2, 0) : preposition]
    if governor == "to":
        return not _NEXT_TO.isdisjoint(before[-1:])
    if governor == "of":
        is_before = before == ["in", "front"] and kind not in ("room", "landscape")
        return is_before or not _SHOWN_OF.isdisjoint(before[-1:])
    return governor not in _UNSEEN_AFTER and _is_seen_at(governor, kind)


def _is_told_of(frame: Frame, head: int) -> bool:
    """Tell whether the thing belongs to what is told, not shown: "that once housed monks", "signs for walking with a dog"."""
    parsed, token = frame.parsed, head
    while parsed.heads[token] != token:
        above = parsed.heads[token]
        is_past = parsed.deps[token] == "relcl" and parsed.tags[token] == "VBD"
        is_trade = parsed.lowers[token].startswith("speciali")
        if is_past or is_trade or (parsed.deps[token] == "pcomp" and parsed.lowers[above] == "for"):
            return True
        token = above
    return False


def _is_seen_at(preposition: str, kind: str) -> bool:
    """Tell whether one sees a room or a building that something is at: a room from within, a building from without."""
    if kind == "room":
        return preposition in ("in", "inside")
    # A team plays against a university.
    return kind != "building" or (preposition not in _INSIDE and preposition != "against")


def is_free(frame: Frame, token: int) -> bool:
    """Tell whether an adjective stands alone: not `light blue` or `olive green`, `black and white`, `red-haired`."""
    parsed = frame.parsed
    if token > 0 and (parsed.lowers[token - 1] in _SHADES or parsed.tags[token - 1] in ("HYPH", "RB", "CC", ",")):
        return False
    if parsed.lowers[token] in _SHADES and not SHADED.isdisjoint(parsed.lowers[token + 1 : token + 2]):
        return False
    following = parsed.tags[token + 1] if token + 1 < len(parsed) else ""
    if following in ("HYPH", "CC", ",") or parsed.lowers[token + 1 : token + 2] in _TIED_WORDS:
        return False
    return not frame.children(token)


def stated_values(frame: Frame, phrase: NounPhrase) -> list[tuple[int, AttributeGroup]]:
    """Return the adjectives of a phrase that are values of attributes its noun takes; of an unknown noun, colors."""
    lexicon, found = frame.lexicon, []
    for token in phrase.adjectives:
        word = frame.parsed.lowers[token]
        if phrase.noun is not None:
            group = lexicon.group_of(word, phrase.noun)
        else:
            # Of a "red carpet event" the event is not red.
            is_near = token == phrase.name - 1
            group = lexicon.groups["paint"] if is_near and word in lexicon.groups["paint"].values else None
        if group is not None and is_free(frame, token):
            found.append((token, group))
    names = [group.name for _, group in found]
    # Of a "clear blue sky" neither word can change alone.
    return [(token, group) for token, group in found if names.count(group.name) == 1]


def contradicts(frame: Frame, phrase: NounPhrase, value: str) -> bool:
    """Tell whether another adjective of the phrase, or what the thing does, speaks against a value: nothing is cute and dirty."""
    others = {frame.parsed.lowers[token] for token in phrase.adjectives}
    if value in _UNLOVELY and others & _LOVELY:
        return True
    if value in ("large", "huge") and others & _CUTE:
        return True
    return value == "elderly" and bool(frame.words & _SPORT)


def is_told_elsewhere(frame: Frame, group: AttributeGroup) -> bool:
    """Tell whether a caption speaks of color, age or the like by other words than adjectives of the phrase."""
    if group.aspect in _MAKE_ASPECTS and frame.words & _MADE:
        return True
    if (group.aspect == "color" or group.name == "cloud_state") and frame.words & _COLORED:
        return True
    if group.name in AGES and (frame.words & _AGED or any(frame.words & frame.lexicon.groups[name].recognised for name in AGES)):
        return True
    if group.name == "age_person" and frame.words & group.recognised:
        return True
    if group.name == "size" and frame.words & _SIZED:
        return True
    return is_unlikely_beside(frame, group, None)


def is_unlikely_beside(frame: Frame, group: AttributeGroup, old: str | None) -> bool:
    """Tell whether other words of a caption settle the state: no sky is cloudy at night, no lemon on a tree is sliced."""
    return bool((frame.words - {old}) & _UNFIT_BESIDE.get(group.name, frozenset()))


def is_as_busy(frame: Frame, value: str) -> bool:
    """Tell whether what a caption shows allows a place to be empty, or full of people: no beach is crowded where wild horses graze."""
    kinds = {phrase.noun.kind for phrase in frame.phrases if phrase.noun}
    if value in ("empty", "quiet"):
        return kinds.isdisjoint(_PRESENT_KINDS) and not frame.words & _CROWDED
    return value not in ("crowded", "busy") or ("animal" not in kinds and not frame.words & _CROWDED)


def place_for(frame: Frame, phrase: NounPhrase, group: AttributeGroup) -> int | None:
    """Return the token before which a new adjective of a group goes, by the order of English adjectives.

    None where the phrase states a value of that attribute already, or holds words beside which it would read badly.
    """
    parsed, lexicon = frame.parsed, frame.lexicon
    if phrase.noun is None or not _takes_new(frame, phrase, phrase.noun, group):
        return None
    place, described = phrase.name, 0
    for token in reversed(phrase.adjectives):
        word = parsed.lowers[token]
        if word in _QUANTITIES:
            break
        if names_kind(frame, token):
            # A name of three nouns is hard to take apart.
            if place < phrase.name or described or group.aspect in _MAKE_ASPECTS or word in lexicon.groups_of or word in lexicon.near:
                return None
            place = token
            continue
        other = _place_of(frame, phrase, token, group)
        described += 1
        # Two adjectives are enough.
        if other is None or described > 1:
            return None
        if other > group.place:
            place = token
    return place


def _takes_new(frame: Frame, phrase: NounPhrase, noun: Noun, group: AttributeGroup) -> bool:
    """Tell whether an adjective of a group may be added at all."""
    parsed = frame.parsed
    dep = parsed.deps[phrase.head]
    # Of "pedestrians and vendors" an adjective would describe both.
    joined = bool(frame.children(phrase.head, "conj")) or dep == "conj"
    if phrase.determiner < 0 and (joined or (_is_bare(frame, phrase) and not phrase.adjectives)):
        return False
    if (joined and phrase.is_plural) or not fits(group.name, noun) or is_told_elsewhere(frame, group):
        return False
    if group.name in _STATES and _is_being_made(frame, phrase):
        return False
    # A brick wall is of brick.
    if any(
        frame.lexicon.groups[name].aspect == group.aspect
        for word in noun.lemma.split(" ")[:-1]
        for name in frame.lexicon.groups_of.get(word, ())
        if group.aspect is not None
    ):
        return False
    is_place = noun.kind in _PLACES and dep == "pobj" and parsed.lowers[parsed.heads[phrase.head]] in _INSIDE
    return not (is_place and (group.name in ("size", "height") or group.name in AGES))


def _is_being_made(frame: Frame, phrase: NounPhrase) -> bool:
    """Tell whether the thing is just being made or dealt in: nobody writes an old book."""
    parsed = frame.parsed
    if parsed.deps[phrase.head] not in ("dobj", "nsubjpass"):
        return False
    return verb_lemma(parsed.lowers[parsed.heads[phrase.head]]) in _MAKING


def _is_bare(frame: Frame, phrase: NounPhrase) -> bool:
    """Tell whether a noun that wants an article goes without one inside a caption: of "at school" no adjective makes a place."""
    wants_article = phrase.noun is not None and phrase.noun.is_count and not phrase.is_plural
    return wants_article and frame.parsed.deps[phrase.head] in ("pobj", "dobj")


def _place_of(frame: Frame, phrase: NounPhrase, token: int, group: AttributeGroup) -> int | None:
    """Return the place of an adjective that is there, or None where none of this group goes well beside it."""
    parsed, lexicon = frame.parsed, frame.lexicon
    word = parsed.lowers[token]
    if parsed.tags[token] != "JJ" or word in _CLOSED or not is_free(frame, token):
        return None
    if word in OPINIONS or word in _FEELINGS:
        return _OPINION_PLACE
    groups = [lexicon.groups[name] for name in lexicon.groups_of.get(word, ()) if phrase.noun and name in phrase.noun.attributes]
    if not groups:
        return _ORIGIN_PLACE if word in _NEUTRAL and group.place != _ORIGIN_PLACE else None
    if any(other.name == group.name or other.place == group.place or (other.aspect and other.aspect == group.aspect) for other in groups):
        return None
    # "Dirty old" or "old dirty", "large open" or "open large": such pairs have no sure order.
    if any({other.place, group.place} in ({3, 4}, {2, 4}) for other in groups):
        return None
    return groups[0].place


def value_slots(value: str, phrase: NounPhrase, prefix: str = "value") -> dict[str, str]:
    """Return the slots that name a value alone: `red`, `a red one`, `red ones`."""
    slots = {prefix: value}
    if phrase.noun is not None and phrase.noun.is_count:
        slots[f"{prefix}_one"] = f"{value} ones" if phrase.is_plural else f"{article(value)} {value} one"
    return slots


def thing_slots(frame: Frame, phrase: NounPhrase, without: int | None) -> dict[str, str]:
    """Return the slots that name the thing itself, by its noun, or by its other adjectives where the noun occurs twice."""
    words = kind_of(frame, phrase, without)
    if sum(other.noun == phrase.noun for other in frame.phrases) > 1:
        first = phrase.name - words.count(" ")
        kept = [frame.parsed.lowers[token] for token in phrase.adjectives if token != without and token < first]
        words = " ".join([*kept, words])
    name = naming(words, phrase.noun, is_plural=phrase.is_plural)
    slots = slots_of("thing", name)
    slots["thing_looks"] = "look" if name.is_ == "are" else "looks"
    if is_subject(frame, phrase):
        slots["self_is"] = name.is_
    return slots
