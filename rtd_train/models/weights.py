"""Weights of strangers: read as plain tensors, so that no code of theirs is run."""

from pathlib import Path
from typing import Any, TypeGuard

import torch

from rtd_train.errors import ModelError


def read_pickle(path: Path) -> Any:
    """Return what a released `.pt` file holds: tensors in dictionaries and nothing else.

    Raises:
        ModelError: it is missing, no such file, or holds more than plain tensors.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such file", "check the path")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # Whatever the unpickler says: what is not plain tensors may run code, and is not opened any further.
        first = (str(error).splitlines() or [type(error).__name__])[0]
        hint = "only plain weights are read; save the state dictionary alone, best as .safetensors"
        raise ModelError(f"{path}: not a file of plain weights ({first})", hint) from error


def is_state(content: object) -> TypeGuard[dict[str, torch.Tensor]]:
    """Tell whether something is a state dictionary: names and tensors."""
    return isinstance(content, dict) and bool(content) and all(isinstance(value, torch.Tensor) for value in content.values())
