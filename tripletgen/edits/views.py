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
_PLACING = frozenset(("on", "in", "at", "near", "with", "under", "behind", "beside", "against", "over", "inside", "along", "around"))
_SEASONS = frozenset(("winter", "summer", "autumn", "spring"))
_HAPPENINGS = words("views", "happenings")
_TIMES = words("views", "times")
_COLORLESS = frozenset(("sepia", "monochrome", "grayscale", "colorless"))
_PARTITIVES = words("views", "partitives")
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
        is_all = _is_first(frame, subject) and _is_head(frame, subject)
        if not frame.is_nominal or not is_all or not _is_drawable(frame, subject):
            return None
        # A kitchen design is a room.
        is_room = subject.noun is not None and subject.noun.kind in ("room", "building")
        if frame.words & (GRAPHIC | _TITLES) and not is_room:
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
        if subject.noun is None or _is_joined(frame, subject):
            return self._scene_tail(frame, rng)
        slots = slots_of("subject", name_of(frame, subject, short=True))
        for kind, known in (("time", "known_time"), ("weather", "known_weather")):
            for old in data[known]:
                if text.lower().endswith(f" {old}"):
                    if frame.words & {"clock", "early", "late"}:
                        return None
                    # A season gives way to a season, or it would be lost unsaid.
                    others = data["season"] if old.split()[-1] in _SEASONS else data[kind]
                    new = rng.choice([tail for tail in others if tail != old and tail.split()[-1] not in text.lower()])
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
        subject = _first_noun(frame)
        is_made = not frame.words.isdisjoint(_STYLED)
        if frame.words & _COLORLESS or "black and white" in frame.text.lower() or frame.parsed.lowers.count(",") > 1:
            return None
        if not (is_made or _is_scene(frame) or (subject is not None and _is_whole(frame, subject))):
            return None
        is_sentence = not frame.is_nominal
        if is_made and not (_is_scene(frame) if is_sentence else _is_picture(frame)):
            return None
        styles: dict[str, list[str]] = read_yaml("lexicon/views.yaml")["style"]
        made = styles["plain"] if is_sentence else styles["tone"]
        outdoor = styles["outdoor"] if frame.is_outdoor else []
        wording = "style_scene"
        slots: dict[str, str] = {}
        named = subject is not None and (subject.noun is not None or _is_drawable(frame, subject))
        if subject is not None and named and not _is_joined(frame, subject) and not (subject.noun and subject.noun.kind == "body"):
            slots |= slots_of("subject", name_of(frame, subject, short=True))
            wording = "style"
        # An angle is one thing's; a scene has its colors and its hand.
        is_thing = subject is not None and subject.noun is not None and subject.noun.kind not in ("sky", "material", "event")
        angles = styles["angle"] + outdoor if wording == "style" and is_thing else []
        new = rng.choice(made if is_made else styles["any"] + angles)
        slots["tail"] = new
        change = Change(frame.end, frame.end, f", {new}")
        return Edit(self.name, self.edit_type, None, new, (change,), wording, slots)


def _is_scene(frame: Frame) -> bool:
    """Tell whether a caption is a sentence, or a participle's phrase, about something that can be seen."""
    parsed = frame.parsed
    root = parsed.deps.index("ROOT")
    if frame.is_nominal:
        if parsed.tags[root] == "VBG" or parsed.lowers[root] in _SCENE_WORDS:
            return root <= 1 or parsed.lowers[root] in _SCENE_WORDS
        if parsed.lowers[root] in _HAPPENINGS and frame.phrase_at(root) is not None:
            return True
        is_named = parsed.tags[root] in ("NN", "NNS") and frame.phrase_at(root) is not None and not _is_abstract(parsed.lowers[root])
        return is_named and not frame.kinds.isdisjoint(_SCENE_KINDS) and not frame.words & (GRAPHIC | _TITLES)
    subject = _first_noun(frame)
    if subject is None or parsed.tags[subject.head] not in ("NN", "NNS", "NNP"):
        return False
    if subject.noun is not None:
        return subject.noun.kind not in _UNDRAWN_KINDS
    return not _is_abstract(parsed.lowers[subject.head]) and not frame.children(root, "attr", "acomp", "ccomp", "xcomp")


def _is_picture(frame: Frame) -> bool:
    """Tell whether a caption is a noun phrase, such as "seamless pattern with flowers", whose colors may be others."""
    parsed = frame.parsed
    root = parsed.deps.index("ROOT")
    return (
        frame.is_nominal
        and parsed.tags[root] in ("NN", "NNS")
        and (parsed.lowers[root] in _STYLED or not _is_abstract(parsed.lowers[root]))
    )


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


def _is_whole(frame: Frame, subject: NounPhrase) -> bool:
    """Tell whether a caption is one thing that can be drawn, with what is said of it."""
    return frame.is_nominal and _is_first(frame, subject) and _is_head(frame, subject) and _is_drawable(frame, subject)


def _is_joined(frame: Frame, subject: NounPhrase) -> bool:
    """Tell whether the subject is one of several, so that its name alone does not name what is shown."""
    return bool(frame.children(subject.head, "conj", "appos")) or "CC" in frame.parsed.tags[: subject.head]


def _is_drawable(frame: Frame, subject: NounPhrase) -> bool:
    """Tell whether a caption's subject is a thing that can be shown in any medium."""
    if subject.noun is not None:
        is_thing = subject.noun.kind not in _UNDRAWN_KINDS or (subject.noun.kind in ("material", "graphic") and _is_placed(frame, subject))
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
            return _contained(frame, phrase.head) or phrase
    root = frame.parsed.deps.index("ROOT")
    return _contained(frame, root) if frame.parsed.tags[root] == "CD" else None


def _contained(frame: Frame, head: int) -> NounPhrase | None:
    """Return the phrase of what is meant by "a selection of bottles", "one of the rooms": the thing after "of", if it is known."""
    parsed = frame.parsed
    if (parsed.lowers[head] not in _PARTITIVES and parsed.tags[head] != "CD") or parsed.lowers[head + 1 : head + 2] != ["of"]:
        return None
    things = [frame.phrase_at(thing) for thing in frame.children(head + 1, "pobj")]
    return next((thing for thing in things if thing is not None and thing.noun is not None), None)


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
