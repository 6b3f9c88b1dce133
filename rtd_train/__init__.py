"""Train the CLIP text encoder of a composed image retrieval system on text triplets, and evaluate it."""

from tripletgen import __version__

__all__ = ["__version__"]
