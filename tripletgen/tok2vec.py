"""Make spaCy's token vectors cheaper without changing what they say.

Two costs of the small English pipeline are waste on captions. Every token is embedded anew though a batch repeats its
words five times over; and thinc multiplies matrices with BLIS, which on CPUs with wide vectors is slower than the BLAS
that NumPy ships. The parses of all embedded captions are the same with and without (`tests/test_tok2vec.py`).
"""

from typing import Any

import numpy as np

# The layers of spaCy's MultiHashEmbed; the third and fourth turn a row of attributes into a vector.
_EMBEDDING = ("extract_features", "list2ragged", "with_array", "with_array", "ragged2list")
_ODD = np.uint64(0x9E3779B97F4A7C15)


def speed_up(model: Any) -> Any:
    """Return a spaCy pipeline whose token vectors are computed faster; one of another architecture keeps its layers."""
    for _, pipe in model.pipeline:
        for node in pipe.model.walk():
            if hasattr(node.ops, "use_blis"):
                node.ops.use_blis = False
    if model.has_pipe("tok2vec"):
        embed = model.get_pipe("tok2vec").model.layers[0]
        if tuple(layer.name.partition("(")[0] for layer in embed.layers) == _EMBEDDING:
            embed.layers[2:4] = [_once_a_word(embed.layers[2:4])]
    return model


def _once_a_word(layers: list[Any]) -> Any:
    """Wrap layers that map each row of attributes by itself, so that equal rows of a batch are computed once."""
    from thinc.api import Model

    return Model("once_a_word", _forward, layers=layers)


def _forward(model: Any, words: Any, is_train: bool) -> tuple[Any, None]:  # noqa: ARG001, FBT001 - the signature that thinc calls
    from thinc.types import Ragged

    # Attributes are hashes already: a product of odd numbers mixes a row of them into one 64-bit key.
    keys = np.zeros(len(words.data), dtype=np.uint64)
    for column in words.data.T:
        keys = (keys ^ column) * _ODD
    _, first, where = np.unique(keys, return_index=True, return_inverse=True)
    vectors: Any = Ragged(words.data[first], np.asarray([len(first)], dtype="i"))  # type: ignore[arg-type]
    for layer in model.layers:
        vectors = layer.predict(vectors)
    return Ragged(vectors.data[where], words.lengths), None
