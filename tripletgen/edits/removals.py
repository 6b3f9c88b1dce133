"""remove_object: a thing less, where the caption reads on without it."""

import random
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from tripletgen.edits.base import LIVING, MEDIA, Change, Edit, Frame, name_of, slots_of
from tripletgen.edits.grammar import PLURAL_PRONOUNS, agree
from tripletgen.lexicon import words
from tripletgen.lexicon.inflection import verb_lemma
from tripletgen.phrases import NounPhrase

_BESIDE = frozenset(("with", "beside", "near", "in", "under", "behind"))
_WORDINGS = {"with": "remove", "in": "remove_worn"}
_POSTURES = words("removals", "postures")
# What takes two.
_MUTUAL = words("removals", "mutual")
_ADORNED = words("removals", "adorned")
# Participles whose object can go, and the wording of that.
_PARTICIPLES = {
    "wearing": "remove_worn",
    "holding": "remove_held",
    "carrying": "remove_held",
    "featuring": "remove",
    "containing": "remove",
    "including": "remove",
}
# What may stand between a thing that goes and a place that stays.
_PLACING = frozenset(("in", "on", "at", "near", "outside", "inside", "against", "during", "by", "under", "beside", "behind"))
_TIES = words("removals", "ties")
_KEPT_KINDS = ("body", "material", "landscape", "room", "sky")
_BEARING = (["in"], ["on"], ["over"], ["around"], ["under"])
_BEARING_KINDS = ("body", "clothing", "accessory", "footwear")
# "A drawing of a surfer with a board": it is not clear who has it, but that it is there.
_SHOWN_BY = MEDIA | words("views", "partitives")
_TIES_AFTER = frozenset(("and", "or", ",", "-", "of", "like", "as", "due", "while", "either"))
# Things that have a place within them, not one that they stand in: "a square with people at a cafe".
_WIDE_KINDS = ("room", "landscape", "building", "graphic", "backdrop")
# No wall is taken out of a room.
_BUILT_IN = frozenset(("wall", "barrier"))
_FAR = (["background"], ["distance"], ["foreground"])
_LARGEST = 5
_MIN_WORDS_LEFT = 3


class _Part(NamedTuple):
    """Tokens that can go, the thing that goes with them, and who had it."""

    first: int
    last: int
    thing: NounPhrase
    owner: NounPhrase | None
    wording: str
    agreed: tuple[Change, ...] = ()


class RemoveObject:
    """Take away what stands in a "with ..." phrase, is worn or held, or is the last of two things joined by "and"."""

    name = "remove_object"
    edit_type = "remove_object"

    def propose(self, frame: Frame, rng: random.Random) -> Iterator[Edit]:
        """Yield an edit for each part of the caption that can go, in random order."""
        parts = [
            part
            for finder in (_with_phrases, _participles, _adorned, _conjuncts, _middles, _backgrounds, _joined_participles)
            for part in finder(frame)
        ]
        rng.shuffle(parts)
        for part in parts:
            edit = self._edit(frame, part)
            if edit is not None:
                yield edit

    def _edit(self, frame: Frame, part: _Part) -> Edit | None:
        parsed = frame.parsed
        if part.first == 0:
            change = Change(0, parsed.starts[part.last + 1], "")
        else:
            change = Change(parsed.ends[part.first - 1], parsed.ends[part.last], "")
        if part.first >= 2 and parsed.tags[part.first - 1] == ",":
            change = change._replace(start=parsed.ends[part.first - 2])
        left = len(parsed) - (part.last - part.first + 1) - sum(tag in (".", ",") for tag in parsed.tags)
        is_twice = sum(other.noun == part.thing.noun for other in frame.phrases) > 1
        if left < _MIN_WORDS_LEFT or is_twice or _has_bearer(frame, part.last) or _is_named_after(frame, part):
            return None
        name = name_of(frame, part.thing)
        slots = slots_of("gone", name)
        if part.owner is not None:
            slots |= slots_of("owner", name_of(frame, part.owner, short=True))
            if not part.owner.is_plural:
                slots["owner_singular"] = slots["owner_the"]
        source = parsed.span(part.first, part.last)
        return Edit(self.name, self.edit_type, source, None, (change, *part.agreed), part.wording, slots)


