"""The same seed and arguments give the same bytes."""

import os
import subprocess
import sys
from itertools import islice, takewhile

from streams.events import encode
from streams.instants import SECOND
from streams.simulate import Centre, CentreConfig, Delivery, demo_centre, inject, small_centre

DIGEST = """
from hashlib import sha256
from streams.events import encode
from streams.simulate import Centre, FAULTS, inject, large_centre
digest = sha256()
centre = Centre(large_centre(queues=5, calls_per_hour=2000), {seed})
for at, key, event in inject(centre.deliveries(1500), FAULTS, {seed}):
    digest.update(b"%d %s " % (at, str(key).encode()) + encode(event))
print(digest.hexdigest())
"""


def digest(seed: int, hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-c", DIGEST.format(seed=seed)]
    run = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=60)
    return run.stdout.decode().strip()


def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    """Delivery times, keys and events, all faults on, whatever Python's own hash seed."""
    first = digest(3, "1")
    assert len(first) == 64
    assert digest(3, "4242") == first
    assert digest(4, "1") != first


def test_a_centre_can_be_read_twice() -> None:
    """Reading the events does not use them up."""
    centre = Centre(small_centre(), 1)
    first = [encode(event) for event in islice(centre.events(), 500)]
    assert [encode(event) for event in islice(centre.events(), 500)] == first


def test_ids_differ_between_runs() -> None:
    """Two runs sent to one topic are not each other's duplicates."""
    one, other = (
        {event.id for event in islice(Centre(small_centre(), seed).events(), 500)}
        for seed in (1, 2)
    )
    assert not one & other


def before(config: CentreConfig, seconds: int) -> list[tuple[int, str, str | None]]:
    """What happened in the first seconds, without the ids."""
    end = config.start + seconds * SECOND
    early = takewhile(lambda delivery: delivery.at < end, Centre(config, 5).deliveries())
    return [(at, event.kind, event.queue) for at, _, event in early]


def test_an_outage_changes_nothing_before_it_begins() -> None:
    """With and without the outage at 20 s the first 20 s are the same."""
    with_outage, without = demo_centre(), demo_centre(outage=False)
    assert before(with_outage, 20) == before(without, 20)
    assert before(with_outage, 60) != before(without, 60)


def test_no_fault_is_no_change(recorded: list[Delivery]) -> None:
    """An empty list of faults hands the feed through."""
    assert list(inject(recorded, (), 1)) == recorded
