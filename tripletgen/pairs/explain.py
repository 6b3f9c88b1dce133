"""Say in which way one real caption differs from another, or that no words of ours describe it exactly."""

import random
from collections.abc import Callable

from tripletgen.edits.actions import ChangeAction, agent_of
from tripletgen.edits.attributes import ChangeAttribute
from tripletgen.edits.base import LIVING, Change, Edit, Frame, apply_changes, lower_first, name_of, naming, slots_of
from tripletgen.edits.counts import NUMBERS, ChangeCount
from tripletgen.edits.objects import ReplaceObject
from tripletgen.edits.relations import ChangeRelation, figure_of, means_same
from tripletgen.edits.removals import RemoveObject
from tripletgen.lexicon import Noun
from tripletgen.lexicon.inflection import verb_lemma
from tripletgen.pairs.likeness import WORN_KINDS, Found, Words, is_alike, is_told, take_apart
from tripletgen.pairs.longer import deed_edit, phrase_edit, place_edit
from tripletgen.pairs.masks import LIGHT
from tripletgen.phrases import NounPhrase
from tripletgen.schema import normalise

# Prepositions of which each writer takes another for the same place.
_VAGUE = frozenset(("in", "on", "at", "inside", "across", "through", "over"))


def explain(frame: Frame, found: Found) -> Edit | str:
    """Return the edit that leads to the other caption, or the reason why there is none.

    An edit counts only if it makes the other caption, article and "is" aside: so its text tells the whole difference.
    """
    edit = _EXPLAINERS[found.kind.partition(" ")[0]](frame, found)
    if isinstance(edit, Edit) and _telling(apply_changes(frame.text, edit.changes)) != _telling(found.text):
        return "pair_not_explained"
    return edit


def _telling(text: str) -> list[str]:
    return [word for word in normalise(text).split() if word not in LIGHT]


def _noun_edit(frame: Frame, found: Found) -> Edit | str:
    phrase, new = frame.phrase_at(found.last), take_apart(found.filler, frame.lexicon)
    if phrase is None or phrase not in frame.shown or phrase.noun is None or new is None:
        return "pair_not_explained"
    old = take_apart(" ".join(frame.parsed.lowers[phrase.first : phrase.head + 1]), frame.lexicon)
    if old is None:
        return "pair_not_explained"
    if old.noun == new.noun:
        return _same_noun(frame, phrase, old, new)
    return _other_noun(frame, phrase, old, new, found.filler)


def _other_noun(frame: Frame, phrase: NounPhrase, old: Words, new: Words, filler: str) -> Edit | str:
    """Return the edit between two phrases of different nouns that agree in article and number."""
    if is_alike(frame.lexicon, old.noun, new.noun):
        return "pair_of_synonyms"
    same_number = (old.number, old.is_plural) == (new.number, new.is_plural)
    if not same_number or not is_told(frame, phrase, old.noun, new.noun):
        return "pair_not_explained"
    if old.adjectives == new.adjectives and not old.number:
        return ReplaceObject().edit(frame, phrase, old.noun, new.noun)
    return _phrase_edit(frame, phrase, new, filler)


def _same_noun(frame: Frame, phrase: NounPhrase, old: Words, new: Words) -> Edit | str:
    """Return the edit between two phrases of one noun: another number, or one adjective that is another or new."""
    if old.adjectives == new.adjectives:
        before = NUMBERS.get(old.number, 0 if old.is_plural else 1)
        after = NUMBERS.get(new.number, 0 if new.is_plural else 1)
        is_the = phrase.determiner >= 0 and frame.parsed.lowers[phrase.determiner] == "the"
        is_told = before != after > 0 and (before, after) != (0, 1) and not is_the
        return (is_told and ChangeCount().edit(frame, phrase, old.noun, before, after)) or "pair_not_explained"
    if (old.number, old.is_plural) != (new.number, new.is_plural):
        return "pair_not_explained"
    other = [pair for pair in zip(old.adjectives, new.adjectives, strict=False) if pair[0] != pair[1]]
    if len(old.adjectives) == len(new.adjectives) and len(other) == 1:
        return _other_adjective(frame, phrase, old.noun, *other[0])
    if len(new.adjectives) == 1 and not old.adjectives:
        group = frame.lexicon.group_of(new.adjectives[0], old.noun)
        if group is not None and not old.number:
            return ChangeAttribute().edit(frame, phrase, group, None, new.adjectives[0], None)
    return "pair_not_explained"