def _is_named_after(frame: Frame, part: _Part) -> bool:
    """Tell whether what stays needs what goes: "her son" the woman, "frosting" the cream cheese."""
    parsed = frame.parsed
    if part.last == part.thing.head and parsed.tags[part.last + 1 : part.last + 2] in (["NN"], ["NNS"]):
        return True
    is_someone = part.thing.noun is not None and part.thing.noun.kind in ("person", "group")
    return is_someone and any(tag in ("PRP", "PRP$") for k, tag in enumerate(parsed.tags) if not part.first <= k <= part.last)


def _has_bearer(frame: Frame, last: int) -> bool:
    """Tell whether what bears the thing follows, a part of somebody or a garment: a bag "on his head" cannot go alone."""
    after = last + 1
    if after >= len(frame.parsed) or frame.parsed.tags[after] != "IN":
        return False
    places = frame.children(after, "pobj")
    if any(frame.parsed.tags[child] == "PRP$" for place in places for child in frame.children(place, "poss")):
        return True
    bearers = map(frame.phrase_at, places)
    return any(bearer is not None and bearer.noun is not None and bearer.noun.kind in _BEARING_KINDS for bearer in bearers)


def _thing(frame: Frame, head: int) -> NounPhrase | None:
    """Return the phrase of a thing that can go: concrete, and named by no more than its own words."""
    phrase = frame.phrase_at(head)
    if phrase is None or phrase.noun is None or phrase.noun.size > _LARGEST:
        return None
    return None if phrase.noun.kind in _KEPT_KINDS or phrase.noun.category in _BUILT_IN else phrase


def _run(frame: Frame, token: int) -> tuple[int, int] | None:
    """Return first and last token of what hangs on a token, if it is one run that begins with the token."""
    inside = frame.subtree(token)
    while inside and frame.parsed.tags[inside[-1]] in (".", ","):
        inside.pop()
    if not inside or inside[0] != token or inside[-1] - inside[0] + 1 != len(inside):
        return None
    return inside[0], inside[-1]


def _with_phrases(frame: Frame) -> Iterator[_Part]:
    parsed = frame.parsed
    for token, word in enumerate(parsed.lowers):
        if word not in _BESIDE or parsed.deps[token] != "prep" or token < 1:
            continue
        objects = frame.children(token, "pobj")
        thing = _thing(frame, objects[0]) if len(objects) == 1 else None
        owner = _owner(frame, parsed.heads[token])
        run = None if thing is None or owner is None else _reach(frame, token, thing, owner)
        if run is None or thing is None or owner is None or parsed.tags[token - 1] in ("CC", "IN") or _followed_by_and(frame, run[1]):
            continue
        if (word == "in" and not _is_worn(thing)) or (parsed.lowers[token - 1] == "playing" and not _is_played_with(thing)):
            continue
        if "," in parsed.lowers[run[0] : run[1] + 1]:
            continue
        is_shown = parsed.lowers[owner.head] in _SHOWN_BY
        if not is_shown and (owner.noun is None or owner.noun.kind == "event"):
            continue
        if (is_shown and _shows_nothing_else(frame, thing)) or _act_together(frame, owner):
            continue
        # Nobody is taken "from" somebody.
        alike = thing.noun is not None and thing.noun.kind in ("person", "group")
        named = None if is_shown or frame.children(owner.head, "conj") else owner
        yield _Part(*run, thing, named, "remove_nearby" if alike else _WORDINGS.get(word, "remove_nearby"))


def _act_together(frame: Frame, owner: NounPhrase) -> bool:
    """Tell whether the verb is that of several, so that one alone would not agree: "a bison with her calf cross the road"."""
    parsed = frame.parsed
    is_subject = parsed.deps[owner.head] == "nsubj" and not owner.is_plural
    return is_subject and parsed.tags[parsed.heads[owner.head]] in ("VB", "VBP")


def _shows_nothing_else(frame: Frame, thing: NounPhrase) -> bool:
    """Tell whether a thing is all that a picture, a pattern or the like shows."""
    others = (phrase for phrase in frame.phrases if phrase is not thing and frame.parsed.lowers[phrase.head] not in _SHOWN_BY)
    return all(other.noun is None or other.noun.kind in _WIDE_KINDS for other in others)


