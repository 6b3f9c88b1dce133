"""A zero-shot CIR system as the evaluation sees it: image encoder, projection module, text encoder, and what names them in a result.

The prompt, the weights' hashes and the precision travel with every figure, for figures of this field differ by each of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rtd_train.evaluation.ranking import Compose

if TYPE_CHECKING:
    import torch

PROMPT = "a photo of $ that {text}"


@dataclass(frozen=True)
class System:
    """What is evaluated.

    `encode_images` takes opened Pillow images, `encode_texts` captions, `compose` image embeddings and modification texts (an empty
    one: the image alone); all answer projected, un-normalised embeddings. `preprocessing` names what is done to the pixels.
    """

    backbone: str
    width: int
    preprocessing: str
    encode_images: "Callable[[Sequence[Any]], torch.Tensor]"
    encode_texts: "Callable[[Sequence[str]], torch.Tensor]"
    compose: Compose
    described: dict[str, str]


def in_batches(encode: "Callable[[Sequence[Any]], torch.Tensor]", items: Sequence[Any], size: int = 256) -> "torch.Tensor":
    """Return the embeddings of many items, a batch at a time, on the CPU in single precision."""
    import torch

    with torch.inference_mode():
        return torch.cat([encode(items[start : start + size]).float().cpu() for start in range(0, len(items), size)])


def compose_in_batches(compose: Compose, size: int = 256) -> Compose:
    """Return a `compose` that takes any number of queries."""
    import torch

    def composed(references: "torch.Tensor", texts: Sequence[str]) -> "torch.Tensor":
        with torch.inference_mode():
            starts = range(0, len(texts), size)
            return torch.cat([compose(references[k : k + size], texts[k : k + size]).float().cpu() for k in starts])

    return composed
