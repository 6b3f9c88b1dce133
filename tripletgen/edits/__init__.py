"""The rules that propose edits, one family a file, and the spine that turns a parsed caption into worded candidates."""

import random
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from tripletgen.edits.actions import ChangeAction
from tripletgen.edits.additions import AddObject
from tripletgen.edits.attributes import ChangeAttribute
from tripletgen.edits.base import Change, Edit, EditRule, Frame, apply_changes, first_edit, frame_of
from tripletgen.edits.combine import Combine
from tripletgen.edits.comparisons import CompareAttribute
from tripletgen.edits.counts import ChangeCount
from tripletgen.edits.objects import ReplaceObject
from tripletgen.edits.relations import ChangeRelation
from tripletgen.edits.removals import RemoveObject
from tripletgen.edits.scenes import ChangeScene
from tripletgen.edits.views import ChangeViewpoint
from tripletgen.edits.wording import word_edit
from tripletgen.lexicon import Lexicon
from tripletgen.parsing import ParsedCaption
from tripletgen.schema import EDIT_TYPES
from tripletgen.stats import CorpusStats

_SIMPLE: tuple[EditRule, ...] = (
    ReplaceObject(),
    ChangeAttribute(),
    CompareAttribute(),
    ChangeCount(),
    AddObject(),
    RemoveObject(),
    ChangeRelation(),
    ChangeScene(),
    ChangeAction(),
    ChangeViewpoint(),
)
RULES: tuple[EditRule, ...] = (*_SIMPLE, Combine(_SIMPLE))
"""Every edit rule; a new one is one new file and one line here."""

RULE_WEIGHTS = {
    "change_relation": 60.0,
    "change_scene": 50.0,
    "change_action": 12.0,
    "remove_object": 90.0,
    "change_count": 6.0,
    "combine": 6.0,
    "change_viewpoint": 1.5,
    "add_object": 1.5,
    "replace_object": 1.5,
    "compare_attribute": 0.4,
    "change_attribute": 1.0,
}
"""How early a rule is asked: the rarer its occasion, the earlier, so that every edit type gets its share."""

RARE_RULES = frozenset(("change_relation", "change_scene", "change_action", "remove_object"))
"""Rules whose occasions are so rare that their first four edits are taken."""

ROUNDS = 12


class Candidate(NamedTuple):
    """A worded edit with the caption it leads to."""

    edit: Edit
    phrasing: str
    modification_text: str
    target_caption: str


def propose(
    parsed: ParsedCaption, lexicon: Lexicon, stats: CorpusStats, edit_types: frozenset[str], rng: random.Random
) -> Iterator[Candidate]:
    """Yield candidates for a caption, one a rule in weighted random order, then again from the rules that had one.

    Lazy: the caller stops when it has enough, and no further rule is run. Randomness comes from `rng` alone.
    """
    frame = frame_of(parsed, lexicon, stats)
    rules = [rule for rule in RULES if rule.edit_type in edit_types]
    rules.sort(key=lambda rule: rng.random() ** (1.0 / RULE_WEIGHTS[rule.name]), reverse=True)
    done: set[tuple[Change, ...]] = set()
    for turn in range(ROUNDS):
        fruitful: list[EditRule] = []
        for rule in rules:
            for edit in _ask(rule, frame, rng, turn):
                fruitful.append(rule)
                if edit.changes not in done:
                    done.add(edit.changes)
                    yield _candidate(frame, edit, rng)
        rules = list(dict.fromkeys(fruitful))


def _ask(rule: EditRule, frame: Frame, rng: random.Random, turn: int) -> Iterator[Edit]:
    """Yield the first edit of a rule in the first turn, then new ones; a rule of rare occasions gives four at a time."""
    if turn == 0:
        edit = first_edit(rule, frame, rng)
        if edit is None:
            return
        yield edit
        if rule.name not in RARE_RULES:
            return
    yield from islice(rule.propose(frame, rng), 4 if rule.name in RARE_RULES else 1)


def _candidate(frame: Frame, edit: Edit, rng: random.Random) -> Candidate:
    phrasing, text = word_edit(edit, rng)
    return Candidate(edit, phrasing, text, apply_changes(frame.text, edit.changes))


def describe_rules() -> list[str]:
    """Return one line a rule: its edit type, the aspect of CIRCO that it trains, and what it does."""
    return [f"{rule.name:<18} {EDIT_TYPES[rule.edit_type]:<28} {(type(rule).__doc__ or '').splitlines()[0]}" for rule in RULES]
