"""change_action: the same subject doing something else."""

import random
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from tripletgen.assets import read_yaml
from tripletgen.edits.base import LIVING, Change, Edit, Frame, name_of, slots_of
from tripletgen.lexicon import Noun, words
from tripletgen.lexicon.inflection import verb_form, verb_lemma
from tripletgen.phrases import NounPhrase

_TAGS = ("VBG", "VBZ", "VBP")
_MAX_OBJECT_DISTANCE = 5
_MAX_ALTERNATIVES = 2
# Where a thing is driven or carried to: other verbs with the same thing go nowhere.
_WAYS = words("actions", "ways")
_RESTING = words("actions", "resting")
# What may follow a verb that stands alone, and what it must not govern.
_ENDS = ("", ".", ",", "and", "while")
_BEFORE_NOUN = frozenset(("JJ", "PRP$", "DT", "CD", "POS"))
# What may follow the thing that a verb is done to, and where only a place may be gone to: nobody "jumps through drills".
_AROUND = frozenset(("in", "on", "at", "near", "outside", "along", "under", "beside", "behind", "during"))
_THROUGH = frozenset(("through", "across", "into", "over", "past", "toward", "towards"))
_PLACES = frozenset(("landscape", "building", "room", "structure", "vehicle", "furniture", "plant"))
_SEATS = ("vehicle", "furniture")
_COMPLEMENTS = ("ccomp", "xcomp", "advcl", "acomp", "attr", "oprd")


class ActionSet(NamedTuple):
    """Verbs that may replace one another: who does them, to what, and before which prepositions."""

    name: str
    agent: frozenset[str]
    verbs: tuple[str, ...]
    object: frozenset[str]
    prepositions: frozenset[str]


@cache
def action_sets() -> tuple[ActionSet, ...]:
    """Return the sets of `actions.yaml`."""
    entries = read_yaml("lexicon/actions.yaml")
    return tuple(
        ActionSet(
            name,
            frozenset(entry["agent"]),
            tuple(entry["verbs"]),
            frozenset(entry.get("object", ())),
            frozenset(entry.get("prepositions", ())),
        )
        for name, entry in entries.items()
    )


class ChangeAction:
    """Put another verb of the same set in the place of a verb, in the same form."""

    name = "change_action"
    edit_type = "change_action"

    def propose(self, frame: Frame, rng: random.Random) -> Iterator[Edit]:
        """Yield an edit for each verb that has an alternative, in random order."""
        parsed = frame.parsed
        verbs = [i for i, tag in enumerate(parsed.tags) if tag in _TAGS and parsed.deps[i] in ("acl", "ROOT", "relcl", "conj", "pcomp")]
        rng.shuffle(verbs)
        for token in verbs:
            agent = agent_of(frame, token)
            if agent is None or agent.noun is None or frame.children(token, "prt", "auxpass", "dative", "neg"):
                continue
            if (token and parsed.tags[token - 1] in _BEFORE_NOUN) or frame.children(token, "conj") or _has_company(frame, agent, token):
                # "Our many walks" is a noun; who sits and stares does not sleep.
                continue
            if parsed.deps[token] == "conj" and verb_lemma(parsed.lowers[parsed.heads[token]]) in _RESTING:
                # And who sits and plays a guitar does not carry it.
                continue
            lemma = verb_lemma(parsed.lowers[token])
            others = _alternatives(frame, token, lemma, agent.noun)
            if others:
                for new in rng.sample(others, min(len(others), _MAX_ALTERNATIVES)):
                    yield self.edit(frame, token, agent, new)

    def edit(self, frame: Frame, token: int, agent: NounPhrase, new: str) -> Edit:
        """Return the edit that puts a verb in the place of another, in the same form."""
        parsed = frame.parsed
        tag, old = parsed.tags[token], parsed.lowers[token]
        form = verb_form(new, tag)
        change = Change(parsed.starts[token], parsed.ends[token], form)
        last = max([token, *(frame.subtree(child)[-1] for child in frame.children(token, "dobj"))])
        rest = parsed.text[parsed.ends[token] : parsed.ends[last]]
        slots = slots_of("agent", name_of(frame, agent, short=True))
        slots |= {
            "old_ing": verb_form(verb_lemma(old), "VBG") + (f" {self._thing(frame, token)}" if rest else ""),
            "new_ing": f"{verb_form(new, 'VBG')}{rest}",
            "new_inf": f"{new}{rest}",
        }
        return Edit(self.name, self.edit_type, f"{old}{rest}", f"{form}{rest}", (change,), "action", slots)

    @staticmethod
    def _thing(frame: Frame, token: int) -> str:
        """Return the pronoun of what a verb is done to."""
        thing = frame.phrase_at(frame.children(token, "dobj")[0])
        return "it" if thing is None else name_of(frame, thing).it


