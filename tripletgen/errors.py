"""Errors that are the user's to mend: a message with the value, a hint with the remedy.

Everything else that is raised is a bug and keeps its traceback.
"""


class TripletgenError(Exception):
    """Tell what is wrong with the offending value, and what to do about it."""

    exit_code = 1

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[type["TripletgenError"], tuple[str, str]]:
        """Travel through a process pool with both lines intact."""
        return type(self), (self.message, self.hint)


class UsageError(TripletgenError):
    """Report an option or recipe value that cannot be meant."""

    exit_code = 2


class SourceError(TripletgenError):
    """Report a caption source that cannot be read."""


class OutputError(TripletgenError):
    """Report an output folder or disk that cannot be written."""


class DataError(TripletgenError):
    """Report a data set that is not what its manifest says."""


class PublishError(TripletgenError):
    """Report a place that cannot be published to; a secret never stands in the message."""


class MissingExtraError(TripletgenError):
    """Report a library that only an extra of this package installs."""


class Interrupted(BaseException):
    """Report that the user stopped the command; no Exception, so that no library takes it for a failure of its own and goes on."""

    exit_code = 130
    message = "interrupted"
    hint = "what is finished is kept: run the same command again to go on"
