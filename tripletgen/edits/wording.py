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
        ValueError: no template can be filled; every wording set has one of each phrasing that any of its edits fills.
    """
    left = dict(PHRASING_WEIGHTS)
    while left:
        phrasing = rng.choices(list(left), list(left.values()))[0]
        texts = _joined(edit, phrasing) if edit.parts else _texts(edit, phrasing)
        if texts:
            return phrasing, rng.choice(texts)
        del left[phrasing]
    raise ValueError(f"no template of {edit.wording!r} can be filled from {sorted(edit.slots)}")


def joins(edit: Edit) -> bool:
    """Tell whether one sentence can say the two parts of an edit."""
    return any(_joined(edit, phrasing) for phrasing in PHRASINGS)


def _texts(edit: Edit, phrasing: str) -> list[str]:
    """Return every text of a phrasing that has all its slots."""
    slots = edit.slots.keys()
    return [template.text.format_map(edit.slots) for template in wordings()[edit.wording][phrasing] if template.slots <= slots]


def _joined(edit: Edit, phrasing: str) -> list[str]:
    """Say two edits in one sentence: two orders, or a clause after whatever says the first; two elliptic texts do not join."""
    if phrasing == "attributes":
        return []
    one, other = edit.parts
    is_order = phrasing == "imperative"
    firsts = [text for text in _texts(one, phrasing) if not _EXCLUSIVE.search(text)]
    seconds = [text for text in _texts(other, phrasing if is_order else "relative") if not _EXCLUSIVE.search(text)]
    if is_order:
        seconds = [text for text in seconds if not text.startswith(_NO_SECOND_ORDER)]
    else:
        seconds = [text for text in seconds if text.startswith(_CLAUSES)]
    return [
        f"{first}, and {second}" if " and " in first or "," in first else f"{first} and {second}"
        for first in firsts
        for second in seconds
        # Not "the dog is black and the dog is larger".
        if is_order or first.split()[:2] != second.split()[:2]
    ]


assert set(PHRASING_WEIGHTS) == set(PHRASINGS)