def _other_adjective(frame: Frame, phrase: NounPhrase, noun: Noun, old: str, new: str) -> Edit | str:
    group = frame.lexicon.group_of(old, noun)
    if group is None or new not in group.recognised or not group.is_opposite(old, new):
        return "pair_not_explained"
    if new in frame.lexicon.synonyms.get(old, ()):
        return "pair_of_synonyms"
    token = next(token for token in phrase.adjectives if frame.parsed.lowers[token] == old)
    return ChangeAttribute().edit(frame, phrase, group, old, new, token)


def _phrase_edit(frame: Frame, phrase: NounPhrase, new: Words, words: str) -> Edit:
    """Return the edit that puts a whole noun phrase in the place of another: a brown dog, a white cat."""
    parsed = frame.parsed
    first = phrase.first + 1 if phrase.determiner >= 0 else phrase.first
    source = lower_first(frame, first, parsed.span(first, phrase.head))
    slots = slots_of("old", naming(source, phrase.noun, is_plural=phrase.is_plural))
    slots |= slots_of("new", naming(words, new.noun, is_plural=new.is_plural))
    change = Change(parsed.starts[first], parsed.ends[phrase.head], words)
    return Edit("replace_object", "replace_object", source, words, (change,), "replace_object", slots)


def _verb_edit(frame: Frame, found: Found) -> Edit | str:
    old, new = verb_lemma(frame.parsed.lowers[found.first]), verb_lemma(found.filler)
    if old == new or new in frame.lexicon.synonyms.get(old, ()):
        return "pair_of_synonyms"
    agent = agent_of(frame, found.first)
    if agent is None or agent.noun is None or agent.noun.kind in WORN_KINDS:
        return "pair_not_explained"
    if frame.children(found.first, "prt", "auxpass", "dative", "neg"):
        return "pair_not_explained"
    return ChangeAction().edit(frame, found.first, agent, new)


def _relation_edit(frame: Frame, found: Found) -> Edit | str:
    old = " ".join(frame.parsed.lowers[found.first : found.last + 1])
    if means_same(old, found.filler) or (old in _VAGUE and found.filler in _VAGUE):
        return "pair_of_synonyms"
    ground = next((phrase for phrase in frame.shown if phrase.first == found.last + 1), None)
    figure, _ = figure_of(frame, found.first)
    if ground is None or ground.noun is None or figure is None or figure.noun is None:
        return "pair_not_explained"
    return ChangeRelation().edit(frame, (found.first, found.last), figure, ground, found.filler)


def _removal(frame: Frame, found: Found) -> Edit | str:
    """Return the edit that takes away what this caption has more than the other."""
    for edit in RemoveObject().propose(frame, random.Random(0)):
        if normalise(apply_changes(frame.text, edit.changes)) == normalise(found.text):
            return edit
    return "pair_not_explained"


def _addition(frame: Frame, found: Found) -> Edit | str:
    """Return the edit that adds what the other caption has more than this one."""
    first, _, rest = found.filler.partition(" ")
    new, owner = take_apart(rest, frame.lexicon), frame.phrase_at(found.place - 1)
    is_owned = owner is not None and owner in frame.shown and owner.noun is not None and owner.noun.kind in LIVING
    if new is None or new.number or owner is None or owner.noun is None or not is_owned:
        return "pair_not_explained"
    wording = _ADDED[first]
    if wording == "add_wear" and (owner.noun.kind != "person" or new.noun.kind not in WORN_KINDS):
        return "pair_not_explained"
    slots = slots_of("new", naming(rest, new.noun, is_plural=new.is_plural)) | slots_of("owner", name_of(frame, owner, short=True))
    after = frame.parsed.ends[owner.head]
    return Edit("add_object", "add_object", None, rest, (Change(after, after, f" {found.filler}"),), wording, slots)


_ADDED = {"with": "add_with", "in": "add_wear", "wearing": "add_wear", "holding": "add_hold", "carrying": "add_hold"}
_EXPLAINERS: dict[str, Callable[[Frame, Found], Edit | str]] = {
    "noun": _noun_edit,
    "verb": _verb_edit,
    "relation": _relation_edit,
    "phrase": phrase_edit,
    "place": place_edit,
    "deed": deed_edit,
    "more": _removal,
    "less": _addition,
}
"""Kind of mask -> what makes an edit of it."""
