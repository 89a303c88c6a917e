"""`callsla simulate`."""

import time
from typing import TYPE_CHECKING, Final

import click

from streams.cli.errors import WrongUse
from streams.cli.root import Command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from streams.simulate import CentreConfig, Delivery, Outage

__all__ = ["simulate"]

KAFKA: Final = "kafka://"
CENTRES: Final = ("small", "large", "demo")

EPILOG = """\b
Examples:
  callsla simulate --calls 100000 --seed 7 --to calls.jsonl
  callsla simulate --calls 20000 --faults late,duplicate,disorder | callsla replay --from events -
  callsla simulate --centre demo --live --to kafka://localhost:9092/callcenter.events
  callsla simulate --centre demo --calls 2000 --outage sales:2m:10m --site north"""


@click.command(cls=Command, epilog=EPILOG)
@click.option(
    "--calls", type=click.IntRange(min=0), metavar="N", help="Default: 10,000; --live: no end."
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="The same seed, the same bytes."
)
@click.option("--start", metavar="TIME", help="Of the first call; default a Monday in March 2026.")
@click.option(
    "--faults", metavar="LIST", default="", help="late,duplicate,disorder,lost,restart,skew"
)
@click.option(
    "--centre",
    type=click.Choice(CENTRES),
    default="small",
    show_default=True,
    help="A bank's size, national size, or that of the demo.",
)
@click.option(
    "--outage",
    "outages",
    multiple=True,
    metavar="QUEUE:AFTER:LASTS",
    help="Its agents are gone, such as support:1m:10m; again for another; none: for ever there.",
)
@click.option("--site", metavar="NAME", help="Begins the names of queues and systems: NAME-sales.")
@click.option(
    "--to",
    "target",
    default="-",
    metavar="FILE|-|kafka://HOST:PORT[/TOPIC]",
    help="Where the events go; default: stdout.",
)
@click.option("--live", is_flag=True, help="From now on and in real time.")
def simulate(
    *,
    calls: int | None,
    seed: int,
    start: str | None,
    faults: str,
    centre: str,
    outages: tuple[str, ...],
    site: str | None,
    target: str,
    live: bool,
) -> None:
    """Simulate a call centre: canonical events, one JSON object a line."""
    if live and start is not None:
        message = "--live begins now: leave out --start"
        raise WrongUse(message)
    if calls is None and not live:
        calls = 10_000
    begins = time.time_ns() // 1000 if live else _instant(start)
    config = _centre(centre, begins, outages, site)
    deliveries = _deliveries(config, calls, seed, faults)
    if live:
        from streams.simulate import paced

        deliveries = paced(deliveries)
    if target.startswith(KAFKA):
        written = _to_kafka(target, deliveries)
    else:
        written = _to_file(target, deliveries, live=live, faulty=bool(faults))
    if target != "-":
        click.echo(f"{written:,} events written to {target}", err=True)


def _centre(
    centre: str, begins: int | None, outages: tuple[str, ...], site: str | None
) -> "CentreConfig":
    from msgspec.structs import replace

    from streams import simulate as simulator

    makers: dict[str, Callable[[int], simulator.CentreConfig]] = {
        "small": simulator.small_centre,
        "large": simulator.large_centre,
        "demo": simulator.demo_centre,
    }
    config = makers[centre](simulator.DEFAULT_START if begins is None else begins)
    if outages:
        given = () if outages == ("none",) else tuple(_outage(each) for each in outages)
        try:
            config = replace(config, outages=given)
        except ValueError as error:
            message = f"--outage: {error}"
            raise WrongUse(message) from error
    return config.at_site(site) if site else config


def _outage(text: str) -> "Outage":
    from streams.simulate import Outage
    from streams.slo.durations import parse_duration

    queue, _, when = text.partition(":")
    after, _, lasts = when.partition(":")
    try:
        begins, duration = (int(parse_duration(each)) for each in (after, lasts))
        return Outage(queue=queue, begins=begins, lasts=duration)
    except ValueError as error:
        message = f"--outage {text}: QUEUE:AFTER:LASTS, such as support:1m:10m: {error}"
        raise WrongUse(message) from error


def _deliveries(
    config: "CentreConfig", calls: int | None, seed: int, faults: str
) -> "Iterator[Delivery]":
    from streams import simulate as simulator

    try:
        names = simulator.parse_faults(faults)
    except ValueError as error:
        raise WrongUse(str(error)) from error
    deliveries = simulator.Centre(config, seed).deliveries(calls)
    return simulator.inject(deliveries, names, seed) if names else deliveries


def _instant(text: str | None) -> int | None:
    if text is None:
        return None
    from streams.cli.inputs import UNTIL

    instant: int | None = UNTIL.convert(text, None, None)
    return instant


def _to_file(target: str, deliveries: "Iterable[Delivery]", *, live: bool, faulty: bool) -> int:
    from streams.simulate import write_to
    from streams.simulate.recorder import in_event_time_order

    if live:
        return _line_by_line(target, deliveries)
    # A feed without faults is written in event-time order; faults are a matter of order.
    events = (each.event for each in deliveries) if faulty else in_event_time_order(deliveries)
    return write_to(target, events)


def _line_by_line(target: str, deliveries: "Iterable[Delivery]") -> int:
    from streams.events import encode

    written = 0
    with click.open_file(target, "wb") as stream:
        for delivery in deliveries:
            stream.write(encode(delivery.event) + b"\n")
            stream.flush()
            written += 1
    return written


def _to_kafka(target: str, deliveries: "Iterable[Delivery]") -> int:
    from streams.kafka.produce import EventProducer
    from streams.settings import load

    bootstrap, _, topic = target.removeprefix(KAFKA).partition("/")
    if not bootstrap:
        message = f"{target!r} names no broker: kafka://host:9092"
        raise WrongUse(message)
    producer = EventProducer(load(), bootstrap, topic or None)
    try:
        for delivery in deliveries:
            producer.send(delivery.key, delivery.event)
            producer.poll()
    finally:
        producer.flush()
    return producer.written
