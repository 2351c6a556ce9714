"""The command line, a file a command. Nothing heavy is imported before a command needs it: --help answers at once."""

from conformance.cli.group import cli as cli
from conformance.cli.group import main as main

__all__ = ["cli", "main"]
