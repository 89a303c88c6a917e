"""Exit codes, and what an error of any module means for whoever typed the command."""

from enum import IntEnum
from typing import Final

import click

__all__ = ["CheckFailed", "Exit", "Unreachable", "WrongUse", "complain", "exit_code", "warn"]


class Exit(IntEnum):
    """What the command ended with; stable from the first release."""

    DONE = 0
    FAILED = 1
    WRONG_USE = 2
    FOUND = 3
    UNREACHABLE = 4
    INTERRUPTED = 130


class WrongUse(click.ClickException):
    """The command or its configuration is wrong."""

    exit_code = Exit.WRONG_USE


class CheckFailed(click.ClickException):
    """A check ran and found something."""

    exit_code = Exit.FOUND


class Unreachable(click.ClickException):
    """A part that is needed cannot be reached."""

    exit_code = Exit.UNREACHABLE


EXIT_OF: Final = {
    "streams.sources.errors.SourceError": Exit.WRONG_USE,
    "streams.slo.document.ObjectiveError": Exit.WRONG_USE,
    "streams.settings.SettingsError": Exit.WRONG_USE,
    "streams.kafka.errors.TopicsDifferError": Exit.FOUND,
    "streams.kafka.errors.UnreachableError": Exit.UNREACHABLE,
    "streams.kafka.errors.EdgeError": Exit.FAILED,
    "streams.metrics.endpoint.EndpointError": Exit.FAILED,
    "streams.slo.commands.MissingToolError": Exit.UNREACHABLE,
    "streams.slo.local_stack.StackError": Exit.UNREACHABLE,
}
"""Errors whose text is written for the user, by name: importing them all would be slow."""


def exit_code(error: BaseException) -> Exit | None:
    """Return what `error` ends the command with; None: it is not meant for the user."""
    for kind in type(error).__mro__:
        code = EXIT_OF.get(f"{kind.__module__}.{kind.__qualname__}")
        if code is not None:
            return code
    return None


def warn(message: str) -> None:
    """Say `message` on stderr; the command goes on."""
    click.echo(f"callsla: warning: {message}", err=True)


def complain(message: str) -> None:
    """Say `message` on stderr as the reason why the command ends."""
    click.echo(f"callsla: error: {message}", err=True)
