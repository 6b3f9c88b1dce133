"""The frozen-target text contrastive loss of RTD."""

import torch
import torch.nn.functional as F

TEMPERATURE = 0.07


def frozen_target_loss(values: torch.Tensor, queries: torch.Tensor, temperature: float = TEMPERATURE) -> torch.Tensor:
    """Return the contrastive loss of queries against values; row k of one is the positive of row k of the other.

    Both sides are stacked: each row is classified among all others of both sides (cosine similarity over the temperature, the
    row itself masked), and the mean is taken over all rows (RTD, arXiv 2406.09188, section 3). Nothing here freezes the values: they
    are constants where the caller computed them so.

    Shape: (N, D), (N, D) -> ().
    """
    both = torch.cat([values, queries])
    stacked = F.normalize(both.to(torch.promote_types(both.dtype, torch.float32)), dim=-1)
    rows = stacked.shape[0]
    logits = stacked @ stacked.T / temperature
    itself = torch.eye(rows, dtype=torch.bool, device=logits.device)
    partners = torch.arange(rows, device=logits.device).roll(rows // 2)
    return F.cross_entropy(logits.masked_fill(itself, -torch.inf), partners)