def _reach(frame: Frame, token: int, thing: NounPhrase, owner: NounPhrase) -> tuple[int, int] | None:
    """Return first and last token of what goes with a preposition and its thing, or None where more hangs on the thing."""
    run = _run(frame, token)
    if run is None or frame.children(thing.head, "conj", "cc", "relcl"):
        return None
    if token == owner.head + 1 and _is_said_of_owner(frame, thing, owner):
        # "A woman with a suitcase walking down a road": it is the woman who walks.
        return token, thing.head
    end = _end_of(frame, thing)
    if _has_verb(frame, *run) or frame.children(thing.head, "acl"):
        return None
    if not _has_place(frame, end):
        return run if run[1] == end else None
    # "In a blue shirt against a wall": only the shirt goes; but a bag "on her shoulder" with the shoulder.
    last = _borne_to(frame, end)
    is_wide = frame.parsed.lowers[owner.head] in _SHOWN_BY or (owner.noun is not None and owner.noun.kind in _WIDE_KINDS)
    is_borne_elsewhere = last > end and (owner.noun is None or owner.noun.kind not in LIVING)
    return None if is_wide or is_borne_elsewhere else (token, last)


def _is_said_of_owner(frame: Frame, thing: NounPhrase, owner: NounPhrase) -> bool:
    """Tell whether what a dead thing is said to do just after its name is what its living owner does."""
    said = frame.children(thing.head, "acl")
    if said != [thing.head + 1] or frame.parsed.tags[said[0]] != "VBG" or frame.parsed.lowers[said[0]] not in _POSTURES:
        return False
    kinds = [noun.kind if noun is not None else "" for noun in (owner.noun, thing.noun)]
    return kinds[0] in LIVING and kinds[1] not in LIVING


def _end_of(frame: Frame, thing: NounPhrase) -> int:
    """Return the last token of a thing with what it is of: "a bouquet of tulips"."""
    of = thing.head + 1
    parts = frame.children(of, "pobj") if frame.parsed.lowers[of : of + 1] == ["of"] and frame.parsed.heads[of] == thing.head else []
    return parts[0] if len(parts) == 1 and not frame.children(parts[0], "conj", "cc", "acl", "relcl") else thing.head


def _borne_to(frame: Frame, last: int) -> int:
    """Return the last token of a thing with the part of the body that bears it: "a bag on his shoulder"."""
    after = last + 1
    places = frame.children(after, "pobj") if frame.parsed.lowers[after : after + 1] in _BEARING else []
    bearer = frame.phrase_at(places[0]) if len(places) == 1 else None
    is_body = bearer is not None and bearer.noun is not None and bearer.noun.kind == "body"
    return places[0] if is_body and frame.subtree(after)[-1] == places[0] else last


def _has_place(frame: Frame, head: int) -> bool:
    """Tell whether a place follows a thing: it would go with the thing, and no text would say so."""
    places = [child for child in frame.children(head, "prep") if frame.parsed.lowers[child] != "of"]
    if not places or places[0] != head + 1:
        return False
    grounds = (frame.phrase_at(ground) for ground in frame.children(places[0], "pobj"))
    return any(ground is not None and ground.noun is not None for ground in grounds)


def _backgrounds(frame: Frame) -> Iterator[_Part]:
    """Find "with mountains in the background": here land and sky can go too."""
    parsed = frame.parsed
    for token, word in enumerate(parsed.lowers):
        if word != "with" or token < 1 or parsed.tags[token - 1] in ("CC", "IN"):
            continue
        objects, run = frame.children(token, "pobj"), _run(frame, token)
        thing = frame.phrase_at(objects[0]) if len(objects) == 1 else None
        if run is None or thing is None or thing.noun is None or frame.children(thing.head, "conj", "cc", "acl", "relcl"):
            continue
        tail = parsed.lowers[thing.head + 1 : run[1] + 1]
        if tail[:2] == ["in", "the"] and tail[2:] in _FAR and not _followed_by_and(frame, run[1]):
            yield _Part(*run, thing, None, "remove")


def _joined_participles(frame: Frame) -> Iterator[_Part]:
    """Find "and holding an umbrella", the last of two things that somebody does."""
    parsed = frame.parsed
    for token, word in enumerate(parsed.lowers):
        if word not in _PARTICIPLES or parsed.deps[token] != "conj" or token < 2 or parsed.lowers[token - 1] != "and":
            continue
        children = [child for child in frame.children(token) if parsed.tags[child] not in (".", ",")]
        first = parsed.heads[token]
        if len(children) != 1 or parsed.deps[children[0]] != "dobj" or parsed.tags[first] != "VBG":
            continue
        doers = [parsed.heads[first]] if parsed.deps[first] == "acl" else frame.children(first, "nsubj")
        run, thing = _run(frame, token), _thing(frame, children[0])
        owner = frame.phrase_at(doers[0]) if doers else None
        if run is None or thing is None or owner is None or frame.children(children[0], "conj", "cc", "prep", "acl", "relcl"):
            continue
        yield _Part(token - 1, run[1], thing, owner, _PARTICIPLES[word])


