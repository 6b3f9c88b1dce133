"""Say a difference of whole phrases: who or what with all that hangs on it, the place, the deed."""

import re
from typing import NamedTuple

from tripletgen.edits.actions import agent_of
from tripletgen.edits.base import Change, Edit, Frame, Naming, lower_first, name_of, naming, slots_of
from tripletgen.edits.scenes import PLACES, subject_of
from tripletgen.lexicon import Noun
from tripletgen.lexicon.inflection import verb_form, verb_lemma
from tripletgen.pairs.likeness import WORN_KINDS, Found, is_alike, is_told, take_apart
from tripletgen.pairs.masks import SEPARATOR
from tripletgen.phrases import NounPhrase

# Words that cannot follow "the": "the several men".
_QUANTITIES = frozenset(
    ("some", "several", "many", "few", "all", "both", "each", "every", "any", "no", "another", "this", "that", "these", "those", "various")
)
# A second verb in the form of the first, which would keep it: "have them play cards and laughing".
_SECOND_VERB = re.compile(r"\b(?:and|or|then) \w+ing\b")


class _Whole(NamedTuple):
    """A noun phrase with what hangs on it, "two brown dogs on a leash", and its noun."""

    words: str
    noun: Noun
    name: Naming


def phrase_edit(frame: Frame, found: Found) -> Edit | str:
    """Return the edit that puts a whole noun phrase in the place of another."""
    phrase = _phrase_from(frame, found.first, found.last)
    old = _old_whole(frame, phrase, found.last) if phrase is not None else None
    new = _new_whole(frame, found.filler.split(SEPARATOR))
    if phrase is None or old is None or new is None:
        return "pair_not_explained"
    if is_alike(frame.lexicon, old.noun, new.noun) or _names_other(old, new) or _names_other(new, old):
        return "pair_of_synonyms"
    if not is_told(frame, phrase, old.noun, new.noun):
        return "pair_not_explained"
    slots = _for_wholes(slots_of("old", old.name) | slots_of("new", new.name))
    change = Change(frame.parsed.starts[phrase.first], frame.parsed.ends[found.last], new.name.a)
    return Edit("replace_object", "replace_object", old.words, new.words, (change,), "replace_object", slots)


def place_edit(frame: Frame, found: Found) -> Edit | str:
    """Return the edit that puts a place with its preposition in the place of another."""
    phrase = _phrase_from(frame, found.first + 1, found.last)
    old = _old_whole(frame, phrase, found.last) if phrase is not None else None
    preposition, *parts = found.filler.split(SEPARATOR)
    new = _new_whole(frame, parts)
    if phrase is None or old is None or new is None:
        return "pair_not_explained"
    if is_alike(frame.lexicon, old.noun, new.noun):
        return "pair_of_synonyms"
    subject = subject_of(frame, phrase)
    if old.noun.kind not in PLACES or new.noun.kind not in PLACES or subject is None or subject.noun is None:
        return "pair_not_explained"
    return _scene_edit(frame, subject, found, old, new, preposition)


def _scene_edit(frame: Frame, subject: NounPhrase, found: Found, old: _Whole, new: _Whole, preposition: str) -> Edit:
    source, target = frame.parsed.span(found.first, found.last), f"{preposition} {new.name.a}"
    slots = slots_of("subject", name_of(frame, subject, short=True)) | slots_of("new", new.name)
    slots |= {"old_place": source, "old_the": old.name.the, "new_in": target}
    change = Change(frame.parsed.starts[found.first], frame.parsed.ends[found.last], target)
    return Edit("change_scene", "change_scene", source, target, (change,), "scene", _for_wholes(slots))


def deed_edit(frame: Frame, found: Found) -> Edit | str:
    """Return the edit that has the subject do something else, to the end of the caption."""
    parsed, agent = frame.parsed, agent_of(frame, found.first)
    verb, _, rest = found.filler.partition(" ")
    if agent is None or agent not in frame.shown or agent.noun is None or frame.children(agent.head, "cc", "conj"):
        return "pair_not_explained"
    # Behind "a man in a shirt" the parse takes the shirt for who does it.
    if agent.noun.kind in WORN_KINDS or not verb.isalpha() or not rest or _SECOND_VERB.search(rest):
        return "pair_not_explained"
    old, new = verb_lemma(parsed.lowers[found.first]), verb_lemma(verb.lower())
    if new in frame.lexicon.synonyms.get(old, ()):
        return "pair_of_synonyms"
    # What is done is told with its object, and one verb with two ends whole: "sitting on a couch", "sitting in a car".
    last = found.last if old == new else _end_of_deed(frame, found.first)
    slots = slots_of("agent", name_of(frame, agent, short=True))
    slots |= {
        "old_ing": verb_form(old, "VBG") + parsed.text[parsed.ends[found.first] : parsed.ends[last]],
        "new_ing": f"{verb_form(new, 'VBG')} {rest}",
        "new_inf": f"{new} {rest}",
    }
    change = Change(parsed.starts[found.first], parsed.ends[found.last], found.filler)
    return Edit("change_action", "change_action", parsed.span(found.first, found.last), found.filler, (change,), "action", slots)


def _end_of_deed(frame: Frame, verb: int) -> int:
    """Return the last token of what a verb needs to make sense: its particle and its object, else the first of its places."""
    needed = frame.children(verb, "dobj", "prt", "xcomp", "dative", "acomp", "oprd")
    if not needed:
        needed = [child for child in frame.children(verb, "prep") if child > verb][:1]
    return max([verb, *(frame.subtree(child)[-1] for child in needed)])


def _phrase_from(frame: Frame, first: int, last: int) -> NounPhrase | None:
    """Return the shown phrase that begins at a token and whose noun stands before another."""
    return next((phrase for phrase in frame.shown if phrase.first == first and phrase.head <= last), None)


def _old_whole(frame: Frame, phrase: NounPhrase, last: int) -> _Whole | None:
    parsed = frame.parsed
    first = phrase.first + 1 if phrase.determiner >= 0 else phrase.first
    is_owned = phrase.determiner >= 0 and parsed.lowers[phrase.determiner] not in ("a", "an", "the")
    if phrase.noun is None or is_owned or parsed.lowers[first] in _QUANTITIES:
        return None
    words = lower_first(frame, first, parsed.span(first, last))
    return _Whole(words, phrase.noun, naming(words, phrase.noun, is_plural=phrase.is_plural))


def _new_whole(frame: Frame, parts: list[str]) -> _Whole | None:
    core = take_apart(parts[0].lower(), frame.lexicon)
    if core is None:
        return None
    words = " ".join(parts)
    name = naming(words, core.noun, is_plural=core.is_plural)
    starts_with_quantity = bool(core.adjectives) and core.adjectives[0] in _QUANTITIES
    return _Whole(words, core.noun, name._replace(a=words) if starts_with_quantity else name)


def _names_other(one: _Whole, other: _Whole) -> bool:
    """Tell whether a phrase speaks of the other's noun: a band, four members of a band."""
    return not {other.noun.lemma, other.noun.plural}.isdisjoint(one.words.lower().split())


def _for_wholes(slots: dict[str, str]) -> dict[str, str]:
    """Return slots without those that cannot stand for a phrase with number and tail: "one", "no three dogs on a leash"."""
    return {name: text for name, text in slots.items() if not name.endswith("_one") and name not in ("old", "new")}
