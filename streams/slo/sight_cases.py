"""Tests of the alerts about what cannot be seen, and about the workers."""

from collections.abc import Iterator
from typing import Any

from streams.instants import MINUTE, SECOND
from streams.slo.durations import brief, last
from streams.slo.objective import Objective
from streams.slo.testkit import Expected, Series, expected, go_duration, held, scene, total
from streams.slo.timing import Timing

__all__ = ["sight_tests"]

Test = dict[str, Any]


def sight_tests(objective: Objective, timing: Timing, step: int) -> Iterator[Test]:
    """Each fires, is silent just below, where nothing happens and over a restart, and ends."""
    blind, health = objective.alerts.blind, objective.alerts.health
    yield from _no_worker(timing, step)
    yield from _partition(timing, step)
    yield from _behind(timing, timing.wait(blind.behind), step)
    yield from _heartbeat(timing.wait(blind.heartbeat), step)
    yield from _silence(timing.wait(blind.silence), step)
    yield from _workers(timing, step)
    yield from _refused(timing, timing.at_least(health.refused), step)
    yield from _snapshot(timing.wait(health.snapshot), step)
    yield from _incomplete(step)
    always = expected(
        "Watchdog",
        "info",
        "The alarm chain works",
        "This alert always fires. If it stops arriving, alerts about calls cannot arrive either.",
    )
    calls = [total("callcenter_calls_offered_total", "0x3")]
    yield scene(step, "fires", "always", calls, "Watchdog", [(0, [always]), (3, [always])])
    nothing = [(0, [always]), (3, [always])]
    yield scene(step, "low traffic", "fires with nothing scraped", [], "Watchdog", nothing)


def _soon(timing: Timing, step: int) -> int:
    return timing.wait(30 * SECOND) // step + 2


def _no_worker(timing: Timing, step: int) -> Iterator[Test]:
    name, look = "BlindNoWorker", _soon(timing, step)
    seconds = timing.wait(30 * SECOND) // SECOND
    said = (
        f"No worker has been seen for {seconds} seconds. Calls may wait without being noticed; "
        "a quiet promise alert means nothing now."
    )
    summary = "No worker reports: nobody watches the promises"
    fires = expected(name, "critical", summary, said, blind="true")

    def there(values: str) -> list[Series]:
        return [held("callcenter_build_info", values, instance="a")]

    yield scene(step, "fires", "when no worker is there", [], name, [(look, [fires])])
    yield scene(step, "just below", "silent before its time", [], name, [(0, [])])
    idle = [*there("1x99"), total("callcenter_calls_offered_total", "0x99")]
    yield scene(step, "low traffic", "silent while nobody calls", idle, name, [(look, [])])
    back = there(f"_x{look + 1} 1x9")
    yield scene(step, "ends", "when one is back", back, name, [(look, [fires]), (look + 2, [])])
    anew = there(f"1x{look} stale 1x9")
    looks: list[tuple[int, list[Expected]]] = [(look + 1, []), (look + 3, [])]
    yield scene(step, "reset", "a restart is not blind", anew, name, looks)


def _partition(timing: Timing, step: int) -> Iterator[Test]:
    name, look = "BlindPartition", 8 + _soon(timing, step)
    said = (
        "1 partition that used to be watched belong to no worker now. The numbers of their calls "
        "stand still."
    )
    summary = "Some calls are not watched by any worker"
    fires = expected(name, "critical", summary, said, blind="true")

    def owns(worker: str, partition: str, values: str) -> Series:
        labels = {"fate": "applied", "partition": partition, "instance": worker}
        return held("callcenter_events_total", values, **labels)

    both = [owns("a", "0", "0x99"), owns("a", "1", "0x8 stale")]
    moved = [*both, owns("b", "1", "_x8 0x99")]
    later = [*both, owns("b", "1", f"_x{look} 0x9")]
    yield scene(step, "fires", "when nobody owns one", both, name, [(look, [fires])])
    yield scene(step, "just below", "silent before its time", both, name, [(8, [])])
    yield scene(step, "just below", "silent if another owns it", moved, name, [(look, [])])
    yield scene(step, "ends", "when it has an owner again", later, name, [(look + 2, [])])
    # Owned, and nothing ever comes in it.
    idle = [owns("a", "0", "0x99"), owns("a", "1", "0x99")]
    yield scene(step, "low traffic", "silent where nothing comes", idle, name, [(look, [])])
    anew = [owns("a", "0", "50x99"), owns("a", "1", "50x8 stale 0x99")]
    yield scene(step, "reset", "a restart is not blind", anew, name, [(9, []), (look, [])])


