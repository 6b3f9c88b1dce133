"""Judge a reply: a triplet, or the reason why not. Whatever a model writes is text of a stranger.

The order of asking is fixed, so that a reply has one reason. First the form (JSON of the schema), then the meaning (does it say this
change, in this direction, and nothing else), last the rules that hold for every row.
"""

import difflib
import json
import re
from functools import cache
from typing import Any, NamedTuple

from tripletgen.assets import read_yaml
from tripletgen.filters import reject
from tripletgen.rewrite.base import Reply
from tripletgen.rewrite.prompt import Prompt
from tripletgen.schema import Triplet, normalise, triplet_id_of

MAX_REPLY = 4_000
_MAX_NEW_WORDS = 2
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffd]")
_STEP_BACK = re.compile(r"\b(?:instead of|rather than|in place of|in lieu of|no longer|not|without)\b((?: [\w'-]+){1,4})")
_OLD_TO_NEW = re.compile(
    r"\b(?:replace|replaced|replacing|swap|swapped|change|changed|turn|switch|exchange|substitute)\b(.*?)\b(?:with|for|to|into|by)\b(.*)"
)

REASONS: dict[str, str] = {
    "empty_reply": "it was empty",
    "too_large": "it was much too long",
    "truncated": "it was not finished",
    "not_json": "it was not JSON",
    "wrong_schema": "it had the wrong keys or values",
    "empty_text": "a text was empty",
    "unprintable": "it held characters that cannot be printed",
    "same_as_rule": "it repeated the given text",
    "copies_instruction": "it followed a sentence that is only data",
    "change_not_mentioned": "it does not name what changes",
    "wrong_direction": "it tells the change the wrong way round",
    "adds_words": "it speaks of things that are in neither caption",
    "other_edit": "the target does not show the change that was asked for",
    "too_much_changed": "the target changes too much",
    "duplicate_triplet": "it was given before",
}
"""The reasons of this module with what a model is told; those of `filters.py` are told by their names."""


class Verdict(NamedTuple):
    """A triplet, or a reason."""

    row: Triplet | None
    reason: str | None


def judge(prompt: Prompt, row: Triplet, reply: Reply, generator: str) -> Verdict:
    """Return the triplet that a reply makes of a row, or the first reason against it."""
    texts, reason = _parse(prompt, reply)
    if reason is not None:
        return Verdict(None, reason)
    modification = _tidy(texts["modification_text"])
    target = texts["target_caption"].strip() if prompt.task == "edit" else row.target_caption
    if not normalise(modification) or not normalise(target):
        return Verdict(None, "empty_text")
    source_phrase, target_phrase = _phrases(prompt.task, row, target)
    made = row._replace(
        triplet_id=triplet_id_of(row.reference_caption, modification, target),
        modification_text=modification,
        target_caption=target,
        origin="llm",
        phrasing=phrasing_of(modification),
        source_phrase=source_phrase,
        target_phrase=target_phrase,
        generator=generator,
    )
    reason = _unfaithful(prompt.task, row, made) or reject(row.reference_caption, modification, target, row.edit_type)
    return Verdict(None, reason) if reason else Verdict(made, None)


def told(reason: str) -> str:
    """Return a reason as a model is told it."""
    return REASONS.get(reason, reason.replace("_", " "))


def _parse(prompt: Prompt, reply: Reply) -> tuple[dict[str, str], str | None]:  # noqa: PLR0911  # a reason a line
    """Return the texts of a reply, or why it has none."""
    if not reply.text.strip():
        return {}, "empty_reply"
    if len(reply.text) > MAX_REPLY:
        return {}, "too_large"
    try:
        value: Any = json.loads(reply.text)
    except (ValueError, RecursionError):
        return {}, "truncated" if reply.truncated else "not_json"
    if not _validator(json.dumps(prompt.schema)).is_valid(value):
        return {}, "wrong_schema"
    texts = {key: value[key] for key in ("modification_text", "target_caption") if isinstance(value.get(key), str)}
    if "modification_text" not in texts or (prompt.task == "edit" and "target_caption" not in texts):
        return {}, "wrong_schema"
    if any(_UNPRINTABLE.search(text) or not _is_encodable(text) for text in texts.values()):
        return {}, "unprintable"
    return texts, None


@cache
def _validator(schema: str) -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(schema))


def _is_encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _tidy(text: str) -> str:
    """Return a modification text as ours are written: no final full stop, no capital at the beginning of an ordinary word."""
    text = text.strip()
    if text.endswith(".") and not text.endswith(".."):
        text = text[:-1].rstrip()
    first = text.split(" ", 1)[0]
    return text[:1].lower() + text[1:] if first.istitle() and first.lower() in _words("wording") | _words("function") else text


def _phrases(task: str, row: Triplet, target: str) -> tuple[str | None, str | None]:
    """Return what went and what came: known for a row that exists, found by comparison for a new target."""
    if task != "edit" and (row.source_phrase or row.target_phrase):
        return row.source_phrase, row.target_phrase
    removed, added, _ = _difference(row.reference_caption, target)
    return " ".join(removed) or None, " ".join(added) or None


def _difference(before: str, after: str) -> tuple[list[str], list[str], int]:
    """Return the words that went, those that came, and in how many places."""
    old, new = normalise(before).split(" "), normalise(after).split(" ")
    changes = [o for o in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if o[0] != "equal"]
    removed = [word for _, a, b, _, _ in changes for word in old[a:b]]
    added = [word for _, _, _, c, d in changes for word in new[c:d]]
    return removed, added, len(changes)


