"""What a caption shows: its subject, and whether it is one scene or thing that a picture could show in another way."""

import random
from functools import cache
from typing import NamedTuple

from tripletgen.assets import read_yaml
from tripletgen.edits.base import FINITE_TAGS, GRAPHIC, Frame, name_of, slots_of
from tripletgen.lexicon import words
from tripletgen.lexicon.inflection import article
from tripletgen.phrases import NounPhrase

# Kinds of which no picture can be drawn by themselves.
UNDRAWN_KINDS = ("event", "backdrop", "material", "graphic")
# One of these makes a caption a scene, whatever it is called.
_SCENE_KINDS = ("landscape", "building", "room", "structure", "person", "group", "animal", "vehicle")
_ABSTRACT = words("views", "abstract")
_ABSTRACT_ENDINGS = ("tion", "sion", "ence", "ance", "ity", "ness", "ment", "ism", "ship", "ure", "logy", "al")
TITLES = words("views", "titles")
_SCENE_WORDS = words("views", "scene_words")
STYLED = GRAPHIC | words("views", "styled")
_PLACING = frozenset(("on", "in", "at", "near", "with", "under", "behind", "beside", "against", "over", "inside", "along", "around"))
_HAPPENINGS = words("views", "happenings")
_TIMES = words("views", "times")
_PARTITIVES = words("views", "partitives")
_DETERMINERS = frozenset(("a", "an", "the", "his", "her", "their", "its", "some", "two", "three", "four", "five", "several", "many"))
_UNARTICLED = words("views", "unarticled")
# Where a caption has several parts a tail or a framing would be of one only.
BREAKS = frozenset((",", "-", ":", ";", "|", "--", "..."))
# Nouns by which a text may speak of the scene, "the scene with the dog".
_SPOKEN_KINDS = words("views", "spoken_kinds")
# Where a scene may be said to be.
_PLACE_PREPOSITIONS = {
    "landscape": ("in", "on", "at", "near", "along"),
    "room": ("in", "inside", "at"),
    "building": ("in", "inside", "at", "near"),
}
_CLOSED = words("attributes", "closed")
_SIMPLE_WORDS = 9
# How often a thing is named without its adjectives.
_SHORT = 0.4
# Words after which a tail is no longer said of the whole: of a noun phrase, and of a sentence.
_NOMINAL_WORDS, _SENTENCE_WORDS = 11, 8
_CLAUSES = frozenset(("relcl", "advcl", "ccomp", "parataxis", "mark"))
_UNSPOKEN = _TIMES | TITLES | _PARTITIVES | STYLED | words("views", "unspoken") | words("views", "moving")
# Collections of pictures are no picture, whose colors could be others.
_GATHERED = frozenset(("set", "collection", "text", "map", "chart"))


class Stated(NamedTuple):
    """A medium or framing that a caption begins with: first and last token, its words, and the phrase of what it shows."""

    first: int
    last: int
    words: str
    depicted: NounPhrase


def first_noun(frame: Frame) -> NounPhrase | None:
    """Return the subject of the caption: the phrase of its root, of its root's subject, or of what a medium shows."""
    stated = stated_medium(frame)
    if stated is not None:
        return stated.depicted
    for phrase in frame.phrases:
        if frame.parsed.deps[phrase.head] in ("ROOT", "nsubj", "nsubjpass"):
            return _contained(frame, phrase.head) or phrase
    root = frame.parsed.deps.index("ROOT")
    return _contained(frame, root) if frame.parsed.tags[root] == "CD" else None


def stated_medium(frame: Frame) -> Stated | None:
    """Return the medium or the framing that a caption begins with, "a photo of"."""
    parsed = frame.parsed
    start = 1 if parsed.lowers[0] in ("a", "an", "the") else 0
    for stop in range(min(start + 4, len(parsed) - 2), start, -1):
        if parsed.lowers[stop] != "of":
            continue
        said = parsed.text[parsed.starts[start] : parsed.ends[stop - 1]].lower()
        shown = next((phrase for phrase in frame.phrases if phrase.head > stop and parsed.heads[phrase.head] == stop), None)
        if said in _known() and shown is not None:
            return Stated(start, stop - 1, said, shown)
    return None


@cache
def _known() -> frozenset[str]:
    return frozenset(name for names in read_yaml("lexicon/views.yaml")["known"].values() for name in names)


