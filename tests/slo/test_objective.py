"""`slo.yaml` is read as it is meant, or refused in one line that says what to do."""

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from programs import SHIPPED

from streams.instants import HOUR, MILLISECOND, MINUTE, SECOND
from streams.ledger.rules import QueueRules, Rules
from streams.slo import Objective, ObjectiveError, load_slo, parse_slo

CORE = """
version: 1
promises:
  answer:   {target: 10s, objective: 0.90, clock_start: arrival, early_abandon: exclude,
             unknown_is_human: false}
  callback: {target: 1h, objective: 0.95, clock: call_end, unreachable_after: 3, late_horizon: 24h}
usefulness: {short_talk: 10s, repeat_window: 1h, weight: 1}
time: {grace: 2s, lateness: 1h, max_call: 4h, max_future: 1m, max_age: 7d}
queues: {}            # name or pattern -> the same keys, overridden
"""


def test_every_key_may_be_left_out_and_then_has_the_value_shown() -> None:
    """No file, an empty file and the core of the design are one objective."""
    assert load_slo() == parse_slo("") == parse_slo(CORE) == Objective()


def test_the_default_objective_is_the_default_of_the_ledger() -> None:
    """Nothing differs between no `slo.yaml` and `Rules()`."""
    assert load_slo().rules() == Rules()


def test_the_shipped_file_shows_the_defaults() -> None:
    """What the commented example shows is what is left out."""
    assert load_slo(SHIPPED / "slo.yaml") == Objective()


def test_every_key_reaches_the_ledger() -> None:
    """Each value of the file ends up in the rules, in microseconds."""
    rules = parse_slo("""
        promises:
          answer: {target: 250ms, objective: 0.8, clock_start: queue, early_abandon: broken,
                   unknown_is_human: true}
          callback: {target: 30m, objective: 0.7, clock: breach, unreachable_after: 5,
                     late_horizon: 2h}
        usefulness: {short_talk: 5s, repeat_window: 2h, weight: 2.5}
        time: {grace: 1s, lateness: 2h, max_call: 3h, max_future: 30s, max_age: 1d}
        max_queues: 50
    """).rules()
    assert rules == Rules(
        default=QueueRules(
            answer_target=250 * MILLISECOND,
            answer_objective=0.8,
            clock_start="queue",
            early_abandon="broken",
            unknown_is_human=True,
            callback_target=30 * MINUTE,
            callback_objective=0.7,
            callback_clock="breach",
            unreachable_after=5,
            late_horizon=2 * HOUR,
            short_talk=5 * SECOND,
            repeat_window=2 * HOUR,
        ),
        grace=SECOND,
        lateness=2 * HOUR,
        max_call=3 * HOUR,
        max_future=30 * SECOND,
        max_age=24 * HOUR,
        max_queues=50,
        useless_weight=2.5,
    )


def test_a_queue_inherits_what_it_does_not_say() -> None:
    """From the top of the file, not from the built-in defaults."""
    rules = parse_slo("""
        promises: {answer: {target: 20s, objective: 0.8}}
        usefulness: {short_talk: 3s}
        queues:
          vip: {answer: {target: 5s}, usefulness: {repeat_window: 2h}}
    """).rules()
    assert rules.of("vip").answer_target == 5 * SECOND
    assert rules.of("vip").answer_objective == 0.8
    assert rules.of("vip").short_talk == 3 * SECOND
    assert rules.of("vip").repeat_window == 2 * HOUR
    assert rules.of("sales").answer_target == 20 * SECOND


def test_both_ways_to_write_a_queue_mean_the_same() -> None:
    """Flat, or shaped like the top of the file."""
    flat = parse_slo("queues: {vip: {answer: {target: 5s}, callback: {objective: 0.8}}}")
    longer = parse_slo(
        "queues: {vip: {promises: {answer: {target: 5s}, callback: {objective: 0.8}}}}"
    )
    assert flat == longer


def test_an_exact_name_comes_before_a_pattern() -> None:
    """And of the patterns the first one counts."""
    rules = parse_slo("""
        queues:
          "v*": {answer: {target: 5s}}
          "*p": {answer: {target: 6s}}
          vip: {answer: {target: 7s}}
    """).rules()
    assert rules.of("vip").answer_target == 7 * SECOND
    assert rules.of("vap").answer_target == 5 * SECOND
    assert rules.of("sp").answer_target == 6 * SECOND


