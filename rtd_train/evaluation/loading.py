"""Load a system by names: backbone, projection module and, if wanted, a trained text encoder."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtd_train.errors import DataError
from rtd_train.evaluation.system import PROMPT, PROMPT_WITHOUT_TEXT, System, weights_hash

if TYPE_CHECKING:
    import torch

PLACEHOLDER = "$</w>"
_PHI_LAYERS = ("layers.0", "layers.3", "layers.6")
_GET_BACKBONE = "give --backbone the name of a CLIP on the Hub, or a folder that transformers' save_pretrained wrote"


def load_backbone(name: str, kind: str, dtype: str = "float32") -> Any:
    """Return one part of a CLIP: `CLIPTextModelWithProjection`, `CLIPVisionModelWithProjection`, the tokenizer or the preprocessing.

    Raises:
        DataError: there is no such model.
    """
    import torch
    import transformers

    options = {"dtype": getattr(torch, dtype)} if kind.endswith("Projection") else {}
    try:
        return getattr(transformers, kind).from_pretrained(name, **options)
    except (OSError, ValueError) as error:
        raise DataError(f"{name}: {kind} cannot be loaded: {str(error).splitlines()[0]}", _GET_BACKBONE) from error


def load_phi(path: Path) -> "torch.nn.Module":
    """Return the projection module of SEARLE's and LinCIR's shape, read without running any code from the file.

    Raises:
        DataError: the file is missing, or holds no such module.
    """
    import torch
    from torch import nn

    if not path.is_file():
        raise DataError(f"{path}: no such file", "give --phi the file that `rtd_train fit-phi` wrote, or a released one")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            weights = load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
            weights = content.get("Phi", content)
        (middle, first), last = weights["layers.0.weight"].shape, weights["layers.6.weight"].shape[0]
        layers = [nn.Linear(first, middle), nn.GELU(), nn.Dropout(0.5), nn.Linear(middle, middle), nn.GELU(), nn.Dropout(0.5)]
        phi = nn.Sequential(*layers, nn.Linear(middle, last))
        phi.load_state_dict({name.removeprefix("layers."): value.float() for name, value in weights.items()})
    except Exception as error:
        raise DataError(f"{path}: holds no projection module: {str(error).splitlines()[0]}", f"its weights are {', '.join(_PHI_LAYERS)}") from error
    return phi.eval()


def load_system(
    backbone: str, phi: "torch.nn.Module", *, text_encoder: str | None = None, prompt: str = PROMPT, device: str = "cpu", precision: str = "float32"
) -> System:
    """Return a system whose text encoder is the backbone's own, or a trained one.

    Raises:
        DataError: a part cannot be loaded, or the parts do not fit together.
    """
    text = load_backbone(text_encoder or backbone, "CLIPTextModelWithProjection")
    vision = load_backbone(backbone, "CLIPVisionModelWithProjection")
    tokenizer = load_backbone(backbone, "CLIPTokenizer")
    processor = load_backbone(backbone, "CLIPImageProcessorPil")
    return build_system(backbone, text, vision, tokenizer, processor, phi, prompt=prompt, device=device, precision=precision)


def build_system(
    backbone: str, text: Any, vision: Any, tokenizer: Any, processor: Any, phi: Any, *, prompt: str = PROMPT, device: str = "cpu", precision: str = "float32"
) -> System:
    """Return a system of loaded parts.

    Raises:
        DataError: the projection module or the text encoder is of another width.
    """
    import torch

    width, tokens = vision.config.projection_dim, text.config.hidden_size
    first, last = phi[0].in_features, phi[-1].out_features
    if (first, last, text.config.projection_dim) != (width, tokens, width):
        raise DataError(
            f"the projection module maps {first} to {last}, the text encoder takes {tokens} and answers {text.config.projection_dim}, "
            f"the image encoder answers {width}",
            "give a projection module and a text encoder that were trained for this backbone",
        )
    described = {
        "backbone": backbone,
        "image_weights": weights_hash(vision),
        "text_weights": weights_hash(text),
        "phi_weights": weights_hash(phi),
        "prompt": prompt,
        "precision": precision,
    }
    dtype = getattr(torch, precision)
    text, vision, phi = (module.to(device, dtype).eval() for module in (text, vision, phi))
    placeholder = tokenizer.convert_tokens_to_ids(PLACEHOLDER)

    def encode_images(images: Sequence[Any]) -> torch.Tensor:
        pixels = processor(list(images), return_tensors="pt").pixel_values
        return torch.as_tensor(vision(pixel_values=pixels.to(device, dtype)).image_embeds)

    def encode_texts(texts: Sequence[str]) -> torch.Tensor:
        return torch.as_tensor(text(**_tokens(tokenizer, texts, device)).text_embeds)

    def compose(references: torch.Tensor, texts: Sequence[str]) -> torch.Tensor:
        # The texts are people's: a `$` of theirs is not the placeholder.
        prompts = [prompt.format(text=given.replace("$", "")) if given else PROMPT_WITHOUT_TEXT for given in texts]
        return encode_composed(text, _tokens(tokenizer, prompts, device), phi(references.to(device, dtype)), placeholder)

    preprocessing = processor.to_json_string()
    return System(backbone, width, preprocessing, encode_images, encode_texts, compose, described)


def _tokens(tokenizer: Any, texts: Sequence[str], device: str) -> Any:
    return tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt").to(device)


def encode_composed(text: Any, tokens: Any, pseudo_tokens: "torch.Tensor", placeholder: int) -> "torch.Tensor":
    """Return the embeddings of prompts in which the placeholder's token embedding is replaced by a pseudo-token.

    Shape: tokens (B, L), pseudo_tokens (B, H) -> (B, D).
    """
    import torch

    is_placeholder = (tokens.input_ids == placeholder).unsqueeze(-1)

    def replace(_module: Any, _inputs: Any, embedded: torch.Tensor) -> torch.Tensor:
        return torch.where(is_placeholder, pseudo_tokens.unsqueeze(1).to(embedded), embedded)

    hook = text.get_input_embeddings().register_forward_hook(replace)
    try:
        return torch.as_tensor(text(**tokens).text_embeds)
    finally:
        hook.remove()
