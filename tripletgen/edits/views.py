"""change_viewpoint: another medium, framing, angle, time of day, weather, light or coloring of the whole scene."""

import random
from collections.abc import Iterator
from functools import cache
from typing import Any

from tripletgen.assets import read_yaml
from tripletgen.edits.base import GRAPHIC, Change, Edit, Frame, lower_first
from tripletgen.edits.shown import (
    BREAKS,
    STYLED,
    TITLES,
    Stated,
    begins_sentence,
    first_noun,
    is_joined,
    is_one,
    is_picture,
    is_scene,
    is_whole,
    opening,
    scene_names,
    stated_medium,
    takes_tail,
)
from tripletgen.lexicon import words
from tripletgen.lexicon.inflection import article

# What a caption says of color, of light and of weather: another would contradict it.
_COLORS = words("views", "colors")
_LIGHTS = words("views", "lights")
_WARM = words("views", "warm")
_MOVING = words("views", "moving")
_TONED = words("views", "toned")
_LIT_WORDS = _LIGHTS | _COLORS | words("views", "cut_out")
_UNFRAMED = words("views", "framed") | _MOVING | GRAPHIC | TITLES | BREAKS
_TIMELESS = _LIGHTS | GRAPHIC | TITLES | _MOVING | words("views", "weekdays")
_WIDE = words("views", "wide")
_SEASONS = frozenset(("winter", "summer", "autumn", "spring"))
_COLD = frozenset(("in the snow", "on a snowy day", "in winter", "on a gray winter day"))
_FUNCTION = frozenset(("a", "in", "on", "the", "at", "day"))
# Times and weathers are more wanted than seasons.
_MOMENTS = ("time", "time", "weather", "weather", "season")
_NAMED = 0.95
_DRAWN = 0.7
_LIT = 0.5
# A time may stand further from the beginning than a look.
_LATE_WORDS = 14


class ChangeViewpoint:
    """Show the same in another medium or light, from another side, at another time or in other weather."""

    name = "change_viewpoint"
    edit_type = "change_viewpoint"

    def propose(self, frame: Frame, rng: random.Random) -> Iterator[Edit]:
        """Yield at most one edit of the medium, one of the framing, one of time or weather, and one of light or color."""
        for make in rng.sample((_medium, _framing, _moment, _look), 4):
            edit = make(frame, rng)
            if edit is not None:
                yield edit


def _edit(frame: Frame, rng: random.Random, wording: str, old: str | None, new: str, change: Change, slots: dict[str, str]) -> Edit:
    """Return an edit, most often with a wording that names something of the scene, so that texts differ."""
    names = scene_names(frame, rng)
    if names and rng.random() < _NAMED:
        wording = f"{wording}_named"
    return Edit("change_viewpoint", "change_viewpoint", old, new, (change,), wording, slots | names)


def _medium(frame: Frame, rng: random.Random) -> Edit | None:
    """Replace "a photo of" by "a pencil sketch of", set it before a noun phrase, or say it of a sentence."""
    if frame.words & _MOVING:
        return None
    kind = "drawn" if rng.random() < _DRAWN else "photo"
    media: dict[str, str] = _data()["media"][kind]
    new = rng.choice([name for name in media if not (_is_colored(frame) and name in _data()["colorless_media"])])
    slots = {"view": new, "view_a": f"{article(new)} {new}"}
    stated = stated_medium(frame)
    if stated is not None:
        return _other_medium(frame, rng, stated, f"view_{kind}", slots)
    if frame.words & (TITLES | STYLED):
        return None
    return _of_all(frame, rng, f"view_{kind}", (f"in {slots['view_a']},",) if kind == "photo" else (), media[new], slots)


def _other_medium(frame: Frame, rng: random.Random, stated: Stated, wording: str, slots: dict[str, str]) -> Edit | None:
    """Put another medium in the place of the one that the caption names; a framing is no medium."""
    known: dict[str, list[str]] = _data()["known"]
    new, old = slots["view"], stated.words
    if old not in (*known["drawn"], *known["photo"]) or old in new or new in old or frame.words & _TONED:
        return None
    if frame.parsed.tags[stated.depicted.head] not in ("NN", "NNS"):
        return None
    slots = slots | {"old_view": old, "old_view_a": f"{article(old)} {old}"}
    return _edit(frame, rng, wording, old, new, _restated(frame, stated, new), slots)