WRONG = {
    "promises:\n  answer:\n    tagret: 10s": "slo.yaml:3: promises.answer.tagret: unknown key; "
    "did you mean target?",
    "zzz: 1": "slo.yaml:1: zzz: unknown key; remove it. Known here: version, promises",
    "queues: {a: {anwser: {}}}": "queues.a.anwser: unknown key; did you mean answer?",
    "queues: {a: {promises: {answr: {}}}}": "queues.a.promises.answr: unknown key; did you mean",
    "promises: {answer: {target: 10}}": "promises.answer.target: a duration needs its unit",
    "promises: {answer: {target: 0s}}": "nobody answers in no time; write 10s",
    "promises: {callback: {target: 0s}}": "nobody calls back in no time; write 1h",
    "promises: {answer: {target: -5s}}": "expected a duration such as 250ms",
    "promises: {answer: {target: 5h}}": "time.max_call (4h)",
    "promises: {answer: {objective: 90}}": "for 90 % write 0.9",
    "promises: {answer: {objective: 90%}}": "for 90 % write 0.9",
    "promises: {answer: {objective: 0}}": "write a share between 0 and 1",
    "promises: {answer: {objective: 1}}": "write a share between 0 and 1",
    "promises: {answer: {objective: .nan}}": "write a share between 0 and 1",
    "promises: {answer: {objective: }}": "write a share between 0 and 1",
    "promises: {answer: {clock_start: arival}}": "did you mean arrival?",
    "promises: {answer: {early_abandon: 5}}": "write one of exclude, broken",
    "promises: {answer: {unknown_is_human: 3}}": "write true or false",
    "promises: {callback: {unreachable_after: 0}}": "write a whole number of at least 1",
    "promises: {callback: {unreachable_after: 2.5}}": "write a whole number",
    "promises: 3": "promises: expected keys with values",
    "usefulness: {weight: .inf}": "usefulness.weight: ",
    "usefulness: {weight: -1}": "usefulness.weight: ",
    "queues: {a: {usefulness: {weight: 2}}}": "the weight is one for the whole centre",
    "queues: [a]": "queues: expected keys with values",
    "queues: {0700: {}}": "a name must be text; put it in quotes",
    "queues: {a: {answer: {}, promises: {answer: {}}}}": "given twice",
    "queues: {a: {answer: {target: 5h}}}": "queues.a.answer.target",
    "time: {grace: 2h}": "time.grace: a deadline cannot wait longer (2h)",
    "time: {max_age: 30m}": "time.max_age: events are refused before",
    "time: {max_call: 0s}": "time.max_call: a call must be given some time",
    "max_queues: 0": "max_queues: ",
    "version: 2": "version 2 is unknown; this callsla reads `version: 1`",
    "version: true": "version True is unknown",
    "version: one": "version 'one' is unknown",
    "alerts: {answer: {cap: 1.0}}": "alerts.answer.cap: expected float < 1.0",
    "alerts: {answer: {cap: 0.1}}": "this would fire while the promise is kept; write more than",
    "alerts: {answer: {factor: 1}}": "this would fire while the promise is kept",
    "alerts: {answer: {window: 30s}}": "short <= window",
    "alerts: {blind: {behind: 0s}}": "this would always be so",
    "queues: {a: {answer: {objective: 0.4}}}": "an objective of 0.4 allows 60% to be broken",
    "promises:\n  answer: {target: 1s}\n  answer: {target: 2s}": "slo.yaml:3: promises.answer: "
    "given twice, first in line 2",
    "a: b: c": "slo.yaml:1: not valid YAML",
    "promises: {answer: [}": "not valid YAML",
    "- 1": "the file must hold keys such as `version: 1`, not a list",
    "x: !!python/object/apply:os.system [id]": "not valid YAML",
    "\x00": "not valid YAML",
    "? [1]\n: 2": "not valid YAML",
    "x: !!float ''": "a value is not what it is said to be",
    "x: !!int ''": "a value is not what it is said to be",
    "x: !!bool maybe": "a value is not what it is said to be",
    "x: !!timestamp noon": "a value is not what it is said to be",
    'x: "\\U00110000"': "not valid YAML",
    'queues: {"\\ud800": {}}': "a value holds half a character",
    'promises: {callback: {clock: "\\ud800"}}': "a value holds half a character",
    "version: 0x" + "f" * 9999: "a value has more than 2000 characters",
    "promises: {answer: {objective: 0x" + "f" * 1900 + "}}": "write a share between 0 and 1",
    "promises: {answer: {target: 0x" + "f" * 1900 + "}}": "expected a duration such as",
    "promises: {answer: {target: \u0661\u0660s}}": "expected a duration such as",
    "? " + "a" * 1500 + "\n: 1": "a" * 60 + "...: unknown key",
    "version: [[1]]": "version a list is unknown",
    "a: &a {b: *a}": "an alias stands inside of what it repeats",
    "queues: {? 'a\n\n  b' : {x: 1}}": "unknown key",
}


