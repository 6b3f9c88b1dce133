"""Metrics equal the protocols in plain loops over names, and small rankings give what one counts by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtd_train.evaluation.metrics import (
    NO_ID,
    average_precision_at_k,
    hits,
    map_at_k,
    recall_at_k,
    recall_subset_at_k,
    semantic_map_at_k,
)
from tests.evaluation import brute

RANKED = np.array([[3, 1, 4, 0, 2], [0, 2, 1, 3, 4]])


@st.composite
def rankings(draw, least=1):
    """Draw rankings of a gallery of some images, a target, some ground truths and a subset for each."""
    size, queries = draw(st.integers(max(least, 2), 9)), draw(st.integers(1, 5))
    ranked = [draw(st.permutations(range(size))) for _ in range(queries)]
    some = st.lists(st.integers(0, size - 1), min_size=1, max_size=size, unique=True)
    truths, subsets = [draw(some) for _ in range(queries)], [draw(some) for _ in range(queries)]
    targets = [draw(st.sampled_from(subset)) for subset in subsets]
    return ranked, targets, truths, subsets, draw(st.integers(1, size))


def padded(rows):
    width = max(map(len, rows))
    return np.array([[*row, *[NO_ID] * (width - len(row))] for row in rows])


def named(rows):
    return [[f"img{number}" for number in row] for row in rows]


@settings(deadline=None)
@given(rankings())
def test_every_metric_equals_its_protocol(drawn):
    ranked, targets, truths, subsets, k = drawn
    ids, names = np.array(ranked), named(ranked)
    (target_names,) = named([targets])
    assert recall_at_k(ids, np.array(targets), k) == pytest.approx(brute.recall(names, target_names, k))
    assert map_at_k(ids, padded(truths), k) == pytest.approx(brute.mean_average_precision(names, named(truths), k))
    expected = brute.recall_subset(names, named(subsets), target_names, k)
    assert recall_subset_at_k(ids, padded(subsets), np.array(targets), k) == pytest.approx(expected)


@settings(deadline=None)
@given(rankings())
def test_recall_grows_with_k_and_is_whole_at_the_end(drawn):
    ranked, targets, _, _, _ = drawn
    ids = np.array(ranked)
    curve = [recall_at_k(ids, np.array(targets), k) for k in range(1, ids.shape[1] + 1)]
    assert curve == sorted(curve)
    assert curve[-1] == 1.0


@settings(deadline=None)
@given(rankings(least=3))
def test_what_follows_the_first_k_changes_nothing(drawn):
    ranked, targets, truths, _, k = drawn
    ids = np.array(ranked)
    cut = ids[:, :k]
    assert recall_at_k(ids, np.array(targets), k) == recall_at_k(cut, np.array(targets), k)
    assert map_at_k(ids, padded(truths), k) == map_at_k(cut, padded(truths), k)


@settings(deadline=None)
@given(rankings())
def test_precision_of_a_query_lies_between_nothing_and_all(drawn):
    ranked, _, truths, _, k = drawn
    precision = average_precision_at_k(np.array(ranked), padded(truths), k)
    assert ((precision >= 0) & (precision <= 1 + 1e-12)).all()


def test_recall_of_two_queries_counted_by_hand():
    assert recall_at_k(RANKED, np.array([1, 4]), 1) == 0.0
    assert recall_at_k(RANKED, np.array([1, 4]), 2) == 0.5
    assert recall_at_k(RANKED, np.array([1, 4]), 5) == 1.0


def test_a_subset_ranks_only_its_members():
    members = np.array([[2, 0, NO_ID], [4, 3, 1]])
    assert recall_subset_at_k(RANKED, members, np.array([2, 1]), 1) == 0.5
    assert recall_subset_at_k(RANKED, members, np.array([2, 1]), 2) == 1.0


def test_precision_divides_by_the_smaller_of_k_and_the_ground_truths():
    # Found at places 1 and 3 of two ground truths: (1/1 + 2/3) / 2. At k = 1: (1/1) / 1.
    truths = np.array([[3, 4, NO_ID], [4, 3, 1]])
    assert average_precision_at_k(RANKED, truths, 3).tolist() == pytest.approx([(1 + 2 / 3) / 2, (1 / 3) / 3])
    assert average_precision_at_k(RANKED, truths, 1).tolist() == [1.0, 0.0]


def test_a_query_counts_for_every_aspect_it_has():
    truths = np.array([[3], [2]])
    aspects = [("addition", "negation"), ("addition",)]
    assert semantic_map_at_k(RANKED, truths, aspects, 5) == {"addition": 0.75, "negation": 1.0}


def test_the_filler_is_never_a_hit():
    assert not hits(np.array([[NO_ID, 1]]), np.array([[NO_ID, 2]])).any()


@pytest.mark.parametrize("metric", [recall_at_k, map_at_k])
def test_a_duplicate_in_a_ranking_is_an_error(metric):
    truth = np.array([1]) if metric is recall_at_k else np.array([[1]])
    with pytest.raises(ValueError, match="holds an id twice"):
        metric(np.array([[1, 2, 1]]), truth, 3)


@pytest.mark.parametrize("k", [0, 6])
def test_k_beyond_the_ranking_is_an_error(k):
    with pytest.raises(ValueError, match="5 ids are ranked"):
        recall_at_k(RANKED, np.array([1, 4]), k)


def test_a_subset_must_be_ranked_whole():
    with pytest.raises(ValueError, match="every member"):
        recall_subset_at_k(RANKED[:, :2], np.array([[2, 3], [0, 2]]), np.array([3, 0]), 1)


def test_a_query_without_ground_truth_is_an_error():
    with pytest.raises(ValueError, match="no ground truth"):
        average_precision_at_k(RANKED, np.array([[1], [NO_ID]]), 2)
