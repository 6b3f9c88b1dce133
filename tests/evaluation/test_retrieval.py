"""The search finds what a sort of everything finds, ties by the lower index, whatever the size of a block."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rtd_train.evaluation.metrics import NO_ID
from rtd_train.evaluation.retrieval import _keep_best_numpy, _keep_best_torch, normalise, rank_members, top_k
from tests.evaluation import brute

# Sums of few small whole numbers are exact in any order, so that ties are ties in both implementations.
WHOLE = st.integers(-2, 2)


@st.composite
def searches(draw):
    size, queries = draw(st.integers(2, 12)), draw(st.integers(1, 4))
    gallery = draw(arrays(np.float32, (size, 3), elements=WHOLE.map(float)))
    texts = draw(arrays(np.float32, (queries, 3), elements=WHOLE.map(float)))
    without = draw(arrays(np.int64, queries, elements=st.integers(NO_ID, size - 1)))
    return texts, gallery, draw(st.integers(1, size - 1)), without, draw(st.integers(1, 40))


def by_sorting(texts, gallery, k, without):
    """Sort every gallery index by (score, index), the plain way."""
    rows = []
    for text, left_out in zip(texts.tolist(), without.tolist(), strict=True):
        scores = [sum(a * b for a, b in zip(text, image, strict=True)) for image in gallery.tolist()]
        order = sorted((-score, index) for index, score in enumerate(scores) if index != left_out)
        rows.append([index for _, index in order[:k]])
    return rows


@settings(max_examples=200, deadline=None)
@given(searches())
def test_the_best_are_found_in_order_with_ties_by_the_lower_index(drawn):
    texts, gallery, k, without, block = drawn
    found = top_k(torch.from_numpy(texts), torch.from_numpy(gallery), k, without=without, block_scores=block)
    assert found.tolist() == by_sorting(texts, gallery, k, without)


@settings(deadline=None)
@given(searches())
def test_members_are_ranked_with_ties_by_the_lower_index_and_fillers_last(drawn):
    texts, gallery, k, without, _ = drawn
    members = np.array([[index for index in range(len(gallery)) if index != left_out][::-1][:k] for left_out in without])
    members = np.concatenate([np.full((len(texts), 1), NO_ID), members], axis=1)
    found = rank_members(torch.from_numpy(texts), torch.from_numpy(gallery), members)
    for row, ids, order in zip(found.tolist(), members.tolist(), by_sorting(texts, gallery, len(gallery), without), strict=True):
        assert row == [index for index in order if index in ids] + [NO_ID]


def test_cosine_rankings_of_real_numbers_equal_those_of_plain_loops():
    generator = torch.Generator().manual_seed(0)
    texts, gallery = torch.randn(7, 16, generator=generator), torch.randn(30, 16, generator=generator)
    found = top_k(normalise(texts), normalise(gallery), 30)
    images = {f"img{index}": image.tolist() for index, image in enumerate(gallery)}
    for text, row in zip(texts, found, strict=True):
        assert [f"img{index}" for index in row] == brute.ranking_of(text.tolist(), images)


@pytest.mark.parametrize("num_queries", [1, 7, 300])
def test_equal_images_of_real_numbers_tie_however_few_the_queries_are(num_queries):
    generator = torch.Generator().manual_seed(0)
    # A product may sum the last few columns in another order than the others.
    gallery = normalise(torch.randn(1, 768, generator=generator)).repeat(50, 1)
    texts = normalise(torch.randn(num_queries, 768, generator=generator))
    assert top_k(texts, gallery, 50).tolist() == [list(range(50))] * num_queries


@settings(deadline=None)
@given(searches())
def test_the_fast_way_of_a_cpu_keeps_what_the_way_of_a_gpu_keeps(drawn):
    texts, gallery, k, _, _ = drawn
    scores = torch.from_numpy(texts @ gallery.T)
    kept = [keep(scores, 5, k).sort(dim=1).values.tolist() for keep in (_keep_best_numpy, _keep_best_torch)]
    assert kept[0] == kept[1]


def test_negative_zero_and_scores_below_zero_are_in_order():
    gallery = torch.tensor([[-1.0], [-0.0], [0.0], [-2.0], [1.0]])
    assert top_k(torch.tensor([[1.0]]), gallery, 5).tolist() == [[4, 1, 2, 0, 3]]


@pytest.mark.parametrize(("k", "without"), [(0, None), (4, None), (3, [0])])
def test_a_gallery_smaller_than_k_is_an_error(k, without):
    left_out = None if without is None else np.array(without)
    with pytest.raises(ValueError, match="images to rank"):
        top_k(torch.ones(1, 2), torch.ones(3, 2), k, without=left_out)
