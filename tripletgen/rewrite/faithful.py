"""Tell whether a modification text says this change, in this direction, and nothing else.

The checks compare words without their endings and a few patterns; they know no grammar. They are strict: a good reply that is refused
costs a second question, a bad one that is taken stays in the data.
"""

import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from tripletgen.assets import read_yaml
from tripletgen.rewrite.stems import listed_stems, stem, stem_list, stems, words
from tripletgen.schema import Triplet, normalise

_STEP_BACK = re.compile(
    r"\b(?:instead of|rather than|in place of|in lieu of|no longer|not|no|without|remov(?:e|es|ed|ing)|lacks|loses|drops?)\b"
    r"((?: [\w'-]+){1,4})"
)
_OLD_TO_NEW = re.compile(
    r"\b(?:replace|replaced|replacing|swap|swapped|change|changed|turn|switch|exchange|substitute)\b(.*?)\b(?:with|for|to|into|by)\b(.*)"
)
_HALF_TOLD = re.compile(r"(?:replace|swap|exchange|substitute|change|switch)\b(?!.*\b(?:with|for|to|into|by)\b)")
_STATED = re.compile(r"(.+?)(?: should| must| will)?(?: now)? (?:be|become|becomes|became|is|are|was|were)\b(.*)")
_HAS = re.compile(r"(.+?) (?:has|have|contains?|features?|with)\b(.*)")
_CONTRAST = re.compile(r"\b(?:instead|rather|not|no|without|where|lieu|replaces|replacing|substitutes?|place|longer|was|were|gone)\b")
_BROKEN = re.compile(r"\b(?:a|an|the) (?:a|an|the|is|are|be|was|were|has|have|in|on|at|of|to|and|or|not|no|with|instead)\b")
# Of these edits the phrases name the thing that changes; of the others what is done to it, or where it is.
_NAMED = ("change_attribute", "compare_attribute", "change_count")
_SIGNALS = frozenset(("now", "should", "not", "no", "instead", "rather", "must", "let"))
# The full stop of an abbreviation ends nothing.
_SENTENCE_END = re.compile(r"""(?<=\w\w\w)[.!?]+(?=\s)|[;:"\u201c\u201d()\[\]\n]|\s[-\u2013\u2014|]+\s""")
_MOVED_FROM = re.compile(r"\bfrom (?:the |a |an )?([\w'-]+)")


class Saying(NamedTuple):
    """A text with what it is compared to: stems of what went, of what came, and of the text itself in order."""

    task: str
    row: Triplet
    made: Triplet
    text: str
    told: list[str]
    went: set[str]
    came: set[str]

    @property
    def said(self) -> set[str]:
        """Return the stems of the text."""
        return set(self.told)

    @property
    def rule(self) -> set[str]:
        """Return the stems of the wording that is reworded; for other tasks there is none."""
        return stems(self.row.modification_text) if self.task == "paraphrase" else set()


def unfaithful(task: str, row: Triplet, made: Triplet) -> str | None:
    """Return the first reason against a text, or None."""
    text = normalise(made.modification_text)
    saying = Saying(task, row, made, text, stem_list(text), stems(made.source_phrase), stems(made.target_phrase))
    return next((reason for reason, holds in CHECKS.items() if holds(saying)), None)


def _is_the_rule(saying: Saying) -> bool:
    return saying.task == "paraphrase" and saying.text == normalise(saying.row.modification_text)


def _obeys(saying: Saying) -> bool:
    """Tell whether a reply repeats words of an order that stands in a caption, other than words of the change itself."""
    row, made = saying.row, saying.made
    invented = stems(made.target_caption) - stems(row.reference_caption) - stems(row.target_caption)
    for caption in (row.reference_caption, row.target_caption):
        found = _orders().search(caption)
        starts = [found.start()] if found else []
        if saying.task == "paraphrase":
            starts.append(_end_of_scene(saying, caption))
        for start in starts:
            own = saying.rule | stems(" ".join(filter(None, (row.source_phrase, row.target_phrase, caption[:start]))))
            if (stems(caption[start:]) - own - listed_stems("places")) & (saying.said | invented):
                return True
    return False


