"""`callsla dlq` before it reaches a broker: wrong use, wrong settings, nobody there."""

import pytest

from streams.cli.root import run


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("list", "--reason", "ugly"), "there is no reason 'ugly'; choose from malformed, "),
        (("list", "--since", "noon"), "'noon' is neither a time like 2026-03-02T18:00:00Z nor "),
        (("list", "--limit", "0"), "0 is not in the range x>=1"),
        (("show", "17"), "'17' is no PARTITION:OFFSET such as 3:17"),
        (("show", "3:-1"), "'3:-1' is no PARTITION:OFFSET such as 3:17"),
        (("replay", "3:17", "--partition", "0"), "give positions or filters, not both"),
    ],
)
def test_wrong_use_is_told_with_exit_code_two(
    typed: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """On stderr, before anything is asked of a broker."""
    assert run(["dlq", *typed]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err


@pytest.mark.parametrize("typed", [("list",), ("show", "0:0"), ("replay", "--dry-run")])
def test_the_embedded_broker_has_no_dead_letters_to_look_at(
    typed: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends with its worker: one line says what to set."""
    monkeypatch.delenv("CALLSLA_BROKER", raising=False)
    assert run(["dlq", *typed]) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert err.startswith("callsla: error: the embedded broker ends with its worker, ")


@pytest.mark.parametrize("typed", [("list", "--json"), ("show", "0:0", "--raw"), ("replay",)])
def test_a_broker_that_is_not_there_is_one_line_and_exit_code_four(
    typed: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, not after the client's patience."""
    monkeypatch.setenv("CALLSLA_BROKER", "127.0.0.1:1")
    assert run(["dlq", *typed]) == 4
    out, err = capsys.readouterr()
    assert (out, err) == (
        "",
        "callsla: error: no broker answers at 127.0.0.1:1: start it, or set `broker`\n",
    )