def is_scene(frame: Frame) -> bool:
    """Tell whether a caption is a sentence, or a participle's phrase, about something that can be seen."""
    parsed = frame.parsed
    root = parsed.deps.index("ROOT")
    if frame.is_nominal:
        if parsed.tags[root] == "VBG" or parsed.lowers[root] in _SCENE_WORDS:
            return root <= 1 or parsed.lowers[root] in _SCENE_WORDS
        if parsed.lowers[root] in _HAPPENINGS and frame.phrase_at(root) is not None:
            return True
        is_named = parsed.tags[root] in ("NN", "NNS") and frame.phrase_at(root) is not None and not _is_abstract(parsed.lowers[root])
        return is_named and not frame.kinds.isdisjoint(_SCENE_KINDS) and not frame.words & (GRAPHIC | TITLES)
    subject = first_noun(frame)
    if subject is None or parsed.tags[subject.head] not in ("NN", "NNS", "NNP"):
        return False
    if subject.noun is not None:
        return subject.noun.kind not in UNDRAWN_KINDS
    return not _is_abstract(parsed.lowers[subject.head]) and not frame.children(root, "attr", "acomp", "ccomp", "xcomp")


def is_picture(frame: Frame) -> bool:
    """Tell whether a caption names a graphic, such as "seamless pattern with flowers", whose colors may be others."""
    parsed = frame.parsed
    root = parsed.deps.index("ROOT")
    return frame.is_nominal and parsed.tags[root] in ("NN", "NNS") and parsed.lowers[root] in GRAPHIC - _GATHERED


def _is_head(frame: Frame, subject: NounPhrase) -> bool:
    """Tell whether a noun is what a caption without a finite verb names: its root, or what its participle is said of."""
    parsed, head = frame.parsed, subject.head
    if parsed.deps[head] == "pobj" and parsed.lowers[parsed.heads[head]] == "of":
        head = parsed.heads[parsed.heads[head]]
    doing = parsed.deps[head] in ("nsubj", "nsubjpass") and parsed.deps[parsed.heads[head]] == "ROOT"
    return parsed.deps[head] == "ROOT" or (doing and parsed.tags[parsed.heads[head]] in ("VBG", "VBN"))


def _is_first(frame: Frame, subject: NounPhrase) -> bool:
    """Tell whether no other thing is named before the subject, but for the "selection" that it is in."""
    before = [phrase for phrase in frame.phrases if phrase.head < subject.head]
    return not before or (len(before) == 1 and _contained(frame, before[0].head) is subject)


def is_whole(frame: Frame, subject: NounPhrase) -> bool:
    """Tell whether a caption is one thing that can be drawn, with what is said of it."""
    return frame.is_nominal and _is_first(frame, subject) and _is_head(frame, subject) and is_drawable(frame, subject)


def is_joined(frame: Frame, subject: NounPhrase) -> bool:
    """Tell whether the subject is one of several, so that its name alone does not name what is shown."""
    return bool(frame.children(subject.head, "conj", "appos")) or "CC" in frame.parsed.tags[: subject.head]


def is_drawable(frame: Frame, subject: NounPhrase) -> bool:
    """Tell whether a caption's subject is a thing that can be shown in any medium."""
    if subject.noun is not None:
        is_thing = subject.noun.kind not in UNDRAWN_KINDS or (subject.noun.kind in ("material", "graphic") and _is_placed(frame, subject))
        return is_thing and not _is_part(frame, subject)
    lowers, tags = frame.parsed.lowers, frame.parsed.tags
    # "A time-lapse" is no lapse, and what glows purple no purple.
    is_tail = (subject.head > 0 and tags[subject.head - 1] == "HYPH") or lowers[subject.head] in frame.lexicon.groups_of
    if (
        is_tail
        or _is_abstract(lowers[subject.head])
        or lowers[subject.head].endswith("ing")
        or any(tags[token] == "JJS" for token in subject.adjectives)
    ):
        return False
    article = subject.determiner >= 0 and lowers[subject.determiner] in ("a", "an", "the", "two", "three")
    return (article and subject.plain) or _is_placed(frame, subject)


def _is_ground(frame: Frame, ground: NounPhrase) -> bool:
    """Tell whether a phrase names something that another can be in, on or with: a thing, no time and no idea."""
    word = frame.parsed.lowers[ground.head]
    return ground.noun.kind != "event" if ground.noun is not None else word not in _TIMES and not _is_abstract(word)


def _is_placed(frame: Frame, subject: NounPhrase) -> bool:
    """Tell whether something known stands by an unknown noun, or it does something: such a noun is a thing too."""
    grounds = [
        frame.phrase_at(g)
        for p in frame.children(subject.head, "prep")
        if frame.parsed.lowers[p] in _PLACING
        for g in frame.children(p, "pobj")
    ]
    if frame.parsed.deps[subject.head] in ("nsubj", "nsubjpass") and frame.is_nominal:
        return True
    placed = any(ground is not None and _is_ground(frame, ground) for ground in grounds)
    return placed or any(frame.parsed.tags[token] in ("VBG", "VBN") for token in frame.children(subject.head, "acl"))