def _behind(timing: Timing, limit: int, step: int) -> Iterator[Test]:
    name, look = "BlindBehind", limit // step + 2 + _soon(timing, step)
    behind = limit // SECOND + 1
    said = (
        f"The numbers show the centre as it was {go_duration(behind)} ago; more than "
        f"{brief(limit)} is too late for a promise of seconds."
    )
    fires = expected(name, "critical", "The numbers lag behind the calls", said, blind="true")

    def decided(late: int) -> list[Series]:
        values = f"{-late}+{step // SECOND}x{look}"
        return [held("callcenter_tick_decided_timestamp_seconds", values, partition="0")]

    yield scene(step, "fires", "just above the limit", decided(behind), name, [(look, [fires])])
    yield scene(step, "just below", "silent at the limit", decided(behind - 1), name, [(look, [])])
    caught = decided(behind)
    caught[0]["values"] += f" {(look + 1) * step // SECOND}"
    yield scene(step, "ends", "when it has caught up", caught, name, [(look + 1, [])])
    # A night without calls, before the first verdict: events are old, and none of them waits.
    quiet = [
        held("callcenter_event_time_seconds", f"1x{look}", partition="0"),
        held("callcenter_consumer_lag_events", f"0x{look}", partition="0"),
    ]
    yield scene(step, "low traffic", "silent when nothing waits", quiet, name, [(look, [])])
    anew = decided(0)
    anew[0]["values"] += f" stale 0 {(look + 3) * step // SECOND}"
    after: list[tuple[int, list[Expected]]] = [(look + number, []) for number in (1, 2, 3)]
    yield scene(step, "reset", "one that has no verdict yet is not", anew, name, after)


def _heartbeat(limit: int, step: int) -> Iterator[Test]:
    name, look = "BlindHeartbeat", limit // step + 3
    silent = limit // SECOND + 1
    said = (
        f"The last heartbeat of a source came through {go_duration(silent)} ago; it is due at "
        f"least every {brief(limit)}. The feed is broken: no news is not good news."
    )
    summary = "No heartbeat comes through from the call system"
    fires = expected(name, "critical", summary, said, blind="true")
    now = look * step // SECOND

    def beat(values: str) -> list[Series]:
        return [held("callcenter_heartbeat_timestamp_seconds", values, partition="0")]

    above, at_limit = beat(f"{now - silent}x{look}"), beat(f"{now - silent + 1}x{look}")
    yield scene(step, "fires", "just above", above, name, [(look, [fires])])
    yield scene(step, "just below", "silent at the limit", at_limit, name, [(look, [])])
    none, anew = beat(f"0x{look}"), beat(f"{now - silent}x{look - 1} 0x9")
    yield scene(step, "low traffic", "silent if no source sends any", none, name, [(look, [])])
    again = beat(f"{now - silent}x{look} {now + step // SECOND}")
    yield scene(step, "ends", "with the next one", again, name, [(look + 1, [])])
    yield scene(step, "reset", "silent until the first one", anew, name, [(look + 1, [])])


