"""`callsla dlq`: which records were refused, why, and writing them back."""

import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from streams.cli.errors import WrongUse
from streams.cli.root import Group

if TYPE_CHECKING:
    from streams.kafka.dlq import DeadLetterTopic, Filters, Letter, Position

__all__ = ["dlq"]

F = TypeVar("F", bound=Callable[..., Any])
SHOWN: Final = 100


class PositionType(click.ParamType):
    """Where a dead letter is: `PARTITION:OFFSET`."""

    name = "position"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> "Position":
        """Return the position."""
        from streams.kafka.dlq import Position

        partition, colon, offset = str(value).partition(":")
        if not (colon and all(_is_number(text) for text in (partition, offset))):
            self.fail(f"{value!r} is no PARTITION:OFFSET such as 3:17.", param, ctx)
        return Position(int(partition), int(offset))


class Moment(click.ParamType):
    """A time, or how long ago; microseconds since 1970."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the microseconds."""
        from streams.instants import parse_instant
        from streams.slo.durations import parse_duration

        try:
            return time.time_ns() // 1000 - parse_duration(value)
        except ValueError:
            pass
        try:
            return parse_instant(str(value))
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r} is neither a time like 2026-03-02T18:00:00Z nor one ago like 2h30m.",
                param,
                ctx,
            )


class Reason(click.ParamType):
    """One of `streams.wire.REASONS`, imported only when one is given."""

    name = "reason"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the reason."""
        from streams.wire import REASONS

        if value not in REASONS:
            self.fail(
                f"there is no reason {value!r}; choose from {', '.join(REASONS)}.", param, ctx
            )
        return str(value)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


_OPTIONS: Final = (
    click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line."),
    click.option(
        "--config",
        type=click.Path(),
        metavar="FILE",
        help="The worker's settings; each can also be CALLSLA_<NAME> in the environment.",
    ),
)
_FILTERS: Final = (
    click.option("--partition", type=click.IntRange(min=0), help="Of the dead letters' topic."),
    click.option("--until", type=Moment(), metavar="TIME|AGO", help="Refused before that."),
    click.option(
        "--since", type=Moment(), metavar="TIME|AGO", help="Refused then or later; 2h is ago."
    ),
    click.option("--topic", metavar="NAME", help="Which the record came from."),
    click.option(
        "--reason", "reasons", type=Reason(), multiple=True, help="May be given several times."
    ),
)


def _with(*options: Callable[[Any], Any]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in options:
            function = option(function)
        return function

    return decorate


@click.group(cls=Group)
def dlq() -> None:
    """Look at records that were refused, and replay them.

    A position PARTITION:OFFSET is that of the dead letter in its own topic, as `list` prints it.
    """


@dlq.command(name="list")
@_with(*_OPTIONS, *_FILTERS)
@click.option(
    "--limit", type=click.IntRange(min=1), help=f"The newest N only; {SHOWN} in the table."
)
def list_(*, limit: int | None, as_json: bool, config: str | None, **given: Any) -> None:
    """List the dead letters: where from, why, whether replayed. Never what is in them."""
    from streams.cli.dlq_views import heads, newest, print_heads, print_json
    from streams.kafka.dlq import dead_letter_topic
    from streams.settings import load

    with dead_letter_topic(load(config)) as topic:
        replayed = topic.replayed(given["partition"])
        rows = heads(topic.letters(_filters(**given)), replayed)
        if as_json and limit is None:
            print_json(rows)
            return
        shown, number = newest(rows, limit or SHOWN)
    if as_json:
        print_json(shown)
    else:
        print_heads(shown)
    if number > len(shown):
        click.echo(f"{number - len(shown):,} older ones are not shown: --limit N", err=True)


@dlq.command()
@_with(*_OPTIONS)
@click.argument("position", type=PositionType())
@click.option("--raw", is_flag=True, help="Write the bytes of the value and nothing else.")
def show(*, position: "Position", raw: bool, as_json: bool, config: str | None) -> None:
    """Show the dead letter at POSITION: why it was refused, its headers and what is in it.

    What is in it may be personal.
    """
    from streams.cli.dlq_views import print_json, print_letter, whole
    from streams.kafka.dlq import dead_letter_topic
    from streams.settings import load

    with dead_letter_topic(load(config)) as topic:
        letter = topic.at(position)
        replayed = not raw and letter.identity in topic.replayed(position.partition)
    if raw:
        sys.stdout.buffer.write(letter.value or b"")
    elif as_json:
        print_json([whole(letter, replayed=replayed)])
    else:
        print_letter(letter, replayed=replayed)


@dlq.command()
@_with(*_OPTIONS, *_FILTERS)
@click.argument("positions", type=PositionType(), nargs=-1)
@click.option("--limit", type=click.IntRange(min=1), help="At most N records, the oldest first.")
@click.option("--again", is_flag=True, help="Also records that failed again after a replay.")
@click.option("--force", is_flag=True, help="Also records that have been replayed before.")
@click.option("--dry-run", is_flag=True, help="Say what would be done; write nothing.")
def replay(
    *,
    positions: "tuple[Position, ...]",
    as_json: bool,
    config: str | None,
    limit: int | None,
    again: bool,
    force: bool,
    dry_run: bool,
    **given: Any,
) -> None:
    """Write dead letters back to the partition they came from, unchanged.

    All of them, or those at POSITIONS, or those the filters take. A record is replayed once: what
    has been replayed is noted in the topic, so this can be interrupted and started again. One
    that failed again is left alone without --again.
    """
    from streams.cli.dlq_views import Tale
    from streams.kafka.dlq import dead_letter_topic
    from streams.kafka.dlq_replay import Replayer
    from streams.settings import load

    if positions and any(value not in (None, ()) for value in given.values()):
        raise WrongUse("give positions or filters, not both")
    tale = Tale(as_json=as_json, dry_run=dry_run)
    settings = load(config)
    with dead_letter_topic(settings) as topic:
        replayer = Replayer(settings, topic, again=again, force=force, dry_run=dry_run, limit=limit)
        tale.tell(replayer.run(_meant(topic, positions, _filters(**given))))
    if tale.impossible:
        raise click.ClickException(f"{tale.impossible:,} of them cannot be replayed")


def _meant(
    topic: "DeadLetterTopic", positions: "tuple[Position, ...]", filters: "Filters"
) -> "Iterator[Letter]":
    if positions:
        # All are looked up before the first is replayed: one that is not there stops everything.
        return iter([topic.at(position) for position in positions])
    return topic.letters(filters)


def _filters(reasons: tuple[str, ...], **given: Any) -> "Filters":
    from streams.kafka.dlq import Filters

    return Filters(reasons=frozenset(reasons), **given)
