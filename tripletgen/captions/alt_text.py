"""Say in words what a tagger saw: "image may contain: person, on stage, playing a musical instrument and night".

Social networks write such texts for pictures that nobody described, and web captions are full of them.
"""

import re

from tripletgen.lexicon import words
from tripletgen.lexicon.inflection import article

_TAGS = re.compile(r"^(?:image|photo)s? may contain: (?:(?:\d+|one or more) )?(person|people)\b,?(.*)$", re.IGNORECASE)
_SEPARATOR = re.compile(r",| and ")
_STANCES = ("smiling", "sitting", "standing", "dancing", "eating", "sleeping", "walking", "laughing")
# What is no thing, and how a place or an hour joins a sentence.
_WHERE = {"indoor": "indoors", "outdoor": "outdoors", "night": "at night", "concert": "at a concert", "on stage": "on stage"}
_PLAYING = "playing a musical instrument"
_INSTRUMENTS = frozenset(("guitar", "piano", "violin", "drum"))
_THINGS = words("alt_text", "things")


def told(text: str) -> str:
    """Return a tagger's list of a person's picture as a caption; any other text as it is."""
    match = _TAGS.match(text)
    if match is None:
        return text
    tags = [tag.strip() for tag in _SEPARATOR.split(match[2]) if tag.strip()]
    doing = [tag for tag in tags if tag in _STANCES] + [tag for tag in tags if " " in tag and tag.split()[0].endswith("ing")]
    things = [tag for tag in tags if tag in _THINGS and not any(tag in done for done in doing)]
    played = next((thing for thing in things if thing in _INSTRUMENTS), None)
    if played is not None and _PLAYING in doing:
        things.remove(played)
        doing[doing.index(_PLAYING)] = f"playing {article(played)} {played}"
    having = [f"with {' and '.join(f'{article(thing)} {thing}' for thing in things)}"] if things else []
    where = [words for tag, words in _WHERE.items() if tag in tags and not (tag == "indoor" and "on stage" in tags)]
    parts = [match[1].lower(), *having, " and ".join(doing), *reversed(where)]
    return " ".join(part for part in parts if part)
