"""Talk about a scene as the web does: beside what is there, what is not, what it is not, and what became of it.

A CLIP of the web has read "instead of", "no longer" and "without" beside millions of pictures; a small CLIP that reads plain captions
alone knows none of these words, and would meet them for the first time in modification texts. Every remark is true of its picture. None
is a wording of the benchmark's queries (a test compares them).
"""

import random

from rtd_train.scenes.captions import NUMBER_WORDS, PLACE_WORDS, RELATION_WORDS, caption, name, plural
from rtd_train.scenes.world import COLOURS, NOUNS, PLACES, SIZES, TEXTURES, Scene, Thing

REMARKS: dict[str, tuple[str, ...]] = {
    "colour": (
        "{the} {is} {value}",
        "{the} {is} {value} instead of {other}",
        "{the} {is} not {other} but {value}",
        "{value} {noun} rather than {other}",
        "the color of {the} is {value}",
        "someone has painted {the} {value}",
        "{the} changed from {other} to {value}",
        "make {the} {value} and it looks like this",
        "{the} {is} no longer {other}",
    ),
    "size": (
        "{the} {is} {value}",
        "{the} {is} {value}, not {other}",
        "{value} {noun} instead of {other}",
        "{the} turned out {value}",
    ),
    "large": ("much bigger {noun} than usual", "{the} needs a lot of room", "larger {noun}", "{the} grew in size"),
    "small": ("much smaller {noun} than usual", "{the} needs little room", "tiny {noun}", "{the} shrank in size"),
    "texture": (
        "{the} {is} {value}",
        "{the} {has} a {value} pattern",
        "{value} {noun} instead of {other}",
        "the surface of {the} is {value}",
        "add a {value} pattern to {the}",
    ),
    "plain": ("there is no pattern on {the}", "{the} {is} plain", "remove the pattern from {the}", "{the} in a single color, nothing else"),
    "number": (
        "there {is} {number} {noun}",
        "{number} {noun} in total",
        "{number} {noun} instead of {other}",
        "only {number} {noun} and no more",
        "count the {noun}: {number}",
    ),
    "noun": (
        "there {is} {a} instead of a {other}",
        "{a} rather than a {other}",
        "{a} replaces the {other}",
        "swap the {other} for {a}",
        "a {other} was here before, now {a}",
        "{a} but no {other}",
    ),
    "relation": (
        "{the} {is} {value} {ground}",
        "{the} moved {value} {ground}",
        "place {the} {value} {ground}",
        "{the} {is} now {value} {ground} instead of {other} it",
    ),
    "place": ("all this {value}", "the scene is {value}", "{value} instead of {other}", "set {value}", "change the background: {value}"),
    "night": ("in the dark", "a dark night", "night instead of day", "it is night now", "the light of day is gone", "late at night"),
    "day": ("in bright daylight", "daytime", "day instead of night", "it is day now", "the sun is shining", "early during the day"),
    "add": ("there {is} also {a}", "with {a} too", "add {a}", "{a} was added", "{a} belongs to it as well"),
    "remove": (
        "without any {other}",
        "no {other} at all",
        "the {other} is gone",
        "everything except the {other}",
        "remove the {other}",
        "the {other} is missing",
    ),
}
"""Kind of remark -> templates; those of "add" and "remove" name a thing that is there and one that is not."""

_ABOUT_THINGS = ("colour", "size", "texture", "number", "noun", "add")
_ABOUT_SCENES = ("place", "time", "remove")
_JOINS = (", ", " and ", " that ", "; ", ", but ")
_SAY_CAPTION = 0.75


def told(scene: Scene, rng: random.Random) -> str:
    """Return remarks about a scene, behind a caption of it or alone."""
    kinds = [*_ABOUT_THINGS, *_ABOUT_SCENES, *(["relation"] if len(scene.things) > 1 else [])]
    remarks = [remark(scene, kind, rng) for kind in rng.sample(kinds, rng.randint(1, 3))]
    if rng.random() < _SAY_CAPTION:
        remarks.insert(0, caption(scene, rng).rstrip(".").lower())
    text = remarks[0]
    for more in remarks[1:]:
        text += rng.choice(_JOINS) + more
    return text


def remark(scene: Scene, kind: str, rng: random.Random) -> str:
    """Return a true remark about one property of a scene."""
    if kind == "place":
        value, other = scene.place, rng.choice([place for place in PLACES if place != scene.place])
        return rng.choice(REMARKS[kind]).format(value=rng.choice(PLACE_WORDS[value]), other=rng.choice(PLACE_WORDS[other]))
    if kind == "time":
        return rng.choice(REMARKS[scene.time])
    if kind == "remove":
        return rng.choice(REMARKS[kind]).format(other=_absent(scene, rng))
    if kind == "relation":
        return _relation(scene, rng)
    return _about_thing(rng.choice(scene.things), scene, kind, rng)


def _relation(scene: Scene, rng: random.Random) -> str:
    other = rng.choice([relation for relation in RELATION_WORDS if relation != scene.relation])
    value = rng.choice(RELATION_WORDS[str(scene.relation)])
    first, second = (f"the {_noun(thing)}" for thing in scene.things[:2])
    return rng.choice(REMARKS["relation"]).format(the=first, **_verbs(scene.things[0]), value=value, ground=second, other=other)


def _about_thing(thing: Thing, scene: Scene, kind: str, rng: random.Random) -> str:
    values: dict[str, tuple[str, str]] = {
        "colour": (thing.colour, rng.choice([colour for colour in COLOURS if colour != thing.colour])),
        "size": (thing.size, rng.choice([size for size in SIZES if size != thing.size])),
        "texture": (thing.texture, rng.choice([texture for texture in TEXTURES if texture != thing.texture])),
        "number": ("", rng.choice([word for number, word in NUMBER_WORDS.items() if number not in (1, thing.number)])),
        "noun": ("", _absent(scene, rng)),
        "add": ("", ""),
    }
    value, other = values[kind]
    # What a size or a texture is called when it is told in words of its own.
    own = REMARKS.get(value, ()) if kind in ("size", "texture") else ()
    number = NUMBER_WORDS[thing.number] if thing.number > 1 else "one"
    slots = {"the": f"the {_noun(thing)}", "noun": _noun(thing), "a": name(thing), "number": number, **_verbs(thing)}
    return rng.choice((*own, *REMARKS[kind])).format(value=value, other=other, **slots)


def _noun(thing: Thing) -> str:
    return plural(thing.noun) if thing.number > 1 else thing.noun


def _verbs(thing: Thing) -> dict[str, str]:
    return {"is": "are", "has": "have"} if thing.number > 1 else {"is": "is", "has": "has"}


def _absent(scene: Scene, rng: random.Random) -> str:
    present = {thing.noun for thing in scene.things}
    return rng.choice([noun for noun in NOUNS if noun not in present])
