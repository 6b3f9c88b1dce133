"""Ask for a changed scene as people do, and surround the answer with near misses.

The relative captions are written for this benchmark; none is a template of tripletgen (a test compares them), so a model that has
learned its wordings by heart gains nothing here.
"""

import random
from typing import NamedTuple

from rtd_train.scenes.captions import NUMBER_WORDS, PLACE_WORDS, RELATION_WORDS, name, plural
from rtd_train.scenes.world import Change, Scene, change, possible_properties, random_scene

NUM_MISSES = 4
_TWO_CHANGES = 0.3
_MORE = {"small": 0, "medium": 1, "large": 2}

WORDINGS: dict[str, tuple[str, ...]] = {
    "colour": (
        "{the} ought to be {new}",
        "paint {the} {new}",
        "this but {the} in {new} and not {old}",
        "i would like {the} {new}",
        "looks alike, {the} being {new}",
        "same thing in {new}, i mean {the}",
    ),
    "bigger": ("{the} should take up more room", "i need {the} to be bigger", "a bit bigger {noun} please", "{the} much larger here"),
    "smaller": ("{the} should take up less room", "i need {the} to be smaller", "a bit smaller {noun} please", "{the} much smaller here"),
    "plain": ("{the} without any pattern", "{the} in one plain color", "just plain {new_noun}, nothing on it"),
    "texture": (
        "{the} ought to be {new}",
        "{the} with a {new} surface",
        "i would like {the} {new}",
        "looks alike, {the} being {new}",
    ),
    "number": (
        "{number} {things} this time",
        "i count {number} {things} in it",
        "there should be {number} {things}",
        "only the number differs: {number} {things}",
    ),
    "noun": (
        "there should be {new_a} where {the} used to be",
        "i would rather see {new_a} than {the}",
        "{the} goes away and {new_a} comes in",
        "looks alike, but {new_a} took over from {the}",
    ),
    "relation": (
        "{the} ought to be {place} {ground}",
        "this time {the} sits {place} {ground}",
        "{the} went {place} {ground}",
        "i would like {the} {place} {ground}",
    ),
    "place": ("all of it {place} this time", "taken {place}", "i would like to see this {place}", "the whole thing happens {place}"),
    "night": ("it got dark", "taken at night", "i would like to see this by night", "after dark"),
    "day": ("by day", "taken in daylight", "the sun is up now", "i would like to see this during the day"),
    "add": ("{new_a} joins them", "there should be {new_a} as well", "plus {new_a}", "i would like {new_a} on the side too"),
    "remove": ("{the} should go away", "i do not want to see {the}", "everything but {the}", "{the} went missing"),
}
"""Kind of change -> wordings; a wording reads after "a photo of X that ..." no better and no worse than people's do."""

_JOINS = ("{a}, also {b}", "{a} plus {b}", "{a} and {b}", "{a}; {b}")


class Query(NamedTuple):
    """A reference scene, the relative caption, the target, and scenes that differ from the target in one property."""

    reference: Scene
    text: str
    target: Scene
    misses: tuple[Scene, ...]
    properties: tuple[str, ...]


def relative_caption(scene: Scene, made: Change, rng: random.Random) -> str:
    """Return a change of a scene in the words of a person, who knows the reference."""
    slots = {"old": made.old, "new": made.new}
    kind = made.prop
    if made.prop == "relation":
        slots |= {"the": _the(scene, 0), "ground": _the(scene, 1), "place": rng.choice(RELATION_WORDS[made.new])}
    elif made.prop == "place":
        slots["place"] = rng.choice(PLACE_WORDS[made.new])
    elif made.prop == "time":
        kind = made.new
    elif made.prop == "add":
        slots["new_a"] = name(made.scene.things[-1])
    else:
        assert made.thing is not None
        slots |= {"the": _the(scene, made.thing), "noun": _noun(scene, made.thing)}
        if made.prop == "size":
            kind = "bigger" if _MORE[made.new] > _MORE[made.old] else "smaller"
        elif made.prop == "texture" and made.new == "plain":
            kind, slots["new_noun"] = "plain", _noun(scene, made.thing)
        elif made.prop == "number":
            thing = made.scene.things[made.thing]
            slots |= {"number": NUMBER_WORDS[thing.number] if thing.number > 1 else "one", "things": _noun(made.scene, made.thing)}
        elif made.prop == "noun":
            slots["new_a"] = name(made.scene.things[made.thing]._replace(colour="", texture="plain", size="medium"))
    return rng.choice(WORDINGS[kind]).format_map(slots)


def _noun(scene: Scene, index: int) -> str:
    thing = scene.things[index]
    return plural(thing.noun) if thing.number > 1 else thing.noun


def _the(scene: Scene, index: int) -> str:
    return f"the {_noun(scene, index)}"


def make_queries(num_queries: int, seed: int) -> list[Query]:
    """Return queries whose scenes, references, targets and near misses alike, all differ from one another."""
    rng = random.Random(seed)
    used: set[Scene] = set()
    queries: list[Query] = []
    while len(queries) < num_queries:
        query = _make_query(rng)
        scenes = {query.reference, query.target, *query.misses}
        if len(scenes) == NUM_MISSES + 2 and used.isdisjoint(scenes):
            used |= scenes
            queries.append(query)
    return queries


def _make_query(rng: random.Random) -> Query:
    reference = random_scene(rng)
    made = change(reference, rng.choice(possible_properties(reference)), rng)
    text = relative_caption(reference, made, rng)
    properties: tuple[str, ...] = (made.prop,)
    target = made.scene
    if rng.random() < _TWO_CHANGES:
        second = _second_change(reference, made, rng)
        if second is not None:
            text = rng.choice(_JOINS).format(a=text, b=relative_caption(reference, second, rng))
            properties += (second.prop,)
            target = second.scene
    # The nearest miss has another value of what was asked for; there are only two times, and the other one is the reference's.
    asked = [made.prop] if made.prop != "time" and made.prop in possible_properties(target) else []
    others = [prop for prop in possible_properties(target) if prop != made.prop]
    chosen = asked + rng.sample(others, NUM_MISSES - len(asked))
    misses = tuple(change(target, prop, rng).scene for prop in chosen)
    return Query(reference, text, target, misses, properties)


def _second_change(reference: Scene, made: Change, rng: random.Random) -> Change | None:
    """Change another property of the changed scene, one that can be said of the reference too."""
    if made.prop in ("add", "remove"):
        return None
    possible = [prop for prop in possible_properties(reference) if prop not in (made.prop, "noun", "add", "remove", "relation")]
    second = change(made.scene, rng.choice(possible), rng)
    # People name things as they see them in the reference.
    renamed = made.prop in ("noun", "number") and second.thing == made.thing
    return None if renamed else second