def _owner(frame: Frame, governor: int) -> NounPhrase | None:
    """Return who has the thing: the noun that the phrase hangs on, or the subject of a posture that it hangs on."""
    parsed = frame.parsed
    if parsed.lowers[governor] in _POSTURES:
        subjects = [parsed.heads[governor]] if parsed.deps[governor] == "acl" else frame.children(governor, "nsubj")
        return frame.phrase_at(subjects[0]) if subjects else None
    return frame.phrase_at(governor) if parsed.tags[governor].startswith("NN") else None


def _is_worn(thing: NounPhrase) -> bool:
    """Tell whether "in a ..." names something that can be taken off in public."""
    return thing.noun is not None and ("wear" in thing.noun.add or thing.noun.kind == "accessory")


def _is_played_with(thing: NounPhrase) -> bool:
    """Tell whether who plays with it would play without it too: a ball, but no child."""
    return thing.noun is not None and thing.noun.kind in ("toy", "sport")


def _participles(frame: Frame) -> Iterator[_Part]:
    """Find "wearing a hat" and "holding a cup", to the end of what hangs on it or to the place that follows."""
    parsed = frame.parsed
    for token, word in enumerate(parsed.lowers):
        if word not in _PARTICIPLES or parsed.deps[token] != "acl" or token < 1 or parsed.tags[token - 1] in ("CC", ","):
            continue
        children = [child for child in frame.children(token) if parsed.tags[child] not in (".", ",")]
        if not children or parsed.deps[children[0]] != "dobj" or any(parsed.lowers[child] not in _PLACING for child in children[1:]):
            continue
        run, thing, owner = _run(frame, token), _thing(frame, children[0]), frame.phrase_at(parsed.heads[token])
        if run is None or thing is None or owner is None or frame.children(children[0], "conj", "cc", "acl", "relcl"):
            continue
        if word == "wearing" and owner.noun is not None and owner.noun.kind == "body":
            continue  # "With a mustache wearing a turban" is said of the man
        end = _end_of(frame, thing)
        if children[1:] or _has_place(frame, children[0]) or _has_place(frame, end):
            run = (token, _borne_to(frame, end))
        elif run[1] != end:
            continue
        if not _followed_by_and(frame, run[1]):
            yield _Part(*run, thing, owner, _PARTICIPLES[word])


def _adorned(frame: Frame) -> Iterator[_Part]:
    """Find what a thing is said to be "decorated with" or "surrounded by"."""
    parsed = frame.parsed
    for token, word in enumerate(parsed.lowers):
        children = frame.children(token)
        if word not in _ADORNED or parsed.deps[token] != "acl" or children[:1] != [token + 1]:
            continue
        things = frame.children(children[0], "pobj")
        if parsed.lowers[children[0]] not in ("with", "by") or len(things) != 1 or frame.children(children[0]) != things:
            continue
        thing, owner = frame.phrase_at(things[0]), frame.phrase_at(parsed.heads[token])
        if thing is None or thing.noun is None or owner is None or frame.children(things[0], "conj", "cc", "acl"):
            continue
        if parsed.tags[token - 1] in ("CC", ",") or _followed_by_and(frame, thing.head):
            continue
        # "Topped with berries on a table": the table stays.
        yield _Part(token, thing.head, thing, owner, "remove_nearby" if parsed.lowers[children[0]] == "by" else "remove")


def _conjuncts(frame: Frame) -> Iterator[_Part]:
    if frame.words & _TIES:
        return
    for phrase in frame.phrases:
        coordinators, others = frame.children(phrase.head, "cc"), frame.children(phrase.head, "conj")
        thing = _thing(frame, others[0]) if len(coordinators) == len(others) == 1 else None
        if thing is None or phrase.noun is None or not _are_two(frame, phrase, thing, coordinators[0]):
            continue
        agreed = _agreed(frame, phrase, plural=phrase.is_plural)
        if agreed is not None:
            yield _Part(coordinators[0], _end_of(frame, thing), thing, None, "remove", agreed)
        first, agreed = _thing(frame, phrase.head), _agreed(frame, phrase, plural=thing.is_plural)
        if first is not None and first.plain and agreed is not None and _can_stay(frame, first, thing):
            yield _Part(first.first, coordinators[0], first, None, "remove", agreed)


