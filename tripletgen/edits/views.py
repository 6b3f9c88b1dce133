"""change_viewpoint: another medium, angle, time of day or weather."""

import random
from collections.abc import Iterator

from tripletgen.assets import read_yaml
from tripletgen.edits.base import GRAPHIC, OUTDOOR_KINDS, Change, Edit, Frame, lower_first, name_of, slots_of
from tripletgen.lexicon import words
from tripletgen.lexicon.inflection import article
from tripletgen.phrases import NounPhrase

# Kinds of which no picture can be drawn by themselves.
_UNDRAWN_KINDS = ("event", "backdrop", "material", "graphic")
# One of these makes a caption a scene, whatever it is called.
_SCENE_KINDS = ("landscape", "building", "room", "structure", "person", "group", "animal", "vehicle")
_ABSTRACT = words("views", "abstract")
_ABSTRACT_ENDINGS = ("tion", "sion", "ence", "ance", "ity", "ness", "ment", "ism", "ship", "ure", "logy", "al")
_TITLES = words("views", "titles")
_SCENE_WORDS = words("views", "scene_words")
_STYLED = GRAPHIC | words("views", "styled")
_DAYLIGHT_WORDS = words("views", "daylight_words")


class ChangeViewpoint:
    """Show the same in another medium, from another side, at another time or in other weather."""

    name = "change_viewpoint"
    edit_type = "change_viewpoint"

    def propose(self, frame: Frame, rng: random.Random) -> Iterator[Edit]:
        """Yield at most one edit of the medium, one of time or weather, and one of the style."""
        for make in rng.sample((self._medium, self._tail, self._style), 3):
            edit = make(frame, rng)
            if edit is not None:
                yield edit

    def _medium(self, frame: Frame, rng: random.Random) -> Edit | None:
        """Replace "a photo of" by "a pencil sketch of", or set it before a caption that is a noun phrase."""
        parsed = frame.parsed
        subject = _first_noun(frame)
        if subject is None or parsed.tags[subject.head] not in ("NN", "NNS"):
            return None
        new = _new_medium(subject, rng)
        medium = f"{article(new)} {new}"
        stated = _stated_medium(frame)
        if stated is not None:
            start, stop, old, depicted = stated
            if old in new or new in old:
                return None
            determined = parsed.lowers[start] in ("a", "an", "the")
            change = Change(parsed.starts[start], parsed.ends[stop], medium if determined else new)
            slots = slots_of("subject", name_of(frame, depicted, short=True))
            slots |= {"view": new, "view_a": medium, "old_view": old}
            return Edit(self.name, self.edit_type, old, new, (change,), "medium", slots)
        is_all = frame.phrases[0] is subject and parsed.deps[subject.head] == "ROOT"
        if not frame.is_nominal or not is_all or not _is_drawable(frame, subject):
            return None
        if frame.words & (GRAPHIC | _TITLES):
            return None
        first = parsed.span(0, 0)
        change = Change(0, parsed.ends[0], f"{medium} of {lower_first(frame, 0, first)}")
        slots = slots_of("subject", name_of(frame, subject, short=True)) | {"view": new, "view_a": medium}
        return Edit(self.name, self.edit_type, None, medium, (change,), "medium", slots)

    def _tail(self, frame: Frame, rng: random.Random) -> Edit | None:
        """Replace a time or weather that the caption ends in, or add one to an outdoor caption."""
        data = read_yaml("lexicon/views.yaml")
        text = frame.text[: frame.end]
        subject = _first_noun(frame)
        if subject is None:
            return None
        if subject.noun is None:
            return self._scene_tail(frame, rng)
        slots = slots_of("subject", name_of(frame, subject, short=True))
        for kind, known in (("time", "known_time"), ("weather", "known_weather")):
            for old in data[known]:
                if text.lower().endswith(f" {old}"):
                    if frame.words & {"clock"}:
                        return None
                    new = rng.choice([tail for tail in data[kind] if tail != old and tail.split()[-1] not in text.lower()])
                    change = Change(frame.end - len(old), frame.end, new)
                    return Edit(self.name, self.edit_type, old, new, (change,), "tail", slots | {"tail": new, "old_tail": old})
        if not frame.is_outdoor or frame.words & _DAYLIGHT_WORDS:
            return None
        new = rng.choice([*data["time"], *data["weather"], *data["season"]])
        # Without the comma the weather would be that of the last thing named.
        joint = " " if new in data["time"] else ", "
        change = Change(frame.end, frame.end, f"{joint}{new}")
        return Edit(self.name, self.edit_type, None, new, (change,), "tail", slots | {"tail": new})

    def _scene_tail(self, frame: Frame, rng: random.Random) -> Edit | None:
        """Add a time to an outdoor caption whose subject is no word of the lexicon: the whole scene is spoken of."""
        if not frame.is_outdoor or frame.words & _DAYLIGHT_WORDS or not _is_scene(frame):
            return None
        new = rng.choice(read_yaml("lexicon/views.yaml")["time"])
        change = Change(frame.end, frame.end, f" {new}")
        return Edit(self.name, self.edit_type, None, new, (change,), "style_scene", {"tail": new})

    def _style(self, frame: Frame, rng: random.Random) -> Edit | None:
        """Say at the end of a caption that is a sentence how the scene is shown, as the medium does before a noun phrase."""
        if not frame.shown or not frame.words.isdisjoint(_STYLED) or not _is_scene(frame):
            return None
        subject = _first_noun(frame)
        styles: dict[str, list[str]] = read_yaml("lexicon/views.yaml")["style"]
        new = rng.choice(styles["any"] + styles["outdoor"] if frame.is_outdoor else styles["any"])
        slots, wording = {"tail": new}, "style_scene"
        if subject is not None and subject.noun is not None and frame.parsed.lowers[subject.head] not in _SCENE_WORDS:
            slots |= slots_of("subject", name_of(frame, subject, short=True))
            wording = "style"
        change = Change(frame.end, frame.end, f", {new}")
        return Edit(self.name, self.edit_type, None, new, (change,), wording, slots)