def _is_abstract(word: str) -> bool:
    one = word[:-3] + "y" if word.endswith("ies") else word.removesuffix("s")
    return word in _ABSTRACT or one in _ABSTRACT or one.endswith(_ABSTRACT_ENDINGS)


def _is_part(frame: Frame, subject: NounPhrase) -> bool:
    """Tell whether the subject is a part of what follows: the face of a home, the back of a car."""
    if subject.noun is None or subject.noun.kind != "body" or frame.parsed.lowers[subject.head + 1 : subject.head + 2] != ["of"]:
        return False
    wholes = [frame.phrase_at(whole) for whole in frame.children(subject.head + 1, "pobj")]
    return not any(whole is not None and whole.noun is not None and whole.noun.kind in ("person", "animal") for whole in wholes)


def _contained(frame: Frame, head: int) -> NounPhrase | None:
    """Return the phrase of what is meant by "a selection of bottles", "one of the rooms": the thing after "of", if it is known."""
    parsed = frame.parsed
    if (parsed.lowers[head] not in _PARTITIVES and parsed.tags[head] != "CD") or parsed.lowers[head + 1 : head + 2] != ["of"]:
        return None
    things = [frame.phrase_at(thing) for thing in frame.children(head + 1, "pobj")]
    return next((thing for thing in things if thing is not None and thing.noun is not None), None)


def opening(frame: Frame) -> str | None:
    """Return what must stand before a caption after "a photo of": an article before a bare countable noun; None where nothing fits.

    "A photo of flag" reads odd, and of an unknown noun nothing tells whether it takes an article.
    """
    parsed = frame.parsed
    first = frame.phrases[0] if frame.phrases else None
    if first is None or first.first != 0 or _is_sentence(frame, first):
        return None
    if parsed.lowers[0] in _DETERMINERS or first.is_plural:
        return ""
    if first.noun is None or parsed.tags[0] in ("NNP", "NNPS") or first.determiner >= 0:
        return None
    if not first.noun.is_count or first.number >= 0:
        return ""
    # Of bare "sheep" nobody knows how many, and nothing is "a saddest dog".
    if first.noun.plural == first.noun.lemma or any(parsed.tags[token] == "JJS" for token in first.adjectives):
        return None
    # "A fresh grape and red wine" would be wrong of one of the two.
    is_odd = not _UNARTICLED.isdisjoint((parsed.lowers[0], parsed.lowers[first.head])) or not first.plain or is_joined(frame, first)
    return None if is_odd else f"{article(parsed.lowers[0])} "


def _is_sentence(frame: Frame, first: NounPhrase) -> bool:
    """Tell whether a caption without a finite verb has one in truth: "a helicopter flies", "professional cyclist rings the bell"."""
    is_plural_one = frame.parsed.lowers[0] in ("a", "an") and frame.parsed.tags[first.head] == "NNS"
    # "Trees line pathways": of three nouns in a row the first is in the singular.
    has_plural = any(_is_plural_thing(frame, token) for token in range(first.first, first.head - 1))
    return is_plural_one or (first.is_plural and (has_plural or _may_be_verb(frame, first))) or _has_bare_verb(frame)


def _is_plural_thing(frame: Frame, token: int) -> bool:
    return frame.parsed.tags[token] == "NNS" and frame.lexicon.noun(frame.parsed.lowers[token]) is not None


def _may_be_verb(frame: Frame, phrase: NounPhrase) -> bool:
    """Tell whether a plural could be what the noun before it does: a known thing behind a person, or an unknown word behind anything."""
    before = frame.lexicon.noun(frame.parsed.lowers[phrase.head - 1]) if phrase.head > 0 and phrase.name == phrase.head else None
    if before is None or before[1]:
        return False
    return phrase.noun is None or (before[0].kind == "person" and phrase.noun.kind != "person")


def _has_bare_verb(frame: Frame) -> bool:
    """Tell whether a caption has a verb in its plain form without "to": it is a sentence in truth."""
    tags = frame.parsed.tags
    return any(tag == "VB" and (token == 0 or tags[token - 1] not in ("TO", "RB")) for token, tag in enumerate(tags))


def takes_tail(frame: Frame, most: int | None = None) -> bool:
    """Tell whether a caption is so short and simple that a tail is clearly said of the whole, not of a clause in it."""
    parsed = frame.parsed
    most = most or (_NOMINAL_WORDS if frame.is_nominal else _SENTENCE_WORDS)
    is_short = len(parsed) <= most and frame.text[frame.end :] in ("", ".")
    return is_short and BREAKS.isdisjoint(parsed.lowers) and _CLAUSES.isdisjoint(parsed.deps)