def _end_of_scene(saying: Saying, caption: str) -> int:
    """Return where the first sentence ends that shows the change: whatever stands behind it, a paraphrase has no need of its words."""
    of_change = (saying.went | saying.came) - listed_stems("wording") or saying.rule
    start = 0
    for found in _SENTENCE_END.finditer(caption):
        if stems(caption[start : found.start()]) & of_change:
            return found.start()
        start = found.end()
    return len(caption)


def _omits_change(saying: Saying) -> bool:
    """Tell whether the text leaves out what came, or where nothing came what went.

    A paraphrase must keep the words of the change that the rule's wording had; a number counts as a word of the change.
    """
    came, went = _change_stems(saying.made.target_phrase), _change_stems(saying.made.source_phrase)
    said = saying.said | _change_stems(saying.text)
    wanted = (came - went) or _moved_words(saying.made) or (went - came) or came or went
    wanted = (wanted - listed_stems("wording")) or wanted
    if saying.task == "paraphrase":
        rule = _change_stems(saying.row.modification_text) | set(normalise(saying.row.modification_text).split(" "))
        wanted &= rule
        if not wanted:
            wanted = (saying.rule - stems(saying.row.reference_caption) - listed_stems("wording")) or ((came | went) & rule)
        return not wanted <= said | set(saying.text.split(" "))
    head = stem_list(saying.made.target_phrase)[-1:]
    missing = wanted - said - set(saying.text.split(" "))
    return len(missing) > (len(wanted) > 2) or not missing.isdisjoint(head)


def _moved_words(made: Triplet) -> set[str]:
    """Return the prepositions that came, where a thing is put elsewhere beside the same other thing."""
    old, new = (set(normalise(phrase or "").split(" ")) for phrase in (made.source_phrase, made.target_phrase))
    return (new - old) & words("places")


def _is_reversed(saying: Saying) -> bool:
    """Tell whether the text takes away what came, or puts back what went."""
    text, edit_type = saying.text, saying.made.edit_type
    came, went = saying.came - saying.went, saying.went - saying.came
    said = set(text.split(" "))
    if edit_type == "remove_object":
        return said.isdisjoint(words("taking_away"))
    if edit_type == "add_object" and said & {"remove", "removed", "without", "no", "not"}:
        return True
    if any(stems(found[1]) & came and not stems(found[1]) & went for found in _STEP_BACK.finditer(text)):
        return True
    if edit_type == "change_relation" and any(stem(found[1]) in saying.came for found in _MOVED_FROM.finditer(text)):
        return True
    swapped = _OLD_TO_NEW.search(text)
    if swapped is not None:
        before, after = stems(swapped[1]), stems(swapped[2])
        return bool((before & came and not after & came) or (after & went and not before & went and not after & came))
    return _names_new_first(saying, came, went)


def _names_new_first(saying: Saying, came: set[str], went: set[str]) -> bool:
    """Tell whether the new thing is named before the old one, and no word sets them against each other: "the cat is a dog"."""
    first_new = next((n for n, word in enumerate(saying.told) if word in came), None)
    first_old = next((n for n, word in enumerate(saying.told) if word in went), None)
    return first_new is not None and first_old is not None and first_new < first_old and not _CONTRAST.search(saying.text)


def _tells_half(saying: Saying) -> bool:
    """Tell whether nothing is said to happen: one word, something replaced by nothing, or bare names of what went and came."""
    if " " not in saying.text or _HALF_TOLD.match(saying.text) or _BROKEN.search(saying.text):
        return True
    said = set(_plain(saying.text).split(" "))
    if saying.made.edit_type == "add_object" and said.isdisjoint(words("adding")):
        return True
    names = set(_plain(f"{saying.made.source_phrase or ''} {saying.made.target_phrase or ''}").split(" "))
    return saying.made.edit_type == "replace_object" and bool(saying.went) and said <= names


def _names_another(saying: Saying) -> bool:
    """Tell whether something else than the thing that changes is spoken of as changing."""
    strangers = words("persons") & set(saying.text.split(" ")) - set(normalise(_given(saying)).split(" "))
    return bool(strangers) or _drops_thing(saying) or _replaces_another(saying) or _is_of_another(saying)