def _is_scene(frame: Frame) -> bool:
    """Tell whether a caption is a sentence, or a participle's phrase, about something that can be seen."""
    parsed = frame.parsed
    root = parsed.deps.index("ROOT")
    if frame.is_nominal:
        if parsed.tags[root] == "VBG" or parsed.lowers[root] in _SCENE_WORDS:
            return root <= 1 or parsed.lowers[root] in _SCENE_WORDS
        is_named = parsed.tags[root] in ("NN", "NNS") and frame.phrase_at(root) is not None and not _is_abstract(parsed.lowers[root])
        return is_named and not frame.kinds.isdisjoint(_SCENE_KINDS) and not frame.words & (GRAPHIC | _TITLES)
    subject = _first_noun(frame)
    # The past is told, the present is seen: "was revealed to be a hero" has no look.
    if parsed.tags[root] == "VBD" or subject is None or parsed.tags[subject.head] not in ("NN", "NNS", "NNP"):
        return False
    if subject.noun is not None:
        return subject.noun.kind not in _UNDRAWN_KINDS
    return not _is_abstract(parsed.lowers[subject.head]) and not frame.children(root, "attr", "acomp", "ccomp", "xcomp")


def _is_drawable(frame: Frame, subject: NounPhrase) -> bool:
    """Tell whether a caption's subject is a thing that can be shown in any medium; of an unknown noun its article tells."""
    if subject.noun is not None:
        return subject.noun.kind not in _UNDRAWN_KINDS and not _is_part(frame, subject)
    lowers = frame.parsed.lowers
    concrete = subject.determiner >= 0 and lowers[subject.determiner] in ("a", "an", "the", "two", "three")
    best = any(frame.parsed.tags[token] == "JJS" for token in subject.adjectives)
    return concrete and not best and not _is_abstract(lowers[subject.head]) and subject.plain


def _is_abstract(word: str) -> bool:
    return word in _ABSTRACT or word.endswith(_ABSTRACT_ENDINGS)


def _is_part(frame: Frame, subject: NounPhrase) -> bool:
    """Tell whether the subject is a part of what follows: the face of a home, the back of a car."""
    following = frame.parsed.lowers[subject.head + 1 : subject.head + 2]
    return subject.noun is not None and subject.noun.kind == "body" and following == ["of"]


def _new_medium(subject: NounPhrase, rng: random.Random) -> str:
    """Return a medium that suits the subject: views from afar are of places, views from near of smaller things."""
    families: dict[str, list[str]] = read_yaml("lexicon/views.yaml")["media"]
    is_place = subject.noun is not None and subject.noun.kind in OUTDOOR_KINDS
    names = ["drawn", "photo", "far" if is_place else "near"]
    return rng.choice(families[rng.choice(names)])


def _first_noun(frame: Frame) -> NounPhrase | None:
    """Return the subject of the caption: the phrase of its root, of its root's subject, or of what a medium shows."""
    stated = _stated_medium(frame)
    if stated is not None:
        return stated[3]
    for phrase in frame.phrases:
        if frame.parsed.deps[phrase.head] in ("ROOT", "nsubj", "nsubjpass"):
            return phrase
    return None


def _stated_medium(frame: Frame) -> tuple[int, int, str, NounPhrase] | None:
    """Return first and last token of a medium at the caption's beginning, its words, and the phrase of what it shows."""
    parsed = frame.parsed
    start = 1 if parsed.lowers[0] in ("a", "an", "the") else 0
    known = read_yaml("lexicon/views.yaml")["known"]
    for stop in range(min(start + 4, len(parsed) - 2), start, -1):
        if parsed.lowers[stop] != "of":
            continue
        words = parsed.text[parsed.starts[start] : parsed.ends[stop - 1]].lower()
        shown = next((phrase for phrase in frame.phrases if phrase.head > stop and parsed.heads[phrase.head] == stop), None)
        if words in known and shown is not None:
            return 0, stop - 1, words, shown
    return None
