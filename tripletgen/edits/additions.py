"""add_object: a thing more, worn or held by a person, beside what is shown, on the table or in the background."""

import math
import random
from collections.abc import Iterator

from tripletgen.edits.base import GRAPHIC, MEDIA, Change, Edit, Frame, form_of, name_of, naming, shuffled, slots_of
from tripletgen.lexicon import Noun, words
from tripletgen.phrases import NounPhrase

_NO_BACKGROUND = GRAPHIC | {"background", "backdrop", "close", "closeup", "interior", "room", "inside", "indoors"}
_WORN_WORDS = frozenset(["wear", "wears", "wearing", "wore", "worn", "dressed", "dress", "clad"])
_UNDRESSED = words("additions", "undressed")
# People whose dress is told by what they are or do.
_DRESSED = words("additions", "dressed")
_AT_SPORT = words("additions", "sport")
_IDLE_VERBS = words("additions", "idle_verbs")
_OPEN_AIR_WEAR = words("additions", "open_air")
_MIN_TOGETHER = 2
_PAINTED = 0.5
# What must be shown for a way of adding to be possible at all.
_ANCHORS = {
    "wear": ("person",),
    "hold": ("person",),
    "beside": ("person", "animal", "vehicle"),
    "surface": ("furniture",),
    "background": ("person", "animal", "vehicle", "structure", "building"),
}
_OPEN_AIR = ("beside", "background")


class AddObject:
    """Add a thing that was seen together with what the caption shows."""

    name = "add_object"
    edit_type = "add_object"

    def propose(self, frame: Frame, rng: random.Random) -> Iterator[Edit]:
        """Yield edits, at most one a way of adding, in random order."""
        ways = [("wear", 3.0), ("hold", 2.0), ("beside", 2.0), ("surface", 2.0), ("background", 1.0)]
        ways.sort(key=lambda way: rng.random() ** (1 / way[1]), reverse=True)
        for way, _ in ways:
            if frame.kinds.isdisjoint(_ANCHORS[way]) or (way in _OPEN_AIR and not frame.is_outdoor):
                continue
            for phrase in shuffled(rng, frame.shown):
                if phrase.noun is None:
                    continue
                edit = self._try(frame, phrase, phrase.noun, way, rng)
                if edit is not None:
                    yield edit
                    break

    def _try(self, frame: Frame, phrase: NounPhrase, noun: Noun, way: str, rng: random.Random) -> Edit | None:
        if not _POSSIBLE[way](frame, phrase, noun):
            return None
        new = _choose(frame, noun, way, rng)
        if new is None:
            return None
        plural = way == "wear" and phrase.is_plural
        words = form_of(new, plural=plural)
        # "A shirt" alone is nothing that one would ask for.
        if "paint" in new.attributes and (new.kind == "clothing" or rng.random() < _PAINTED):
            words = f"{rng.choice(frame.lexicon.groups['paint'].values)} {words}"
        name = naming(words, new, is_plural=plural)
        position, text = _insertion(frame, phrase, way, name.a)
        slots = slots_of("new", name) | slots_of("owner", name_of(frame, phrase, short=True))
        if new.kind == "clothing":
            # Nobody is dressed in sunglasses.
            slots["garment_a"] = name.a
        return Edit(self.name, self.edit_type, None, words, (Change(position, position, text),), f"add_{way}", slots)


def _choose(frame: Frame, anchor: Noun, way: str, rng: random.Random) -> Noun | None:
    """Return a noun that may be added in this way, by how often it was seen with the nouns of the caption."""
    lexicon, stats = frame.lexicon, frame.stats
    shown = {lexicon.forms[lemma][0].category for lemma in frame.lemmas}
    if way in ("wear", "hold"):
        rows = [{lemma: _MIN_TOGETHER * seen for lemma, seen in stats.slots.get(f"dobj:{way}", {}).items()}]
    else:
        rows = [stats.partners(lemma) for lemma in sorted(frame.lemmas) if _is_telling(frame, lemma)]
    candidates, weights = [], []
    for new in lexicon.addable[way] if rows else ():
        seen = min(row.get(new.lemma, 0) for row in rows)
        if seen < _MIN_TOGETHER or new.category in shown or new.lemma in frame.words or new.kind == anchor.kind:
            continue
        if way == "wear" and new.lemma.replace(" ", "_") in _OPEN_AIR_WEAR and not frame.is_outdoor:
            continue
        candidates.append(new)
        weights.append(math.sqrt(seen))
    return rng.choices(candidates, weights)[0] if candidates else None


