"""What the tests let workers of a cluster do; a module of its own, for the workers import it by name."""

import os
import signal
from pathlib import Path
from typing import NamedTuple

from tests.rewrite.rows import reword
from tripletgen import units
from tripletgen.captions import partition
from tripletgen.errors import SourceError
from tripletgen.parsing import ParsedCaption
from tripletgen.rewrite.base import Request, Sampling
from tripletgen.rewrite.scripted import ScriptedRewriter
from tripletgen.rewrite_options import RewriteOptions
from tripletgen.staging import Files

POISON_WHEN_READ = "A yellow dragon sits on the black sofa."
POISON_WHEN_PARSED = "A purple dragon sits on the red sofa."
POISON_WHEN_EDITED = "A green dragon sits on the blue sofa."


class NumberTask(NamedTuple):
    """Square a number that lies in a file, and write the square to another."""

    work: str
    number: int

    def files(self) -> Files:
        """Return the files of the task."""
        return Files((f"in/{self.number}",), (f"out/{self.number}",))


def square(task: NumberTask) -> int:
    number = int((Path(task.work) / f"in/{task.number}").read_text())
    (Path(task.work) / f"out/{task.number}").write_text(str(number**2))
    return number


def square_or_die_once(task: NumberTask) -> int:
    """Kill the own process at a number, the first time that it is tried anywhere."""
    mark = Path(os.environ["DIED_ONCE"])
    if task.number == 3 and not mark.exists():
        (Path(task.work) / f"out/{task.number}").write_text("half a")
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return square(task)


def die(task: NumberTask) -> int:
    os._exit(1)


def refuse(task: NumberTask) -> int:
    raise SourceError(f"{task.number}: cannot be read", "get it again")


def nothing() -> None:
    pass


def answer_or_die_once(request: Request) -> str:
    """Reword; kill the own process at one caption, the first time that it is asked for anywhere."""
    mark = Path(os.environ["DIED_ONCE"]).with_name("replica")
    if "umbrella" in request.messages[-1].content and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return reword(request)


def open_mortal(options: RewriteOptions, sampling: Sampling) -> ScriptedRewriter:
    return ScriptedRewriter(answer_or_die_once)


def open_scripted(options: RewriteOptions, sampling: Sampling) -> ScriptedRewriter:
    return ScriptedRewriter(reword)


def poisoned() -> None:
    """Make this worker die at three captions, as a segmentation fault in a library would."""
    units.warm_up()
    clean, mend, make = partition.clean_caption, units.mend_parse, units.triplets_of

    def clean_or_die(raw: str):
        if raw == POISON_WHEN_READ:
            os._exit(11)
        return clean(raw)

    def mend_or_die(parsed: ParsedCaption, *rest):
        if parsed.text == POISON_WHEN_PARSED:
            os._exit(11)
        return mend(parsed, *rest)

    def make_or_die(parsed: ParsedCaption, *rest):
        if parsed.text == POISON_WHEN_EDITED:
            os._exit(11)
        return make(parsed, *rest)

    partition.clean_caption, units.mend_parse, units.triplets_of = clean_or_die, mend_or_die, make_or_die
