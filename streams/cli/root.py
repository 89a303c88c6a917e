"""The root of all commands: finding them, `--debug`, and what an error looks like."""

import os
import sys
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any, Final

import click

from streams import KERNEL
from streams._version import __version__
from streams.cli.errors import Exit, complain, exit_code

__all__ = ["Command", "Group", "cli", "main"]

COMMANDS: Final = {
    "demo": "streams.cli.demo:demo",
    "worker": "streams.cli.worker:worker",
    "topics": "streams.cli.worker:topics",
    "ledger": "streams.cli.ledger:ledger",
    "replay": "streams.cli.replay:replay",
    "simulate": "streams.cli.simulate:simulate",
    "explain": "streams.cli.explain:explain",
    "dlq": "streams.cli.dlq:dlq",
    "doctor": "streams.cli.doctor:doctor",
    "slo": "streams.cli.slo:slo",
    "schema": "streams.cli.schema:schema",
    "metrics": "streams.cli.metrics:metrics",
    "version": "streams.cli.version:version",
}
"""Every command and where it lives, in the order of the help."""

CONTEXT: Final[dict[str, Any]] = {
    "help_option_names": ["-h", "--help"],
    "max_content_width": 100,
    "auto_envvar_prefix": None,
}


def _note_debug(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        context.find_root().ensure_object(dict)["debug"] = True


def _debug_option() -> click.Option:
    return click.Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        callback=_note_debug,
        envvar="CALLSLA_DEBUG",
        help="Show the trace of an error.",
    )


class Command(click.Command):
    """A command that takes `--debug` like every other."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(_debug_option())


class Group(click.Group):
    """Commands that are looked up by name, with a hint for a mistyped one."""

    command_class = Command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may have been meant."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            ctx.fail(f"no such command {name!r}.{self._hint(ctx, name)}")
        return super().resolve_command(ctx, args)

    def _hint(self, ctx: click.Context, name: str) -> str:
        near = get_close_matches(name, self.list_commands(ctx), n=1, cutoff=0.5)
        return f" Did you mean {near[0]}?" if near else ""


class LazyGroup(Group):
    """The root: imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return the command, if there is one of that name."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


EPILOG: Final = """\b
Try it:
  callsla demo                                     watch a call centre keep and break its promise
  callsla simulate --calls 10000 --to calls.jsonl  make a day of calls
  callsla replay --from events calls.jsonl         judge them
Exit codes: 0 done, 1 failed, 2 wrong use, 3 a check found something, 4 a part cannot be reached."""


@click.group(cls=LazyGroup, context_settings=CONTEXT, epilog=EPILOG)
@click.version_option(__version__, prog_name="callsla", message="%(prog)s %(version)s")
@click.option(
    "--debug",
    is_flag=True,
    expose_value=False,
    callback=_note_debug,
    envvar="CALLSLA_DEBUG",
    help="Show the trace of an error.",
)
def cli() -> None:
    """Watch one promise of a call centre, live.

    Every call is answered by a human within 10 seconds. If that fails, the customer is called back
    within one hour.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with one of `Exit`."""
    sys.exit(run(list(sys.argv[1:] if arguments is None else arguments)))


def run(arguments: list[str]) -> int:
    """Run the command line; return the exit code instead of exiting."""
    state: dict[str, bool] = {"debug": bool(os.environ.get("CALLSLA_DEBUG"))}
    if KERNEL.refusal:
        complain(KERNEL.refusal)
        return Exit.WRONG_USE
    try:
        code = cli.main(arguments, prog_name="callsla", standalone_mode=False, obj=state)
        sys.stdout.flush()
    except (KeyboardInterrupt, click.Abort):
        click.echo("callsla: interrupted", err=True)
        return Exit.INTERRUPTED
    except (BrokenPipeError, SystemExit):
        # click makes an exit of a broken pipe; nothing else here asks for one.
        return _reader_left()
    except Exception as error:
        return _report(error, debug=state["debug"])
    return code if isinstance(code, int) else Exit.DONE


def _reader_left() -> int:
    """`callsla ... | head`: nobody listens any more, which is no fault."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.DONE


def _report(error: Exception, *, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    if isinstance(error, click.UsageError):
        complain(f"{error.format_message()}{_where_to_look(error)}")
        return Exit.WRONG_USE
    if isinstance(error, click.ClickException):
        complain(error.format_message())
        return error.exit_code
    code = exit_code(error)
    if code is not None:
        complain(str(error))
        return code
    hint = "" if debug else " (--debug shows the trace)"
    complain(f"{_in_words(error)}{hint}")
    return Exit.FAILED


def _in_words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        name = f"{error.filename}: " if error.filename else ""
        return f"{name}{error.strerror.lower()}"
    return f"{type(error).__name__}: {error}"


def _where_to_look(error: click.UsageError) -> str:
    if error.ctx is None:
        return ""
    return f"\nSee '{error.ctx.command_path} --help'."
