"""change_scene: the same subject in another place."""

import random
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from tripletgen.assets import read_yaml
from tripletgen.edits.base import LIVING, Change, Edit, Frame, name_of, naming, slots_of, words_of
from tripletgen.lexicon import words
from tripletgen.lexicon.inflection import article
from tripletgen.phrases import NounPhrase

# What is done in one kind of place only: the scene then stays.
_BOUND = words("scenes", "bound")
_PREPOSITIONS = ("in", "on", "at", "inside", "along", "through")
_BOUND_CATEGORIES = ("water_athlete", "snow_athlete", "winter_racer", "sea_mammal", "fish_kind", "reef_creature", "people_group")
_MAX_ALTERNATIVES = 2
# Scenes of which a caption says "the" without having spoken of them: "in the park", but "in a canyon".
_KNOWN = words("scenes", "known")
_DRIVABLE = words("scenes", "drivable")
# Nouns of places that the lexicon does not hold.
_PLACE_WORDS = words("scenes", "place_words")
# What is done on a stage, so not in any room.
_STAGED = words("scenes", "staged")
# Animals that live with people: the others stay out of town.
_TAME = words("scenes", "tame")
PLACES = ("landscape", "room", "building", "structure")
# Kinds of subjects that can be elsewhere, and for things the groups of scenes that they can be moved within.
_MOVABLE: dict[str, tuple[str, ...]] = {
    "person": (),
    "group": (),
    "animal": (),
    "vehicle": ("town", "green", "dry"),
    "object": ("home",),
    "container": ("home",),
    "toy": ("home",),
}
# Category of a place -> scenes that may stand for it.
_GROUPS = {
    "home_room": "home",
    "work_room": "public_room",
    "public_hall": "public_room",
    "eatery": "eatery",
    "shop": "public_room",
    "public_building": "public_room",
    "garden": "green",
    "wild_land": "green",
    "farm_land": "green",
    "farm": "green",
    "shore": "dry",
    "coast": "dry",
    "lakeside": "dry",
    "yard": "green",
    "crossing": "town",
    "neighborhood": "town",
    "mall": "public_room",
    "hall": "home",
    "way": "town",
    "square": "town",
    "town": "town",
}


class Scene(NamedTuple):
    """A place and the preposition that goes with it."""

    preposition: str
    words: str
    group: str


class ChangeScene:
    """Put the subject of a caption into another scene of a like kind."""

    name = "change_scene"
    edit_type = "change_scene"

    def propose(self, frame: Frame, rng: random.Random) -> Iterator[Edit]:
        """Yield an edit for the scene that the caption names, if its subject can be elsewhere."""
        if frame.words & _BOUND:
            return
        for phrase in frame.shown:
            group = _group_of(frame, phrase)
            subject = subject_of(frame, phrase) if group is not None else None
            if group is None or subject is None or subject.noun is None or subject.noun.category in _BOUND_CATEGORIES:
                continue
            if group == "performance" and "event" in {other.noun.kind for other in frame.phrases if other.noun is not None}:
                continue  # an award is not given on a beach
            if group == "public_room" and frame.words & _STAGED:
                continue
            if frame.parsed.tags[max(phrase.first - 2, 0)] == "RP":
                continue  # one walks "down along" a street only
            if any(other is not phrase and _is_place(frame, other) for other in frame.phrases):
                continue  # what else is said of the place would not fit another
            others = _other_scenes(frame, group, subject.noun.kind)
            # A city street is in the city.
            others = [new for new in others if frame.words.isdisjoint(new.words.split())]
            for new in rng.sample(others, min(len(others), _MAX_ALTERNATIVES)):
                yield self._edit(frame, phrase, subject, new)

    def _edit(self, frame: Frame, phrase: NounPhrase, subject: NounPhrase, new: Scene) -> Edit:
        parsed = frame.parsed
        preposition = phrase.first - 1
        definite = phrase.determiner >= 0 and parsed.lowers[phrase.determiner] == "the"
        bare = phrase.determiner < 0
        name = naming(new.words, None, is_plural=False)
        is_known = new.words.split()[-1] in _KNOWN and " of " not in new.words
        place = name.the if definite and is_known else new.words if new.words == "stage" else name.a
        target = f"{new.preposition} {place}"
        source = parsed.span(preposition, phrase.head)
        slots = slots_of("new", name)
        if not _has_company(frame, subject):
            slots |= slots_of("subject", name_of(frame, subject, short=True))
        old = words_of(frame, phrase)
        if parsed.lowers[preposition] not in ("through", "along"):
            # "In a park and not along the road" compares a place with a way.
            slots["old_place"] = source.lower()
        slots |= {"new_in": f"{new.preposition} {name.a if bare else place}", "old_the": f"the {old}"}
        if parsed.lowers[preposition] != "on":
            # A stage or a road is no setting of itself.
            slots["old_a"] = f"{article(old)} {old}"
        change = Change(parsed.starts[preposition], parsed.ends[phrase.head], target)
        return Edit(self.name, self.edit_type, source, target, (change,), "scene", slots)


