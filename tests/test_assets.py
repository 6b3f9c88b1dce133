"""Shipped files are found, and word lists are words."""

import pytest

from tripletgen.assets import asset, read_yaml


@pytest.mark.parametrize("name", ["data_cards/card.md", "prompts", "captions/embedded/animals.txt", "lexicon/seen.json", "lexicon"])
def test_a_shipped_file_or_folder_is_found(name):
    assert asset(name).exists()


def test_what_is_not_shipped_is_named():
    with pytest.raises(FileNotFoundError, match=r"lexicon/nope\.yaml is not shipped"):
        asset("lexicon/nope.yaml")


def test_every_word_list_is_a_mapping_and_none_of_its_words_became_a_truth_value():
    for path in asset("lexicon").glob("*.yaml"):
        found = read_yaml(f"lexicon/{path.name}")
        assert found
        if isinstance(found, dict):
            assert not {True, False, None} & set(found), path.name


def test_the_embedded_captions_are_one_a_line_in_utf8():
    for path in asset("captions/embedded").glob("*.txt"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) > 100
        assert all(line == line.strip() and len(line.split()) >= 3 for line in lines), path.name
