"""Captions that describe a picture are told from those that talk, state or sell."""

import pytest

from tripletgen import depiction
from tripletgen.depiction import depicts, evidence, may_depict
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
        "person wearing a black t-shirt with ripped jeans",
        "a girl has decorated her bicycle",
        "a mural is painted on the wall",
        "beautiful girl in a purple dress on the beach",
        "touring car on display at a show",
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
        "person: 10 of the best cakes",
        "this could be what you wake up to",
        "because animals are a source of food",
        "actor arrives at the premiere held.",
        "image cute raccoon on a white background",
        "opal blue milk glass rooster candy dish on pedestal.",
        "automotive business has launched a line of models",
        "the house was named after a poet",
        "the team won the title last year",
        "she gave her friend a hug",
        "ways to dress for the summer",
        "a look at the past of the city",
        "the best dessert in the world",
        "racers compete in a race compete on sunday",
        "this is now owned by a bank",
        "christmas tree was in the book of records",
        "nails of the week on a hand",
        "took this picture at the square",
        "a designer presented a - piece collection",
        "hip hop artist attends",
    ],
)
def test_talk_does_not(text):
    assert not is_description(text)


def test_the_evidence_is_words_tags_relations_and_kinds_of_things():
    (parsed,) = parse([Caption("a dog runs", "", "", "", 0)])
    assert sorted(evidence(parsed)) == [
        "DT NN", "NN VBZ", "ROOT: VBZ", "VBZ $", "^ DT", "a pet", "det: DT", "first a", "last runs", "nsubj: NN",
        "nsubj: a pet", "pair ^ a", "pair a dog", "pair dog runs", "pair runs $", "root runs", "word a", "word dog", "word runs",
    ]  # fmt: skip


def test_a_score_is_a_sum_of_weights_with_each_evidence_once(monkeypatch):
    (parsed,) = parse([Caption("a dog and a dog", "", "", "", 0)])
    monkeypatch.setattr(depiction, "_weights", lambda: {"bias": 110, "word dog": 22, "word a": -1})
    assert depicts(parsed)
    monkeypatch.setattr(depiction, "_weights", lambda: {"bias": 110, "word dog": 22, "word a": -2})
    assert not depicts(parsed)
