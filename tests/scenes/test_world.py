"""Scenes are drawn and changed so that a query has one right answer, and its near misses differ from it in one property."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tripletgen
from rtd_train.scenes.captions import full_caption, name
from rtd_train.scenes.export import captions
from rtd_train.scenes.queries import WORDINGS, make_queries
from rtd_train.scenes.render import SIZE, render
from rtd_train.scenes.world import NOUNS, PROPERTIES, Scene, Thing, change, possible_properties, random_scene
from tripletgen.assets import read_yaml
from tripletgen.lexicon import load_lexicon

BALL = Thing("ball", "red", "small", "striped", 1)
BOXES = Thing("box", "orange", "medium", "plain", 2)
SCENE = Scene((BALL, BOXES), "under", "beach", "night")
SEEDS = st.integers(0, 10_000)


def differences(one: Scene, other: Scene) -> list[str]:
    """Return the properties in which two scenes differ, counted the plain way."""
    if len(one.things) != len(other.things):
        shorter, longer = sorted((one.things, other.things), key=len)
        return ["things" if longer[: len(shorter)] == shorter and len(longer) == len(shorter) + 1 else "much"]
    found = [field for field in ("relation", "place", "time") if getattr(one, field) != getattr(other, field)]
    for a, b in zip(one.things, other.things, strict=True):
        found += [field for field in Thing._fields if getattr(a, field) != getattr(b, field)]
    return found


@settings(deadline=None)
@given(SEEDS)
def test_every_possible_change_changes_one_property(seed):
    scene = random_scene(random.Random(seed))
    for prop in possible_properties(scene):
        made = change(scene, prop, random.Random(seed))
        expected = {"colour": "colour", "add": "things", "remove": "things"}.get(prop, prop)
        assert differences(scene, made.scene) == [expected]
        assert prop in PROPERTIES


@settings(deadline=None)
@given(SEEDS)
def test_the_things_of_a_scene_differ_in_kind_before_and_after_a_change(seed):
    rng = random.Random(seed)
    scene = random_scene(rng)
    changed = change(scene, rng.choice(possible_properties(scene)), rng).scene
    for things in (scene.things, changed.things):
        assert len({thing.noun for thing in things}) == len(things)


def test_the_full_caption_leaves_nothing_out():
    assert full_caption(SCENE) == "a small striped red ball under two orange boxes on a beach at night"
    assert name(BOXES._replace(number=1)) == "an orange box"


def test_captions_are_distinct_and_repeatable():
    found = captions(50, seed=3)
    assert len(set(found)) == 50
    assert found == captions(50, seed=3)
    assert found != captions(50, seed=4)


def test_every_noun_is_in_the_lexicon_of_tripletgen():
    lexicon = load_lexicon()
    assert all(lexicon.noun(noun) is not None for noun in NOUNS)


def test_the_rules_of_tripletgen_find_edits_of_many_types_in_captions_of_this_world():
    found = {triplet.edit_type for triplet in tripletgen.propose(captions(60, seed=0))}
    assert {"replace_object", "change_attribute", "change_count", "change_relation", "change_scene", "remove_object"} <= found


def test_pictures_are_repeatable_and_of_their_size():
    one, again, other = (render(SCENE, random.Random(seed)) for seed in (0, 0, 1))
    assert one.size == (SIZE, SIZE)
    assert one.tobytes() == again.tobytes()
    assert one.tobytes() != other.tobytes()


@pytest.mark.parametrize("prop", [prop for prop in PROPERTIES if prop not in ("add",)])
def test_a_changed_property_is_seen(prop):
    scene = SCENE._replace(time="day")
    made = change(scene, prop, random.Random(1)).scene
    before, after = (render(s, random.Random(0)) for s in (scene, made))
    changed = sum(a != b for a, b in zip(before.tobytes(), after.tobytes(), strict=True))
    assert changed > 30


def test_queries_are_repeatable_and_no_scene_stands_twice():
    queries = make_queries(40, seed=1)
    scenes = [scene for query in queries for scene in (query.reference, query.target, *query.misses)]
    assert queries == make_queries(40, seed=1)
    assert len(set(scenes)) == len(scenes) == 240


def test_every_near_miss_differs_from_the_target_in_one_property():
    for query in make_queries(60, seed=2):
        assert all(len(differences(query.target, miss)) == 1 for miss in query.misses)
        assert 1 <= len(differences(query.reference, query.target)) <= 2


def test_a_relative_caption_says_what_changes():
    texts = {query.properties[0]: query for query in make_queries(200, seed=5) if len(query.properties) == 1}
    assert set(texts) == set(PROPERTIES)
    query = texts["colour"]
    (new,) = {thing.colour for thing in query.target.things} - {thing.colour for thing in query.reference.things}
    assert new in query.text


def test_no_wording_is_a_template_of_tripletgen():
    templates = [text for phrasings in read_yaml("edits/wordings.yaml").values() for texts in phrasings.values() for text in texts]
    # A slot of theirs may hold what any slot of ours holds, with or without an article.
    slot = "(?:(?:the|a|an|x|is|are|was|has)(?: |$|(?=,)))+"
    patterns = [re.compile(slot.join(re.escape(part.lstrip()) for part in re.split(r"\{\w+\}", text))) for text in templates]
    said = [re.sub(r"\{\w+\}", "x", text) for texts in WORDINGS.values() for text in texts]
    assert len(patterns) > 150
    assert any(pattern.fullmatch("the x is x instead of x") for pattern in patterns)
    assert [(text, pattern.pattern) for text in said for pattern in patterns if pattern.fullmatch(text)] == []


def test_the_captions_for_training_are_not_the_scenes_of_the_benchmark():
    said = {full_caption(scene) for query in make_queries(300, seed=1) for scene in (query.reference, query.target)}
    trained = {text.rstrip(".").lower() for text in captions(2000, seed=0)}
    assert len(said & trained) / len(said) < 0.1


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    from rtd_train.errors import OutputError
    from rtd_train.scenes.export import write_scenes

    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be written"):
        write_scenes(tmp_path / "file")
