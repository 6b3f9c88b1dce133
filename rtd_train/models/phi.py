"""The projection module phi: from a CLIP embedding to one pseudo-token of the text encoder."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from rtd_train.errors import ModelError
from rtd_train.models.weights import is_state, read_pickle

_METADATA = "rtd_train"


class MLP(nn.Module):
    """The phi of SEARLE and LinCIR: Linear(D, 4D), Linear(4D, 4D), Linear(4D, H) with GELU and dropout between.

    Shape: (B, D) -> (B, H).
    """

    architecture = "mlp"

    def __init__(self, input_dim: int, output_dim: int, hidden_dim: int | None = None, dropout: float = 0.5) -> None:
        super().__init__()
        hidden = hidden_dim or 4 * input_dim
        self.input_dim, self.output_dim, self.hidden_dim = input_dim, output_dim, hidden
        self.layers = nn.Sequential(
            nn.Linear(input_dim, hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, output_dim),
        )

    def forward(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Return the pseudo-tokens."""
        return self.layers(embeddings)  # type: ignore[no-any-return]


class Pic2Word(nn.Module):
    """The phi of Pic2Word: blocks of Linear, dropout, ReLU, then a linear layer.

    Shape: (B, D) -> (B, H).
    """

    architecture = "pic2word"

    def __init__(self, input_dim: int, output_dim: int, hidden_dim: int = 512, num_layers: int = 2, dropout: float = 0.1) -> None:
        super().__init__()
        self.input_dim, self.output_dim, self.hidden_dim, self.num_layers = input_dim, output_dim, hidden_dim, num_layers
        widths = [input_dim] + [hidden_dim] * num_layers
        self.layers = nn.ModuleList(nn.Sequential(nn.Linear(a, b), nn.Dropout(dropout), nn.ReLU()) for a, b in pairwise(widths))
        self.fc_out = nn.Linear(widths[-1], output_dim)

    def forward(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Return the pseudo-tokens."""
        for layer in self.layers:
            embeddings = layer(embeddings)
        return self.fc_out(embeddings)  # type: ignore[no-any-return]


Phi = MLP | Pic2Word


def load_phi(path: str | Path) -> Phi:
    """Load phi from our safetensors file, or from a file that SEARLE, LinCIR or Pic2Word released.

    A pickle is read as plain tensors only.

    Raises:
        ModelError: the file is missing, is no phi, or a pickle holds more than plain tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"{path}: no such file", "train one with `rtd_train fit-phi`, or take the file of SEARLE, LinCIR or Pic2Word")
    state = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    phi = _build(path, state)
    try:
        phi.load_state_dict(state)
    except RuntimeError as error:
        raise ModelError(f"{path}: no phi ({str(error).splitlines()[-1].strip()})", "is it a projection module at all?") from error
    return phi.eval()


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        with safe_open(str(path), framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except SafetensorError as error:
        raise ModelError(f"{path}: not a safetensors file ({error})", "it may be cut short; get it again") from error


def _read_pickle(path: Path) -> dict[str, torch.Tensor]:
    """Return the weights inside a released file: `Phi` of SEARLE and LinCIR, `state_dict_img2text` of Pic2Word."""
    content = read_pickle(path)
    for key in ("Phi", "state_dict_img2text"):
        if isinstance(content, dict) and key in content:
            content = content[key]
    if not is_state(content):
        raise ModelError(f"{path}: holds no phi", "known are `Phi` (SEARLE, LinCIR) and `state_dict_img2text` (Pic2Word)")
    return {name.removeprefix("module."): tensor.float() for name, tensor in content.items()}


def _build(path: Path, state: dict[str, torch.Tensor]) -> Phi:
    """Return the module that a state dictionary belongs to: its names and shapes tell everything."""
    if "fc_out.weight" in state:
        blocks = sorted(name for name in state if name.startswith("layers.") and name.endswith(".0.weight"))
        first = state[blocks[0]] if blocks else state["fc_out.weight"]
        return Pic2Word(first.shape[1], state["fc_out.weight"].shape[0], first.shape[0], len(blocks))
    if {"layers.0.weight", "layers.6.weight"} <= set(state):
        first, last = state["layers.0.weight"], state["layers.6.weight"]
        return MLP(first.shape[1], last.shape[0], first.shape[0])
    raise ModelError(
        f"{path}: no phi that is known (it holds {', '.join(sorted(state)[:4])} ...)", "expected layers.0/3/6 or layers.N.0 and fc_out"
    )


def save_phi(phi: Phi, path: str | Path, about: dict[str, Any]) -> None:
    """Write phi as safetensors with its architecture, sizes and `about` as JSON in the header; complete or absent."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.tmp")
    described = {"architecture": phi.architecture, "input_dim": phi.input_dim, "output_dim": phi.output_dim, **about}
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in phi.state_dict().items()}
    save_file(weights, temporary, metadata={_METADATA: json.dumps(described, sort_keys=True)})
    temporary.replace(path)


def read_about(path: Path) -> dict[str, Any] | None:
    """Return what the header of a file of `save_phi` says of it; None for every other file."""
    try:
        with safe_open(str(path), framework="pt") as file:
            about: dict[str, Any] = json.loads((file.metadata() or {})[_METADATA])
    except (SafetensorError, KeyError, ValueError):
        return None
    return about


def check_sizes(phi: Phi, projection_dim: int, hidden_size: int, backbone: str) -> None:
    """Check that phi takes what a backbone's encoders give, and gives what its token space holds.

    Raises:
        ModelError: it does not.
    """
    if (phi.input_dim, phi.output_dim) != (projection_dim, hidden_size):
        raise ModelError(
            f"phi maps {phi.input_dim} to {phi.output_dim}, {backbone} needs {projection_dim} to {hidden_size}",
            "take the phi that was trained with this backbone, or train one with `rtd_train fit-phi`",
        )
