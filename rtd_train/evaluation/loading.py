"""Load a system by names: backbone, projection module and, if wanted, a trained text encoder."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtd_train.errors import ModelError, UsageError
from rtd_train.evaluation.system import PROMPT, System
from rtd_train.templates import PHOTO, PLACEHOLDER, clean_text

if TYPE_CHECKING:
    import torch

    from rtd_train.models.clip import TextBackbone
    from rtd_train.models.phi import Phi

SCENES_BACKBONE = "scenes"
"""The name of the small CLIP that ships with the package."""


def backbone_path(name: str) -> str:
    """Return what transformers loads for a backbone's name."""
    return str(Path(__file__).resolve().parents[1] / "scenes" / "clip") if name == SCENES_BACKBONE else name


def load_vision(name: str) -> tuple[Any, Any]:
    """Return the image encoder of a backbone and its preprocessing.

    Raises:
        ModelError: there is no such model.
    """
    import transformers

    from rtd_train.models.clip import hushed, load_encoder

    model = load_encoder(transformers.CLIPVisionModelWithProjection, name)
    try:
        with hushed():
            return model.eval(), transformers.CLIPImageProcessorPil.from_pretrained(name)
    except (OSError, ValueError) as error:
        first = str(error).strip().partition("\n")[0]
        raise ModelError(f"{name}: its image preprocessing cannot be loaded ({first})", "a CLIP has a preprocessor_config.json") from error


def load_system(
    backbone: str, phi: str, *, text_encoder: str | None = None, prompt: str = PROMPT, device: str = "cpu", precision: str = "fp32"
) -> System:
    """Return a system whose text encoder is the backbone's own, or a trained one.

    Raises:
        ModelError: a part cannot be loaded, or the parts do not fit together.
        UsageError: the prompt has no placeholder.
    """
    from rtd_train.models.clip import load_backbone
    from rtd_train.models.phi import load_phi

    path = backbone_path(backbone)
    text = load_backbone(path, text_encoder=text_encoder)
    vision, processor = load_vision(path)
    return build_system(backbone, text, vision, processor, load_phi(phi), prompt=prompt, device=device, precision=precision)


def build_system(  # noqa: PLR0913 - the parts of a system, each named
    name: str,
    text: "TextBackbone",
    vision: Any,
    processor: Any,
    phi: "Phi",
    *,
    prompt: str = PROMPT,
    device: str = "cpu",
    precision: str = "fp32",
) -> System:
    """Return a system of loaded parts.

    Raises:
        ModelError: the projection module or the text encoder is of another width.
        UsageError: the prompt has no placeholder.
    """
    import torch

    from rtd_train.device import DTYPES
    from rtd_train.models.clip import weights_hash
    from rtd_train.models.phi import check_sizes

    width = int(vision.config.projection_dim)
    if text.projection_dim != width:
        message = f"the text encoder answers {text.projection_dim} numbers, the image encoder of {name} {width}"
        raise ModelError(message, "take the text encoder that was trained for this backbone")
    check_sizes(phi, width, text.hidden_size, name)
    check_prompt(text, prompt)
    hashes = {part: weights_hash(module) for part, module in (("image", vision), ("text", text.model), ("phi", phi))}
    described = {"backbone": name, **{f"{part}_weights": value for part, value in hashes.items()}, "prompt": prompt, "precision": precision}
    dtype = DTYPES[precision]
    modules: tuple[Any, ...] = (text.model, vision, phi)
    for module in modules:
        module.to(device=device, dtype=dtype)

    def encode_images(images: Sequence[Any]) -> torch.Tensor:
        pixels = processor(list(images), return_tensors="pt").pixel_values
        return torch.as_tensor(vision(pixel_values=pixels.to(device, dtype)).image_embeds)

    def encode_texts(texts: Sequence[str]) -> torch.Tensor:
        return _encode(text, [clean_text(given) for given in texts], None, device)

    def compose(references: torch.Tensor, texts: Sequence[str]) -> torch.Tensor:
        prompts = [prompt.format(text=clean_text(given)) if given else PHOTO for given in texts]
        return _encode(text, prompts, phi(references.to(device, dtype)), device)

    return System(name, width, processor.to_json_string(), encode_images, encode_texts, compose, described)


def check_prompt(text: "TextBackbone", prompt: str) -> None:
    """Check that a prompt has one placeholder, as the tokenizer reads it: signs beside `$` make another word of it.

    Raises:
        UsageError: it has none, so that the image would not be in the query.
    """
    from rtd_train.models.clip import tokenize

    # A relative caption may begin or end with a sign.
    (ids,) = tokenize(text, [prompt.format(text=",")])
    if ids.count(text.placeholder_id) != 1:
        message = f"the prompt {prompt!r}: {PLACEHOLDER} is no word of its own there, so the image would be left out"
        raise UsageError(message, f"put a space on each side of {PLACEHOLDER}, as in {PROMPT!r}")


def _encode(text: "TextBackbone", texts: Sequence[str], pseudo_tokens: "torch.Tensor | None", device: str) -> "torch.Tensor":
    import torch

    from rtd_train.models.clip import tokenize
    from rtd_train.models.compose import encode_tokens

    ids = [torch.tensor(row) for row in tokenize(text, list(texts))]
    padded = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=text.eot_id).to(device)
    return encode_tokens(text.model, padded, text.eot_id, pseudo_tokens, text.placeholder_id)
