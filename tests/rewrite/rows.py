"""Rows made by hand, and a model that rewords them well."""

import json
import re

from tripletgen.rewrite.base import Request
from tripletgen.schema import Triplet, group_id_of, triplet_id_of


def row(
    reference: str, modification: str, target: str, edit_type: str, phrases: tuple[str | None, str | None], origin: str = "rule"
) -> Triplet:
    return Triplet(
        triplet_id_of(reference, modification, target), reference, modification, target, origin, edit_type, "predicate", *phrases,
        "replace_noun", "mine.txt", "1", "CC-BY-4.0", group_id_of(reference),
    )  # fmt: skip


DOG = row(
    "A brown dog runs on the grass.", "has a cat instead of the dog", "A brown cat runs on the grass.", "replace_object", ("dog", "cat")
)
SPOON = row("a cup of coffee with a spoon", "no longer has a spoon", "a cup of coffee", "remove_object", ("with a spoon", None))
PAIR = row("two men on a bench", "a woman, not two men", "a woman on a bench", "replace_object", ("two men", "a woman"), "pair")


def wording_in(content: str) -> str:
    """Return the wording that a message asks to reword, and nothing where the message is no such question."""
    found = re.search(r'^Change: (".*")$', content, re.MULTILINE)
    return str(json.loads(found[1])) if found else ""


def reword(request: Request) -> str:
    """Return the given wording with a few words before it."""
    return json.dumps({"modification_text": f"same scene, {wording_in(request.messages[-1].content)}"})
