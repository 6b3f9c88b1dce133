"""Changes are applied with the article, the capital and the agreement that they call for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripletgen.edits.base import Change, apply_changes, naming, overlap
from tripletgen.filters import has_wrong_article
from tripletgen.lexicon import load_lexicon

WORDS = st.sampled_from(["apple", "boat", "hour", "unicorn", "old", "umbrella", "European", "red", "igloo", "one-way", "X-ray", "honest"])


@pytest.mark.parametrize(
    ("text", "change", "target"),
    [
        ("A car on a road.", Change(2, 5, "airplane"), "An airplane on a road."),
        ("an apple on a plate", Change(3, 8, "pear"), "a pear on a plate"),
        ("An old car.", Change(3, 7, ""), "A car."),
        ("Dogs run.", Change(0, 4, "two cats"), "Two cats run."),
        ("a boat.", Change(6, 6, " at night"), "a boat at night."),
    ],
)
def test_the_article_and_the_capital_follow_the_change(text, change, target):
    assert apply_changes(text, [change]) == target


def test_overlapping_changes_are_an_error():
    with pytest.raises(ValueError, match="overlapping"):
        apply_changes("a red car", [Change(2, 5, "blue"), Change(4, 9, "bus")])


def test_changes_that_touch_overlap():
    assert overlap([Change(0, 3, "")], [Change(4, 6, "")])
    assert not overlap([Change(0, 3, "")], [Change(8, 9, "")])


@given(WORDS, WORDS, WORDS)
def test_no_change_of_a_noun_breaks_an_article(old, new, adjective):
    text = f"a {old} and the {adjective}"
    fixed = apply_changes(text, [Change(2, 2 + len(old), new)])
    assert not has_wrong_article("", fixed, fixed, "replace_object")


@pytest.mark.parametrize(
    ("lemma", "is_plural", "expected"),
    [
        ("dog", False, ("a dog", "is", "has", "it", "one")),
        ("dog", True, ("dogs", "are", "have", "them", "ones")),
        ("bread", False, ("bread", "is", "has", "it", None)),
        ("jeans", False, ("jeans", "are", "have", "them", None)),
        ("umbrella", False, ("an umbrella", "is", "has", "it", "one")),
    ],
)
def test_a_naming_agrees_with_its_noun(lemma, is_plural, expected):
    noun, _ = load_lexicon().forms[lemma]
    words = noun.plural if is_plural else lemma
    name = naming(words, noun, is_plural=is_plural)
    assert (name.a, name.is_, name.has, name.it, name.one) == expected
