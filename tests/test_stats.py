"""Counts are merged in any order with the same result, and stored so that equal counts are equal bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripletgen.lexicon import load_lexicon
from tripletgen.parsing import parse
from tripletgen.schema import Caption, group_id_of
from tripletgen.stats import CorpusStats, count_corpus, embedded_stats, read_stats

WORDS = st.sampled_from(["dog", "cat", "car"])
COUNTS = st.dictionaries(WORDS, st.integers(1, 9))
TABLES = st.dictionaries(st.sampled_from(["dobj:ride", "on:grass"]), COUNTS.filter(bool))


def stats_of(num_captions=0, nouns=None, slots=None, together=None):
    stats = CorpusStats()
    stats.num_captions, stats.nouns, stats.slots, stats.together = num_captions, nouns or {}, slots or {}, together or {}
    return stats


STATS = st.builds(stats_of, st.integers(0, 9), COUNTS, TABLES, TABLES)


def merged(*parts):
    whole = CorpusStats()
    for part in parts:
        whole.merge(CorpusStats.from_json(part.to_json()))
    return whole.to_json()


@given(STATS, STATS, STATS)
def test_the_order_of_merging_does_not_matter(one, two, three):
    assert merged(one, two, three) == merged(three, one, two)


@given(STATS)
def test_counts_are_read_back_as_they_were_written(stats):
    assert CorpusStats.from_json(stats.to_json()).__dict__ == stats.__dict__


@given(STATS, st.integers(1, 9))
def test_pruning_keeps_what_was_seen_often_enough_and_every_noun(stats, minimum):
    kept = stats.pruned(minimum)
    assert kept.nouns == stats.nouns
    assert all(count >= minimum for table in (kept.slots, kept.together) for row in table.values() for count in row.values())
    assert all(kept.seen(slot, noun) == count for slot, row in stats.slots.items() for noun, count in row.items() if count >= minimum)


def test_what_was_never_seen_counts_nothing():
    stats = stats_of(slots={"on:grass": {"dog": 2}}, together={"cat": {"dog": 3}, "dog": {"cat": 3}})
    assert (stats.seen("on:grass", "dog"), stats.seen("on:grass", "cat"), stats.seen("in:sea", "dog")) == (2, 0, 0)
    assert (stats.partners("dog"), stats.partners("cat"), stats.partners("car")) == ({"cat": 3}, {"dog": 3}, {})


@pytest.mark.parametrize("parts", [1, 3])
def test_nouns_of_captions_are_counted_alone_and_together(parts):
    texts = ["A dog and a cat on a sofa.", "A dog on a sofa.", "A horse on a beach."]
    captions = [Caption(text, "a", str(k), "MIT", group_id_of(text)) for k, text in enumerate(texts)]
    whole = CorpusStats()
    for start in range(parts):
        whole.merge(count_corpus(parse(captions[start::parts]), load_lexicon()))
    assert whole.num_captions == 3
    assert whole.nouns["dog"] == 2
    assert whole.partners("sofa") == {"dog": 2, "cat": 1}
    assert "horse" not in whole.partners("dog")


def test_the_counts_of_the_embedded_captions_ship_with_the_package(tmp_path):
    stats = embedded_stats()
    assert stats.num_captions > 1000
    (tmp_path / "stats.json").write_text(stats.to_json(), encoding="utf-8")
    assert read_stats(tmp_path / "stats.json").__dict__ == stats.__dict__
