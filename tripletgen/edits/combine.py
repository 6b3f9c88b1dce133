"""combine: two edits of one caption, said in one sentence."""

import random
from collections.abc import Iterator, Sequence

from tripletgen.edits.base import Edit, EditRule, Frame, first_edit, overlap
from tripletgen.edits.wording import can_join
from tripletgen.lexicon import words

_PARTNERS = frozenset(
    [
        "replace_object",
        "change_attribute",
        "compare_attribute",
        "change_scene",
        "change_action",
        "change_relation",
        "add_object",
        "remove_object",
        "change_viewpoint",
    ]
)
# Two of one of these read badly: what comes and what goes, where things are, and a color in a picture without colors.
_RIVALS = (
    frozenset(("add_object", "remove_object")),
    frozenset(("change_scene", "change_relation", "add_object")),
    frozenset(("change_attribute", "add_object", "change_viewpoint")),
    frozenset(("change_scene", "change_action")),
    frozenset(("change_action", "change_relation", "remove_object")),
)
_MAX_TRIES = 6


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
            elif _go_together(first, edit):
                # A whole other medium is said first: "make it a sketch" would else be of the thing just named.
                yield _join(edit, first) if edit.edit_type == "change_viewpoint" else _join(first, edit)
                return


def _go_together(one: Edit, other: Edit) -> bool:
    """Tell whether two edits touch different things and can be said in one text."""
    types = {one.edit_type, other.edit_type}
    if len(types) < 2 or any(types <= rivals for rivals in _RIVALS) or overlap(one.changes, other.changes):
        return False
    return not _same_thing(one, other) and can_join(one, other)


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
