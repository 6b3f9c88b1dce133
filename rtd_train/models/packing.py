"""Texts side by side in a few sequences, so that no token is padding and none is computed twice.

All composed prompts begin with the same words, and CLIP's attention is causal: the beginning of a sequence is computed once and seen by
all of its texts, and a text sees nothing of its neighbours. Sequences of a few hundred tokens keep attention, which is quadratic, small
beside the rest.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from transformers import CLIPTextModelWithProjection

from rtd_train.models.compose import pool, run_encoder

SEQUENCE = 160
_BEGINNING, _FILLER = -1, -2

Ints = npt.NDArray[np.int64]


class Packed(NamedTuple):
    """Texts in sequences.

    `ids`, `positions` and `texts`, the number of the text that a token belongs to, have the shape (sequences, length); `ends` are the
    places of the texts' end-of-text tokens in the flattened sequences, and `photos` those of the early ones, where there are any.
    """

    ids: Ints
    positions: Ints
    texts: Ints
    ends: Ints
    photos: Ints | None


def pack(flat: npt.NDArray[np.int32], lengths: Ints, eot_id: int, shared: int, photo_at: int | None = None) -> Packed:
    """Lay texts, the tokens of one behind those of another in `flat`, side by side into sequences of at most `SEQUENCE` tokens.

    Their first `shared` tokens are the same and stand once in a sequence. With `photo_at`, each text gets an early end-of-text token
    after so many tokens, at the position that it has in a prompt that ends there; the rest of the text does not see it.
    """
    early = int(photo_at is not None)
    sizes = lengths - shared + early
    sequence, first = _places(sizes, shared)
    width = int((first + sizes).max())
    # Every token of every text but the shared ones: its text, and its index in that text.
    text = np.repeat(np.arange(len(sizes)), sizes)
    index = np.arange(len(text)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + shared
    at = sequence[text] * width + first[text] + index - shared
    position = index if photo_at is None else index - (index > photo_at)
    token = flat[np.repeat(np.cumsum(lengths) - lengths, sizes) + position]

    shape = (int(sequence[-1]) + 1, width)
    ids, positions, texts = np.full(shape, eot_id), np.zeros(shape, np.int64), np.full(shape, _FILLER)
    ids[:, :shared], positions[:, :shared], texts[:, :shared] = flat[:shared], np.arange(shared), _BEGINNING
    photos = None
    if photo_at is not None:
        token = np.where(index == photo_at, eot_id, token)
        photos = at[index == photo_at]
    ids.ravel()[at], positions.ravel()[at], texts.ravel()[at] = token, position, text
    return Packed(ids, positions, texts, sequence * width + first + sizes - 1, photos)


def _places(sizes: Ints, shared: int) -> tuple[Ints, Ints]:
    """Return each text's sequence and first place in it: the next one begins where a text would not fit."""
    sequences, firsts = [], []
    sequence, place = 0, shared
    for size in sizes.tolist():
        if place + size > SEQUENCE and place > shared:
            sequence, place = sequence + 1, shared
        sequences.append(sequence)
        firsts.append(place)
        place += size
    return np.array(sequences), np.array(firsts)


def encode_packed(
    model: CLIPTextModelWithProjection, packed: Packed, pseudo_tokens: torch.Tensor | None = None, placeholder_id: int = -1
) -> torch.Tensor:
    """Return the projected, un-normalised embeddings of packed texts, and of their beginnings where they have early ends.

    Shape: pseudo-tokens (B, H) -> (B, 1 or 2, D): text, beginning.
    """
    device = model.text_projection.weight.device
    ids, positions, texts = (torch.from_numpy(part).to(device, non_blocking=True) for part in packed[:3])
    embeddings = model.text_model.embeddings.token_embedding(ids)
    if pseudo_tokens is not None:
        own = pseudo_tokens.to(embeddings.dtype)[texts.clamp_min(0)]
        embeddings = torch.where((ids == placeholder_id).unsqueeze(-1), own, embeddings)
    ends = [torch.from_numpy(places).to(device) for places in (packed.ends, packed.photos) if places is not None]
    hidden = run_encoder(model, embeddings, positions, _blocked(texts, ends[1:], embeddings.dtype)).flatten(0, 1)
    return torch.stack([pool(model, hidden[places]) for places in ends], dim=1)


def _blocked(texts: torch.Tensor, early: list[torch.Tensor], dtype: torch.dtype) -> torch.Tensor:
    """Return the additive mask under which a token sees what is before it in its text and the beginning. Shape: (S, L) -> (S, L, L)."""
    length = texts.shape[1]
    visible = (texts[:, :, None] == texts[:, None, :]) | (texts[:, None, :] == _BEGINNING)
    for places in early:
        is_early = torch.zeros(texts.numel(), dtype=torch.bool, device=texts.device)
        is_early[places] = True
        visible &= ~is_early.view_as(texts)[:, None, :]
    visible |= torch.eye(length, dtype=torch.bool, device=texts.device)
    visible &= torch.ones(length, length, dtype=torch.bool, device=texts.device).tril()
    return torch.zeros(visible.shape, dtype=dtype, device=texts.device).masked_fill(~visible, torch.finfo(dtype).min)