def _silence(limit: int, step: int) -> Iterator[Test]:
    name, look = "NoEvents", limit // step + 3
    silent = limit // SECOND + 1
    said = (
        f"The newest event is {go_duration(silent)} old. Either nobody calls, or the feed is dead; "
        "heartbeats would tell which."
    )
    fires = expected(name, "warning", "No call events for a long time", said)
    now = look * step // SECOND

    def newest(values: str) -> list[Series]:
        return [held("callcenter_event_time_seconds", values, partition="0")]

    above, at_limit = f"{now - silent}x{look}", f"{now - silent + 1}x{look}"
    yield scene(step, "fires", "just above the limit", newest(above), name, [(look, [fires])])
    yield scene(step, "just below", "silent at the limit", newest(at_limit), name, [(look, [])])
    again = newest(f"{above} {now + step // SECOND}")
    yield scene(step, "ends", "with the next event", again, name, [(look + 1, [])])
    beats = held("callcenter_heartbeat_timestamp_seconds", f"{now}x{look}", partition="0")
    quiet = [*newest(above), beats]
    yield scene(step, "low traffic", "silent while heartbeats come", quiet, name, [(look, [])])
    anew = newest(f"{now - silent}x{look - 1} 0x9")
    yield scene(step, "reset", "silent until the first event", anew, name, [(look + 1, [])])


