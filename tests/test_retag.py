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
    ],
)
def test_a_verb_is_no_plural(text, subject, verb):
    parsed = mended(text)
    token, head = parsed.lowers.index(subject), parsed.lowers.index(verb)
    assert (parsed.tags[head], parsed.tags[token], parsed.deps[token], parsed.heads[token]) == ("VBZ", "NN", "nsubj", head)


def test_a_plural_stays_one():
    parsed = mended("dog beds in a row")
    assert parsed.tags[parsed.lowers.index("beds")] == "NNS"


def test_heads_lead_to_the_root():
    for text in ("a skateboarder listens to music", "pop artist greets a fan", "puppy lying on the lawn.", "a fan waves his flag"):
        parsed = mended(text)
        for start in range(len(parsed)):
            token, steps = start, 0
            while parsed.heads[token] != token:
                token, steps = parsed.heads[token], steps + 1
                assert steps <= len(parsed)
