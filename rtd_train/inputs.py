"""What the rows of a run are made of: prompts as token ids, captions as frozen features, computed once for all processes."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rtd_train.config import FitConfig
from rtd_train.corpus import Corpus
from rtd_train.data import Ragged, Rows, Texts
from rtd_train.device import World
from rtd_train.features import cache_folder, caption_features
from rtd_train.models.clip import TextBackbone, tokenize, tokenizer_hash
from rtd_train.progress import Progress
from rtd_train.sharing import iter_texts, share_tokens
from rtd_train.templates import COMPOSED, PLAIN, PLAIN_COMPOSED, clean_text


class Inputs(NamedTuple):
    """What the rows of a run are made of.

    `composed` holds the token ids of "a photo of $ that ..." by triplet; `photos` and `captions` are by caption, and None where no
    ablation asks for them. `features` are frozen, by caption.
    """

    reference: Rows
    target: Rows
    composed: Ragged
    photos: Ragged | None
    captions: Ragged | None
    features: npt.NDArray[np.float32]

    def __len__(self) -> int:
        """Return the number of triplets."""
        return len(self.reference)


def prepare(backbone: TextBackbone, texts: Texts, corpus: Corpus, config: FitConfig, world: World, progress: Progress) -> Inputs:
    """Tokenise the prompts and encode the captions with the frozen encoder, or find both from a run before.

    Every process does so with the triplets that it has read, `texts`, and with its part of all captions, which `corpus` holds.
    """
    folder = cache_folder(config.cache)
    own = world.share(len(corpus.captions))
    progress.phase("frozen features", own.stop - own.start)
    features = caption_features(backbone, corpus.captions, folder, world, lambda done, _: progress.advance(done))
    key = f"{corpus.fingerprint[:16]}-{tokenizer_hash(backbone.tokenizer)[:16]}"

    def ids(name: str, prompts: Iterator[str]) -> Ragged:
        return share_tokens(world, folder / f"{name}-{key}", prompts, lambda batch: tokenize(backbone, batch))

    def cleaned() -> Iterator[str]:
        return (clean_text(text) for text in iter_texts(corpus.captions, own))

    modifications = (clean_text(str(text)) for text in texts.modifications)
    if config.refined_concat:
        composed = ids("composed", (COMPOSED.format(modification=text) for text in modifications))
    else:
        pairs = zip(texts.reference.tolist(), modifications, strict=True)
        plain = (PLAIN_COMPOSED.format(reference=clean_text(texts.captions[row]), modification=text) for row, text in pairs)
        composed = ids("plain", plain)
    with_photos = config.refined_batch and not config.refined_concat
    photos = ids("photos", (PLAIN.format(reference=text) for text in cleaned())) if with_photos else None
    captions = None if config.anchor else ids("captions", cleaned())
    return Inputs(corpus.reference, corpus.target, composed, photos, captions, features)
