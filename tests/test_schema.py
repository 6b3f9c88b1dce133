"""The row, its names, and the hashes that identify it."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripletgen.schema import (
    ARROW_SCHEMA,
    EDIT_TYPES,
    Triplet,
    group_id_of,
    is_validation,
    normalise,
    triplet_id_of,
    validation_start,
)

texts = st.text(max_size=80)
words = st.lists(st.text(string.ascii_letters + string.digits, min_size=1, max_size=8), min_size=1, max_size=8)


def test_the_columns_are_those_of_the_contract_in_this_order():
    assert ARROW_SCHEMA.names == [
        "triplet_id",
        "reference_caption",
        "modification_text",
        "target_caption",
        "origin",
        "edit_type",
        "phrasing",
        "source_phrase",
        "target_phrase",
        "generator",
        "source",
        "source_id",
        "licence",
        "group_id",
    ]


def test_the_fields_of_a_triplet_are_the_columns():
    assert list(Triplet._fields) == ARROW_SCHEMA.names


def test_only_the_two_phrases_may_be_missing():
    assert [field.name for field in ARROW_SCHEMA if field.nullable] == ["source_phrase", "target_phrase"]


def test_every_edit_type_trains_one_aspect_of_circo():
    assert set(EDIT_TYPES.values()) <= {
        "addition",
        "cardinality",
        "comparative_statement",
        "compare_change",
        "direct_addressing",
        "negation",
        "spatial_relations_background",
        "statement_with_conjunction",
        "viewpoint",
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A Brown  Dog.", "a brown dog"),
        ("snow-covered", "snow covered"),
        ("  a_b ", "a b"),
        ("Straße", "strasse"),
        ("ﬁve dogs", "five dogs"),
        ("...", ""),
    ],
)
def test_normalised_texts_are_words_in_lower_case(text, words):
    assert normalise(text) == words


@given(texts)
def test_normalising_twice_is_normalising_once_on_plain_text(text):
    plain = normalise(text.encode("ascii", "ignore").decode())
    assert normalise(plain) == plain


@given(words)
def test_case_and_punctuation_do_not_change_the_group(parts):
    assert group_id_of(" ".join(parts)) == group_id_of("... " + ", ".join(parts).upper() + "!")


@given(texts, texts, texts)
def test_a_triplet_id_is_32_hex_digits_and_depends_on_nothing_but_the_texts(reference, modification, target):
    found = triplet_id_of(reference, modification, target)
    assert len(found) == 32
    assert set(found) <= set("0123456789abcdef")
    assert found == triplet_id_of(f" {reference}", f"{modification} ", target)


def test_hashes_never_change_between_versions():
    assert group_id_of("A brown dog.") == 14661950980426555831
    assert triplet_id_of("A brown dog.", "make it black", "A black dog.") == "d0c61b51bdc7c4cd00381b6170fd8716"


def test_where_one_text_ends_and_the_next_begins_matters():
    assert triplet_id_of("a dog", "runs", "b") != triplet_id_of("a", "dog runs", "b")


@given(st.integers(0, 2**64 - 1), st.floats(0, 0.5))
def test_validation_is_the_top_of_the_hash_range(group_id, fraction):
    assert is_validation(group_id, fraction) == (group_id >= validation_start(fraction))
    assert 2**63 <= validation_start(fraction) <= 2**64


def test_no_fraction_means_no_validation():
    assert not is_validation(2**64 - 1, 0.0)


def test_half_means_the_upper_half():
    assert is_validation(2**63, 0.5)
    assert not is_validation(2**63 - 1, 0.5)
