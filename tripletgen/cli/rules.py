"""`tripletgen rules`."""

from tripletgen.cli.output import print_lines


def command() -> None:
    """List the edit rules, one a line: edit type, CIRCO aspect, what it does."""
    from tripletgen.edits import describe_rules

    print_lines(describe_rules())