def _drops_thing(saying: Saying) -> bool:
    """Tell whether a paraphrase leaves out the thing that the rule's wording names, or puts another of the caption in its place."""
    if saying.task != "paraphrase":
        return False
    reference = stems(saying.row.reference_caption)
    things = (saying.rule & reference) - (saying.went - saying.came)
    if not (saying.went & saying.came & things) <= saying.said:
        return True
    others = (saying.said & reference) - saying.went - saying.came - saying.rule - listed_stems("wording")
    return bool(things) and things.isdisjoint(saying.said) and bool(others)


def _replaces_another(saying: Saying) -> bool:
    """Tell whether "replace A with B" or "remove A" has another A than what went."""
    things = [word for word in saying.told if word not in listed_stems("wording")]
    if saying.made.edit_type == "remove_object" and saying.text.split(" ")[0] in words("taking_away") and things:
        return things[0] not in saying.went
    swapped = _OLD_TO_NEW.search(saying.text)
    before = set(stem_list(swapped[1])) - listed_stems("wording") if swapped is not None else set()
    return bool(saying.went) and bool(before) and before.isdisjoint(saying.went | saying.rule)


def _is_of_another(saying: Saying) -> bool:
    """Tell whether "A is B" has another A than the thing that changes, where the phrases name that."""
    shared = saying.went & saying.came
    if saying.made.edit_type != "replace_object" and not (saying.made.edit_type in _NAMED and shared):
        return False
    stated = _STATED.fullmatch(saying.text)
    if stated is None or _OLD_TO_NEW.search(saying.text) or not saying.went or not stems(stated[2]) & saying.came:
        return False
    subject = stem_list(stated[1])
    return bool(subject) and subject[-1] not in saying.went | saying.came | saying.rule | listed_stems("wording")


def _repeats(saying: Saying) -> bool:
    """Tell whether a thing is named more often than the change needs, or is said to have itself."""
    rule = Counter(stem_list(saying.row.modification_text)) if saying.task == "paraphrase" else Counter()
    for word, times in Counter(saying.told).items():
        needed = max(1, rule[word], (word in saying.went) + (word in saying.came))
        if times > needed and word not in listed_stems("wording"):
            return True
    found = _HAS.fullmatch(saying.text) if _OLD_TO_NEW.search(saying.text) is None else None
    return found is not None and not stems(found[1]).isdisjoint(stems(found[2]) - listed_stems("wording"))


def _restates_target(saying: Saying) -> bool:
    """Tell whether the text is only the target caption, or the reference, but for articles and small words."""
    if not words("wording").isdisjoint(saying.text.split(" ")) or not _SIGNALS.isdisjoint(saying.text.split(" ")):
        return False
    given = (saying.made.target_caption, saying.made.reference_caption)
    return len(saying.told) > 1 and any(saying.told == stem_list(caption) for caption in given)


def _adds_words(saying: Saying) -> bool:
    """Tell whether the text brings words of its own: small models end in another scene, and a check of words cannot tell a good one."""
    return not saying.said <= stems(_given(saying)) | listed_stems("wording")


def _given(saying: Saying) -> str:
    """Return all texts whose words a reply may use."""
    rule = saying.row.modification_text if saying.task == "paraphrase" else ""
    return " ".join((rule, saying.row.reference_caption, saying.made.target_caption))


CHECKS: dict[str, Callable[[Saying], bool]] = {
    "same_as_rule": _is_the_rule,
    "copies_instruction": _obeys,
    "change_not_mentioned": _omits_change,
    "wrong_direction": _is_reversed,
    "half_told": _tells_half,
    "names_another_thing": _names_another,
    "repeats_itself": _repeats,
    "contains_target": _restates_target,
    "adds_words": _adds_words,
}
"""Reason -> check, in the order of asking."""


@cache
def _orders() -> re.Pattern[str]:
    return re.compile("|".join(read_yaml("rewrite/words.yaml")["orders"]), re.IGNORECASE)


def _change_stems(text: str | None) -> set[str]:
    """Return the words that may make a change: content words and, where there are none, all but articles."""
    return stems(text) or {stem(word) for word in _plain(text or "").split(" ") if word}


def _plain(text: str) -> str:
    """Return a text's words without articles."""
    return " ".join(word for word in normalise(text).split(" ") if word not in ("a", "an", "the"))
