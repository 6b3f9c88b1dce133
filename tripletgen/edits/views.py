"""change_viewpoint: another medium, angle, time of day or weather."""

import random
from collections.abc import Iterator

from tripletgen.assets import read_yaml
from tripletgen.edits.base import Change, Edit, Frame, lower_first, name_of, slots_of
from tripletgen.lexicon.inflection import article
from tripletgen.phrases import NounPhrase

_INDOOR_WORDS = frozenset(
    "room kitchen bedroom bathroom interior indoor inside indoors office studio isolated background backdrop vector illustration "
    "logo icon pattern stage concert premiere conference museum gym classroom restaurant hotel table bed sofa desk shelf plate "
    "market shop store mall church hall lobby lounge wall floor door doors close closeup portrait poster toy cartoon court".split()
)
_OUTDOOR_KINDS = ("landscape", "structure", "building")
_OUTDOOR_SUBJECTS = ("person", "animal", "vehicle", "group", "plant", "building", "structure", "landscape")
_DAYLIGHT_WORDS = frozenset("night sunset sunrise dawn dusk noon evening morning afternoon day sun sunny moon stars light lights sky rain rainy rains raining snow snowy fog foggy storm cloudy weather winter summer autumn spring sunlight".split())
_SKY_TAILS_NEED = 3


class ChangeViewpoint:
    """Show the same in another medium, from another side, at another time or in other weather."""

    name = "change_viewpoint"
    edit_type = "change_viewpoint"

    def propose(self, frame: Frame, rng: random.Random) -> Iterator[Edit]:
        """Yield at most one edit of the medium and one of time or weather."""
        makers = [self._medium, self._tail]
        if rng.random() < 0.5:
            makers.reverse()
        for make in makers:
            edit = make(frame, rng)
            if edit is not None:
                yield edit

    def _medium(self, frame: Frame, rng: random.Random) -> Edit | None:
        """Replace "a photo of" by "a pencil sketch of", or set it before a caption that is a noun phrase."""
        parsed = frame.parsed
        subject = _first_noun(frame)
        if subject is None or not parsed.tags or parsed.tags[subject.head] not in ("NN", "NNS"):
            return None
        families: dict[str, list[str]] = read_yaml("lexicon/views.yaml")["media"]
        new = rng.choice(families[rng.choice(sorted(families))])
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
        if not frame.is_nominal or parsed.deps[subject.head] != "ROOT" or subject.noun is None or subject.noun.kind not in _OUTDOOR_SUBJECTS:
            return None
        if new in ("aerial view", "panoramic view", "wide shot") and subject.noun.kind not in _OUTDOOR_KINDS:
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
        if subject is None or subject.noun is None:
            return None
        slots = slots_of("subject", name_of(frame, subject, short=True))
        for kind, known in (("time", "known_time"), ("weather", "known_weather")):
            for old in data[known]:
                if text.lower().endswith(f" {old}"):
                    if frame.words & {"clock"}:
                        return None
                    new = rng.choice([tail for tail in data[kind] if tail != old and tail.split()[-1] not in text.lower()])
                    change = Change(frame.end - len(old), frame.end, new)
                    return Edit(self.name, self.edit_type, old, new, (change,), "tail", slots | {"tail": new, "old_tail": old})
        if not is_outdoor(frame) or frame.words & _DAYLIGHT_WORDS:
            return None
        new = rng.choice([*data["time"], *data["weather"], *data["season"]])
        change = Change(frame.end, frame.end, f" {new}")
        return Edit(self.name, self.edit_type, None, new, (change,), "tail", slots | {"tail": new})


def is_outdoor(frame: Frame) -> bool:
    """Tell whether a caption surely shows the open air: a landscape or a street in it, and nothing of a room or a graphic."""
    if frame.words & _INDOOR_WORDS or frame.words & {",", ":", "that", "which", "who", "during", "after", "before", "when", "while"}:
        return False
    places = [phrase for phrase in frame.phrases if phrase.noun is not None and phrase.noun.kind in _OUTDOOR_KINDS]
    subject = _first_noun(frame)
    return bool(places) and subject is not None and subject.noun is not None and subject.noun.kind in _OUTDOOR_SUBJECTS


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
