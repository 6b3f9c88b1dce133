"""Say an edit in words: choose a phrasing and a template, fill its slots."""

import random
import re
from functools import cache
from string import Formatter
from typing import NamedTuple

from tripletgen.assets import read_yaml
from tripletgen.edits.base import Edit
from tripletgen.schema import PHRASINGS

PHRASING_WEIGHTS = {"imperative": 0.32, "predicate": 0.28, "relative": 0.28, "attributes": 0.12}
# How a clause begins that can follow "and" whatever stands before it; and orders that cannot.
_CLAUSES = ("the ", "it is ", "everything is ")
_NO_SECOND_ORDER = ("keep ", "make it ", "let ", "take ", "give me ", "leave ", "nothing ")
# What says of itself that nothing else differs.
_EXCLUSIVE = re.compile(r"\b(?:same|everything|similar|identical|nothing|only|except|just|keep|unchanged|otherwise)\b")


class Template(NamedTuple):
    """A sentence with named slots."""

    text: str
    slots: frozenset[str]


@cache
def wordings() -> dict[str, dict[str, tuple[Template, ...]]]:
    """Return every template by wording set and phrasing."""
    sets = read_yaml("edits/wordings.yaml")
    return {
        name: {phrasing: tuple(_template(text) for text in texts) for phrasing, texts in phrasings.items()}
        for name, phrasings in sets.items()
    }


def num_templates() -> int:
    """Return the number of templates in all."""
    return sum(len(templates) for phrasings in wordings().values() for templates in phrasings.values())


def _template(text: str) -> Template:
    return Template(text, frozenset(field for _, field, _, _ in Formatter().parse(text) if field))


def word_edit(edit: Edit, rng: random.Random) -> tuple[str, str]:
    """Return the phrasing and the modification text of an edit.

    Raises:
        ValueError: no template can be filled; every wording set has an order without a word of sameness, which joins any other.
    """
    left = dict(PHRASING_WEIGHTS)
    while left:
        phrasing = rng.choices(list(left), list(left.values()))[0]
        text = _joined(edit, phrasing, rng) if edit.parts else _say(edit, phrasing, rng)
        if text is not None:
            return phrasing, text
        del left[phrasing]
    raise ValueError(f"no template of {edit.wording!r} can be filled from {sorted(edit.slots)}")


def _say(edit: Edit, phrasing: str, rng: random.Random) -> str | None:
    texts = _texts(edit, phrasing)
    return rng.choice(texts) if texts else None


def _texts(edit: Edit, phrasing: str) -> list[str]:
    """Return every text of a phrasing that has all its slots."""
    slots = edit.slots.keys()
    return [template.text.format_map(edit.slots) for template in wordings()[edit.wording][phrasing] if template.slots <= slots]


def _joined(edit: Edit, phrasing: str, rng: random.Random) -> str | None:
    """Say two edits in one sentence: two orders, or a clause after whatever says the first."""
    if phrasing == "attributes":
        # Two elliptic texts do not join into one sentence.
        return None
    one, other = edit.parts
    firsts = [text for text in _texts(one, phrasing) if not _EXCLUSIVE.search(text)]
    if phrasing == "imperative":
        seconds = [text for text in _texts(other, phrasing) if not text.startswith(_NO_SECOND_ORDER) and not _EXCLUSIVE.search(text)]
    else:
        seconds = [text for text in _texts(other, "relative") if text.startswith(_CLAUSES) and not _EXCLUSIVE.search(text)]
    if not firsts or not seconds:
        return None
    first, second = rng.choice(firsts), rng.choice(seconds)
    if first.split()[:2] == second.split()[:2] and phrasing != "imperative":
        # "The dog is black and the dog is larger."
        return None
    return f"{first}, and {second}" if " and " in first or "," in first else f"{first} and {second}"


assert set(PHRASING_WEIGHTS) == set(PHRASINGS)
