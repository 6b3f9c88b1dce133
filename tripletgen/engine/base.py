"""What an engine is to a build."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol, TypeVar

from tripletgen.captions.marks import Mark
from tripletgen.captions.partition import Partition
from tripletgen.captions.sources import Source
from tripletgen.options import BuildOptions
from tripletgen.progress import Progress
from tripletgen.rewrite.engines import Opener
from tripletgen.staging import StagedTask
from tripletgen.work import Work

Task = TypeVar("Task", bound=StagedTask)
Result = TypeVar("Result")


class Engine(Protocol):
    """Map a picklable function over tasks; results come in any order."""

    def map(self, function: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
        """Yield the result of each task as it is done."""


class Means(NamedTuple):
    """How the steps of a build are carried out.

    `workers` provides an engine for the units; `writer` serves where the language model has the machine for itself, and after. `partition`
    and `join` are the steps that cross units.
    """

    workers: Callable[[], AbstractContextManager[Engine]]
    writer: Engine
    partition: Callable[[list[tuple[Source, Mark]], Work, BuildOptions, Progress], Partition]
    join: Callable[[list[int], Work, BuildOptions], None]
    opener: Opener