def _framing(frame: Frame, rng: random.Random) -> Edit | None:
    """Show what a noun phrase or a sentence is about from nearer, from afar, or from another side."""
    subject, stated = first_noun(frame), stated_medium(frame)
    old = stated.words if stated is not None else ""
    beyond = frame.words.difference(old.replace("-", " ").split(), (old,))
    if subject is None or frame.parsed.tags[subject.head] not in ("NN", "NNS") or beyond & _UNFRAMED:
        return None
    kind = subject.noun.kind if subject.noun is not None else "unknown"
    framings: dict[str, Any] = _data()["framing"]
    size = subject.noun.size if subject.noun is not None else 0
    fitting = [name for name, entry in framings.items() if kind in entry["kinds"] and size >= entry["size"] and not _is_like(name, old)]
    if not fitting or (old and old not in _data()["known"]["framed"]):
        return None
    new = rng.choice(fitting)
    slots = {"view": new, "view_a": f"{article(new)} {new}", "from": rng.choice(framings[new]["from"])}
    if stated is not None:
        slots |= {"old_view": old, "old_view_a": f"{article(old)} {old}"}
        return _edit(frame, rng, "view_reframing", old, new, _restated(frame, stated, new), slots)
    before = framings[new]["before"] if subject.noun is not None and not is_joined(frame, subject) else ""
    return _of_all(frame, rng, "view_framing", (f"{before},",) if before else (), before, slots)


def _moment(frame: Frame, rng: random.Random) -> Edit | None:
    """Replace a time or weather that the caption ends in, or add one to an outdoor caption that says nothing of it."""
    data = _data()
    text = frame.text[: frame.end].lower()
    for kind, known in (("time", "known_time"), ("weather", "known_weather")):
        for old in data[known]:
            if text.endswith(f" {old}"):
                return _other_moment(frame, rng, old, kind)
    if not frame.is_outdoor or frame.words & _TIMELESS or not is_one(frame):
        return None
    new = rng.choice([tail for tail in data[rng.choice(_MOMENTS)] if _suits(frame, tail)])
    if not frame.is_nominal:
        return _of_all(frame, rng, "view_moment", (f"{new},",), new, _moment_slots(new))
    if not takes_tail(frame, _LATE_WORDS) or frame.parsed.deps.count("acl") > 1:
        return None
    # Without the comma the weather would be that of the last thing named.
    joint = " " if new in data["time"] else ", "
    return _edit(frame, rng, "view_moment", None, new, Change(frame.end, frame.end, f"{joint}{new}"), _moment_slots(new))


def _other_moment(frame: Frame, rng: random.Random, old: str, kind: str) -> Edit | None:
    """Put another time or weather in the place of the one that ends the caption."""
    before = frozenset(frame.text[: frame.end - len(old)].lower().split())
    if before & (_LIGHTS | {"clock", "early", "late", "just"}):
        return None
    # A season gives way to a season, or it would be lost unsaid.
    kind = "season" if old.rpartition(" ")[2] in _SEASONS else kind
    others = _data()[kind]
    said = frozenset(old.split()) - _FUNCTION
    new = rng.choice([tail for tail in others if not _says(tail, said) and _suits(frame, tail)])
    slots = _moment_slots(new) | {"old_tail": old}
    # A text that says it is sunny now need not say that it was night, but that it no longer snows.
    wording = "view_weather" if kind == "weather" else "view_moment"
    return _edit(frame, rng, wording, old, new, Change(frame.end - len(old), frame.end, new), slots)


def _look(frame: Frame, rng: random.Random) -> Edit | None:
    """Say at the end of a caption in what light or colors the scene is shown, or set it before the framing that the caption names."""
    if frame.words & _TONED:
        return None
    stated = stated_medium(frame)
    if stated is not None and stated.words in _data()["tinted"]:
        return None if _is_colored(frame) else _tint(frame, rng, stated)
    wording = "view_light" if _takes_light(frame) and rng.random() < _LIT else "view_look"
    choices = _data()["look"]["light"] if wording == "view_light" else _looks(frame)
    if not choices:
        return None
    new = rng.choice(list(choices))
    slots = {"tail": new, "light": new.removeprefix("in ")} | ({"looks": choices[new]} if choices[new] else {})
    if not frame.is_nominal:
        return _of_all(frame, rng, wording, (f"{new},",) if wording == "view_light" else (), new, slots)
    return _edit(frame, rng, wording, None, new, _behind(frame, new), slots) if takes_tail(frame) else None


