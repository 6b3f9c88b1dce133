"""change_count: more or fewer of a thing, with the agreement of noun, verb and determiner."""

import random
from collections.abc import Iterator

from tripletgen.edits.base import MEDIA, Change, Edit, Frame, insertion, naming, shuffled, slots_of, words_of
from tripletgen.edits.grammar import PLURAL_PRONOUNS, SINGULAR_PRONOUNS, agree
from tripletgen.lexicon import Noun, words
from tripletgen.lexicon.inflection import verb_lemma
from tripletgen.phrases import NounPhrase

NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_WORDS = {number: word for word, number in NUMBERS.items()}
_VAGUE = frozenset(["several", "many", "some", "few", "various", "numerous", "multiple"])
_COUNTED_KINDS = words("counts", "counted_kinds")
# What one person may have several of, and what no one person uses more than one of.
_SHOWING = words("counts", "showing")
_HOLDING = words("counts", "holding")
_UNCOUNTED = words("counts", "uncounted")
_ORDERED = words("attributes", "closed")
# What many do together two do not.
_CROWDED = words("counts", "crowded")
# Where plants grow they are many.
_GROUNDS = words("counts", "grounds")
# Of smaller things that come with something, such as bricks, any number may be meant.
_MIN_COUNTED = 2
# Of what is as large as a vehicle few are in one view.
_FEW_FROM, _FEW, _MOST = 4, 3, 4
# What one person carries or has at hand.
_CARRIED = 2
# A rider, or who sits on a chair, does so alone.
_NO_SUBJECT_AFTER = frozenset(("with", "in", "of", "on", "at", "by", "for", ",", "and"))
_DETERMINERS = words("attributes", "determiners")
_SEATS = words("counts", "seats")
_SEAT_KINDS = frozenset(("vehicle", "sport", "toy", "animal", "instrument", "electronics"))
_WORN_KINDS = frozenset(("clothing", "footwear", "accessory", "body"))
# Only one can do it, or only several can.
_ALONE = words("counts", "alone")
_TOGETHER = words("counts", "together")


class ChangeCount:
    """Say two for one, one for two, three for several."""

    name = "change_count"
    edit_type = "change_count"

    def propose(self, frame: Frame, rng: random.Random) -> Iterator[Edit]:
        """Yield one edit for each noun that can be counted and whose number nothing else in the caption depends on."""
        if frame.words & _ALONE:
            return
        is_crowd = bool(frame.words & _CROWDED)
        for phrase in shuffled(rng, frame.shown):
            if phrase.noun is None or not _is_countable(frame, phrase, phrase.noun):
                continue
            old = _number_of(frame, phrase)
            if old is None or (old == 0 and frame.parsed.deps[phrase.head] == "pobj" and phrase.noun.size < _MIN_COUNTED):
                continue
            if old == 0 and (is_crowd or (phrase.noun.kind == "plant" and frame.words & _GROUNDS)):
                continue
            new = _new_number(old, rng, most=_FEW if phrase.noun.size >= _FEW_FROM or phrase.noun.kind == "person" else _MOST)
            edit = self.edit(frame, phrase, phrase.noun, old, new)
            if edit is not None:
                yield edit

    def edit(self, frame: Frame, phrase: NounPhrase, noun: Noun, old: int, new: int) -> Edit | None:
        """Return the edit from one number to another, or None where agreement cannot be kept."""
        parsed = frame.parsed
        becomes_plural, was_plural = new > 1, phrase.is_plural
        changes: list[Change] = []
        if becomes_plural != was_plural:
            if frame.words & (SINGULAR_PRONOUNS | PLURAL_PRONOUNS) or (not becomes_plural and frame.words & _TOGETHER):
                return None
            agreed = agree(frame, phrase, plural=becomes_plural)
            if agreed is None or any(_is_no_verb(frame, one) for one in agreed):
                return None
            form = noun.plural if becomes_plural else noun.lemma
            changes += [*agreed, Change(parsed.starts[phrase.name], parsed.ends[phrase.head], form)]
        else:
            form = noun.plural
        # The first word after the number decides between a and an; the noun's own change is applied apart.
        adjectives = [parsed.lowers[token] for token in phrase.adjectives if parsed.lowers[token] not in _VAGUE]
        words = " ".join([*adjectives, form])
        target = f"{_WORDS[new]} {words}" if becomes_plural else naming(words, noun, is_plural=False).a
        determiner = target.removesuffix(words).strip()
        changes.append(_determiner_change(frame, phrase, determiner))
        old_words = words_of(frame, phrase)
        source = parsed.span(phrase.first, phrase.head).lower()
        if not was_plural and phrase.determiner < 0:
            source = naming(old_words, noun, is_plural=False).a
        slots = slots_of("old", naming(old_words, noun, is_plural=was_plural))
        slots |= {"target": target, "number": _WORDS[new], "noun": form}
        slots["things"] = noun.plural
        if old:
            slots["more"] = "more" if new > old else "fewer"
            slots["old_count"] = _WORDS[old]
        if 0 < old < new:
            slots["extra"] = f"another {old_words}" if new - old == 1 else f"{_WORDS[new - old]} more {words}"
        wording = "count_many" if becomes_plural else "count_one"
        return Edit(self.name, self.edit_type, source, target, tuple(changes), wording, slots)


