"""Tell whether a target caption that a model wrote shows the kind of edit that was asked for."""

import difflib
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from tripletgen.assets import read_yaml
from tripletgen.lexicon import load_lexicon
from tripletgen.rewrite.stems import stem, stems, words
from tripletgen.schema import normalise


class Difference(NamedTuple):
    """The words that went, those that came, in how many places, and of both the content words that the other caption lacks."""

    removed: list[str]
    added: list[str]
    places: int
    lost: set[str]
    won: set[str]


def difference(before: str, after: str) -> Difference:
    """Compare two captions word by word; a word in another form is the same word."""
    old, new = normalise(before).split(" "), normalise(after).split(" ")
    changes = [o for o in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if o[0] != "equal"]
    removed = [word for _, a, b, _, _ in changes for word in old[a:b]]
    added = [word for _, _, _, c, d in changes for word in new[c:d]]
    return Difference(removed, added, len(changes), _absent(removed, after), _absent(added, before))


def _absent(some: list[str], caption: str) -> set[str]:
    """Return the content words of which the caption has no form, long or short: `advert` is in "an advertisement"."""
    there = stems(caption)
    return {word for word in some if word not in words("function") and not any(_is_form(stem(word), other) for other in there)}


def _is_form(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return one == other or (len(short) >= 4 and long.startswith(short))


def misses_wish(edit_type: str, reference: str, target: str) -> str | None:
    """Return the reason against a target that is no edit of the kind that was asked for, or that changes half the caption."""
    found = difference(reference, target)
    num_words = max(len(normalise(reference).split(" ")), 4)
    if found.places > (3 if edit_type == "combine" else 2) or len(found.removed) * 2 > num_words or len(found.added) > 8:
        return "too_much_changed"
    return None if SHOWS[edit_type](found) else "other_edit"


def _is_swap(found: Difference) -> bool:
    return bool(found.lost) and bool(found.won)


def _is_counted(found: Difference) -> bool:
    """Tell whether a number came or went; an article that is only set before a word makes no other number."""
    numbers = words("numbers") & (set(found.added) | set(found.removed))
    return bool(numbers - {"a", "an"}) or (bool(numbers) and len(found.added) > 1 and bool(set(found.removed) - {"the"}))


def _is_moved(found: Difference) -> bool:
    return not words("places").isdisjoint(found.added) and bool(found.removed) and len(found.won) <= 2


@cache
def _attributes() -> frozenset[str]:
    return frozenset(word for value in load_lexicon().groups_of for word in value.split(" "))


@cache
def _comparatives() -> frozenset[str]:
    pairs = [pair for group in read_yaml("lexicon/comparatives.yaml").values() for pair in group]
    return frozenset(word for pair in pairs for word in (pair["word"], *pair["spoken"]))


@cache
def _views() -> frozenset[str]:
    """Return the words that tell a medium, an angle, a time or the weather."""
    data = read_yaml("lexicon/views.yaml")
    media = [name for names in (*data["media"].values(), *data["look"].values(), data["framing"]) for name in names]
    tails = [name for kind in ("time", "known_time", "weather", "known_weather", "season") for name in data[kind]]
    tails += [name for names in data["known"].values() for name in names] + [framing["before"] for framing in data["framing"].values()]
    plain = {"clear", "hot", "cold", "day", "version", "blue", "black", "white"} | words("function")
    return frozenset(word for name in (*media, *tails) for word in normalise(name).split(" ")) - plain


SHOWS: dict[str, Callable[[Difference], bool]] = {
    "replace_object": lambda found: _is_swap(found) and not found.won <= _attributes() | _views(),
    "change_attribute": lambda found: bool(found.won & _attributes()),
    "compare_attribute": lambda found: bool(found.won & _comparatives()),
    "change_count": _is_counted,
    "add_object": lambda found: bool(found.won - _attributes() - _views()) and not found.lost,
    "remove_object": lambda found: bool(found.lost) and not found.won,
    "change_relation": _is_moved,
    "change_scene": lambda found: _is_swap(found) and not found.won <= _attributes() | _views(),
    "change_action": lambda found: _is_swap(found) and any(word.endswith(("ing", "s", "ed")) for word in found.won),
    "change_viewpoint": lambda found: bool(found.won & _views()) or found.won >= {"black", "white"},
    "combine": lambda found: bool(found.won) and found.places > 1,
}
