"""The lexicon is large enough, consistent, and free of the words that YAML takes for truth values."""

import pytest

from tripletgen.assets import asset, read_json, read_yaml
from tripletgen.lexicon import ADD_WAYS, load_lexicon, words
from tripletgen.lexicon.regenerate import plurals, seen, verbs


def strings(value):
    """Yield every scalar of a YAML value, keys too."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from strings(key)
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    else:
        yield value


def test_the_lexicon_is_as_large_as_promised():
    lexicon = load_lexicon()
    assert len(lexicon.nouns) >= 1200
    assert len(lexicon.categories) >= 40


def test_no_noun_stands_in_two_categories():
    lemmas = [noun.lemma for noun in load_lexicon().nouns]
    assert sorted(lemmas) == sorted(set(lemmas))


@pytest.mark.parametrize("name", ["actions", "relations", "scenes", "views", "words", "nouns", "synonyms"])
def test_on_and_off_and_no_are_words(name):
    assert not [value for value in strings(read_yaml(f"lexicon/{name}.yaml")) if value is None or isinstance(value, bool)]


def test_categories_name_attributes_ways_and_neighbours_that_exist():
    lexicon = load_lexicon()
    for noun in lexicon.nouns:
        assert noun.attributes <= set(lexicon.groups), noun
        assert noun.add <= set(ADD_WAYS), noun
    for category, others in read_yaml("lexicon/near.yaml").items():
        assert {category, *others} <= set(lexicon.categories), category


def test_a_value_is_opposed_to_the_other_side_only():
    size = load_lexicon().groups["size"]
    assert size.is_opposite("small", "large")
    assert not size.is_opposite("small", "tiny")
    paint = load_lexicon().groups["paint"]
    assert paint.is_opposite("red", "blue")
    assert not paint.is_opposite("red", "red")


def test_substitutes_are_no_synonyms_and_no_kinds_of_the_noun():
    substitutes = {old: {new.lemma for new in found} for old, found in load_lexicon().substitutes.items()}
    assert "cat" in substitutes["dog"]
    assert "puppy" not in substitutes["dog"]
    assert "plate" not in substitutes["dog"]
    assert all(old not in found for old, found in substitutes.items())


def test_a_word_set_that_is_not_there_is_a_bug():
    with pytest.raises(KeyError):
        words("base", "nothing")


def test_the_computed_files_follow_from_the_others():
    assert read_json("lexicon/plurals.json") == plurals()
    assert read_json("lexicon/verbs.json") == verbs()
    assert asset("lexicon/seen.json").read_text(encoding="utf-8") == seen()
