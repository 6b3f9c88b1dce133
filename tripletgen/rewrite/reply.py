"""Judge a reply: a triplet, or the reason why not. Whatever a model writes is text of a stranger.

The order of asking is fixed, so that a reply has one reason. First the form (JSON of the schema), then the rules that hold for every
row, last the meaning (does it say this change, in this direction, and nothing else).
"""

import json
import re
from typing import Any, NamedTuple

from tripletgen.filters import reject
from tripletgen.rewrite.base import Reply
from tripletgen.rewrite.faithful import unfaithful
from tripletgen.rewrite.json_schema import fits
from tripletgen.rewrite.prompt import Prompt
from tripletgen.rewrite.stems import words
from tripletgen.rewrite.wish import difference, misses_wish
from tripletgen.schema import Triplet, normalise, triplet_id_of

MAX_REPLY = 4_000
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffd]")

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
    "half_told": "it does not say what is replaced by what",
    "names_another_thing": "it changes another thing",
    "repeats_itself": "it names a thing twice",
    "contains_target": "it repeats the whole new caption",
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
    reason = misses_wish(row.edit_type, row.reference_caption, target) if prompt.task == "edit" else None
    reason = reason or reject(row.reference_caption, modification, target, row.edit_type) or unfaithful(prompt.task, row, made)
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
    if not isinstance(value, dict) or not fits(json.dumps(prompt.schema), value):
        return {}, "wrong_schema"
    texts = {key: value[key] for key in ("modification_text", "target_caption") if isinstance(value.get(key), str)}
    if "modification_text" not in texts or (prompt.task == "edit" and "target_caption" not in texts):
        return {}, "wrong_schema"
    if any(_UNPRINTABLE.search(text) or not _is_encodable(text) for text in texts.values()):
        return {}, "unprintable"
    return texts, None


def _is_encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _tidy(text: str) -> str:
    """Return a modification text as ours are written: no final full stop, no capital at the beginning of an ordinary word."""
    text = text.strip()
    if text.endswith(".") and not text.endswith(".."):
        text = text[:-1].rstrip()
    first = text.split(" ", 1)[0]
    return text[:1].lower() + text[1:] if first.istitle() and first.lower() in words("wording") | words("function") else text


def _phrases(task: str, row: Triplet, target: str) -> tuple[str | None, str | None]:
    """Return what went and what came: known for a row that exists, found by comparison for a new target."""
    if task != "edit" and (row.source_phrase or row.target_phrase):
        return row.source_phrase, row.target_phrase
    found = difference(row.reference_caption, target)
    return " ".join(found.removed) or None, " ".join(found.added) or None


def phrasing_of(modification_text: str) -> str:
    """Return the phrasing that a text's first word shows."""
    first = normalise(modification_text).partition(" ")[0]
    if first in words("imperative"):
        return "imperative"
    return "predicate" if first in words("predicate") else "relative"
