"""replace_object: another thing in the place of the noun, of the same category and at home in the same slots."""

import math
import random
from collections.abc import Iterator, Sequence
from itertools import permutations

from tripletgen.edits.base import GRAPHIC, Change, Edit, Frame, form_of, is_subject, name_of, naming, shuffled, slots_of
from tripletgen.edits.grammar import gender_in
from tripletgen.lexicon import Noun, words
from tripletgen.phrases import NounPhrase, iter_slots

# Verbs that nearly any thing can be the subject or object of: no evidence is asked for them.
LIGHT_VERBS = words("objects", "light_verbs")
# Adjectives that things of any kind can bear.
PLAIN_ADJECTIVES = words("objects", "plain_adjectives")
# Words of a picture that tie a person's gender or age down.
_TIED = words("objects", "tied")
_OF_HEADS = words("objects", "of_heads")
_ROLES = words("objects", "roles")
_FEW = 2
# Kinds whose members do and undergo the same, so that none need have been seen there.
_ALIKE = words("objects", "alike")
_KINDS_WITHOUT_SUBSTITUTE = ("body", "material", "sky", "backdrop", "event")
# Words that say which one is meant by one that is known: "the other students" are no "other librarians".
_POINTING = frozenset(("other", "same", "own", "such", "another", "both"))
# People who can do little: what they do must have been seen.
_HELPLESS = frozenset(("baby", "infant", "toddler"))
# Two things of one name: what one drinks from or sees with, what one eats or drinks to.
_AMBIGUOUS = frozenset(("glasses", "toast", "bat", "date"))
_EYES = frozenset(("wearing", "wears", "wear"))
_COUNTERPARTS = {one: other for pair in words("objects", "counterparts") for one, other in permutations(pair.split("_"))}
_CHILDISH = words("objects", "childish")
# Where two are a couple neither is a child.
_COUPLE = words("objects", "couple")
_ADULTS = ("man", "woman")
_CHILDREN = ("boy", "girl", "child")
_STEM = 5
_SLIP = 8
# What may be in any place says nothing of another.
_ANYWHERE = ("person", "group", "body", "material", "clothing", "accessory", "footwear", "sky")
_PLACES = ("landscape", "room", "building", "structure")


class ReplaceObject:
    """Put a noun of the same substitution set in the place of a noun."""

    name = "replace_object"
    edit_type = "replace_object"

    def propose(self, frame: Frame, rng: random.Random) -> Iterator[Edit]:
        """Yield one edit for each noun phrase that has a substitute, in random order."""
        for phrase in shuffled(rng, frame.shown):
            if phrase.noun is None or not _is_replaceable(frame, phrase, phrase.noun):
                continue
            new = choose_substitute(frame, phrase, phrase.noun, rng)
            if new is not None:
                yield self.edit(frame, phrase, phrase.noun, new)

    def edit(self, frame: Frame, phrase: NounPhrase, old: Noun, new: Noun) -> Edit:
        """Return the edit that puts a noun in the place of another, its adjectives kept."""
        parsed = frame.parsed
        old_form, new_form = form_of(old, plural=phrase.is_plural), form_of(new, plural=phrase.is_plural)
        adjectives = ""
        if phrase.adjectives:
            adjectives = parsed.text[parsed.starts[phrase.adjectives[0]] : parsed.starts[phrase.name]].lower()
        slots = slots_of("old", name_of(frame, phrase))
        slots |= slots_of("new", naming(adjectives + new_form, new, is_plural=phrase.is_plural))
        if is_subject(frame, phrase):
            slots["self_is"] = slots["new_is"]
        change = Change(parsed.starts[phrase.name], parsed.ends[phrase.head], new_form)
        return Edit(self.name, self.edit_type, old_form, new_form, (change,), "replace_object", slots)


def _is_replaceable(frame: Frame, phrase: NounPhrase, noun: Noun) -> bool:
    """Tell whether another noun could stand there: it is no idiom, and nothing else in the caption is about it."""
    if noun.kind in _KINDS_WITHOUT_SUBSTITUTE or (noun.category in _ROLES and len(frame.lemmas) > _FEW):
        return False
    if noun.kind in _PLACES and frame.words & GRAPHIC:
        return False  # the squares of a pattern are no squares of a town
    is_owned = phrase.determiner >= 0 and frame.parsed.tags[phrase.determiner] == "PRP$"
    if (noun.kind == "graphic" and is_owned) or (noun.lemma in _AMBIGUOUS and not frame.words & _EYES):
        return False  # his heart is no shape
    return _stands_free(frame, phrase, noun) and _is_not_governed(frame, phrase, noun)


def _stands_free(frame: Frame, phrase: NounPhrase, noun: Noun) -> bool:
    """Tell whether the noun is no part of a longer name, and not one that is known already."""
    parsed = frame.parsed
    if parsed.deps[phrase.head] in ("nmod", "npadvmod") or any(parsed.lowers[token] in _POINTING for token in phrase.adjectives):
        return False
    before = phrase.name - 1
    if before >= 0 and parsed.heads[before] == phrase.head and parsed.tags[before] in ("NN", "NNS", "NNP", "HYPH", "JJR", "JJS"):
        return False
    if phrase.determiner < 0 and noun.plural == noun.lemma:
        return False  # of bare "deer" nobody knows how many
    following, after = (*parsed.lowers[phrase.head + 1 : phrase.head + 3], "", "")[:2]
    if following == "," and after in ("a", "an", "the"):
        return False  # "the singer, a member of the band"
    return following != "of" or noun.kind in ("animal", "vehicle", "food")


