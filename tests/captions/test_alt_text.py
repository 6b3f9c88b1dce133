"""What a tagger saw is told as a caption."""

import pytest

from tripletgen.captions.alt_text import told


@pytest.mark.parametrize(
    ("text", "caption"),
    [
        ("image may contain: person, on stage, playing a musical instrument and guitar", "person playing a guitar on stage"),
        ("Image may contain: 2 people, people sitting, dog and outdoor", "people with a dog outdoors"),
        ("image may contain: person, smiling, riding on a horse, horse and outdoor", "person smiling and riding on a horse outdoors"),
        ("image may contain: person, beard, on stage, night and indoor", "person with a beard on stage at night"),
    ],
)
def test_tags_become_a_caption(text, caption):
    assert told(text) == caption


@pytest.mark.parametrize("text", ["a dog on a sofa", "image may contain: text", "this image may contain nuts"])
def test_any_other_text_stays(text):
    assert told(text) == text
