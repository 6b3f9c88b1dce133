"""A system without weights: words are one-hot vectors, so that one can say what it must find."""

from collections.abc import Sequence

import torch

from rtd_train.evaluation.system import System


def fake_system(words: Sequence[str], *, reads: bool) -> System:
    """Return a system that embeds a text by its words; composing adds the modification's words in front of the reference, if it reads."""
    index = {word: number for number, word in enumerate(words)}

    def encode_texts(texts: Sequence[str]) -> torch.Tensor:
        rows = torch.zeros(len(texts), len(words))
        for row, text in enumerate(texts):
            for word in text.split():
                if word in index:
                    rows[row, index[word]] += 1
        return rows

    def encode_images(images: Sequence) -> torch.Tensor:
        # The mean colour of a picture, in the first three places.
        rows = torch.zeros(len(images), len(words))
        for row, image in enumerate(images):
            rows[row, :3] = torch.tensor(image.resize((1, 1)).getpixel((0, 0))) / 255 + 0.01
        return rows

    def compose(references: torch.Tensor, texts: Sequence[str]) -> torch.Tensor:
        return references + 2 * encode_texts(texts) if reads else references.clone()

    described = {"backbone": "fake", "image_weights": "0", "text_weights": "0", "phi_weights": "0", "prompt": "a photo of $ that {text}"}
    return System("fake", len(words), "mean colour", encode_images, encode_texts, compose, {**described, "precision": "float32"})