def _is_no_verb(frame: Frame, change: Change) -> bool:
    """Tell whether a change of a verb would change what is none, such as "championships" and "indoors"."""
    word = frame.text[change.start : change.end].lower()
    return frame.lexicon.noun(word) is not None or word in words("counts", "no_verbs")


def _is_countable(frame: Frame, phrase: NounPhrase, noun: Noun) -> bool:
    parsed = frame.parsed
    if not noun.is_count or noun.kind not in _COUNTED_KINDS or noun.plural == noun.lemma or noun.lemma in _UNCOUNTED:
        return False
    if not phrase.plain or any(parsed.tags[token] != "JJ" or parsed.lowers[token] in _ORDERED for token in phrase.adjectives):
        return False
    if frame.children(phrase.head, "appos", "conj", "cc") or _is_part(frame, phrase):
        return False
    return _is_counted_as(frame, phrase, noun) and not _owns_singular(frame, phrase, noun)


def _is_part(frame: Frame, phrase: NounPhrase) -> bool:
    """Tell whether something has the thing, or it is of something: the engine of a car is one, and a school of fish no school."""
    following = frame.parsed.lowers[phrase.head + 1 : phrase.head + 3]
    if following[:1] == ["of"] and phrase.noun is not None and phrase.noun.kind == "building":
        return True
    return following[:1] == ["of"] and not _DETERMINERS.isdisjoint(following)


def _is_counted_as(frame: Frame, phrase: NounPhrase, noun: Noun) -> bool:
    """Tell whether a number reads well in the phrase's part of the sentence."""
    parsed = frame.parsed
    dep, governor = parsed.deps[phrase.head], parsed.lowers[parsed.heads[phrase.head]]
    if noun.kind in _WORN_KINDS and dep in ("pobj", "dobj"):
        return False
    if dep == "pobj":
        return _is_counted_after(frame, phrase, noun, governor)
    if dep == "dobj":
        return _is_counted_object(phrase, noun, verb_lemma(governor))
    # "A woman with a knife cuts": the knife does not.
    # And "rhythm and blues artists" are of one kind.
    is_after = phrase.first > 0 and parsed.lowers[phrase.first - 1] in _NO_SUBJECT_AFTER
    return dep == "ROOT" or (dep in ("nsubj", "nsubjpass") and not is_after)


def _is_counted_after(frame: Frame, phrase: NounPhrase, noun: Noun, preposition: str) -> bool:
    """Tell whether a number reads well after a preposition: "a table with three chairs", "a portrait of two men"."""
    if preposition == "with":
        return phrase.is_plural and noun.size >= _MIN_COUNTED and noun.kind not in ("person", "tool")
    return preposition == "of" and _of_medium(frame, phrase)