@pytest.mark.parametrize(("text", "message"), WRONG.items(), ids=list(WRONG))
def test_what_is_wrong_is_told_in_one_line(text: str, message: str) -> None:
    """The line has the file, the place, and the remedy; never a trace, never a second line."""
    with pytest.raises(ObjectiveError) as caught:
        parse_slo(text)
    said = str(caught.value)
    assert message in said
    assert said.startswith("slo.yaml")
    assert "\n" not in said


def test_bytes_that_are_no_text_are_refused() -> None:
    """Invalid UTF-8 is not YAML."""
    with pytest.raises(ObjectiveError, match=r"slo\.yaml"):
        parse_slo(b"\xff\xfe\xfa version: 1")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """With its path and the reason."""
    with pytest.raises(ObjectiveError, match=r"nowhere\.yaml: cannot be read"):
        load_slo(tmp_path / "nowhere.yaml")


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    """No objective is longer than a megabyte."""
    path = tmp_path / "slo.yaml"
    path.write_text("# " + "x" * 2_000_000)
    with pytest.raises(ObjectiveError, match="longer than"):
        load_slo(path)


def test_deep_and_self_nested_yaml_does_not_hang() -> None:
    """Neither ten thousand brackets nor aliases of aliases cost more than a message."""
    bomb = "a: &a [x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
    )
    for text in ("a: " + "[" * 10_000, "a: " + "{a: " * 2_000, bomb):
        with pytest.raises(ObjectiveError):
            parse_slo(text)


_WIDE = range(1, 12)
_MERGED = "queues:\n  a0: &a0 {answer: {target: 5s}}\n" + "".join(
    f"  a{n}: &a{n}\n    <<: [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in _WIDE
)
_NESTED = "queues:\n  a0: &a0 {x: 1}\n" + "".join(
    f"  a{n}: &a{n} {{{', '.join(f'k{m}: *a{n - 1}' for m in range(9))}}}\n" for n in _WIDE
)
_SHOWN = "x0: &a0 [1, 2]\n" + "".join(
    f"x{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in _WIDE
)


@pytest.mark.parametrize(
    "text",
    [
        _MERGED,
        _NESTED,
        _SHOWN + "version: *a11",
        _SHOWN + "max_queues: *a11",
        "a: " + "[" * 38 + "x, " * 300_000,
    ],
    ids=["merged", "nested", "shown", "as a number", "brackets"],
)
def test_what_unfolds_without_end_is_refused_at_once(text: str) -> None:
    """A few lines may not cost all memory, neither when read nor when shown in the message."""
    began = time.process_time()
    with pytest.raises(ObjectiveError, match="with its aliases it has more than 50000 values"):
        parse_slo(text)
    assert time.process_time() - began < 10


def test_aliases_and_merged_keys_are_read() -> None:
    """What they are there for: one queue like another."""
    objective = parse_slo(
        "queues:\n  a: &a {answer: {target: 5s}}\n  b: *a\n  c: {<<: *a, callback: {target: 2h}}\n"
    )
    assert objective.queues["a"] == objective.queues["b"]
    assert objective.queues["c"].answer == objective.queues["a"].answer


YAML_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["answer", "callback", "target", "objective", "promises", "x"])
            | st.integers(),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
TOP = st.sampled_from(["version", "promises", "usefulness", "time", "queues", "alerts", "y"])


@given(st.dictionaries(TOP, YAML_VALUES, max_size=4))
def test_any_yaml_is_read_or_refused_in_one_line(values: dict[str, Any]) -> None:
    """Whatever the file holds: an objective whose rules can be made, or one line."""
    target, message = _target_or_message(yaml.safe_dump(values, allow_unicode=True))
    assert target > 0 or message
    assert "\n" not in message


def _target_or_message(text: str) -> tuple[int, str]:
    try:
        return parse_slo(text).rules().of("x").answer_target, ""
    except ObjectiveError as error:
        return 0, str(error)
