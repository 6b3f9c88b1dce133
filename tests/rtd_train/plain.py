"""RTD written down step by step as the paper says it, for comparison: everything padded to 77, nothing precomputed, no pieces."""

import torch
import torch.nn.functional as F

from rtd_train.templates import clean_text


def encode(backbone, model, texts, pseudo=None):
    """Return text embeddings by transformers' own forward pass; pseudo-tokens enter by a hook on the embedding layer."""
    tokens = backbone.tokenizer(texts, padding="max_length", truncation=True, max_length=77, return_tensors="pt")["input_ids"]

    def replace(_module, _inputs, output):
        return output if pseudo is None else torch.where((tokens == backbone.placeholder_id)[..., None], pseudo[:, None], output)

    handle = model.text_model.embeddings.token_embedding.register_forward_hook(replace)
    try:
        return model(input_ids=tokens).text_embeds
    finally:
        handle.remove()


def step_loss(backbone, model, frozen, phi, triplets, noise, config):
    """Return the loss of a batch of (reference, modification, target)."""
    references, modifications, targets = ([clean_text(text) for text in column] for column in zip(*triplets, strict=True))
    anchor = frozen if config.anchor else model
    with torch.no_grad():
        pseudo = phi(encode(backbone, frozen, references) + noise)
    if config.refined_concat:
        q = encode(backbone, model, [f"a photo of $ that {text}" for text in modifications], pseudo)
        p = encode(backbone, model, ["a photo of $"] * len(references), pseudo)
    else:
        q = encode(backbone, model, [f"a photo of {r} that {m}" for r, m in zip(references, modifications, strict=True)])
        p = encode(backbone, model, [f"a photo of {text}" for text in references])
    t, r = encode(backbone, anchor, targets), encode(backbone, anchor, references)
    if config.anchor:
        t, r = t.detach(), r.detach()
    values, queries = (torch.cat([t, r]), torch.cat([q, p])) if config.refined_batch else (t, q)
    stacked = torch.cat([values, queries])
    n = len(stacked)
    similarities = F.cosine_similarity(stacked[:, None], stacked[None], dim=-1) / config.temperature
    total = 0.0
    for k in range(n):
        others = torch.cat([similarities[k, :k], similarities[k, k + 1 :]])
        partner = (k + n // 2) % n
        total = total + F.cross_entropy(others[None], torch.tensor([partner if partner < k else partner - 1]))
    return total / n