def _is_counted_object(phrase: NounPhrase, noun: Noun, verb: str) -> bool:
    """Tell whether a number reads well after a verb: one can see several bicycles, but not ride them."""
    if verb in _SHOWING:
        return True
    return verb in _HOLDING and phrase.is_plural and noun.size < _MIN_COUNTED


def _of_medium(frame: Frame, phrase: NounPhrase) -> bool:
    preposition = frame.parsed.heads[phrase.head]
    return frame.parsed.lowers[frame.parsed.heads[preposition]] in MEDIA


def _owns_singular(frame: Frame, phrase: NounPhrase, noun: Noun) -> bool:
    """Tell whether the thing wears, has or handles something whose number would have to follow."""
    parsed = frame.parsed
    if any(other.noun is not None and other is not phrase and other.noun.kind in _WORN_KINDS for other in frame.phrases):
        return True
    if any(
        parsed.lowers[child] in ("a", "an")
        for preposition in frame.children(phrase.head, "prep")
        if parsed.lowers[preposition] in ("with", "in")
        for thing in frame.children(preposition, "pobj")
        for child in frame.children(thing, "det")
        if parsed.lowers[preposition] == "with" or _is_small(frame, thing)
    ):
        return True
    if noun.kind in ("person", "animal", "vehicle") and _handles_one(frame, phrase):
        return True
    verbs = frame.children(phrase.head, "acl", "relcl")
    if frame.parsed.deps[phrase.head] == "nsubj":
        verbs.append(frame.parsed.heads[phrase.head])
    return any(frame.children(verb, "dobj", "attr") for verb in verbs)


def _handles_one(frame: Frame, subject: NounPhrase) -> bool:
    """Tell whether a caption holds a single thing that somebody handles, rides, sits on or is."""
    parsed = frame.parsed
    for phrase in frame.phrases:
        if phrase is subject or phrase.is_plural or phrase.noun is None or not phrase.noun.is_count:
            continue
        dep, governor = parsed.deps[phrase.head], parsed.lowers[parsed.heads[phrase.head]]
        if dep == "dobj" or (dep == "pobj" and (governor in ("as", "like") or (governor == "with" and phrase.noun.size <= _CARRIED))):
            return True
        if dep == "pobj" and governor in ("on", "with", "into", "to") and (phrase.noun.kind in _SEAT_KINDS or phrase.noun.lemma in _SEATS):
            return True
    return False


def _is_small(frame: Frame, head: int) -> bool:
    phrase = frame.phrase_at(head)
    return phrase is None or phrase.noun is None or phrase.noun.size <= 3


def _number_of(frame: Frame, phrase: NounPhrase) -> int | None:
    """Return the number that a phrase states: 0 for an unstated plural, None where it cannot be changed."""
    lowers = frame.parsed.lowers
    if phrase.number >= 0:
        return NUMBERS.get(lowers[phrase.number]) if phrase.determiner < 0 and phrase.first == phrase.number else None
    if phrase.determiner >= 0:
        word = lowers[phrase.determiner]
        if word in ("a", "an") and not phrase.is_plural:
            return 1
        return 0 if word == "some" and phrase.is_plural else None
    return 0 if phrase.is_plural else 1


def _new_number(old: int, rng: random.Random, *, most: int) -> int:
    """Return another number, a small one: nobody counts far."""
    if old == 0:
        return rng.choice((2, 3, 3, most))
    return rng.choice([number for number in (1, 1, 2, 2, 3, 3, most) if number != old])


def _determiner_change(frame: Frame, phrase: NounPhrase, determiner: str) -> Change:
    parsed = frame.parsed
    first = phrase.first
    vague = [token for token in phrase.adjectives if parsed.lowers[token] in _VAGUE]
    if phrase.determiner >= 0 or phrase.number >= 0 or (vague and vague[0] == first):
        return Change(parsed.starts[first], parsed.ends[first], determiner)
    if first == phrase.name and not phrase.is_plural:
        # The noun itself changes its number, by a change of its own.
        return Change(parsed.starts[first], parsed.starts[first], f"{determiner} ")
    return insertion(frame, first, determiner)
