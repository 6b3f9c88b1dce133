"""Errors that are the user's to mend: a message with the value, a hint with the remedy.

Everything else that is raised is a bug and keeps its traceback.
"""


class TrainError(Exception):
    """Tell what is wrong with the offending value, and what to do about it."""

    exit_code = 1

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(TrainError):
    """Report an option that cannot be meant."""

    exit_code = 2


class ModelError(TrainError):
    """Report a backbone or projection module that cannot be loaded, or that does not fit the other."""


class DataError(TrainError):
    """Report triplets or captions that cannot be trained on."""


class OutputError(TrainError):
    """Report an output folder that holds something else or cannot be written."""


class DivergenceError(TrainError):
    """Report a loss that is no number; the last good checkpoint is kept."""


class PeerError(TrainError):
    """Report that another process of the run has stopped, and told why."""
