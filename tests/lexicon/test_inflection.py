"""Words are inflected as they are spoken."""

import pytest

from tripletgen.lexicon.inflection import article, inflect_plural, plural_of, verb_form, verb_lemma


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("apple", "an"),
        ("boat", "a"),
        ("hour", "an"),
        ("unicorn", "a"),
        ("one-way street", "a"),
        ("umbrella", "an"),
        ("8-year-old girl", "an"),
        ("11th century church", "an"),
        ("1850s house", "an"),
        ("MRI scan", "an"),
        ("UFO", "a"),
        ("European city", "a"),
        ("honest man", "an"),
        ("used car", "a"),
        ("uniform", "a"),
        ("X-ray", "an"),
    ],
)
def test_the_article_follows_the_sound(words, expected):
    assert article(words) == expected


@pytest.mark.parametrize(
    ("noun", "plural"),
    [("dog", "dogs"), ("person", "people"), ("child", "children"), ("leaf", "leaves"), ("fire truck", "fire trucks"), ("knife", "knives")],
)
def test_plurals(noun, plural):
    assert plural_of(noun) == plural
    assert inflect_plural(noun) == plural


@pytest.mark.parametrize(
    ("lemma", "tag", "form"),
    [
        ("run", "VBG", "running"),
        ("lie", "VBG", "lying"),
        ("carry", "VBZ", "carries"),
        ("be", "VBZ", "is"),
        ("ride", "VBP", "ride"),
        ("light", "VBD", "lit"),
    ],
)
def test_verb_forms(lemma, tag, form):
    assert verb_form(lemma, tag) == form


@pytest.mark.parametrize(("form", "lemma"), [("running", "run"), ("rides", "ride"), ("was", "be"), ("lying", "lie"), ("sat", "sit")])
def test_verb_lemmas(form, lemma):
    assert verb_lemma(form) == lemma
