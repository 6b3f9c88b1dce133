"""Parses that the words prove wrong are mended."""

import pytest

from tripletgen.lexicon import load_lexicon
from tripletgen.parsing import parse
from tripletgen.retag import mend_parse
from tripletgen.schema import Caption


def mended(text):
    (parsed,) = parse([Caption(text, "", "", "", 0)])
    return mend_parse(parsed, load_lexicon())


@pytest.mark.parametrize(
    ("text", "subject", "verb"),
    [
        ("a skateboarder listens to music", "skateboarder", "listens"),
        ("pop artist greets a fan during an appearance", "artist", "greets"),
        ("a lemon splashes into water", "lemon", "splashes"),
        ("a dog on a leash runs in the pavement", "dog", "runs"),
        ("a bald eagle soars away to enjoy the meal.", "eagle", "soars"),
    ],
)
def test_a_verb_is_no_plural(text, subject, verb):
    parsed = mended(text)
    token, head = parsed.lowers.index(subject), parsed.lowers.index(verb)
    assert (parsed.tags[head], parsed.tags[token], parsed.deps[token], parsed.heads[token]) == ("VBZ", "NN", "nsubj", head)


def test_a_plural_stays_one():
    parsed = mended("dog beds in a row")
    assert parsed.tags[parsed.lowers.index("beds")] == "NNS"


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("windmill on a cold december morning", "windmill"),
        ("spooky food at the party", "food"),
        ("touring car on display at show", "car"),
        ("a butterfly looking for nectar", "butterfly"),
        ("a giant iceberg glistening in the afternoon sun", "iceberg"),
        ("packages circled around a globe.", "packages"),
    ],
)
def test_a_caption_is_of_a_thing(text, root):
    parsed = mended(text)
    token = parsed.lowers.index(root)
    assert (parsed.deps[token], parsed.tags[token][:2]) == ("ROOT", "NN")


def test_what_is_done_to_a_horse_is_not_done_by_it():
    parsed = mended("horse riding in the town")
    assert parsed.tags[1] == "NN"


def test_heads_lead_to_the_root():
    for text in (
        "a dog on a leash runs in the pavement",
        "packages circled around a globe.",
        "a woman opening curtains",
        "a skateboarder listens to music",
        "pop artist greets a fan",
        "puppy lying on the lawn.",
        "a fan waves his flag",
    ):
        parsed = mended(text)
        for start in range(len(parsed)):
            token, steps = start, 0
            while parsed.heads[token] != token:
                token, steps = parsed.heads[token], steps + 1
                assert steps <= len(parsed)
