"""The command line: what a user types, what comes back on which stream, and the exit code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from streams._version import __version__
from streams.cli import main
from streams.cli.root import COMMANDS


def run(
    *arguments: str, given: bytes = b"", **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run `callsla` as a user does."""
    command = [sys.executable, "-c", "from streams.cli import main; main()", *arguments]
    done = subprocess.run(
        command, input=given, capture_output=True, env=os.environ | environment, check=False
    )
    return subprocess.CompletedProcess(
        command, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def code_of(*arguments: str) -> int:
    """Run the command line in this process and return the exit code."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated file of 300 calls."""
    path = tmp_path_factory.mktemp("calls") / "calls.jsonl"
    done = run("simulate", "--calls", "300", "--seed", "3", "--to", str(path))
    assert done.returncode == 0
    return path


def test_version_as_text_and_as_json() -> None:
    """The first line names callsla and its version."""
    assert run("version").stdout.splitlines()[0] == f"callsla {__version__}"
    assert json.loads(run("version", "--json").stdout)["callsla"] == __version__


def test_version_imports_neither_kafka_nor_faust() -> None:
    """A command loads only what it needs, so it starts at once."""
    script = (
        "import sys; from streams.cli.root import run; run(['version']);"
        "print([n for n in ('faust', 'aiokafka', 'rich', 'phonenumbers') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """--help works and says what the command does."""
    assert code_of(name, "--help") == 0
    assert f"Usage: callsla {name}" in capsys.readouterr().out


def test_help_of_all_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """So does -h."""
    assert code_of("-h") == 0
    shown = capsys.readouterr().out
    assert [name for name in COMMANDS if f"\n  {name} " not in shown] == []


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (("replya",), "Did you mean replay?"),
        (("slo", "tset"), "Did you mean test?"),
        (("replay", "--from", "evnts", "-"), "did you mean events?"),
    ],
)
def test_mistyped_names_get_a_hint(
    typed: tuple[str, ...], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """On stderr, with exit code 2."""
    assert code_of(*typed) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert meant in err


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("replay", "--from", "events", "/no/such/file"), "cannot read /no/such/file"),
        (("replay", "--from", "events"), "Missing argument"),
        (("replay", "--from", "events", "--until", "noon", "-"), "is neither `end` nor a time"),
        (("replay", "--from", "events", "--region", "XYZ", "-"), "two-letter country code"),
        (("replay", "--from", "events", "-", "-"), "standard input (-) can be read only once"),
        (("replay", "--from", "events", "--slo", "/no/slo", "-"), "/no/slo"),
        (("simulate", "--faults", "sunshine"), "there is no fault 'sunshine'"),
        (("simulate", "--live", "--start", "2026-03-02T10:00:00Z"), "leave out --start"),
        (("simulate", "--to", "kafka://"), "names no broker"),
        (("simulate", "--outage", "service"), "QUEUE:AFTER:LASTS, such as support:1m:10m"),
        (("simulate", "--outage", "service:soon:1m"), "QUEUE:AFTER:LASTS"),
        (("simulate", "--outage", "nobody:1m:1m"), "no queue named 'nobody'"),
        (("slo", "validate", "/no/such/slo.yaml"), "/no/such/slo.yaml"),
        (("worker", "--config", "/no/such/config"), "/no/such/config"),
        (("topics", "check", "--config", "/no/such/config"), "/no/such/config"),
    ],
)
def test_wrong_use_is_one_clear_line_and_exit_code_2(
    typed: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No trace, nothing on stdout."""
    assert code_of(*typed) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert "Traceback" not in err
    assert err.startswith("callsla: error: ")


def test_a_broker_that_does_not_answer_is_exit_code_4() -> None:
    """Said in one line that names the address."""
    done = run("topics", "check", CALLSLA_BROKER="127.0.0.1:1")
    assert done.returncode == 4
    assert done.stderr.startswith("callsla: error: no broker answers at 127.0.0.1:1")
    assert len(done.stderr.splitlines()) == 1


def test_debug_shows_the_trace(capsys: pytest.CaptureFixture[str]) -> None:
    """Before or after the name of the command."""
    for typed in (
        ("--debug", "replay", "--from", "events", "/no/such"),
        ("replay", "--debug", "--from", "events", "/no/such"),
    ):
        assert code_of(*typed) == 2
        assert "Traceback" in capsys.readouterr().err


def test_replay_prints_the_contract_on_stdout(calls: Path) -> None:
    """One JSON object with the documented keys, nothing else."""
    done = run("replay", "--from", "events", str(calls), "--json")
    assert done.returncode == 0
    report = json.loads(done.stdout)
    assert report["callsla"] == __version__
    assert report["total"]["offered"] == 300
    assert set(report["input"]) >= {
        *("records", "events", "duplicates", "contradictory", "orphans", "dead_letters"),
    }
    wanted = {
        *("offered", "outcomes", "answer", "callback", "promise", "usefulness"),
        *("wait_seconds", "service_level"),
    }
    assert set(report["total"]) == wanted
    assert all(set(figures) == wanted for figures in report["queues"].values())
    assert done.stderr == ""


def test_replay_prints_a_table_with_every_formula(calls: Path) -> None:
    """Readable without a terminal: no colour codes, no line wider than 100."""
    done = run("replay", "--from", "events", str(calls))
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100
    for name in ("answered in target", "the whole promise", "p99", *(f"F{n}" for n in range(1, 8))):
        assert name in done.stdout


def test_the_table_fits_a_narrow_terminal(calls: Path) -> None:
    """At 80 columns no figure is cut short."""
    done = run(
        "replay", "--from", "events", str(calls), COLUMNS="80", FORCE_COLOR="1", NO_COLOR="1"
    )
    assert "…" not in done.stdout
    assert "answered in target / (offered - abandoned within 5 s)" in done.stdout


def test_no_color_is_obeyed_on_a_terminal(calls: Path) -> None:
    """`NO_COLOR` wins even where colour is forced by the terminal."""
    typed = ("replay", "--from", "events", str(calls))
    assert "\x1b[3" in run(*typed, FORCE_COLOR="1", TERM="xterm", NO_COLOR="").stdout
    assert "\x1b[3" not in run(*typed, FORCE_COLOR="1", TERM="xterm", NO_COLOR="1").stdout


@pytest.mark.parametrize("given", [b"", b"\n\r\n\n"])
def test_empty_input_is_zeros_and_exit_code_0(given: bytes) -> None:
    """Whatever the format says it is, and also with nothing but empty lines."""
    for form in ("events", "asterisk-queue-log", "call-records"):
        done = run("replay", "--from", form, "-", "--json", given=given)
        assert done.returncode == 0
        report = json.loads(done.stdout)
        assert (report["until"], report["total"]["offered"]) == (None, 0)
        assert "the input is empty" in done.stderr


def test_only_bad_records_are_a_warning_and_exit_code_0() -> None:
    """Counted, with the place of the first ones, never their content."""
    done = run("replay", "--from", "events", "-", "--json", given=b"{secret\n" * 5)
    assert done.returncode == 0
    assert json.loads(done.stdout)["input"]["dead_letters"]["malformed"] == 5
    assert "5 of 5 records could not be used: malformed 5" in done.stderr
    assert "line 1: malformed" in done.stderr
    assert "secret" not in done.stderr


def test_answers_by_nobody_knows_whom_are_pointed_out() -> None:
    """They do not count as human, and a table without that column would look like an outage."""
    table = b"call_id,offered_at,answered_at\na,2026-11-23T10:00:00Z,2026-11-23T10:00:05Z\n"
    done = run("replay", "--from", "call-records", "-", "--json", given=table)
    assert json.loads(done.stdout)["total"]["outcomes"]["answered_in_target"] == 0
    assert "1 answers do not say by whom" in done.stderr
    assert "unknown_is_human" in done.stderr


def test_simulate_pipes_into_replay_and_is_deterministic(calls: Path) -> None:
    """The same seed gives the same bytes, on stdout as in a file."""
    piped = run("simulate", "--calls", "300", "--seed", "3").stdout
    assert piped.encode() == calls.read_bytes()
    assert run("simulate", "--calls", "300", "--seed", "4").stdout != piped
    report = json.loads(
        run("replay", "--from", "events", "-", "--json", given=piped.encode()).stdout
    )
    assert report["total"]["offered"] == 300


def test_simulate_an_outage_at_a_site() -> None:
    """Nobody answers in that queue meanwhile; the names are those of the site."""
    typed = ("simulate", "--centre", "demo", "--calls", "300", "--site", "north")
    answered = {}
    for outage in ("none", "support:30s:1h"):
        lines = run(*typed, "--outage", outage).stdout.splitlines()
        events = [json.loads(line) for line in lines]
        humans = [each for each in events if each.get("answered_by") == "human"]
        answered[outage] = sum(each.get("queue") == "north-support" for each in humans)
        assert {each["source"].partition("-")[0] for each in events} == {"north"}
    assert answered["support:30s:1h"] < answered["none"] / 3


def test_simulate_start_and_faults() -> None:
    """The first event is not before --start; a faulty feed has duplicates."""
    typed = ("simulate", "--calls", "300", "--start", "2026-06-01T08:00:00Z")
    lines = run(*typed, "--faults", "duplicate,disorder").stdout.splitlines()
    events = [json.loads(line) for line in lines]
    assert min(event["at"] for event in events) >= "2026-06-01T08:00:00"
    assert len({(event["source"], event["id"]) for event in events}) < len(events)


def test_a_reader_that_leaves_is_no_error() -> None:
    """`callsla simulate | head` says nothing on stderr."""
    command = [sys.executable, "-c", "from streams.cli import main; main()"]
    with subprocess.Popen(
        [*command, "simulate", "--calls", "5000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as writing:
        assert writing.stdout is not None
        assert writing.stderr is not None
        writing.stdout.readline()
        writing.stdout.close()
        assert writing.stderr.read() == b""
        assert writing.wait(30) == 0


def test_explain_tells_each_verdict_with_its_reason(tmp_path: Path) -> None:
    """A lost call that was called back, in words and in order."""
    base = {"source": "t", "call_id": "call-1", "customer": "x", "queue": "sales"}
    happened = [
        {"kind": "call.offered", "id": "1", "at": "2026-03-02T10:00:00Z", **base},
        {"kind": "call.abandoned", "id": "2", "at": "2026-03-02T10:00:31Z", **base},
        {"kind": "callback.connected", "id": "3", "at": "2026-03-02T10:20:31Z", "with": "human",
         "source": "t", "customer": "x"},
        {"kind": "source.heartbeat", "id": "4", "at": "2026-03-02T12:00:00Z", "source": "t"},
    ]  # fmt: skip
    path = tmp_path / "calls.jsonl"
    path.write_text("\n".join(json.dumps(each) for each in happened))
    told = run("explain", "call-1", str(path), "--from", "events").stdout.splitlines()
    assert [line.split(maxsplit=1)[1].partition(",")[0] for line in told] == [
        "offered (queue sales)",
        "ANSWER PROMISE: BROKEN",
        "the customer hangs up 31 s after the start",
        "OUTCOME: abandoned late",
        "CALLBACK OWED: due by 2026-03-02T11:00:31Z",
        "the callback is picked up by human",
        "CALLBACK PROMISE: KEPT",
        "WHOLE PROMISE: KEPT",
    ]
    missing = run("explain", "call-2", str(path), "--from", "events")
    assert missing.returncode == 1
    assert "did you mean call-1?" in missing.stderr


def test_metrics_reference_names_every_metric_once() -> None:
    """As a table for people and as JSON for programs."""
    names = [metric["name"] for metric in json.loads(run("metrics", "--json").stdout)]
    assert len(names) == len(set(names))
    rows = run("metrics").stdout.splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == names


def test_schema_check_finds_drift(tmp_path: Path) -> None:
    """Exit code 3 until they are written, then 0."""
    folder = str(tmp_path / "schemas")
    before = run("schema", "check", "--dir", folder)
    assert before.returncode == 3
    assert "is missing: callsla schema write" in before.stdout
    assert run("schema", "write", "--dir", folder).returncode == 0
    assert run("schema", "check", "--dir", folder).returncode == 0


def test_slo_generate_writes_what_stdout_shows(tmp_path: Path) -> None:
    """Rules, their tests, Alertmanager's configuration and its templates."""
    written = run("slo", "generate", "--to", str(tmp_path)).stdout.splitlines()
    assert sorted(map(str, tmp_path.iterdir())) == sorted(written)
    shown = run("slo", "generate").stdout
    assert all(path.read_text() in shown for path in tmp_path.iterdir())


def test_an_interrupt_is_exit_code_130() -> None:
    """Ctrl-C in a command that runs for long."""
    command = [sys.executable, "-c", "from streams.cli import main; main()"]
    with subprocess.Popen(
        [*command, "simulate", "--live", "--centre", "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.send_signal(2)
        running.stdout.read()
        said = running.stderr.read()
        assert running.wait(10) == 130
        assert said.strip() == b"callsla: interrupted"
