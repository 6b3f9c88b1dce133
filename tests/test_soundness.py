"""Captions that were cut off, lost a name, stutter or do not agree with themselves are told from sound English."""

import pytest

from tripletgen.lexicon import load_lexicon
from tripletgen.parsing import parse
from tripletgen.retag import mend_parse
from tripletgen.schema import Caption
from tripletgen.soundness import is_sound


def sounds(text):
    (parsed,) = parse([Caption(text, "", "", "", 0)])
    return is_sound(mend_parse(parsed, load_lexicon()))


@pytest.mark.parametrize(
    "text",
    [
        "a nurse adjusts her mask in a hospital",
        "a couple walk along the beach",
        "a group of students are sitting on the grass",
        "reindeer are grazing among scattered boulders",
        "biological species perched on a branch",
        "tourists walk around a tourist attraction",
        "a portrait of a person in a red hat",
        "a man standing in front of a church",
        "children play on the day of the parade",
    ],
)
def test_sound_english_passes(text):
    assert sounds(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a nurse adjust her mask in a hospital", "number"),
        ("the woman are cooking for a group of friends", "number"),
        ("girls is painting a bridge on a small canvas", "number"),
        ("person of artist performs on stage", "mask of a mask"),
        ("hard rock artist of hard rock artist performs at festival", "mask of a mask"),
        ("a boat passes by tourist attraction", "mask without an article"),
        ("actor poses with award category", "mask without an article"),
        ("a woman looks away the a forlorn look on her face", "two articles"),
        ("a dog in standing in a window", "surplus word"),
        ("sailing boats on a lake in front", "cut off"),
        ("a toed sloth hangs in a tree", "number lost"),
        ("old girl reading a book by a window", "number lost"),
        ("actor attends the uk premiere of person", "mask without a name"),
        ("people take part in a rally in connection.", "cut off"),
        ("racers compete in a race compete on sunday", "stutter"),
        ("a woman holding the", "cut off"),
        ("opal blue milk glass rooster candy dish on pedestal.", "too many nouns"),
    ],
)
def test_what_is_broken_does_not(text, fault):
    assert not sounds(text), fault
