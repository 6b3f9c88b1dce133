"""Noun phrases are found with their parts."""

import pytest

from tripletgen.lexicon import load_lexicon
from tripletgen.parsing import parse, read_parsed, write_parsed
from tripletgen.phrases import iter_slots, noun_phrases
from tripletgen.schema import Caption


def parsed(text):
    (found,) = parse([Caption(text, "", "", "", 0)])
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("An old fire truck and two small dogs", [("An old fire truck", "fire truck", False), ("two small dogs", "dog", True)]),
        ("A woman in a red dress", [("A woman", "woman", False), ("a red dress", "dress", False)]),
        ("Some sheep on the grass", [("Some sheep", "sheep", True), ("the grass", "grass", False)]),
        ("An actor on the red carpet", [("An actor", "actor", False), ("the red carpet", None, False)]),
    ],
)
def test_phrases_of_a_caption(text, expected):
    caption = parsed(text)
    found = noun_phrases(caption, load_lexicon())
    assert [(caption.span(p.first, p.head), p.noun.lemma if p.noun else None, p.is_plural) for p in found] == expected


def test_slots_tell_what_a_noun_does_and_is_in():
    caption = parsed("A man riding a horse on a beach")
    slots = {p.noun.lemma: list(iter_slots(caption, p)) for p in noun_phrases(caption, load_lexicon()) if p.noun}
    assert slots["man"] == [("nsubj", "ride")]
    assert slots["horse"] == [("dobj", "ride")]
    assert ("pobj", "on") in slots["beach"]


def test_a_parse_is_stored_and_read_back(tmp_path):
    captions = [
        Caption(text, "s", str(k), "MIT", k) for k, text in enumerate(["A man’s dog isn't on the beach.", "two horses near İstanbul"])
    ]
    found = list(parse(captions))
    assert write_parsed(tmp_path / "x.arrow", found) == 2
    assert list(read_parsed(tmp_path / "x.arrow")) == found
    assert found[0].lowers == ["a", "man", "’s", "dog", "is", "n't", "on", "the", "beach", "."]
    assert all(parse.heads[parse.heads.index(k)] == k for parse in found for k in parse.heads)
