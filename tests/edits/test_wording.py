"""Templates: enough of them, of every phrasing, each with slots that some edit fills."""

import random

import pytest

from tripletgen.edits.base import Edit
from tripletgen.edits.wording import num_templates, word_edit, wordings
from tripletgen.schema import PHRASINGS


def test_there_are_many_templates_of_four_phrasings():
    assert num_templates() >= 300
    assert all(set(phrasings) == set(PHRASINGS) for phrasings in wordings().values())
    assert all(phrasings["imperative"] and phrasings["predicate"] and phrasings["relative"] for phrasings in wordings().values())


def test_views_are_worded_in_many_ways():
    sets = [phrasings for name, phrasings in wordings().items() if name.startswith("view_")]
    views = {template.text for phrasings in sets for templates in phrasings.values() for template in templates}
    assert len(views) >= 200


def test_an_edit_is_said_in_words():
    slots = {"old": "dog", "old_the": "the dog", "old_a": "a dog", "old_is": "is", "old_was": "was", "old_has": "has", "old_it": "it"}
    slots |= {key.replace("old", "new"): value.replace("dog", "cat") for key, value in slots.items()}
    edit = Edit("replace_object", "replace_object", "dog", "cat", (), "replace_object", slots)
    said = {word_edit(edit, random.Random(seed)) for seed in range(300)}
    assert ("imperative", "replace the dog with a cat") in said
    assert ("predicate", "has a cat instead of a dog") in said
    assert {phrasing for phrasing, _ in said} == set(PHRASINGS)


def test_an_edit_without_slots_is_a_bug():
    with pytest.raises(ValueError, match="no template of 'scene'"):
        word_edit(Edit("x", "change_scene", None, None, (), "scene", {}), random.Random(1))
