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

    Shape: embeddings (B, L, H), positions (L,), mask (L, L) additive -> (B, L, H).
    """
    text: Any = model.text_model
    hidden = embeddings + text.embeddings.position_embedding(positions)
    if mask is None:
        mask = causal_mask(embeddings.shape[1], embeddings)
    # The layers of transformers take one mask for all rows; broadcasting costs nothing.
    mask = mask.to(hidden.dtype)[None, None].expand(hidden.shape[0], 1, -1, -1)
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
    return _project(model, hidden, _first(token_ids, eot_id))


def encode_composed_and_photo(
    model: CLIPTextModelWithProjection,
    token_ids: torch.Tensor,
    eot_id: int,
    pseudo_tokens: torch.Tensor,
    placeholder_id: int,
    prefix: int,
) -> torch.Tensor:
    """Return the embeddings of "a photo of $ that ..." and of "a photo of $" from one pass over their common beginning.

    An end-of-text token is set in after the first `prefix` tokens, at the position that it has in the short prompt; the rest of
    the long prompt does not see it, and keeps its own positions. So the short prompt costs one token instead of a sequence.

    Shape: ids (B, L), pseudo-tokens (B, H) -> (B, 2, D): composed, photo.
    """
    rows, length = token_ids.shape
    end = torch.full((rows, 1), eot_id, dtype=token_ids.dtype, device=token_ids.device)
    both = torch.cat([token_ids[:, :prefix], end, token_ids[:, prefix:]], dim=1)
    embeddings = embed_tokens(model, both, pseudo_tokens, placeholder_id)
    places = torch.arange(length, device=token_ids.device)
    positions = torch.cat([places[: prefix + 1], places[prefix:]])
    mask = causal_mask(length + 1, embeddings)
    mask[prefix + 1 :, prefix] = torch.finfo(mask.dtype).min
    hidden = run_encoder(model, embeddings, positions, mask)
    at = _first(token_ids, eot_id)
    composed = _project(model, hidden, at + 1)
    photo = _project(model, hidden, torch.full_like(at, prefix))
    return torch.stack([composed, photo], dim=1)


def _first(token_ids: torch.Tensor, token: int) -> torch.Tensor:
    return (token_ids == token).int().argmax(dim=1)


def _project(model: CLIPTextModelWithProjection, hidden: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    pooled = hidden[torch.arange(hidden.shape[0], device=hidden.device), at]
    return F.linear(pooled, model.text_projection.weight.to(pooled.dtype))
