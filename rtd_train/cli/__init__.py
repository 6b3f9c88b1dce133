"""The command line of the trainer: one file a command."""
