"""Captions that describe a picture are told from those that talk, state or sell."""

import pytest

from tripletgen.depiction import depicts, may_depict
from tripletgen.lexicon import load_lexicon
from tripletgen.parsing import parse
from tripletgen.retag import mend_parse
from tripletgen.schema import Caption


def is_description(text):
    """Ask both halves of the test, as a build does."""
    (parsed,) = parse([Caption(text, "", "", "", 0)])
    return may_depict(text) and depicts(mend_parse(parsed, load_lexicon()))


@pytest.mark.parametrize(
    "text",
    [
        "a dog on a sofa",
        "two women are walking on the beach .",
        "there is a red car in the garage.",
        "the dog is on the sofa",
        "A skateboarder listens to music while carrying a cup of coffee",
        "close up of a bee on a flower",
        "vegetables for sale at a market",
    ],
)
def test_a_description_passes(text):
    assert is_description(text)


@pytest.mark.parametrize(
    "text",
    [
        "i love this dress",
        "what do your nails say?",
        "choose the right pair of running shoes",
        "bread is a must on tables.",
        "person: 10 of the best cakes",
        "this could be what you wake up to",
        "because animals are a source of food",
        "actor arrives at the premiere held.",
        "image cute raccoon on a white background",
        "opal blue milk glass rooster candy dish on pedestal.",
        "automotive business has launched a line of models",
    ],
)
def test_talk_does_not(text):
    assert not is_description(text)
