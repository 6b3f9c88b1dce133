"""Say an edit in words: choose a phrasing and a template, fill its slots."""

import random
from collections.abc import Iterator
from functools import cache
from itertools import product
from string import Formatter
from typing import NamedTuple

from tripletgen.assets import read_yaml
from tripletgen.edits.base import Edit
from tripletgen.lexicon import words
from tripletgen.schema import PHRASINGS

PHRASING_WEIGHTS = {"imperative": 0.32, "predicate": 0.28, "relative": 0.28, "attributes": 0.12}
# The phrasing of two edits in one text, and of which build its two texts are.
_BUILDS = {"imperative": "order", "predicate": "thing", "relative": "clause"}
# What may stand before two clauses, and before two things.
_CLAUSE_OPENINGS = ("", "", "same but ", "same scene, but ")
_THING_OPENINGS = ("has ", "shows ", "features ")
# Words that both texts of a combined one may hold; any other would be of a thing that both edits touch.
_COMMON = words("combine", "common")


class Template(NamedTuple):
    """A sentence with named slots."""

    text: str
    slots: frozenset[str]


@cache
def wordings() -> dict[str, dict[str, tuple[Template, ...]]]:
    """Return every template by wording set and phrasing."""
    return _templates("edits/wordings.yaml")


@cache
def joinings() -> dict[str, dict[str, tuple[Template, ...]]]:
    """Return the templates of the parts of combined edits by wording set and build."""
    return _templates("edits/joinings.yaml")


def num_templates() -> int:
    """Return the number of templates in all."""
    return sum(len(templates) for sets in (wordings(), joinings()) for by_name in sets.values() for templates in by_name.values())


def _templates(path: str) -> dict[str, dict[str, tuple[Template, ...]]]:
    sets = read_yaml(path)
    return {name: {key: tuple(_template(text) for text in texts) for key, texts in by_key.items()} for name, by_key in sets.items()}


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
        text = _joined(edit, phrasing, rng) if edit.parts else _say(edit, phrasing, rng)
        if text is not None:
            return phrasing, text
        del left[phrasing]
    raise ValueError(f"no template of {edit.wording!r} can be filled from {sorted(edit.slots)}")


def _say(edit: Edit, phrasing: str, rng: random.Random) -> str | None:
    slots = edit.slots.keys()
    fitting = [template for template in wordings()[edit.wording][phrasing] if template.slots <= slots]
    return rng.choice(fitting).text.format_map(edit.slots) if fitting else None


def can_join(first: Edit, second: Edit) -> bool:
    """Tell whether two edits can be said in one text."""
    return any(next(_pairs(first, second, build), None) is not None for build in _BUILDS.values())


def _pairs(first: Edit, second: Edit, build: str) -> Iterator[tuple[str, str]]:
    """Yield the pairs of texts of one build that share no word but common ones."""
    ones, others = (_sayings(edit, build) for edit in (first, second))
    for (one, its), (other, theirs) in product(ones, others):
        if its.isdisjoint(theirs):
            yield one, other


def _sayings(edit: Edit, build: str) -> list[tuple[str, frozenset[str]]]:
    """Return what an edit says in a build, each with its telling words."""
    templates = joinings().get(edit.wording, {}).get(build, ())
    texts = [template.text.format_map(edit.slots) for template in templates if template.slots <= edit.slots.keys()]
    # "Horses" and "horse" are one thing.
    return [(text, frozenset(word.rstrip("s") for word in text.lower().split() if word not in _COMMON)) for text in texts]


def _joined(edit: Edit, phrasing: str, rng: random.Random) -> str | None:
    """Return one text for the two parts of a combined edit, both of one build, or None."""
    build = _BUILDS.get(phrasing)
    pairs = list(_pairs(edit.parts[0], edit.parts[1], build)) if build is not None else []
    if not pairs:
        return None
    one, other = rng.choice(pairs)
    joined = f"{one}, and {other}" if " and " in one or "," in one or " instead of " in one else f"{one} and {other}"
    if build == "thing":
        return rng.choice(_THING_OPENINGS) + joined
    return rng.choice(_CLAUSE_OPENINGS) + joined if build == "clause" else joined


assert set(PHRASING_WEIGHTS) == set(PHRASINGS)
