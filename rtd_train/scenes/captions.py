"""Say a scene as people do: a caption names the things and where they are, in one of several wordings, and leaves some of it out."""

import random

from rtd_train.scenes.world import Scene, Thing

NUMBER_WORDS = {1: "a", 2: "two", 3: "three", 4: "four"}
_PLURALS = {"box": "boxes", "bench": "benches"}
RELATION_WORDS = {
    "beside": ("beside", "next to"),
    "on": ("on", "on top of"),
    "under": ("under", "below"),
    "in front of": ("in front of",),
    "behind": ("behind",),
}
PLACE_WORDS = {
    "meadow": ("in a meadow",),
    "forest": ("in a forest",),
    "desert": ("in a desert", "in the desert"),
    "beach": ("on a beach", "on the beach"),
    "snowy field": ("in a snowy field",),
    "city street": ("on a city street",),
}
_OPENINGS = ("{a}", "{a}", "{a}", "a photo of {a}", "a picture of {a}", "there {be} {a}", "an image of {a}")
_SAY_SIZE, _SAY_PLACE, _SAY_TIME = 0.85, 0.8, 0.8


def plural(noun: str) -> str:
    """Return the plural of a noun of this world."""
    return _PLURALS.get(noun, f"{noun}s")


def name(thing: Thing, *, say_size: bool = True) -> str:
    """Return a thing in words: `two small striped red balls`."""
    words = [thing.size if say_size and thing.size != "medium" else "", thing.colour]
    words.insert(1, thing.texture if thing.texture != "plain" else "")
    text = " ".join(word for word in (*words, plural(thing.noun) if thing.number > 1 else thing.noun) if word)
    number = "an" if thing.number == 1 and text[0] in "aeiou" else NUMBER_WORDS[thing.number]
    return f"{number} {text}"


def caption(scene: Scene, rng: random.Random) -> str:
    """Return a caption of a scene in a wording drawn at random."""
    names = [name(thing, say_size=rng.random() < _SAY_SIZE) for thing in scene.things]
    text = names[0]
    if len(names) > 1:
        text += f" {rng.choice(RELATION_WORDS[str(scene.relation)])} {names[1]}"
    if len(names) > 2:
        text += f" {rng.choice(('with', 'and'))} {names[2]}"
    opening = rng.choice(_OPENINGS)
    text = opening.format(a=text, be="is" if scene.things[0].number == 1 else "are")
    if rng.random() < _SAY_PLACE:
        text += f" {rng.choice(PLACE_WORDS[scene.place])}"
    if scene.time == "night" and rng.random() < _SAY_TIME:
        text += " at night"
    return text[0].upper() + text[1:] + rng.choice((".", "."))


def full_caption(scene: Scene) -> str:
    """Return the caption that leaves nothing out, in the first wording: what a target is called where a text must stand for it."""
    text = name(scene.things[0])
    if len(scene.things) > 1:
        text += f" {RELATION_WORDS[str(scene.relation)][0]} {name(scene.things[1])}"
    if len(scene.things) > 2:
        text += f" and {name(scene.things[2])}"
    return f"{text} {PLACE_WORDS[scene.place][0]}{' at night' if scene.time == 'night' else ''}"
