"""Say an edit in words: choose a phrasing and a template, fill its slots."""

import random
from functools import cache
from string import Formatter
from typing import NamedTuple

from tripletgen.assets import read_yaml
from tripletgen.edits.base import Edit
from tripletgen.schema import PHRASINGS

PHRASING_WEIGHTS = {"imperative": 0.32, "predicate": 0.28, "relative": 0.28, "attributes": 0.12}
# A template that begins so speaks of the whole reference, so it can open a sentence but not go on after "and".
_OPENERS = (
    *("same", "the same", "similar", "identical", "instead", "nothing", "is", "are", "was", "change it", "make it", "with", "no "),
    # And what has no verb is no second clause.
    *("{new_a} in ", "{new_a} rather", "{new_a} instead", "{number} ", "{view_a} ", "{target}", "just ", "only ", "everything", "the very"),
)


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
        text = _joined(edit, phrasing, rng) if edit.parts else _say(edit, phrasing, rng, opens=True)
        if text is not None:
            return phrasing, text
        del left[phrasing]
    raise ValueError(f"no template of {edit.wording!r} can be filled from {sorted(edit.slots)}")


def _say(edit: Edit, phrasing: str, rng: random.Random, *, opens: bool) -> str | None:
    slots = edit.slots.keys()
    fitting = [
        template
        for template in wordings()[edit.wording][phrasing]
        if template.slots <= slots and (opens or not template.text.startswith(_OPENERS))
    ]
    return rng.choice(fitting).text.format_map(edit.slots) if fitting else None


def _joined(edit: Edit, phrasing: str, rng: random.Random) -> str | None:
    if phrasing == "attributes":
        # Two elliptic texts do not join into one sentence.
        return None
    first = _say(edit.parts[0], phrasing, rng, opens=True)
    second = _say(edit.parts[1], phrasing, rng, opens=False)
    if first is None or second is None:
        return None
    return f"{first}, and {second}" if " and " in first or "," in first else f"{first} and {second}"


assert set(PHRASING_WEIGHTS) == set(PHRASINGS)
