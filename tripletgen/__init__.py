"""Make text triplets for composed image retrieval out of captions.

`propose(captions)` makes triplets in memory, `build(BuildOptions(...))` writes a data set, `read_triplets(folder)` reads one.
Importing the package loads nothing heavy: the attributes are loaded when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tripletgen.memory import preview, propose
    from tripletgen.options import BuildOptions
    from tripletgen.pipeline import build
    from tripletgen.schema import Triplet
    from tripletgen.shards.reader import iter_triplets as read_triplets
    from tripletgen.shards.reader import sample_triplets

__version__ = "0.1.0"

_ATTRIBUTES = {
    "BuildOptions": ("tripletgen.options", "BuildOptions"),
    "Triplet": ("tripletgen.schema", "Triplet"),
    "build": ("tripletgen.pipeline", "build"),
    "preview": ("tripletgen.memory", "preview"),
    "propose": ("tripletgen.memory", "propose"),
    "read_triplets": ("tripletgen.shards.reader", "iter_triplets"),
    "sample_triplets": ("tripletgen.shards.reader", "sample_triplets"),
}
__all__ = ["BuildOptions", "Triplet", "build", "preview", "propose", "read_triplets", "sample_triplets"]


def __getattr__(name: str) -> Any:
    """Load a public attribute when it is first asked for."""
    if name not in _ATTRIBUTES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _ATTRIBUTES[name]
    return getattr(import_module(module), attribute)
