"""combine: two edits of one caption, said in one sentence."""

import random
from collections.abc import Iterator, Sequence

from tripletgen.edits.base import Edit, EditRule, Frame, first_edit, overlap
from tripletgen.edits.wording import joins
from tripletgen.lexicon import words

# Removing beside adding, or two views at once, reads badly; any two of these go together.
_PARTNERS = frozenset(
    [
        "replace_object",
        "change_attribute",
        "compare_attribute",
        "change_scene",
        "change_action",
        "change_relation",
        "add_object",
        "change_viewpoint",
    ]
)
_MAX_TRIES = 4


class Combine:
    """Join two edits of different types that touch different words of the caption."""

    name = "combine"
    edit_type = "combine"

    def __init__(self, rules: Sequence[EditRule]) -> None:
        self._rules = [rule for rule in rules if rule.edit_type in _PARTNERS]

    def propose(self, frame: Frame, rng: random.Random) -> Iterator[Edit]:
        """Yield at most one edit, whose parts are the two."""
        rules = rng.sample(self._rules, min(len(self._rules), _MAX_TRIES))
        first: Edit | None = None
        for rule in rules:
            edit = first_edit(rule, frame, rng)
            if edit is None:
                continue
            if first is None:
                first = edit
            elif not overlap(first.changes, edit.changes) and not _same_thing(first, edit) and joins(both := _join(first, edit)):
                yield both
                return


def _same_thing(one: Edit, other: Edit) -> bool:
    """Tell whether one edit speaks of a word that the other takes away."""
    changed = {word for edit in (one, other) for word in (edit.source_phrase or "").lower().split()}
    spoken = {word for edit in (one, other) for text in edit.slots.values() for word in text.lower().split()}
    others = [{word for text in edit.slots.values() for word in text.lower().split()} - _COMMON for edit in (one, other)]
    return bool(others[0] & others[1] & (changed & spoken) - _COMMON)


_COMMON = words("combine", "common")


def _join(first: Edit, second: Edit) -> Edit:
    return Edit(
        "combine",
        "combine",
        _both(first.source_phrase, second.source_phrase),
        _both(first.target_phrase, second.target_phrase),
        first.changes + second.changes,
        first.wording,
        first.slots,
        (first, second),
    )


def _both(one: str | None, other: str | None) -> str | None:
    return " + ".join(phrase for phrase in (one, other) if phrase) or None
