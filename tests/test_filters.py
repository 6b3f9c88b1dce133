"""Every filter has a triplet that it rejects and lets a good one pass."""

import pytest

from tripletgen.filters import FILTERS, reject

REFERENCE = "A red car is parked on a street."
TARGET = "A blue car is parked on a street."

REJECTED = {
    "identical_target": ("A red car.", "make it blue", "a red, car", "change_attribute"),
    "doubled_word": (REFERENCE, "make it blue", "A blue blue car is parked on a street.", "change_attribute"),
    "wrong_article": (REFERENCE, "make it a orange car", "An orange car is parked on a street.", "change_attribute"),
    "broken_punctuation": (REFERENCE, "remove the street", "A red car is parked ,", "remove_object"),
    "taxonomy_leak": (REFERENCE, "change the colour attribute to blue", TARGET, "change_attribute"),
    "speaks_of_picture": (REFERENCE, "make the car in the image blue", TARGET, "change_attribute"),
    "too_long": (REFERENCE, "make it longer", "A car " + "on a street with trees " * 10, "add_object"),
    "contains_target": (REFERENCE, f"show this: {TARGET}", TARGET, "change_attribute"),
}


@pytest.mark.parametrize("reason", FILTERS)
def test_every_filter_rejects_what_it_is_for(reason):
    assert reject(*REJECTED[reason]) == reason


@pytest.mark.parametrize("reason", FILTERS)
def test_every_filter_lets_a_good_triplet_pass(reason):
    assert not FILTERS[reason](REFERENCE, "make the car blue", TARGET, "change_attribute")


def test_a_good_triplet_has_no_reason():
    assert reject(REFERENCE, "make the car blue", TARGET, "change_attribute") is None


@pytest.mark.parametrize(
    ("reference", "modification", "target", "edit_type"),
    [
        ("A black and white photo of a car.", "make the photo of a car colourful", "A colourful photo of a car.", "change_attribute"),
        (REFERENCE, "show the picture from above", "An aerial view of a red car.", "change_viewpoint"),
        ("a very very old car", "make it new", "a very very new car", "change_attribute"),
        ("a car ... on a street", "make it blue", "a blue car ... on a street", "change_attribute"),
        (REFERENCE, "an hour later", "A red car is parked on a street at night.", "change_scene"),
    ],
)
def test_what_the_caption_already_had_is_not_held_against_the_edit(reference, modification, target, edit_type):
    assert reject(reference, modification, target, edit_type) is None


@pytest.mark.parametrize("modification", ["a the blue car", "make it blue blue", "make it blue ,", "make it  blue", "replace ( the car)"])
def test_a_modification_text_must_be_well_formed(modification):
    assert reject(REFERENCE, modification, TARGET, "change_attribute") in ("doubled_word", "broken_punctuation")