def _takes_light(frame: Frame) -> bool:
    """Tell whether a caption is a scene of which no light is known yet."""
    is_lit = frame.words & (_LIT_WORDS | GRAPHIC) or not frame.kinds.isdisjoint(("sky", "backdrop", "graphic"))
    return not is_lit and is_one(frame)


def _looks(frame: Frame) -> dict[str, str]:
    """Return the looks that suit a caption: a graphic may have other colors, a scene that names a color may not."""
    looks: dict[str, dict[str, str]] = _data()["look"]
    if frame.words & GRAPHIC:
        if _is_colored(frame) or not is_picture(frame):
            return {}
        # A winter background has its colors.
        return looks["tone"] if frame.words.isdisjoint(_LIGHTS) else looks["colorless"]
    if not is_one(frame):
        return {}
    return (
        {tail: said for tail, said in looks["color"].items() if "color" not in tail}
        if _is_colored(frame)
        else looks["color"] | looks["colorless"]
    )


def _tint(frame: Frame, rng: random.Random, stated: Stated) -> Edit | None:
    """Set "black and white" before the framing that a caption begins with."""
    new = rng.choice(_data()["tint"])
    old = frame.parsed.span(stated.first, stated.last)
    change = Change(frame.parsed.starts[stated.first], frame.parsed.ends[stated.last], f"{new} {old[0].lower()}{old[1:]}")
    return _edit(frame, rng, "view_look", None, new, change, {"looks": new})


def _of_all(frame: Frame, rng: random.Random, wording: str, fronts: tuple[str, ...], tail: str, slots: dict[str, str]) -> Edit | None:
    """Say something of all that a caption shows.

    A medium or framing goes before a noun phrase, "a close-up of"; of a sentence the `fronts` are said, where it begins with its
    subject; and the `tail` of any that is short.
    """
    subject = first_noun(frame)
    if frame.is_nominal:
        lead = opening(frame)
        if lead is not None and subject is not None and is_whole(frame, subject) and frame.parsed.tags[subject.head] in ("NN", "NNS"):
            return _edit(frame, rng, wording, None, slots["view_a"], _before(frame, f"{slots['view_a']} of {lead}".strip()), slots)
        forms = []
    else:
        forms = [_before(frame, front) for front in fronts] if subject is not None and begins_sentence(frame, subject) else []
    if tail and is_scene(frame) and takes_tail(frame):
        forms.append(_behind(frame, tail))
    return _edit(frame, rng, wording, None, slots.get("view_a", tail), rng.choice(forms), slots) if forms else None


def _before(frame: Frame, said: str) -> Change:
    """Return the change that sets words before the caption."""
    return Change(0, frame.parsed.ends[0], f"{said} {lower_first(frame, 0, frame.parsed.span(0, 0))}")


def _behind(frame: Frame, said: str) -> Change:
    """Return the change that sets words behind the caption, after a comma."""
    return Change(frame.end, frame.end, f", {said}")


def _restated(frame: Frame, stated: Stated, new: str) -> Change:
    """Return the change of the words of a medium; the article before them follows by itself."""
    return Change(frame.parsed.starts[stated.first], frame.parsed.ends[stated.last], new)


def _is_colored(frame: Frame) -> bool:
    """Tell whether a caption names a color, so that the scene has no others."""
    return bool(frame.words & _COLORS)


def _is_like(new: str, old: str) -> bool:
    """Tell whether two framings are the same by other names."""
    one, other = (frozenset(name.replace("-", " ").split()) - {"view", "shot"} for name in (new, old))
    return bool(one & other) or bool(one & _WIDE and other & _WIDE)


def _says(tail: str, said: frozenset[str]) -> bool:
    """Tell whether a tail says of the weather what is said already: a rainy day is one in the rain, and sunshine is of a sunny one."""
    return any(one[:3] == other[:3] for one in tail.split() for other in said if min(len(one), len(other)) > 2)


def _suits(frame: Frame, tail: str) -> bool:
    """Tell whether a time or a weather goes with what is shown: no snow on palms and flowers."""
    return tail not in _COLD or not (frame.words & _WARM or "plant" in frame.kinds)


def _moment_slots(tail: str) -> dict[str, str]:
    slots = {"tail": tail}
    if _moments()[tail]:
        slots["now"] = _moments()[tail]
    return slots


@cache
def _moments() -> dict[str, str]:
    moments: dict[str, str] = _data()["time"] | _data()["weather"] | _data()["season"]
    return moments


@cache
def _data() -> dict[str, Any]:
    data: dict[str, Any] = read_yaml("lexicon/views.yaml")
    return data
