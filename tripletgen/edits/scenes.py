"""change_scene: the same subject in another place."""

import random
from collections.abc import Iterator
from typing import NamedTuple

from tripletgen.assets import read_yaml
from tripletgen.edits.base import Change, Edit, Frame, name_of, naming, slots_of
from tripletgen.phrases import NounPhrase

# What is done in one kind of place only: the scene then stays.
_BOUND = frozenset(
    "swim swimming swims surf surfing surfs sail sailing sails ski skiing skis snowboarding skating skates fish fishing row rowing "
    "climbing climbs dive diving dives float floating floats floated floating plays game match tournament championship graze "
    "grazing grows growing grow growing blooming cook cooking cooks bathe bathing waves wave shore tide docked moored anchored "
    "located built houses house building buildings trees tree sand sunset clouds attraction festival wedding during".split()
)
_PREPOSITIONS = ("in", "on", "at", "inside")


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
        for phrase in frame.phrases:
            found = _scene_of(frame, phrase)
            subject = _subject(frame, phrase)
            if found is None or subject is None or subject.noun is None:
                continue
            others = _other_scenes(frame, found, subject.noun.kind)
            if others:
                yield self._edit(frame, phrase, subject, rng.choice(others))

    def _edit(self, frame: Frame, phrase: NounPhrase, subject: NounPhrase, new: Scene) -> Edit:
        parsed = frame.parsed
        preposition = phrase.first - 1
        definite = phrase.determiner >= 0 and parsed.lowers[phrase.determiner] == "the"
        bare = phrase.determiner < 0
        name = naming(new.words, None, is_plural=False)
        place = name.the if definite else new.words if new.words == "stage" else name.a
        target = f"{new.preposition} {place}"
        source = parsed.span(preposition, phrase.head)
        slots = slots_of("subject", name_of(frame, subject, short=True)) | slots_of("new", name)
        slots |= {"old_place": source.lower(), "new_place": f"{new.preposition} {name.a if bare else place}", "old_the": f"the {parsed.span(phrase.name, phrase.head).lower()}"}
        slots |= {"new_in": slots["new_place"]}
        change = Change(parsed.starts[preposition], parsed.ends[phrase.head], target)
        return Edit(self.name, self.edit_type, source, target, (change,), "scene", slots)


def _scenes() -> dict[str, list[Scene]]:
    groups = read_yaml("lexicon/scenes.yaml")
    return {
        group: [Scene(preposition, words, group) for preposition, listed in entry["scenes"].items() for words in listed]
        for group, entry in groups.items()
    }


def _scene_of(frame: Frame, phrase: NounPhrase) -> Scene | None:
    """Return the scene that a phrase names: "in the crowded park" names (in, park)."""
    parsed = frame.parsed
    preposition = phrase.first - 1
    if preposition < 1 or parsed.deps[phrase.head] != "pobj" or parsed.heads[phrase.head] != preposition or not phrase.plain:
        return None
    if phrase.is_plural or parsed.lowers[preposition] not in _PREPOSITIONS or frame.children(phrase.head, "conj", "prep", "acl", "relcl", "poss"):
        return None
    if phrase.determiner >= 0 and parsed.lowers[phrase.determiner] not in ("a", "an", "the"):
        return None
    words = parsed.text[parsed.starts[phrase.name] : parsed.ends[phrase.head]].lower()
    for scenes in _scenes().values():
        for scene in scenes:
            if scene.words == words and scene.preposition == parsed.lowers[preposition]:
                return scene
    return None


def _subject(frame: Frame, phrase: NounPhrase) -> NounPhrase | None:
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


def _other_scenes(frame: Frame, old: Scene, kind: str) -> list[Scene]:
    if kind not in ("person", "group", "animal", "vehicle", "furniture", "object", "container", "toy"):
        return []
    if kind in ("vehicle",) and old.group not in ("town", "green", "dry"):
        return []
    if kind in ("furniture", "object", "container", "toy") and old.group != "home":
        return []
    groups = read_yaml("lexicon/scenes.yaml")
    scenes = _scenes()
    names = [old.group, *groups[old.group]["near"]]
    others = [scene for name in names for scene in scenes[name] if scene.words.split()[-1] not in frame.words]
    return [scene for scene in others if scene.words != old.words]