def _workers(timing: Timing, step: int) -> Iterator[Test]:
    yield from _flag(
        "WorkerDown",
        step,
        timing.wait(MINUTE) // step + 2,
        [held("up", "{}", job="callsla", instance="a")],
        "A worker does not answer its scrapes",
        "The worker a does not answer. Others take over its calls; if none does, a Blind alert "
        "says so.",
        job="callsla",
    )
    yield from _flag(
        "WorkerNotReady",
        step,
        timing.wait(10 * MINUTE) // step + 2,
        [held("callcenter_worker_ready", "{}", instance="a")],
        "A worker does not get ready",
        "The worker a has been running for a while and is not ready; its page /-/ready says why.",
    )
    limit = timing.wait(30 * SECOND)
    # Two steps: one to be above the limit, and one for the alert's own wait.
    look = 2 * (limit // step + 2)
    age, now = look * step // SECOND - 1, look * step // SECOND
    said = (
        f"The worker a has not ticked for {go_duration(age)}; more than {brief(limit)} is a fault. "
        "The deadlines of its calls are not watched."
    )
    fires = expected("WorkerStalled", "warning", "A worker stands still", said, instance="a")
    ticks = "callcenter_tick_timestamp_seconds"
    stands = held(ticks, f"1x{look}", instance="a")
    moves = held(ticks, f"1+{step // SECOND}x{look}", instance="a")
    again = held(ticks, f"1x{look} {now + step // SECOND}", instance="a")
    anew = held(ticks, f"1x{look - 1} 0x9", instance="a")
    name = "WorkerStalled"
    yield scene(step, "fires", "when it stands still", [stands], name, [(look, [fires])])
    yield scene(step, "just below", "silent while it ticks", [moves], name, [(look, [])])
    yield scene(step, "ends", "when it ticks again", [again], name, [(look + 1, [])])
    yield scene(step, "reset", "silent until its first tick", [anew], name, [(look + 1, [])])


def _flag(
    name: str, step: int, look: int, series: list[Series], summary: str, said: str, **labels: str
) -> Iterator[Test]:
    """A gauge that is 1 when all is well."""
    fires = expected(name, "warning", summary, said, instance="a", **labels)

    def shown(values: str) -> list[Series]:
        return [{**one, "values": values} for one in series]

    yield scene(step, "fires", "while it is 0", shown(f"0x{look}"), name, [(look, [fires])])
    yield scene(step, "just below", "silent before its time", shown(f"0x{look}"), name, [(0, [])])
    yield scene(step, "just below", "silent while it is 1", shown(f"1x{look}"), name, [(look, [])])
    yield scene(step, "ends", "when it is 1", shown(f"0x{look} 1"), name, [(look + 1, [])])
    # Again and again it begins anew, and each time it is well before its time is up.
    anew = shown(" ".join(["0 1"] * look))
    looks: list[tuple[int, list[Expected]]] = [(2 * look - 2, []), (2 * look - 1, [])]
    yield scene(step, "reset", "restarts do not add up", anew, name, looks)


def _refused(timing: Timing, least: int, step: int) -> Iterator[Test]:
    """A steady stream: what `increase` makes of its ends is then exact."""
    name, window = "RecordsRefused", timing.wait(15 * MINUTE)
    look, in_window = window // step + 2, window // step
    each = -(-least // in_window)
    said = (
        f"About {each * in_window} records were refused in {last(window)} because they are "
        "malformed. Their calls are not judged."
    )
    summary = "Records of the call system are refused"
    fires = expected(name, "warning", summary, said, reason="malformed")

    def letters(values: str) -> list[Series]:
        labels = {"reason": "malformed", "partition": "0", "instance": "a"}
        return [held("callcenter_dead_letters_total", values, **labels)]

    below = (least - 1) / in_window
    many, fewer = letters(f"0+{each}x{look}"), letters(f"0+{below:.9f}x{look}")
    yield scene(step, "fires", "above", many, name, [(look, [fires])])
    yield scene(step, "just below", "silent", fewer, name, [(look, [])])
    one = letters(f"0x{look - 2} 1x9")
    yield scene(step, "low traffic", "silent about one at night", one, name, [(look, [])])
    over = letters(f"0+{each}x{look} {each * look}x{in_window}")
    yield scene(step, "ends", "when they stop", over, name, [(look + in_window, [])])
    half = look // 2
    anew = letters(f"0+{each}x{half} {each}+{each}x{half}")
    yield scene(step, "reset", "counts on over a restart", anew, name, [(look, [fires])])
    none = letters(f"{9 * least}x{half} 0x{look}")
    yield scene(step, "reset", "a restart refuses none", none, name, [(look, [])])


def _snapshot(limit: int, step: int) -> Iterator[Test]:
    name, look = "SnapshotOld", limit // step + 3
    now, age = look * step // SECOND, limit // SECOND + 1
    said = (
        f"The newest snapshot of partition 0 is {go_duration(age)} old. Counts are safe, but a "
        "restart takes the longer."
    )
    summary = "Snapshots of the ledger are not being written"
    fires = expected(name, "warning", summary, said, partition="0")

    def written(values: str) -> list[Series]:
        return [held("callcenter_snapshot_timestamp_seconds", values, partition="0", instance="a")]

    old, just = written(f"{now - age}x{look}"), written(f"{now - age + 1}x{look}")
    yield scene(step, "fires", "just above the limit", old, name, [(look, [fires])])
    yield scene(step, "just below", "silent at the limit", just, name, [(look, [])])
    again, anew = written(f"{now - age}x{look} {now}"), written(f"{now - age}x{look - 1} 0x9")
    yield scene(step, "ends", "with the next one", again, name, [(look + 1, [])])
    yield scene(step, "reset", "silent until one is known", anew, name, [(look + 1, [])])


def _incomplete(step: int) -> Iterator[Test]:
    name = "CountsIncomplete"
    said = (
        "The owner of partition 0 went on without records that could not be read again. Counts "
        "before that moment are not whole."
    )
    fires = expected(name, "warning", "Counts have a gap that was accepted", said, partition="0")

    def losses(values: str) -> list[Series]:
        return [held("callcenter_ledger_losses_total", values, partition="0", instance="a")]

    yield scene(step, "fires", "after a loss", losses("0 1x9"), name, [(5, [fires])])
    yield scene(step, "just below", "silent without one", losses("0x9"), name, [(5, [])])
    # Losses are in the log: whoever owns the partition afterwards tells of them.
    anew = losses("0 1x4 stale 1x9")
    looks: list[tuple[int, list[Expected]]] = [(4, [fires]), (8, [fires])]
    yield scene(step, "reset", "told on over a restart", anew, name, looks)
