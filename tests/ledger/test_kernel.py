"""Two kernels, one ledger: the compiled one is the written one, only faster."""

import json
import os
import shutil
import subprocess
import venv
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest
from centres import Step, arrivals, centres, rule_settings, soups
from feeds import BASE, rules_from
from hypothesis import given
from hypothesis import strategies as st
from two_kernels import TwoKernels, run_with, two_kernels

from streams import KERNEL
from streams.events import EVENT_TYPES
from streams.instants import MINUTE, SECOND
from streams.kernel import VARIABLE, choose
from streams.ledger import QueueRules, Rules
from streams.simulate import FAULTS, Centre, inject, large_centre, small_centre

ROOT: Final = Path(__file__).parents[2]
_WHICH: Final = "import streams; print(streams.KERNEL)"


_ODD: Final = (
    "{", "null", "[]", "{}", '{"kind":"call.offered"}', '{"kind":"call.moved","id":"1"}',
    '{"kind":"call.offered","id":"1","at":"yesterday","call_id":"c"}',
    '{"kind":"call.offered","id":"1","at":1e300,"call_id":"c"}',
    '{"kind":"call.offered","id":"1","at":99999999999999999999999,"call_id":"c"}',
    '{"kind":"call.offered","id":"1","at":-5,"call_id":"c"}',
    '{"kind":"call.offered","id":"1","at":"2026-01-05T00:00:07.5+01:00","call_id":"c"}',
    '{"kind":"call.offered","id":"","at":"2026-01-05T00:00:07Z","call_id":"c"}',
    '{"kind":"callback.attempted","id":"1","at":"2026-01-05T00:00:07.123456Z"}',
    '{"kind":"callback.requested","id":"1","at":1767571200000,"due_at":"x","customer":"a"}',
)  # fmt: skip
_VALUES: Final = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=140)


def _odd_fields() -> st.SearchStrategy[str]:
    names = ("kind", "id", "at", "source", "call_id", "queue", "customer", "anonymous", "due_at",
             "answered_by", "ended_by", "resolved", "with", "other")  # fmt: skip
    kinds = st.sampled_from(list(EVENT_TYPES))
    times = st.sampled_from((1767571200000, "2026-01-05T00:00:07Z", "2026-13-05T00:00:07Z"))
    known = {"kind": kinds, "id": st.just("1"), "at": times, "call_id": st.just("c")}
    odd = st.dictionaries(st.sampled_from(names), _VALUES, max_size=3)
    return st.builds(lambda a, b: json.dumps({**a, **b}), st.fixed_dictionaries(known), odd)


@pytest.fixture(scope="module")
def both() -> Iterator[TwoKernels]:
    """Two processes, told one history after the other."""
    with two_kernels() as kernels:
        yield kernels


def _same(both: TwoKernels, rules: Rules, steps: list[Any]) -> None:
    written, compiled = both.tell(rules, steps)
    assert (written.pop("kernel"), compiled.pop("kernel")) == ("python", "compiled")
    for name, told in written.items():
        assert compiled[name] == told, name
    assert written["of records"] == sha256(bytes.fromhex(written["state"])).hexdigest()


@st.composite
def _histories(draw: st.DrawFn) -> list[Step]:
    events = draw(st.one_of(soups(), centres()))
    last = max(event.at for event in events)
    steps = draw(arrivals(events, 65 * SECOND, last))
    return [*steps, *(last + passed * SECOND for passed in (1, 61, 600, 4000, 100_000))]


@given(_histories(), rule_settings(lateness=130, max_call=(30, 600)))
def test_any_history_is_told_the_same(
    both: TwoKernels, steps: list[Step], settings: dict[str, Any]
) -> None:
    """Fates, changes, gauges, state hash at every tick, totals, windows, snapshot, replay; each is
    taken up again from its snapshot after every other tick."""
    _same(both, rules_from(settings), steps)


