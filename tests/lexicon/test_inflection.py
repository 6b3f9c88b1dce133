"""Words are inflected as they are spoken."""

import lemminflect
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripletgen.assets import read_json
from tripletgen.errors import TripletgenError
from tripletgen.lexicon.inflection import TAGS, VERBS_FILE, article, plural_of, regular_forms, verb_form, verb_lemma
from tripletgen.lexicon.regenerate import known_verbs


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


def test_a_noun_whose_plural_was_not_computed_is_named_with_the_remedy():
    with pytest.raises(TripletgenError, match="'zorbogle': the lexicon has no plural") as caught:
        plural_of("zorbogle")
    assert caught.value.hint == "run `make lexicon`, which computes it"


@pytest.mark.parametrize(
    ("lemma", "tag", "form"),
    [
        ("run", "VBG", "running"),
        ("lie", "VBG", "lying"),
        ("carry", "VBZ", "carries"),
        ("be", "VBZ", "is"),
        ("ride", "VBP", "ride"),
        ("light", "VBD", "lit"),
        ("stop", "VBD", "stopped"),
        ("mix", "VBG", "mixing"),
        ("quit", "VBG", "quitting"),
        ("watch", "VBZ", "watches"),
        ("see", "VBG", "seeing"),
        ("dye", "VBG", "dyeing"),
        ("take", "VBN", "taken"),
        ("vlog", "VBG", "vlogging"),
        ("photobomb", "VBD", "photobombed"),
    ],
)
def test_verb_forms(lemma, tag, form):
    assert verb_form(lemma, tag) == form


@pytest.mark.parametrize(
    ("form", "lemma"),
    [
        ("running", "run"),
        ("rides", "ride"),
        ("was", "be"),
        ("lying", "lie"),
        ("sat", "sit"),
        ("found", "find"),
        ("saw", "see"),
        ("hoped", "hope"),
        ("hopped", "hop"),
        ("carries", "carry"),
        ("walk", "walk"),
        ("vaping", "vape"),
        ("vlogging", "vlog"),
        ("texts", "text"),
        ("xylophone", "xylophone"),
        ("s", "s"),
    ],
)
def test_verb_lemmas(form, lemma):
    assert verb_lemma(form) == lemma


def test_every_form_that_lemminflect_knows_gets_its_lemma():
    forms = {form for form in known_verbs("lemma_lu.csv.gz") if form not in ("lighted", "speeded")}
    assert len(forms) > 20_000
    assert {form: verb_lemma(form) for form in forms} == {form: lemminflect.getLemma(form, "VERB")[0] for form in forms}


def test_every_verb_that_lemminflect_knows_gets_its_forms():
    verbs = {verb for verb in known_verbs("infl_lu.csv.gz") if verb not in ("be", "light", "speed")}
    assert len(verbs) > 6_000
    for tag in TAGS:
        told = {verb: (lemminflect.getInflection(verb, tag) or (verb,))[0].replace(" ", "") for verb in verbs}
        assert {verb: verb_form(verb, tag) for verb in verbs} == told


@given(st.from_regex(r"[b-z][a-z]{1,9}", fullmatch=True).filter(lambda lemma: lemma != "be"))
def test_the_lemma_of_a_regular_form_has_that_form(lemma):
    told = read_json(VERBS_FILE)["lemmas"]  # "cuing" is of "cue", which has "cueing" first
    for form in regular_forms(lemma):
        found = verb_lemma(form)
        assert form in (found, *(verb_form(found, tag) for tag in TAGS)) or form in told
