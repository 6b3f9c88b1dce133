"""Encode texts and composed queries: a pseudo-token in the place of the placeholder.

CLIP's text encoder is causal and pools at the end-of-text token, so what comes after that token changes nothing: rows are
padded to the longest of their batch, never to 77.
"""

from typing import Any

import torch
import torch.nn.functional as F
from transformers import CLIPTextModelWithProjection


def embed_tokens(
    model: CLIPTextModelWithProjection, token_ids: torch.Tensor, pseudo_tokens: torch.Tensor | None, placeholder_id: int
) -> torch.Tensor:
    """Return token embeddings, with a row's pseudo-token at every placeholder of the row.

    Shape: ids (B, L), pseudo-tokens (B, H) -> (B, L, H).
    """
    embeddings = model.text_model.embeddings.token_embedding(token_ids)
    if pseudo_tokens is None:
        return embeddings  # type: ignore[no-any-return]
    here = (token_ids == placeholder_id).unsqueeze(-1)
    return torch.where(here, pseudo_tokens.to(embeddings.dtype).unsqueeze(1), embeddings)


def run_encoder(
    model: CLIPTextModelWithProjection, embeddings: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor | None
) -> torch.Tensor:
    """Return the last hidden states; attention is causal where no mask is given.

    Shape: embeddings (B, L, H), positions (L,) or (B, L), mask (B, L, L) additive -> (B, L, H).
    """
    text: Any = model.text_model
    hidden = embeddings + text.embeddings.position_embedding(positions)
    if mask is None:  # broadcasting costs nothing
        mask = causal_mask(embeddings.shape[1], embeddings).expand(hidden.shape[0], -1, -1)
    mask = mask.to(hidden.dtype).unsqueeze(1)
    for layer in text.encoder.layers:
        hidden = layer(hidden, mask)
    return text.final_layer_norm(hidden)  # type: ignore[no-any-return]


def causal_mask(length: int, like: torch.Tensor) -> torch.Tensor:
    """Return the additive mask under which a token sees itself and what is before it. Shape: (L, L)."""
    blocked = torch.full((length, length), torch.finfo(like.dtype).min, dtype=like.dtype, device=like.device)
    return blocked.triu(1)


def encode_tokens(
    model: CLIPTextModelWithProjection,
    token_ids: torch.Tensor,
    eot_id: int,
    pseudo_tokens: torch.Tensor | None = None,
    placeholder_id: int = -1,
) -> torch.Tensor:
    """Return projected, un-normalised text embeddings, pooled at the first end-of-text token; padding may follow it.

    Shape: ids (B, L), pseudo-tokens (B, H) -> (B, D).
    """
    embeddings = embed_tokens(model, token_ids, pseudo_tokens, placeholder_id)
    positions = torch.arange(token_ids.shape[1], device=token_ids.device)
    hidden = run_encoder(model, embeddings, positions, None)
    return pool(model, hidden[torch.arange(len(hidden), device=hidden.device), _first(token_ids, eot_id)])


def _first(token_ids: torch.Tensor, token: int) -> torch.Tensor:
    return (token_ids == token).int().argmax(dim=1)


def pool(model: CLIPTextModelWithProjection, ends: torch.Tensor) -> torch.Tensor:
    """Return the embeddings of texts from the hidden states of their end-of-text tokens. Shape: (B, H) -> (B, D)."""
    return F.linear(ends, model.text_projection.weight.to(ends.dtype))