@pytest.mark.parametrize("rules", [
    Rules(),
    Rules(
        default=QueueRules(callback_clock="breach", clock_start="queue", early_abandon="broken"),
        lateness=2 * MINUTE, max_call=10 * MINUTE, max_queues=2,
    ),
])  # fmt: skip
@pytest.mark.parametrize("config", [small_centre(), large_centre()], ids=["small", "large"])
def test_a_simulated_centre_with_a_faulty_feed_is_told_the_same(
    both: TwoKernels, config: Any, rules: Rules
) -> None:
    """Every fault there is, ticks of a quarter of a minute, and in the end all is forgotten."""
    steps: list[Any] = []
    now = 0
    for delivery in inject(Centre(config, 5).deliveries(200), FAULTS, 5):
        if delivery.at >= now + MINUTE // 4:
            now = delivery.at
            steps.append(now - rules.grace)
        steps.append(delivery.event)
    steps += [now + passed * MINUTE for passed in (1, 90, 300, 2000, 4000)]
    _same(both, rules, steps)


@given(st.lists(st.sampled_from(_ODD) | st.text() | _odd_fields(), max_size=8))
def test_what_is_no_event_is_refused_in_the_same_words(both: TwoKernels, lines: list[str]) -> None:
    """Reason and place of each fault."""
    _same(both, Rules(), [*lines, BASE])


def test_this_process_runs_what_it_was_asked_to() -> None:
    """Compiled, unless the environment says otherwise."""
    wanted = os.environ.get(VARIABLE, "")
    assert not KERNEL.refusal
    assert KERNEL.name == (wanted or choose("").name)


def test_each_kernel_runs_its_own_modules(both: TwoKernels) -> None:
    """All of them and no others; nothing of one is left in the other."""
    shown = "import streams.replay, streams.ledger.intake, sys; " \
        "import streams.packed_changes, streams.plain_records, streams.promise_records; " \
        "print(sorted(" \
        "n for n in sys.modules if n.startswith('streams.') and n in {names!r}" \
        " and not sys.modules[n].__file__.endswith('.py')))"  # fmt: skip
    names = [name for name in choose("").files if name.startswith("streams.")]
    assert "streams.ledger.ledger" in names
    for kernel, compiled in (("python", []), ("compiled", sorted(names)), ("", sorted(names))):
        said = run_with(kernel, "-c", shown.format(names=names), cwd=ROOT)
        assert said.stdout.strip() == str(compiled), said.stderr


def test_a_source_changed_after_compiling_runs_as_it_is_written(
    both: TwoKernels, tmp_path: Path
) -> None:
    """The old kernel is left alone, and who insists on it is told so in one line."""
    shutil.copytree(ROOT / "streams", tmp_path / "streams")
    assert run_with("", "-c", _WHICH, cwd=tmp_path).stdout == "compiled\n"
    changed = tmp_path / "streams" / "ledger" / "changes.py"
    changed.write_text(changed.read_text().replace('NONE: Final = "none"', 'NONE: Final = "gone"'))
    said = run_with("", "-c", _WHICH, cwd=tmp_path).stdout
    assert said == "python (the kernel is older than streams/ledger/changes.py)\n"
    command = "from streams.cli import main; main(['version'])"
    refused = run_with("compiled", "-c", command, cwd=tmp_path)
    assert refused.returncode == 2
    assert refused.stderr == (
        "callsla: error: CALLSLA_KERNEL=compiled cannot be had: the kernel is older than "
        "streams/ledger/changes.py: make venv builds it\n"
    )


def test_a_name_that_is_no_kernel_is_refused() -> None:
    """With the ones there are."""
    assert choose("rust").refusal == "CALLSLA_KERNEL='rust' is none of python, compiled"
    assert choose("rust").files == {}


@pytest.mark.parametrize(("ci", "code"), [("", 0), ("true", 4)])
def test_without_a_compiler_one_line_says_so(tmp_path: Path, ci: str, code: int) -> None:
    """An error where every test must run, and nowhere else."""
    venv.create(tmp_path, symlinks=True)
    environment = {**os.environ, "CC": "no-such-compiler", "CI": ci, "PYTHONPATH": ""}
    done = subprocess.run(
        [ROOT / ".ci/kernel", tmp_path],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr == (
        "callsla runs in plain Python, at about half the speed: no C compiler is there "
        "(Debian: apt-get install gcc, then: make venv)\n"
    )


def test_the_ledgers_own_tests_hold_with_the_other_kernel(both: TwoKernels) -> None:
    """Those of this folder, of the events and of the replay, in a process of their own."""
    other = "compiled" if KERNEL.name == "python" else "python"
    places = ["tests/ledger", "tests/test_events.py", "tests/test_instants.py"]
    command = ["-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", *places]
    done = run_with(other, *command, "--ignore", __file__, cwd=ROOT)
    assert done.returncode == 0, done.stdout
