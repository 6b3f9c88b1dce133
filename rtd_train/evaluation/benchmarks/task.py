"""The one record that every benchmark is read into: a gallery, queries over it, and what is true of them."""

from dataclasses import dataclass, field
from typing import NamedTuple

from rtd_train.evaluation.metrics import IntArray

Box = tuple[float, float, float, float]
"""Left, top, right and bottom of a part of an image, in pixels."""


@dataclass(frozen=True)
class Truth:
    """What the annotations say is right; a field is None where the benchmark has none or keeps it for its server.

    targets   (queries) the one target image
    truths    (queries, most) all right images, filled with NO_ID
    members   (queries, most) the query's own small gallery, without its reference, filled with NO_ID
    aspects   the semantic aspects of each query
    """

    targets: IntArray | None = None
    truths: IntArray | None = None
    members: IntArray | None = None
    aspects: tuple[tuple[str, ...], ...] | None = None


@dataclass(frozen=True)
class Task:
    """Queries over one gallery; images are indices into `images`, of which the first `gallery_size` are searched.

    `texts` holds one or more wordings a query: the embeddings of several are averaged.
    """

    name: str
    images: tuple[str, ...]
    gallery_size: int
    query_ids: tuple[str, ...]
    references: IntArray
    texts: tuple[tuple[str, ...], ...]
    truth: Truth = field(default_factory=Truth)
    leaves_reference_out: bool = False

    @property
    def without(self) -> IntArray | None:
        """Return the gallery index that each query leaves out of its ranking, if any."""
        return self.references if self.leaves_reference_out else None


class Ranking(NamedTuple):
    """What a system answers to a task: the best of the gallery, and its order of each query's members.

    Shape: top (queries, k), members (queries, most members).
    """

    top: IntArray | None
    members: IntArray | None
