"""What a run tells of its progress."""

from typing import Protocol


class Progress(Protocol):
    """Is told what a run does."""

    def phase(self, name: str, total: int) -> None:
        """Note the beginning of a phase of `total` steps."""

    def advance(self, done: int, **figures: float) -> None:
        """Note how far the phase is."""


class Silent:
    """Progress that nobody watches."""

    def phase(self, name: str, total: int) -> None:
        """Do nothing."""

    def advance(self, done: int, **figures: float) -> None:
        """Do nothing."""