def _has_company(frame: Frame, agent: NounPhrase, token: int) -> bool:
    """Tell whether somebody else does it too: of "a bride and a groom walking", or "a girl with her horse swimming", it is not one."""
    if frame.children(agent.head, "conj") or frame.parsed.deps[agent.head] == "conj":
        return True
    between = (frame.phrase_at(head) for head in range(agent.head + 1, token))
    return any(phrase is not None and phrase.noun is not None and phrase.noun.kind in LIVING for phrase in between)


def agent_of(frame: Frame, token: int) -> NounPhrase | None:
    """Return who does what a verb says, None where it is not said."""
    parsed = frame.parsed
    if parsed.deps[token] in ("acl", "relcl"):
        return frame.phrase_at(parsed.heads[token])
    subjects = frame.children(token, "nsubj")
    if not subjects and parsed.deps[token] == "conj":
        subjects = frame.children(parsed.heads[token], "nsubj")
    return frame.phrase_at(subjects[0]) if subjects else None


def _kinds(noun: Noun) -> set[str]:
    return {noun.kind, noun.category}


def _alternatives(frame: Frame, token: int, lemma: str, agent: Noun) -> list[str]:
    """Return the verbs that may replace one: the same set, the same frame, and seen with the object where there is one."""
    parsed = frame.parsed
    objects = frame.children(token, "dobj")
    following = parsed.lowers[token + 1] if token + 1 < len(parsed) else ""
    thing = frame.phrase_at(objects[0]) if len(objects) == 1 else None
    if objects and (thing is None or thing.noun is None or objects[0] - token > _MAX_OBJECT_DISTANCE):
        return []
    if objects and any(parsed.lowers[child] in _WAYS for child in frame.children(token, "prep", "prt", "advmod")):
        return []
    found: set[str] = set()
    for entry in action_sets():
        if lemma not in entry.verbs or not entry.agent & _kinds(agent):
            continue
        verbs = [verb for verb in entry.verbs if verb != lemma and verb not in frame.lexicon.synonyms.get(lemma, ())]
        if thing is not None and thing.noun is not None:
            if entry.object & _kinds(thing.noun) and _is_whole(frame, thing):
                found.update(verb for verb in verbs if _is_seen(frame, verb, thing.noun))
        elif not entry.object and _goes_on(frame, token, following, entry) and not frame.children(token, *_COMPLEMENTS):
            found.update(verbs)
    shown = {verb_lemma(word) for word in frame.words if word.endswith("ing")}
    return sorted(found - shown)


def _is_whole(frame: Frame, thing: NounPhrase) -> bool:
    """Tell whether a thing has its article, and nothing follows it but where it is."""
    assert thing.noun is not None
    lowers = frame.parsed.lowers
    following = lowers[thing.head + 1] if thing.head + 1 < len(lowers) else ""
    is_named = thing.determiner >= 0 or thing.number >= 0 or thing.is_plural or not thing.noun.is_count
    return is_named and (following in _ENDS or following in _AROUND or (following == "of" and thing.noun.kind == "event"))


def _goes_on(frame: Frame, token: int, following: str, entry: ActionSet) -> bool:
    """Tell whether what follows a verb may follow the others of its set: nothing, or a place."""
    if frame.parsed.lowers[token + 2 : token + 4] == ["each", "other"]:
        return False
    places = [frame.phrase_at(place) for place in frame.children(token + 1, "pobj")] if following not in _ENDS else []
    if following == "in" and any(place is not None and place.noun is not None and place.noun.kind in _SEATS for place in places):
        return False  # one sits in a car or a chair, but does not stand there
    if following not in _THROUGH:
        return following in _ENDS or following in entry.prepositions
    is_place = all(place is not None and place.noun is not None and place.noun.kind in _PLACES for place in places)
    return following in entry.prepositions and is_place


def _is_seen(frame: Frame, verb: str, noun: Noun) -> bool:
    """Tell whether the verb was seen done to the noun, or to another of its category."""
    slot = frame.stats.slots.get(f"dobj:{verb}", {})
    return any(member.lemma in slot for member in frame.lexicon.categories[noun.category])
