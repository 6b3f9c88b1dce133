"""The bar of a long run, on standard error."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

_MARKS = 12
_SECONDS_A_MARK = 2.0


class Pace:
    """Tell the time left by the last marks, each some seconds after the one before, however seldom they come.

    rich's own estimate knows the last 30 seconds and the last 1,000 steps: a batch that is done in a moment after a long wait looks
    endlessly fast to it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._done = 0
        self._marks: deque[tuple[float, int]] = deque([(clock(), 0)], maxlen=_MARKS)

    def advance(self, number: int) -> None:
        """Count steps as done."""
        now = self._clock()
        self._done += number
        if len(self._marks) > 1 and now - self._marks[-2][0] < _SECONDS_A_MARK:
            self._marks.pop()
        self._marks.append((now, self._done))

    def seconds_left(self, total: int) -> float | None:
        """Return the seconds that the other steps take at this pace, None where nothing is known yet."""
        (began, before), (ended, after) = self._marks[0], self._marks[-1]
        return None if after <= before else (total - after) * (ended - began) / (after - before)


class _TimeLeft(ProgressColumn):
    """Show the time left, or dashes."""

    def render(self, task: Task) -> Text:
        """Return the time as hours, minutes and seconds."""
        left = task.fields.get("left")
        return Text("-:--:--" if left is None else str(timedelta(seconds=round(left))), style="progress.remaining")


class _Bar:
    """Show phases as bars with captions done, time spent and time left."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None
        self._total: int | None = None
        self._pace = Pace()

    def start(self, phase: str, total: int | None) -> None:
        """Begin a phase; the one before is done."""
        if self._task is not None:
            self._progress.update(self._task, total=self._progress.tasks[self._task].completed)
        self._task = self._progress.add_task(phase, total=total)
        self._total, self._pace = total, Pace()

    def advance(self, captions: int) -> None:
        """Count captions as done."""
        if self._task is not None:
            self._pace.advance(captions)
            left = None if self._total is None else self._pace.seconds_left(self._total)
            self._progress.update(self._task, advance=captions, left=left)

    def note(self, text: str) -> None:
        """Show how the phase goes, in place of its name."""
        if self._task is not None:
            self._progress.update(self._task, description=text)


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[_Bar | None]:
    """Provide progress on standard error; None if quiet or not on a terminal."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description:>16}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), _TimeLeft())
    with Progress(*columns, console=console) as progress:
        yield _Bar(progress)