def begins_sentence(frame: Frame, subject: NounPhrase) -> bool:
    """Tell whether a caption is surely a sentence that begins with its subject, so that words may be set before it.

    "Iceberg viewed from a ship" is none: the verb could be a participle.
    """
    parsed = frame.parsed
    if not is_scene(frame) or (subject.first != 0 and parsed.lowers[0] != "there"):
        return False
    root = parsed.deps.index("ROOT")
    if "," in parsed.lowers[:root] and "conj" not in parsed.deps[:root]:
        return False
    verbs = [root, *frame.children(root, "aux", "auxpass")]
    if FINITE_TAGS.isdisjoint(parsed.tags[verb] for verb in verbs):
        return False
    return not (parsed.tags[root] == "VBD" and parsed.tags[root + 1 : root + 2] in (["IN"], ["RP"], ["RB"]))


def is_one(frame: Frame) -> bool:
    """Tell whether a caption is one scene, or one thing with what is said of it, and no name of an event or a detail."""
    if frame.words & TITLES:
        return False
    subject = first_noun(frame)
    return is_scene(frame) or (subject is not None and is_whole(frame, subject))


def scene_names(frame: Frame, rng: random.Random) -> dict[str, str]:
    """Return the slots by which a text may name what is shown: by its subject, or else the scene by its place."""
    subject = first_noun(frame)
    if subject is None or not _is_spoken(frame, subject):
        place = _place(frame, rng)
        return {} if place is None else {"scene": f"scene {place}"}
    if is_joined(frame, subject):
        # Half of a pair is not what is shown.
        others = [frame.phrase_at(other) for other in frame.children(subject.head, "conj", "appos")]
        other = others[0] if len(others) == 1 else None
        if other is None or not _is_spoken(frame, other):
            return {}
        return {"scene": f"scene with {name_of(frame, subject, short=True).the} and {name_of(frame, other, short=True).the}"}
    slots: dict[str, str] = {}
    if frame.is_nominal and len(frame.parsed) <= _SIMPLE_WORDS and frame.parsed.lowers[subject.head + 1 : subject.head + 2] != ["of"]:
        slots = slots_of("subject", name_of(frame, subject, short=True))
        if len(frame.phrases) == 1:
            return slots
    thing = name_of(frame, subject, short=rng.random() < _SHORT).the
    return slots | {"scene": f"scene with {thing}", "thing_the": thing}


def _place(frame: Frame, rng: random.Random) -> str | None:
    """Return where the scene is, "in the park", if the caption says so."""
    parsed = frame.parsed
    places = [
        f"{parsed.lowers[parsed.heads[phrase.head]]} {name_of(frame, phrase, short=True).the}"
        for phrase in frame.shown
        if phrase.plain and phrase.noun is not None and phrase.determiner >= 0 and parsed.deps[phrase.head] == "pobj"
        if parsed.lowers[parsed.heads[phrase.head]] in _PLACE_PREPOSITIONS.get(phrase.noun.kind, ())
        if _is_there(frame, parsed.heads[phrase.head])
        and "VBG" not in parsed.tags[phrase.first : phrase.head]
        and parsed.lowers[phrase.head + 1 : phrase.head + 2] != ["of"]
    ]
    return rng.choice(places) if places else None


def _is_there(frame: Frame, preposition: int) -> bool:
    """Tell whether a place is that of the whole: not where something stands that is only looked at, "towards a hut on the ridge"."""
    parsed, holder = frame.parsed, frame.parsed.heads[preposition]
    is_beyond = parsed.deps[holder] == "pobj" and parsed.lowers[parsed.heads[holder]] != "of"
    return not is_beyond and parsed.tags[holder] != "VBN"


def _is_spoken(frame: Frame, phrase: NounPhrase) -> bool:
    """Tell whether a thing of the caption may be named by "the" and its noun alone: it is there once."""
    lowers, head = frame.parsed.lowers, phrase.head
    is_thing = phrase.noun is not None and phrase.noun.kind in _SPOKEN_KINDS
    is_sole = sum(lowers[other.head] == lowers[head] for other in frame.phrases) == 1
    is_verb = phrase.is_plural and _may_be_verb(frame, phrase)
    # A single storey house is no "storey house".
    is_whole_name = _CLOSED.isdisjoint(lowers[token] for token in phrase.adjectives)
    return phrase.plain and is_thing and is_sole and not is_verb and is_whole_name and lowers[head] not in _UNSPOKEN
