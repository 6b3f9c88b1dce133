"""What a long run tells of how far it is."""

from typing import Protocol


class Progress(Protocol):
    """Receive how far a build is."""

    def start(self, phase: str, total: int | None) -> None:
        """Begin a phase of so many captions, None where the number is not known."""

    def advance(self, captions: int) -> None:
        """Count captions as done in this phase."""

    def note(self, text: str) -> None:
        """Show how the phase goes."""


class Silence:
    """Show no progress."""

    def start(self, phase: str, total: int | None) -> None:
        """Show nothing."""

    def advance(self, captions: int) -> None:
        """Show nothing."""

    def note(self, text: str) -> None:
        """Show nothing."""
