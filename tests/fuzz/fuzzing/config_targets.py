"""The files people write: `slo.yaml`, the worker's settings, the keys of pseudonyms."""

import tempfile
from pathlib import Path
from random import Random
from typing import Final

import msgspec

from fuzzing.engine import Target, one_line
from fuzzing.event_targets import EVENTS
from fuzzing.mutation import mutate
from streams.events import EventDecoder
from streams.instants import DAY, SECOND
from streams.kafka.ledgerlog.records import Epoch, decode, encode
from streams.ledger import Ledger
from streams.settings import Settings, SettingsError, load
from streams.slo import ObjectiveError, parse_slo
from streams.sources import SourceError
from streams.sources.pseudonym import parse_keys

__all__ = ["KeyFiles", "Objectives", "SettingsFiles"]


class Objectives(Target):
    """`slo.yaml`: what is accepted can be logged and judged by."""

    name = "slo"

    def make(self, random: Random) -> bytes:
        if random.random() < 0.1:
            return _bomb(random)
        data = random.choice(_OBJECTIVES)
        if random.random() < 0.6:
            data = _revalued(random, data)
        return mutate(random, data, _YAML, _OBJECTIVES) if random.random() < 0.5 else data

    def check(self, data: bytes) -> bool:
        try:
            rules = parse_slo(data).rules()
        except ObjectiveError as error:
            one_line(str(error))
            return False
        epoch = Epoch(rules, "0.1.0", "worker")
        assert decode(encode(epoch)) == epoch
        self._judge(Ledger(rules))
        return True

    def _judge(self, ledger: Ledger) -> None:
        decoder = EventDecoder()
        for fields in EVENTS:
            ledger.apply(decoder.decode(msgspec.json.encode(fields)))
        for now in (0, 1_767_571_207, 1_767_574_900, 1_800_000_000):
            ledger.advance(now * SECOND)
        ledger.advance(1_900_000_000 * SECOND + DAY)


class SettingsFiles(Target):
    """The settings of a worker in a file; an input may add `NAME=value` of the environment.

    These are its first lines if they begin with `CALLSLA_`.
    """

    name = "settings"

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="fuzz-")
        self._path = Path(self._folder.name) / "callsla.yaml"

    def close(self) -> None:
        self._folder.cleanup()

    def make(self, random: Random) -> bytes:
        if random.random() < 0.1:
            return _bomb(random)
        lines = random.sample(_SETTINGS, random.randint(1, 4))
        if random.random() < 0.4:
            value = mutate(random, random.choice(_VALUES), _YAML).replace(b"\n", b" ")
            lines.insert(0, b"CALLSLA_%s=%s" % (random.choice(_NAMES), value))
        data = b"\n".join(lines)
        if random.random() < 0.6:
            data = _revalued(random, data)
        return mutate(random, data, _YAML) if random.random() < 0.4 else data

    def check(self, data: bytes) -> bool:
        environ = {}
        while data.startswith(b"CALLSLA_") and b"=" in data.partition(b"\n")[0]:
            line, _, data = data.partition(b"\n")
            name, _, value = line.decode("utf-8", "surrogateescape").partition("=")
            environ[name] = value
        self._path.write_bytes(data)
        try:
            settings = load(self._path, environ)
        except SettingsError as error:
            one_line(str(error))
            return False
        self._is_sound(settings)
        return True

    def _is_sound(self, settings: Settings) -> None:
        assert 0.05 <= settings.tick_seconds <= 5
        assert 1 <= settings.snapshot_seconds < 1e9
        assert 1 <= settings.retention_hours < 2**31
        assert "\n" not in repr(settings)


class KeyFiles(Target):
    """The file with the keys of pseudonyms."""

    name = "keys"

    def make(self, random: Random) -> bytes:
        return mutate(random, random.choice(_KEYS), (b" until ", b":", b"#", b"\n"), _KEYS)

    def check(self, data: bytes) -> bool:
        text = data.decode("utf-8", "replace")
        try:
            keys = parse_keys(text, "the file")
        except SourceError as error:
            one_line(str(error), "6f1d6f1d")
            return False
        assert all(key.pseudonym("+447700900123").startswith(key.id + ":") for key in keys)
        return True


def _revalued(random: Random, data: bytes) -> bytes:
    """Return `data` with the value of one line replaced."""
    lines = data.split(b"\n")
    at = random.randrange(len(lines))
    name, colon, _ = lines[at].rpartition(b": ")
    values = _RIGHT if random.random() < 0.5 else _VALUES
    lines[at] = name + colon + random.choice(values)
    return b"\n".join(lines)


def _bomb(random: Random) -> bytes:
    """Return YAML that is short and unfolds to very much, in one of several places."""
    wide, deep = random.choice(((8, 3), (8, 9), (2, 30), (30, 6), (1, 200)))
    kind = random.randrange(3)
    lines = [b"%s: &a0 %s" % (random.choice(_TOP), (b"{k: 1}", b"[1, 2]", b"{k: {l: 1}}")[kind])]
    for level in range(1, deep + 1):
        alias = b"*a%d" % (level - 1)
        body = (
            b"{<<: [%s]}" % b", ".join([alias] * wide),
            b"[%s]" % b", ".join([alias] * wide),
            b"{%s}" % b", ".join(b"k%d: %s" % (n, alias) for n in range(wide)),
        )[kind]
        lines.append(b"x%d: &a%d %s" % (level, level, body))
    lines.append(b"%s: *a%d" % (random.choice(_TOP), deep))
    if random.random() < 0.5:
        random.shuffle(lines)
    data = b"\n".join(lines)
    return mutate(random, data, _YAML) if random.random() < 0.3 else data


