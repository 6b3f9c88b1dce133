"""The world of Scenes: what a scene holds, how one is drawn at random, and how one property of it is changed.

A scene is words only; `render.py` paints it, `captions.py` says it, `queries.py` asks for a changed one. The words are of
tripletgen's lexicon, so that its rules find edits in the captions of this world as they do in those of photographs.
"""

import random
from typing import Any, NamedTuple

NOUNS = ("ball", "football", "kite", "balloon", "chair", "bench", "car", "truck", "pillow", "box")
COLOURS = ("red", "blue", "green", "yellow", "orange", "purple", "white", "black")
SIZES = ("small", "medium", "large")
TEXTURES = ("plain", "striped", "checkered", "polka-dot")
NUMBERS = (1, 2, 3, 4)
RELATIONS = ("beside", "on", "under", "in front of", "behind")
PLACES = ("meadow", "forest", "desert", "beach", "snowy field", "city street")
TIMES = ("day", "night")

# What holds for most things is left unsaid by people, so it is the commonest here.
_SIZE_WEIGHTS = (3, 4, 3)
_TEXTURE_WEIGHTS = (6, 1, 1, 1)
_NUMBER_WEIGHTS = (10, 3, 2, 1)
_TIME_WEIGHTS = (3, 1)
_NUM_THINGS_WEIGHTS = (3, 5, 2)
MAX_THINGS = 3


class Thing(NamedTuple):
    """Some equal things: what they are and how many."""

    noun: str
    colour: str
    size: str
    texture: str
    number: int


class Scene(NamedTuple):
    """One to three things at a place; `relation` is that of the first to the second, a third stands apart from both."""

    things: tuple[Thing, ...]
    relation: str | None
    place: str
    time: str


PROPERTIES = ("colour", "size", "texture", "number", "noun", "relation", "place", "time", "add", "remove")
"""Every property by which two scenes may differ; `add` and `remove` say that one has a thing more."""

_VALUES: dict[str, tuple[str, ...] | tuple[int, ...]] = {
    "colour": COLOURS,
    "size": SIZES,
    "texture": TEXTURES,
    "number": NUMBERS,
    "noun": NOUNS,
}


def random_thing(rng: random.Random, taken: tuple[str, ...] = ()) -> Thing:
    """Draw some equal things whose noun is not taken."""
    noun = rng.choice([noun for noun in NOUNS if noun not in taken])
    number = rng.choices(NUMBERS, _NUMBER_WEIGHTS)[0]
    size = rng.choices(SIZES, _SIZE_WEIGHTS)[0]
    return Thing(noun, rng.choice(COLOURS), size, rng.choices(TEXTURES, _TEXTURE_WEIGHTS)[0], number)


def random_scene(rng: random.Random) -> Scene:
    """Draw a scene; the nouns of its things differ, so that a text can name each by its noun."""
    things: tuple[Thing, ...] = ()
    for _ in range(rng.choices(range(1, MAX_THINGS + 1), _NUM_THINGS_WEIGHTS)[0]):
        things += (random_thing(rng, tuple(thing.noun for thing in things)),)
    relation = rng.choice(RELATIONS) if len(things) > 1 else None
    return Scene(things, relation, rng.choice(PLACES), rng.choices(TIMES, _TIME_WEIGHTS)[0])


class Change(NamedTuple):
    """A changed scene with what was changed: the property, the index of the thing in the old scene (None: the whole scene), old, new."""

    scene: Scene
    prop: str
    thing: int | None
    old: str
    new: str


def possible_properties(scene: Scene) -> tuple[str, ...]:
    """Return the properties that can be changed in a scene."""
    impossible = {"relation"} if len(scene.things) < 2 else set()
    impossible |= {"remove"} if len(scene.things) < 2 else set()
    impossible |= {"add"} if len(scene.things) == MAX_THINGS else set()
    return tuple(prop for prop in PROPERTIES if prop not in impossible)


def change(scene: Scene, prop: str, rng: random.Random) -> Change:
    """Change one property of a scene to another value.

    Raises:
        KeyError: the property is not one of `possible_properties`.
    """
    if prop == "relation":
        new = rng.choice([relation for relation in RELATIONS if relation != scene.relation])
        return Change(scene._replace(relation=new), prop, 0, str(scene.relation), new)
    if prop == "place":
        new = rng.choice([place for place in PLACES if place != scene.place])
        return Change(scene._replace(place=new), prop, None, scene.place, new)
    if prop == "time":
        new = "night" if scene.time == "day" else "day"
        return Change(scene._replace(time=new), prop, None, scene.time, new)
    if prop == "add":
        return _add(scene, rng)
    if prop == "remove":
        return _remove(scene)
    return _change_thing(scene, prop, rng)


def _change_thing(scene: Scene, prop: str, rng: random.Random) -> Change:
    index = rng.randrange(len(scene.things))
    thing = scene.things[index]
    old = getattr(thing, prop)
    taken = {other.noun for other in scene.things} if prop == "noun" else {old}
    new = rng.choice([value for value in _VALUES[prop] if value not in taken])
    things = list(scene.things)
    changed: dict[str, Any] = {prop: new}
    things[index] = thing._replace(**changed)
    return Change(scene._replace(things=tuple(things)), prop, index, str(old), str(new))


def _add(scene: Scene, rng: random.Random) -> Change:
    new = random_thing(rng, tuple(thing.noun for thing in scene.things))._replace(number=1, size="medium", texture="plain")
    relation = scene.relation or rng.choice(RELATIONS)
    return Change(scene._replace(things=(*scene.things, new), relation=relation), "add", len(scene.things), "", new.noun)


def _remove(scene: Scene) -> Change:
    index = len(scene.things) - 1
    kept = scene.things[:index]
    return Change(
        scene._replace(things=kept, relation=scene.relation if len(kept) > 1 else None), "remove", index, scene.things[index].noun, ""
    )
