"""`tripletgen report`."""


def command() -> None:
    """Todo."""