def _is_not_governed(frame: Frame, phrase: NounPhrase, noun: Noun) -> bool:
    """Tell whether no preposition ties the noun to what stands before: "like a bird", "in the heart", "the sand of the hourglass"."""
    parsed = frame.parsed
    if parsed.deps[phrase.head] != "pobj":
        return True
    preposition = parsed.heads[phrase.head]
    governor = parsed.lowers[preposition]
    if noun.kind == "graphic" or governor in ("as", "like", "than", "by", "for", "against"):
        return False
    return governor != "of" or parsed.lowers[parsed.heads[preposition]] in _OF_HEADS


def choose_substitute(frame: Frame, phrase: NounPhrase, old: Noun, rng: random.Random) -> Noun | None:
    """Return a noun for the place of `old`, weighted by how often it was seen at all and in the same slots, or None."""
    slots = list(iter_slots(frame.parsed, phrase))
    weighted = [(new, _fit(frame, old, new, slots)) for new in _substitutes(frame, old)]
    possible = [(new, weight) for new, weight in weighted if weight > 0]
    if not possible:
        return None
    return rng.choices([new for new, _ in possible], [weight for _, weight in possible])[0]


def _substitutes(frame: Frame, old: Noun) -> Iterator[Noun]:
    """Yield the nouns that could stand for `old` in this caption as far as nouns and pronouns tell."""
    pronouns = gender_in(frame) if old.kind == "person" else None
    # "Climbers climbing", and a guitarist plays the guitar.
    stems = {word[:_STEM] for word in frame.words.difference((old.lemma, old.plural), old.lemma.split())}
    if len(old.lemma) > _STEM and old.lemma[:_STEM] in stems:
        return
    unfit = () if frame.words.isdisjoint(_CHILDISH) else _ADULTS
    unfit = unfit if frame.words.isdisjoint(_COUPLE) else (*unfit, *_CHILDREN)
    tied = old.kind == "person" and (pronouns is not None or not _TIED.isdisjoint(frame.words - {old.lemma}))
    for new in _candidates(frame, old):
        if new.lemma in frame.lemmas or new.lemma in frame.words or new.category in unfit:
            continue
        if len(new.lemma) > _STEM and new.lemma[:_STEM] in stems:
            continue
        if tied and (new.gender != old.gender or pronouns == "both"):
            continue
        yield new


def _candidates(frame: Frame, old: Noun) -> Iterator[Noun]:
    """Yield what could stand for a noun at all: for a relative the other one, for nobody sees that a son is a nephew."""
    if old.lemma in _COUNTERPARTS:
        yield frame.lexicon.forms[_COUNTERPARTS[old.lemma]][0]
    else:
        # Nobody sees that a singer is now a "musical artist".
        vague = _COUNTERPARTS.keys() | (frame.lexicon.generic if old.kind == "person" else frozenset())
        yield from (new for new in frame.lexicon.substitutes[old.lemma] if new.lemma not in vague)


def _fit(frame: Frame, old: Noun, new: Noun, slots: Sequence[tuple[str, str]]) -> float:
    """Return how well a noun fits the slots of another: 0 where it was seen in none, or not in one that asks for evidence."""
    stats = frame.stats
    weight, found = math.sqrt(1.0 + stats.nouns.get(new.lemma, 0)), 0
    for relation, word in slots:
        seen = stats.seen(f"{relation}:{word}", new.lemma)
        is_slip = relation == "pobj" and _is_slip(frame, new, seen)
        if (seen == 0 or is_slip) and _asks_for_evidence(frame, relation, word, old, new):
            return 0.0
        weight *= 1.0 + min(seen, 9) / 3
        found += seen
    if new.kind in (*_PLACES, "vehicle") and not _goes_with(frame, old, new):
        return 0.0
    is_alike = old.kind == "animal" or old.category in _ALIKE
    return weight if found or (is_alike and new.lemma not in _HELPLESS) else 0.0


def _is_slip(frame: Frame, new: Noun, seen: int) -> bool:
    """Tell whether a place was seen so seldom with a preposition, beside the one it goes with, that it was a slip: "on the stadium"."""
    usual = max(frame.stats.seen(f"pobj:{word}", new.lemma) for word in ("in", "on", "at"))
    return seen * _SLIP < usual


def _goes_with(frame: Frame, old: Noun, new: Noun) -> bool:
    """Tell whether a place was seen with one of the things that are there: no treadmill is in a ballroom."""
    partners = frame.stats.partners(new.lemma)
    nouns = (frame.lexicon.forms[lemma][0] for lemma in frame.lemmas if lemma != old.lemma)
    things = [noun.lemma for noun in nouns if noun.kind not in _ANYWHERE]
    return not things or any(partners.get(lemma, 0) for lemma in things)


def _asks_for_evidence(frame: Frame, relation: str, word: str, old: Noun, new: Noun) -> bool:
    if relation in ("nsubj", "dobj"):
        # People can do and undergo what people can; things and animals only what was seen.
        return word not in LIGHT_VERBS and not (old.kind == "person" and new.kind == "person" and new.lemma not in _HELPLESS)
    if relation == "vprep":
        # What a thing is done with: wood is cut with a saw.
        return word.endswith(" with") and word.partition(" ")[0] not in LIGHT_VERBS and old.kind not in ("person", "animal")
    if relation == "amod":
        if word in PLAIN_ADJECTIVES:
            return False
        groups = frame.lexicon.groups_of.get(word, ())
        return not any(group in new.attributes and group in old.attributes for group in groups)
    # Places and vehicles are choosy about their prepositions: on a beach, in a harbour; in a car, on a scooter.
    return (
        relation == "pobj"
        and new.kind in (*_PLACES, "vehicle")
        and word in ("in", "on", "at", "along", "across", "down", "through", "of", "over", "into", "from")
    )
