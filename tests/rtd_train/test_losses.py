"""The loss, against the formula written with loops."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rtd_train.losses import frozen_target_loss


@given(st.integers(1, 5), st.integers(2, 6), st.floats(0.05, 1.0), st.integers(0, 1000))
def test_the_loss_is_the_formula(rows, width, temperature, seed):
    generator = torch.Generator().manual_seed(seed)
    values, queries = torch.randn(2, rows, width, generator=generator).double()
    everything = [*values, *queries]
    total = 0.0
    for k, one in enumerate(everything):
        scores = {j: math.exp(float(one @ other / one.norm() / other.norm()) / temperature) for j, other in enumerate(everything) if j != k}
        total -= math.log(scores[(k + rows) % (2 * rows)] / sum(scores.values()))
    assert frozen_target_loss(values, queries, temperature).item() == pytest.approx(total / (2 * rows), rel=1e-9)


def test_pairs_that_agree_and_differ_from_all_others_cost_nothing():
    same = torch.eye(4)
    assert frozen_target_loss(same, same).item() == pytest.approx(0.0, abs=1e-4)


def test_constants_get_no_gradient():
    values, queries = torch.randn(3, 4), torch.randn(3, 4, requires_grad=True)
    frozen_target_loss(values, queries).backward()
    assert values.grad is None
    assert queries.grad.abs().sum() > 0