_TOP: Final = (b"version", b"queues", b"promises", b"max_queues", b"broker", b"raw_topics", b"x")
_OBJECTIVES: Final = [
    b"version: 1\npromises:\n  answer: {target: 10s, objective: 0.90, clock_start: arrival}\n"
    b"  callback: {target: 1h, objective: 0.95, clock: call_end, unreachable_after: 3}\n"
    b"usefulness: {short_talk: 10s, repeat_window: 1h, weight: 1}\n"
    b"time: {grace: 2s, lateness: 1h, max_call: 4h, max_future: 1m, max_age: 7d}\nqueues: {}",
    b"promises:\n  answer:\n    target: 5s\n    objective: 0.8\n    early_abandon: broken\n"
    b"    unknown_is_human: true\n  callback:\n    target: 30m\n    clock: breach\n"
    b"    late_horizon: 2h",
    b"queues:\n  sales: &s\n    answer:\n      target: 20s\n  'vip*':\n    <<: *s\n"
    b"    callback:\n      target: 15m\n  help: *s\nmax_queues: 50",
    b"alerts:\n  answer:\n    window: 5m\n    short: 1m\n    factor: 14.4\n    cap: 0.5\n"
    b"    min_broken: 10\n  below_target: {window: 30m, min_calls: 10}\n  blind:\n"
    b"    heartbeat: 2m\n    silence: 1h",
    b"time:\n  grace: 0s\n  lateness: 0s\n  max_call: 11s\n  max_age: 0s\n  max_future: 366d",
]
_SETTINGS: Final = [
    b"broker: a:9092,b:9092", b"events_topic: callcenter.events", b"partitions: 12",
    b"raw_topics: {asterisk: asterisk-queue-log}", b"raw_topics:\n  cdr: events",
    b"replication: 3", b"retention_hours: 24", b"group: callsla", b"instance: worker-1",
    b"metrics_host: 127.0.0.1", b"metrics_port: 9808", b"slo_file: /dev/null",
    b"tick_seconds: 0.25", b"snapshot_seconds: 60", b"log_level: info", b"log_format: json",
    b"security_protocol: SASL_SSL\nsasl_mechanism: PLAIN\nsasl_username: u\n"
    b"sasl_password_file: /dev/null",
    b"security_protocol: SSL\ntls_ca_file: /dev/null",
]  # fmt: skip
_RIGHT: Final = [
    *(b"10s", b"1h30m", b"250ms", b"1d", b"366d", b"0.5", b"0.999", b"3", b"1", b"true", b"null"),
    *(b"arrival", b"queue", b"exclude", b"broken", b"call_end", b"breach", b"debug", b"/dev/null"),
]
_NAMES: Final = [field.upper().encode() for field in Settings.__struct_fields__]
_VALUES: Final = [
    *(b"", b"~", b"null", b"true", b"0", b"-1", b"1", b"0.5", b".nan", b".inf", b"-.inf", b"1e400"),
    *(b"10s", b"1h30m", b"0s", b"366d", b"367d", b"999999999999d", b"1ms", b"10", b"-5s", b"1.5h"),
    *("\u0661\u0660s".encode(), b"' 10s '", b"'10s\n'", b"10S", b"10 s", b"1:30"),
    b"1" + b":59" * 900,
    *(b"0x" + b"f" * 9000, b"0b" + b"1" * 9000, b"9" * 5000, b"0o777", b"0700", b"1_000", b"1e3"),
    *(b"!!float ''", b"!!int ''", b"!!int '-'", b"!!bool x", b"!!timestamp x"),
    b"!!binary \xc3\xa4",
    *(b"!!set {a}", b"!!omap [a: 1]", b"!!pairs [a: 1]", b"!!python/object:os.system x", b"!x y"),
    *(b"2001-12-14t21:59:43.10-99:59", b"2026-99-99", b"0001-01-01t00:00:00+23:00", b"9999-12-31"),
    *(b"[]", b"{}", b"[[1]]", b"{a: {b: c}}", b"&a [*a]", b"&a {k: *a}", b"*a", b"&s x"),
    b"{? [1] : 2}",
    *(b'"\\0"', b'"a\\0b"', b'"\\ud800"', b'"\\U00110000"', b'"\\n"', b"=", b"<<"),
    b"'" + b"x" * 5000 + b"'",
    *(b"{<<: 1}", b"{<<: [1]}", b"a=b,c=d", b"a=b", b"=", b"/", b"/dev/null", b"\xc2\x85"),
    b"x" * 300,
]  # fmt: skip
_YAML: Final = [
    *(b"&a ", b"*a", b"<<: *a", b"!!int ", b"!!float ", b"? ", b": ", b"- ", b"\n", b"\n  ", b"#"),
    *(b"---\n", b"...\n", b"%YAML 1.1\n", b"| \n", b"> \n", b"\t", b"\xef\xbb\xbf", b"\xff\xfe"),
    *(
        b"[" * 300,
        b"{a: " * 300,
        b"- " * 300,
        b"? " * 200,
        b"\xc2\x85",
        b"\xe2\x80\xa8",
        b"@",
        b"`",
    ),
    *_VALUES[:30],
]
_KEYS: Final = [
    b"2026b:6f1d6f1d6f1d6f1d6f1d\n2026a:c3aac3aac3aac3aac3aa until 2026-12-01T12:00:00Z\n",
    b"# ours\nk:6f1d6f1d6f1d6f1d6f1d\n",
]
