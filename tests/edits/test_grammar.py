"""Verbs agree with a subject that changes its number."""

import pytest

from tripletgen.edits.base import apply_changes
from tripletgen.edits.grammar import agree, gender_in


@pytest.mark.parametrize(
    ("text", "plural", "expected"),
    [
        ("Two dogs are running on grass.", False, "Two dogs is running on grass."),
        ("A dog runs on the grass.", True, "A dog run on the grass."),
        ("A man stands and smiles on the street.", True, "A man stand and smile on the street."),
        ("A man who is smiling stands on the street.", True, "A man who are smiling stand on the street."),
        ("A dog has slept on the sofa.", True, "A dog have slept on the sofa."),
    ],
)
def test_the_verb_follows_the_number(text, plural, expected, frame_for):
    frame = frame_for(text)
    changes = agree(frame, frame.phrases[0], plural=plural)
    assert changes is not None
    assert apply_changes(text, changes) == expected


@pytest.mark.parametrize(
    ("text", "gender"),
    [("A man with his dog.", "male"), ("A woman on her bike.", "female"), ("He kisses her.", "both"), ("A dog on a sofa.", None)],
)
def test_pronouns_tell_the_gender(text, gender, frame_for):
    assert gender_in(frame_for(text)) == gender