@cache
def _scenes() -> dict[str, list[Scene]]:
    groups = read_yaml("lexicon/scenes.yaml")
    return {
        group: [Scene(preposition, words, group) for preposition, listed in entry["scenes"].items() for words in listed]
        for group, entry in groups.items()
    }


def _group_of(frame: Frame, phrase: NounPhrase) -> str | None:
    """Return the group of the scene that a phrase names: "in the crowded park" is of the green ones."""
    parsed = frame.parsed
    preposition = phrase.first - 1
    if preposition < 1 or parsed.deps[phrase.head] != "pobj" or parsed.heads[phrase.head] != preposition or not phrase.plain:
        return None
    if (
        phrase.is_plural
        or parsed.lowers[preposition] not in _PREPOSITIONS
        or frame.children(phrase.head, "conj", "prep", "acl", "relcl", "poss")
    ):
        return None
    if phrase.determiner >= 0 and parsed.lowers[phrase.determiner] not in ("a", "an", "the"):
        return None
    if parsed.lowers[phrase.head] == "stage":
        return "performance"
    return _GROUPS.get(phrase.noun.category) if phrase.noun is not None else None


def subject_of(frame: Frame, phrase: NounPhrase) -> NounPhrase | None:
    """Return what is in the scene: the noun or the verb's subject that the preposition hangs on."""
    parsed = frame.parsed
    governor = parsed.heads[phrase.first - 1] if phrase.first >= 1 else -1
    for _ in range(3):
        if governor < 0:
            return None
        if parsed.tags[governor].startswith("NN"):
            subject = frame.phrase_at(governor)
            return subject if subject is not None and subject.head < phrase.head else None
        subjects = frame.children(governor, "nsubj", "nsubjpass")
        governor = subjects[0] if subjects else parsed.heads[governor] if parsed.deps[governor] in ("acl", "advcl", "conj", "xcomp") else -1
    return None


def _is_place(frame: Frame, phrase: NounPhrase) -> bool:
    """Tell whether a phrase names a place, or what happens in one place only."""
    return phrase.noun.kind in PLACES if phrase.noun is not None else frame.parsed.lowers[phrase.head] in _PLACE_WORDS


def _has_company(frame: Frame, subject: NounPhrase) -> bool:
    """Tell whether others are in the scene with the subject, "man and woman", so that a text about it alone would say too little."""
    together = bool(frame.children(subject.head, "conj", "cc", "appos")) or frame.parsed.deps[subject.head] in ("conj", "pobj")
    return together or any(frame.parsed.lowers[token] in ("with", "of", "by") for token in frame.children(subject.head, "prep"))


def _other_scenes(frame: Frame, group: str, kind: str) -> list[Scene]:
    """Return the scenes that may stand for one of a group, for a subject of this kind."""
    if kind not in _MOVABLE or (kind not in LIVING and group not in _MOVABLE[kind]):
        return []
    names = [group, *read_yaml("lexicon/scenes.yaml")[group]["near"]]
    if kind == "animal" and frame.words.isdisjoint(_TAME):
        names = [name for name in names if name in ("green", "dry", "water", "on_water", "snow")]
    found = [scene for name in names for scene in _scenes()[name] if scene.words.split()[-1] not in frame.words]
    return [scene for scene in found if scene.words.split()[-1] in _DRIVABLE] if kind == "vehicle" else found
