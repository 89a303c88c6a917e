"""Does every way to the broker let us in, and may a worker do there what it has to?"""

from collections.abc import Iterator, Sequence

from streams.doctor.findings import Finding, ok, split_line, unreachable, warning, wrong
from streams.doctor.kafka_edge import Refusal
from streams.kafka.errors import EdgeError, UnreachableError
from streams.settings import Settings

__all__ = ["judge_listeners", "judge_rights", "judge_servers", "refused"]


def refused(check: str, error: EdgeError) -> Finding:
    """Return the answer of a check that `error` ended."""
    told = unreachable if isinstance(error, UnreachableError) else wrong
    return told(check, *split_line(str(error)))


def judge_servers(settings: Settings, refusals: Sequence[Refusal]) -> Iterator[Finding]:
    """Yield what is to be said of the addresses in `broker`.

    One that is away is no fault as long as another answers; one that refuses us always is.
    """
    check, servers = "broker.reach", settings.broker.split(",")
    if len(refusals) < len(servers):
        let_in = {each.strip() for each in servers} - {server for server, _ in refusals}
        yield ok(check, f"{', '.join(sorted(let_in))} lets us in ({_way(settings)})")
    for _, error in refusals:
        finding = refused(check, error)
        if finding.status == "unreachable" and len(refusals) < len(servers):
            yield warning(check, finding.reason, "start it, or take it out of `broker`")
        else:
            yield finding


def _way(settings: Settings) -> str:
    protocol = settings.security_protocol
    if not protocol.startswith("SASL"):
        return protocol
    user = "" if settings.sasl_username is None else f" as {settings.sasl_username}"
    return f"{protocol}, {settings.sasl_mechanism}{user}"


def judge_listeners(told: Sequence[str], refusals: Sequence[Refusal]) -> Iterator[Finding]:
    """Yield what is to be said of the addresses that brokers advertise.

    Clients use `broker` only to ask the way; then they go where they are sent.
    """
    check = "broker.listeners"
    for server, error in refusals:
        finding = refused(check, error)
        reason = f"the broker sends its clients to {server}: {finding.reason}"
        away = "correct advertised.listeners of that broker, or open the way to it"
        remedy = away if finding.status == "unreachable" else finding.remedy or away
        yield Finding(check, finding.status, reason, remedy)
    if not refusals:
        yield ok(check, f"every broker is reached where it sends its clients: {', '.join(told)}")


def judge_rights(settings: Settings, barred: Sequence[str]) -> Iterator[Finding]:
    """Yield what a worker may not do."""
    for each in barred:
        operation, _, place = each.partition(" on ")
        name = "workers" if settings.sasl_username is None else repr(settings.sasl_username)
        yield wrong(
            "rights.worker",
            f"{name} may not {each}",
            f"kafka-acls.sh --add --allow-principal User:... --operation {operation} --{place}",
        )
    if not barred:
        yield ok("rights.worker", "a worker may do all that it has to")
