"""What a finished run hands over: encoder, phi, everything needed to repeat it, a model card and a picture of the loss."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from rtd_train.checkpoint import CONFIG, export_pt, read_metrics, write_json
from rtd_train.config import FitConfig
from rtd_train.models.clip import TextBackbone, hushed, weights_hash
from rtd_train.models.phi import Phi, save_phi

_CARD = """---
library_name: transformers
base_model: {backbone}
tags:
- composed-image-retrieval
- clip
- rtd
---
# A CLIP text encoder adapted to composed image retrieval

Trained from `{backbone}` with RTD ([arXiv 2406.09188](https://arxiv.org/abs/2406.09188)) on text triplets,
{steps} steps of {batch}; the last loss is {loss:.4f}. The image encoder and phi (`phi.safetensors`) stay as they were.

```python
from transformers import CLIPTextModelWithProjection

encoder = CLIPTextModelWithProjection.from_pretrained("text_encoder")
```

`config.json` holds every option that the weights depend on, the hashes of weights and data, and the versions of the libraries.
`metrics.jsonl` and `loss.png` show how the loss went.
"""


def write(out: Path, backbone: TextBackbone, phi: Phi, config: FitConfig, values: dict[str, Any]) -> None:
    """Write the result of a run; `config.json`, which tells that a run is finished, comes last."""
    metrics = [row for row in read_metrics(out) if "loss" in row]
    with hushed():
        backbone.model.save_pretrained(out / "text_encoder")
        backbone.tokenizer.save_pretrained(out / "text_encoder")
    save_phi(phi, out / "phi.safetensors", {"backbone": backbone.name})
    if config.export_pt:
        export_pt(backbone.model, out / "text_encoder.pt")
    batch = config.batch_size * config.accumulate * values["processes"]
    card = _CARD.format(backbone=backbone.name, steps=config.steps, batch=batch, loss=metrics[-1]["loss"])
    (out / "README.md").write_text(card, encoding="utf-8")
    draw_loss(metrics, out / "loss.png")
    versions = {name: version(name) for name in ("tripletgen", "torch", "transformers")}
    write_json(out / CONFIG, {**values, "trained_weights": weights_hash(backbone.model), "versions": versions})


def draw_loss(metrics: list[dict[str, Any]], path: Path) -> None:
    """Draw the loss over the steps as a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([row["step"] for row in metrics], [row["loss"] for row in metrics], color="tab:blue")
    axes.set(xlabel="step", ylabel="frozen-target contrastive loss")
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