def _unfaithful(task: str, row: Triplet, made: Triplet) -> str | None:
    """Return why the new text does not tell this change and nothing else, or None."""
    if task == "paraphrase" and normalise(made.modification_text) == normalise(row.modification_text):
        return "same_as_rule"
    if _obeys(row, made):
        return "copies_instruction"
    if task == "edit":
        reason = _misses_wish(row.edit_type, row.reference_caption, made.target_caption)
        if reason is not None:
            return reason
    said = _stems(made.modification_text)
    if not _names_change(task, row, made, said):
        return "change_not_mentioned"
    if _is_reversed(made):
        return "wrong_direction"
    known = _stems(" ".join((row.modification_text if task == "paraphrase" else "", row.reference_caption, made.target_caption)))
    return "adds_words" if len(said - known - _stems(" ".join(_words("wording")))) > _MAX_NEW_WORDS else None


def _obeys(row: Triplet, made: Triplet) -> bool:
    """Tell whether a reply repeats words of an order that stands in a caption, other than words of the change itself."""
    for caption in (row.reference_caption, row.target_caption):
        found = _orders().search(caption)
        if found:
            ordered = _stems(caption[found.start() :])
            own = _stems(" ".join(filter(None, (row.source_phrase, row.target_phrase, caption[: found.start()]))))
            if (ordered - own) & _stems(made.modification_text) or (ordered - own) & (
                _stems(made.target_caption) - _stems(row.reference_caption) - _stems(row.target_caption)
            ):
                return True
    return False


def _names_change(task: str, row: Triplet, made: Triplet, said: set[str]) -> bool:
    """Tell whether the text names what came, or where nothing came what went.

    A paraphrase must keep the words of the change that the rule's wording had; a number counts as a word of the change.
    """
    came, went = _change_stems(made.target_phrase), _change_stems(made.source_phrase)
    if task == "paraphrase":
        rule = _change_stems(row.modification_text)
        wanted = ((came - went) or came or went) & rule
        return wanted <= said | _change_stems(made.modification_text) if wanted else bool((came or went) & said)
    wanted = (came - went) or (went - came) or came or went
    spoken = said | _change_stems(made.modification_text)
    return len(wanted & spoken) * 2 >= len(wanted) and bool(wanted & spoken)


def _is_reversed(made: Triplet) -> bool:
    """Tell whether the text takes away what came, or puts back what went."""
    text = normalise(made.modification_text)
    words = set(text.split(" "))
    came = _stems(made.target_phrase or "") - _stems(made.source_phrase or "")
    went = _stems(made.source_phrase or "") - _stems(made.target_phrase or "")
    if made.edit_type == "remove_object":
        return words.isdisjoint(_words("taking_away"))
    if made.edit_type == "add_object" and words & {"remove", "removed", "without", "no", "not"}:
        return True
    for found in _STEP_BACK.finditer(text):
        if came and _stems(found[1]) & came and not _stems(found[1]) & went:
            return True
    swapped = _OLD_TO_NEW.search(text)
    if swapped is None:
        return False
    before, after = _stems(swapped[1]), _stems(swapped[2])
    return bool((before & came and not after & came) or (after & went and not before & went and not after & came))


def _misses_wish(edit_type: str, reference: str, target: str) -> str | None:
    """Return whether a target is no edit of the kind that was asked for, or one that changes half the caption."""
    removed, added, places = _difference(reference, target)
    num_words = max(len(normalise(reference).split(" ")), 4)
    if places > (3 if edit_type == "combine" else 2) or len(removed) * 2 > num_words or len(added) > 8:
        return "too_much_changed"
    lost, won = set(removed) - _words("function"), set(added) - _words("function")
    wanted = {
        "add_object": bool(won) and not lost,
        "remove_object": bool(lost) and not won,
        "change_viewpoint": bool(won),
        "change_attribute": bool(won),
        "compare_attribute": bool(won),
        "change_relation": bool(removed) and bool(added),
        "change_count": bool(removed) and bool(added),
    }
    return None if wanted.get(edit_type, bool(lost) and bool(won)) else "other_edit"


def phrasing_of(modification_text: str) -> str:
    """Return the phrasing that a text's first word shows."""
    first = normalise(modification_text).partition(" ")[0]
    if first in _words("imperative"):
        return "imperative"
    return "predicate" if first in _words("predicate") else "relative"


@cache
def _words(name: str) -> frozenset[str]:
    return frozenset(read_yaml("rewrite/words.yaml")[name])


@cache
def _orders() -> re.Pattern[str]:
    return re.compile(read_yaml("rewrite/words.yaml")["orders"], re.IGNORECASE)


def _stems(text: str) -> set[str]:
    """Return the content words without their endings: `houses` and `house` are one."""
    return {_stem(word) for word in normalise(text).split(" ") if word and word not in _words("function")}


def _change_stems(text: str | None) -> set[str]:
    """Return the words that may make a change: content words and, where there are none, all but articles."""
    return _stems(text or "") or {_stem(word) for word in normalise(text or "").split(" ") if word and word not in ("a", "an", "the")}


@cache
def _stem(word: str) -> str:
    for ending, rest in (("ies", "y"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""), ("e", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)] + rest
    return word
