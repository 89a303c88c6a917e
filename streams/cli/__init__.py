"""The command `callsla`: one module per group of commands."""

from streams.cli.root import cli, main

__all__ = ["cli", "main"]
