"""Answer a task: compose its queries, search its gallery, order each query's members."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from rtd_train.errors import DataError
from rtd_train.evaluation.benchmarks.task import Ranking, Task
from rtd_train.evaluation.metrics import NO_ID
from rtd_train.evaluation.retrieval import normalise, rank_members, top_k

if TYPE_CHECKING:
    import torch

Compose: TypeAlias = "Callable[[torch.Tensor, Sequence[str]], torch.Tensor]"
"""(reference image embeddings, un-normalised (B, D); B modification texts) -> composed query embeddings (B, D)."""


def embed_queries(task: Task, features: "torch.Tensor", compose: Compose) -> "torch.Tensor":
    """Return the unit query embeddings of a task; those of several wordings are normalised, averaged, normalised.

    Shape: features (images of the task, D) -> (queries, D).
    """
    import torch

    references = features[torch.from_numpy(task.references)]
    total = torch.zeros(())
    for wording in zip(*task.texts, strict=True):
        total = total + normalise(compose(references, wording))
    return normalise(total)


def rank(task: Task, features: "torch.Tensor", queries: "torch.Tensor", top: int) -> Ranking:
    """Return the first `top` images of the gallery for each query (0: none are wanted), and its members in order.

    Shape: features (images of the task, D), queries (queries, D).

    Raises:
        DataError: the gallery is smaller than `top`, or a feature or query is not finite.
    """
    images = normalise(features)
    check_finite(queries, task.query_ids, "the query")
    check_finite(images, task.images, "the image feature")
    members = None if task.truth.members is None else rank_members(queries, images, task.truth.members)
    if not top:
        return Ranking(None, members)
    room = task.gallery_size - task.leaves_reference_out
    if room < top:
        raise DataError(f"{task.name}: a gallery of {room} images is smaller than k = {top}", "evaluate on the whole gallery")
    return Ranking(top_k(queries, images[: task.gallery_size], top, without=task.without), members)


def check_finite(rows: "torch.Tensor", names: Sequence[str], what: str) -> None:
    """Raise a DataError that names the first row which holds a value that is no finite number."""
    import torch

    # What is not finite makes the sum of its row not finite.
    finite = torch.isfinite(rows.sum(dim=1))
    if not finite.all():
        name = names[int((~finite).nonzero()[0])]
        raise DataError(
            f"{what} {name!r} holds a value that is not a finite number", "extract the features again; half precision may overflow"
        )


def check_predictions(ranked: Sequence[Sequence[str]], query_ids: Sequence[str]) -> None:
    """Raise a DataError where a query's predictions hold an image twice."""
    for query_id, names in zip(query_ids, ranked, strict=True):
        if len(set(names)) != len(names):
            twice = next(name for number, name in enumerate(names) if name in names[:number])
            raise DataError(f"query {query_id}: {twice!r} is predicted twice", "predict each image once")


def names_of(task: Task, ids: "Sequence[Sequence[int]]") -> list[list[str]]:
    """Return the image ids that people read, without fillers."""
    return [[task.images[index] for index in row if index != NO_ID] for row in ids]
