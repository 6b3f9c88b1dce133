"""Make text triplets for composed image retrieval out of captions."""

__version__ = "0.1.0"
