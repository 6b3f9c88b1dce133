"""What one real caption says otherwise than another, in words that tell the whole difference."""

import pytest

from tripletgen.lexicon import load_lexicon
from tripletgen.pairs.explain import explain
from tripletgen.pairs.likeness import Found
from tripletgen.pairs.masks import iter_masks


@pytest.fixture
def edit_of(frame_for):
    """Return a function from two captions to what `explain` says of the smallest mask that they have in common."""

    def edit(one, other):
        a, b, lexicon = frame_for(one), frame_for(other), load_lexicon()
        theirs = {mask.key: mask for mask in iter_masks(b.parsed, lexicon)}
        common = [mask for mask in iter_masks(a.parsed, lexicon) if mask.key in theirs and theirs[mask.key].filler != mask.filler]
        if not common:
            return None
        mask = min(common, key=lambda mask: mask.last - mask.first)
        return explain(a, Found(mask.kind, mask.first, mask.last, theirs[mask.key].filler, other, theirs[mask.key].first))

    return edit


@pytest.mark.parametrize(
    ("one", "other", "edit_type", "source", "target"),
    [
        ("a dog sleeps on the sofa", "a cat sleeps on the sofa", "replace_object", "dog", "cat"),
        ("a man rides a brown horse", "a man rides a white bicycle", "replace_object", "brown horse", "white bicycle"),
        ("a red car in front of a house", "a blue car in front of a house", "change_attribute", "red car", "blue car"),
        ("a car in front of a house", "a blue car in front of a house", "change_attribute", "car", "blue car"),
        ("two dogs run on the beach", "three dogs run on the beach", "change_count", "two dogs", "three dogs"),
        ("a woman sitting on a bench", "a woman sleeping on a bench", "change_action", "sitting", "sleeping"),
        ("a cat lying on a table", "a cat lying under a table", "change_relation", "on table", "under table"),
        ("a man in a red shirt sits on a bench", "a man sits on a bench", "remove_object", "in a red shirt", None),
        ("a man sits on a bench", "a man in a red shirt sits on a bench", "add_object", None, "red shirt"),
        ("a man pushes a stroller", "a woman pushes a stroller", "replace_object", "man", "woman"),
        ("A man in a hat is running along the beach", "Two dogs are running along the beach", "replace_object", "man in a hat", "two dogs"),
        ("a boy sits next to a woman in red", "a boy sits next to a man with a dog", "replace_object", "woman in red", "man with a dog"),
        ("two dogs run through the woods", "two dogs run on a snowy beach", "change_scene", "through the woods", "on a snowy beach"),
        (
            "A man in a red shirt is playing the guitar.",
            "The man in the red shirt sits at a table with a cat.",
            "change_action",
            "playing the guitar",
            "sits at a table with a cat",
        ),
    ],
)
def test_a_difference_in_one_place_is_told(edit_of, one, other, edit_type, source, target):
    edit = edit_of(one, other)
    assert (edit.edit_type, edit.source_phrase, edit.target_phrase) == (edit_type, source, target)


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        ("a couch near the wide window", "a sofa near the wide window", "pair_of_synonyms"),
        ("a car in front of the house", "a sports car in front of the house", "pair_of_synonyms"),
        ("a person walks down the street", "a woman walks down the street", "pair_of_synonyms"),
        ("a woman walking down the street", "a woman strolling down the street", "pair_of_synonyms"),
        ("a brown dog runs along the shore", "a poodle runs along the shore", "pair_of_synonyms"),
        ("a dog running in the snow", "a dog running across the snow", "pair_of_synonyms"),
        ("a dog next to a bench", "a dog beside a bench", "pair_of_synonyms"),
        # The second says less, and no words of ours say so.
        ("a black dog sleeps on the sofa", "a dog sleeps on the sofa", "pair_not_explained"),
        ("a band in blue is playing on a stage", "four members of a band are playing on a stage", "pair_of_synonyms"),
        ("a man playing a guitar on stage", "a man playing a musical instrument on stage", "pair_of_synonyms"),
        ("a musical instrument lies on a bed", "a violin lies on a bed", "pair_of_synonyms"),
        ("a bus on a bridge at night", "a vehicle on a bridge at night", "pair_of_synonyms"),
        ("a cup of coffee and a drink on a table", "a cup of coffee and a beer on a table", "pair_of_synonyms"),
        ("a woman in a dress by the lake", "a woman in an outfit by the lake", "pair_of_synonyms"),
        # A shirt does nothing, whatever the parse says.
        (
            "A boy wearing a red shirt walks by a man's vegetable stall.",
            "A boy wearing a red shirt is shooting fireworks off a breakwall.",
            "pair_not_explained",
        ),
        # Who does it cannot be named in short.
        ("a woman and a man talk on the street", "a woman and a man sit on a bench", "pair_not_explained"),
        # Not things of a kind.
        ("a man in a hat on a horse", "a man in a park on a horse", "pair_not_explained"),
    ],
)
def test_a_difference_that_says_nothing_or_too_much_has_a_reason(edit_of, one, other, reason):
    assert edit_of(one, other) == reason


def test_a_second_verb_in_the_form_of_the_first_is_not_told(frame_for):
    # "Have the friends play chess and laughing" is no English.
    frame, other = frame_for("four old friends are posing by a fountain"), "four old friends playing chess and laughing"
    assert explain(frame, Found("deed", 4, 7, "playing chess and laughing", other)) == "pair_not_explained"
    edit = explain(frame, Found("deed", 4, 7, "playing chess", "four old friends playing chess"))
    assert (edit.slots["old_ing"], edit.slots["new_ing"], edit.slots["new_inf"]) == ("posing by a fountain", "playing chess", "play chess")


def test_captions_that_differ_in_two_places_have_no_mask_in_common(edit_of):
    assert edit_of("a dog sleeps on the sofa", "a cat sleeps on the bed") is None


def test_a_caption_of_which_little_would_be_left_is_not_masked(frame_for):
    lexicon = load_lexicon()
    masks = {
        text: [(one.kind, one.filler) for one in iter_masks(frame_for(text).parsed, lexicon)] for text in ("a dog runs", "a dog on a sofa")
    }
    assert masks["a dog runs"] == [("less", "")]
    assert masks["a dog on a sofa"] == [("noun", "dog"), ("noun", "sofa"), ("relation", "on"), ("less", "")]