def _is_telling(frame: Frame, lemma: str) -> bool:
    """Tell whether a noun says what else may be in the picture; parts of bodies, stuff and clothes do not."""
    noun = frame.lexicon.forms[lemma][0]
    return noun.kind not in ("body", "material", "clothing", "accessory", "footwear", "sky")


def _is_at_sport(frame: Frame, noun: Noun) -> bool:
    """Tell whether somebody's dress and hands are those of a sport or an office."""
    return noun.category in _DRESSED or bool(frame.words & _AT_SPORT)


def _can_wear(frame: Frame, phrase: NounPhrase, noun: Noun) -> bool:
    if _is_at_sport(frame, noun):
        return False
    return noun.kind == "person" and not frame.words & _WORN_WORDS and not frame.words & _UNDRESSED and _can_follow(frame, phrase)


def _can_hold(frame: Frame, phrase: NounPhrase, noun: Noun) -> bool:
    if noun.kind != "person" or phrase.is_plural or _is_at_sport(frame, noun) or not _can_follow(frame, phrase):
        return False
    # Whoever does anything there may need both hands.
    doing = (word for word, tag in zip(frame.parsed.lowers, frame.parsed.tags, strict=True) if tag.startswith("VB"))
    return all(word in _IDLE_VERBS for word in doing) and "holding" not in frame.words


def _can_follow(frame: Frame, phrase: NounPhrase) -> bool:
    """Tell whether a participle may stand right after the noun: nothing that clings to the noun comes next."""
    parsed, following = frame.parsed, phrase.head + 1
    if parsed.deps[phrase.head] not in ("ROOT", "nsubj", "pobj") or frame.words & GRAPHIC:
        return False
    governor = parsed.lowers[parsed.heads[phrase.head]]
    if parsed.deps[phrase.head] == "pobj":
        holder = parsed.heads[parsed.heads[phrase.head]]
        # "A portrait of a man", but not "one of the girls" or "the many faces of a man".
        if governor != "of" or holder > 2 or parsed.lowers[holder] not in MEDIA:
            return False
    if following >= len(parsed):
        return True
    tag, word = parsed.tags[following], parsed.lowers[following]
    if tag in ("IN", "RB") and parsed.heads[following] == phrase.head:
        return word in ("on", "at", "near", "beside", "behind", "under", "against")
    return tag in ("VBG", "VBZ", "VBP", "IN", ".") and word not in ("of", "in", "with", "from", "as", "that")


def _can_stand_beside(frame: Frame, phrase: NounPhrase, noun: Noun) -> bool:
    if frame.words & (GRAPHIC | {"background", "nearby", "close"}) or noun.kind not in ("person", "animal", "vehicle"):
        return False
    return frame.parsed.deps[phrase.head] in ("ROOT", "nsubj") and _ends_plainly(frame) and frame.is_outdoor


def _can_share_surface(frame: Frame, phrase: NounPhrase, noun: Noun) -> bool:
    parsed, following = frame.parsed, phrase.head + 1
    if noun.size > 2 or following >= len(parsed) or parsed.lowers[following] != "on":
        return False
    ground = next((frame.phrase_at(child) for child in frame.children(following, "pobj")), None)
    return ground is not None and ground.noun is not None and ground.noun.kind == "furniture" and ground.noun.category != "seat"


def _can_have_background(frame: Frame, phrase: NounPhrase, noun: Noun) -> bool:
    if frame.words & _NO_BACKGROUND or noun.kind not in _ANCHORS["background"]:
        return False
    return frame.parsed.deps[phrase.head] in ("ROOT", "nsubj") and _ends_plainly(frame) and frame.is_outdoor


def _ends_plainly(frame: Frame) -> bool:
    """Tell whether a tail can be added: the caption is one clause and does not end in another tail."""
    return not frame.words & {"that", "which", "who", "because", "when", "if", "but", "?", ":", ";", "with"} and "," not in frame.words


_POSSIBLE = {
    "wear": _can_wear,
    "hold": _can_hold,
    "beside": _can_stand_beside,
    "surface": _can_share_surface,
    "background": _can_have_background,
}


def _insertion(frame: Frame, phrase: NounPhrase, way: str, thing: str) -> tuple[int, str]:
    """Return where the words go, and the words."""
    parsed = frame.parsed
    if way == "background":
        return frame.end, f" with {thing} in the background"
    if way == "beside":
        return frame.end, f" with {thing} nearby"
    after = parsed.ends[phrase.head]
    if way == "surface":
        return after, f" next to {thing}"
    following = phrase.head + 1
    verb = "wearing" if way == "wear" else "holding"
    joins = following < len(parsed) and parsed.tags[following] == "VBG"
    return after, f" {verb} {thing}{' and' if joins else ''}"