def _are_two(frame: Frame, phrase: NounPhrase, second: NounPhrase, coordinator: int) -> bool:
    """Tell whether two things stand side by side, joined by "and", with nothing beside them that is said of one only."""
    parsed = frame.parsed
    if coordinator != phrase.head + 1 or parsed.lowers[coordinator] != "and" or second.first != coordinator + 1:
        return False
    if parsed.deps[phrase.head] not in ("ROOT", "dobj", "pobj", "nsubj") or (parsed.deps[phrase.head] == "ROOT" and not frame.is_nominal):
        return False
    before = parsed.lowers[max(phrase.first - 2, 0) : phrase.first]
    if before[-1:] == [","] or (before[-1:] == ["of"] and before[0] not in _SHOWN_BY):
        return False  # the third of a list, a game of snakes and ladders
    if parsed.deps[phrase.head] != "nsubj" and parsed.tags[second.head + 1 : second.head + 2] in (["VBP"], ["VB"]):
        return False  # a sentence in truth, whose verb would not agree
    nouns = [noun for noun in (phrase.noun, second.noun) if noun is not None]
    kinds = {noun.kind for noun in nouns}
    if any(one.lemma == other.kind != "person" and one != other for one, other in product(nouns, nouns)):
        return False  # a grapefruit is food itself
    is_said_of_one = len(kinds) > 1 and frame.children(second.head, "prep", "acl", "relcl")
    return not is_said_of_one and not frame.children(second.head, "conj") and not _shares_adjective(phrase, second)


def _can_stay(frame: Frame, first: NounPhrase, second: NounPhrase) -> bool:
    """Tell whether the second of two things can stand in the place of the first: nobody is "in a hat and a cigarette" without the hat."""
    parsed, before = frame.parsed, first.first - 1
    if before >= 0 and (parsed.heads[before] == first.head or parsed.tags[before].startswith("NN")):
        return False
    is_worn = before >= 0 and parsed.lowers[before] in ("in", "wearing") and _is_worn(first)
    return (second.determiner >= 0 or second.is_plural) and (not is_worn or _is_worn(second))


def _agreed(frame: Frame, subject: NounPhrase, *, plural: bool) -> tuple[Change, ...] | None:
    """Return the changes of the verbs where one of two subjects stays, or None where two are needed for what they do."""
    if frame.parsed.deps[subject.head] != "nsubj":
        return ()
    verbs = {verb_lemma(word) for word, tag in zip(frame.parsed.lowers, frame.parsed.tags, strict=True) if tag.startswith("VB")}
    is_bare = frame.parsed.tags[frame.parsed.heads[subject.head]] == "VB"
    if frame.words & PLURAL_PRONOUNS or verbs & _MUTUAL or is_bare:
        return None
    if plural:
        return ()
    changes = agree(frame, subject, plural=False, alone=True)
    return None if changes is None else tuple(changes)


def _middles(frame: Frame) -> Iterator[_Part]:
    """Find the second of three: "apples, pears and figs"."""
    parsed = frame.parsed
    if frame.words & _TIES:
        return
    for phrase in frame.phrases:
        thing = _thing(frame, phrase.head)
        if thing is None or thing.noun is None or thing.noun.kind == "person":
            continue  # "The guitarist, singer and artist" may be one
        if parsed.deps[thing.head] != "conj" or thing.first < 2 or parsed.tags[thing.first - 1] != ",":
            continue
        following = parsed.lowers[thing.head + 1 : thing.head + 2]
        if following == ["and"] and frame.phrase_at(thing.first - 2) is not None and frame.children(thing.head, "conj"):
            yield _Part(thing.first - 1, thing.head, thing, None, "remove")


def _shares_adjective(phrase: NounPhrase, thing: NounPhrase) -> bool:
    """Tell whether "a red hat and scarf" would lose more than the scarf: the second has no determiner of its own."""
    return phrase.determiner >= 0 and thing.determiner < 0 and thing.number < 0 and not thing.is_plural


def _has_verb(frame: Frame, first: int, last: int) -> bool:
    return any(tag.startswith(("VB", "W")) for tag in frame.parsed.tags[first : last + 1])


def _followed_by_and(frame: Frame, last: int) -> bool:
    following = frame.parsed.lowers[last + 1 : last + 4]
    return not _TIES_AFTER.isdisjoint(following[:1]) or bool({"background", "foreground", "backdrop"} & set(following))
