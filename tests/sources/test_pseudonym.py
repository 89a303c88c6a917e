"""A number goes in and a pseudonym comes out, the same one for every way of writing it."""

import hashlib
import hmac
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.instants import SECOND, parse_instant
from streams.sources.errors import SourceError
from streams.sources.pseudonym import (
    ANONYMOUS,
    KEY_FILE_VARIABLE,
    KEY_VARIABLE,
    MAX_CACHED,
    NOBODY,
    Key,
    Pseudonyms,
    parse_keys,
)

SECRET = "0123456789abcdef" * 2
KEY = Key("2026b", SECRET.encode())
PLAIN = Pseudonyms(KEY)
BRITISH = Pseudonyms(KEY, region="GB")


def test_a_pseudonym_is_a_truncated_hmac_with_its_key_id() -> None:
    """HMAC-SHA-256 of the E.164 number, 128 bits as hex, behind the id of the key."""
    digest = hmac.new(SECRET.encode(), b"+447700900123", hashlib.sha256).hexdigest()
    assert PLAIN.customer("+447700900123") == (f"2026b:{digest[:32]}", False)


@pytest.mark.parametrize(
    "written",
    [
        "+447700900123",
        "+44 7700 900123",
        "+44 (0) 7700-900123",
        "00447700900123",
        "07700900123",
        "07700 900 123",
        "sip:+447700900123@pbx.example;user=phone",
        "tel:+44-7700-900123",
        '"Ann Caller" <07700900123>',
        "07700900123@from-internal",
    ],
)
def test_every_way_of_writing_a_number_gives_one_customer(written: str) -> None:
    """With a default region national and international form are the same person."""
    assert BRITISH.customer(written) == PLAIN.customer("+447700900123")


def test_without_a_region_a_national_number_is_its_digits() -> None:
    """Nobody can tell whose national number it is, so it only equals itself."""
    assert PLAIN.customer("07700 900-123") == PLAIN.customer("07700900123")
    assert PLAIN.customer("07700900123") != PLAIN.customer("+447700900123")
    assert PLAIN.customer("0044 7700 900123") == PLAIN.customer("+447700900123")


def test_short_internal_numbers_are_kept_apart_from_the_world() -> None:
    """3318 is an extension of the house, not +44 3318."""
    assert BRITISH.customer("3318") == PLAIN.customer("3318")
    assert BRITISH.customer("3318").id == KEY.pseudonym("3318")


def test_what_is_no_number_is_taken_as_written() -> None:
    """A SIP name or a hashed id is a customer too, and its digits are not picked out of it."""
    assert PLAIN.customer("h72a47599adeb").id == KEY.pseudonym("h72a47599adeb")
    assert PLAIN.customer("anna") != PLAIN.customer("Anna")


@pytest.mark.parametrize(
    "written",
    [
        *(
            *sorted(ANONYMOUS),
            "",
            "  ",
            "<unknown>",
            "Anonymous",
            "RESTRICTED",
            "0",
            "0000000",
            "+000",
        ),
        *('"" <>', "anonymous@anonymous.invalid", "sip:anonymous@anonymous.invalid"),
        '"Anonymous" <anonymous>',
    ],
)
def test_nobody_can_call_back_who_withholds_the_number(written: str) -> None:
    """No number in any of the ways switches write that: no customer, anonymous."""
    assert PLAIN.customer(written) == NOBODY == (None, True)
    assert BRITISH.customer(written) == NOBODY


@given(st.text(max_size=300))
def test_no_text_makes_it_raise_or_shows_through(written: str) -> None:
    """Whatever a switch writes becomes a pseudonym of fixed form, or nobody."""
    for pseudonyms in (PLAIN, BRITISH):
        found = pseudonyms.customer(written)
        assert (found.id is None) == found.anonymous
        assert found.id is None or (len(found.id) == 38 and found.id.startswith("2026b:"))


@given(st.from_regex(r"\+44 ?7[0-9]{3} ?[0-9]{6}", fullmatch=True))
def test_normalising_twice_changes_nothing(written: str) -> None:
    """National and international form of any mobile number meet."""
    national = "0" + written.replace(" ", "")[3:]
    assert BRITISH.customer(written) == BRITISH.customer(national)


def test_the_cache_is_bounded() -> None:
    """Memory does not grow with the numbers ever seen."""
    assert PLAIN._known.cache_info().maxsize == MAX_CACHED


def test_other_keys_give_other_customers() -> None:
    """Without the key nobody can tell from a pseudonym who it is."""
    other = Pseudonyms(Key("2026b", b"another secret!!"))
    assert other.customer("+447700900123") != PLAIN.customer("+447700900123")


def test_keys_come_from_a_file(tmp_path: Path) -> None:
    """The file comes first; comments and blank lines are left out."""
    path = tmp_path / "keys"
    path.write_text(f"# the key in use\n\n2026b:{SECRET}\n")
    environment = {KEY_FILE_VARIABLE: str(path), KEY_VARIABLE: f"other:{SECRET}"}
    pseudonyms = Pseudonyms.from_environment(environment)
    assert pseudonyms.customer("1234567") == PLAIN.customer("1234567")
    assert not pseudonyms.ephemeral


def test_keys_come_from_the_environment() -> None:
    """The value has the form of the file."""
    pseudonyms = Pseudonyms.from_environment({KEY_VARIABLE: f"2026b:{SECRET}"})
    assert pseudonyms.customer("1234567") == PLAIN.customer("1234567")


def test_without_a_key_one_is_made_for_this_run() -> None:
    """A replay needs no settings: within one run the same number is the same customer."""
    first, second = Pseudonyms.from_environment({}), Pseudonyms.from_environment({})
    assert first.ephemeral
    assert first.customer("+447700900123") == second.customer("+447700900123")
    assert str(first.customer("+447700900123").id).startswith("run:")


def test_an_old_key_counts_until_its_end() -> None:
    """During the overlap a number also has its former pseudonym, afterwards no more."""
    until = "2026-12-01T12:00:00Z"
    keys = parse_keys(f"2026b:{SECRET}\n2026a:the-old-secret-of-2026 until {until}\n", "keys")
    pseudonyms = Pseudonyms(keys[0], keys[1:])
    end = parse_instant(until)
    old = Key("2026a", b"the-old-secret-of-2026").pseudonym("+447700900123")
    assert pseudonyms.former("+44 7700 900123", end - SECOND) == (old,)
    assert pseudonyms.former("+44 7700 900123", end) == ()
    assert pseudonyms.former("anonymous", end - SECOND) == ()
    assert pseudonyms.customer("+447700900123") == PLAIN.customer("+447700900123")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        SECRET,
        f":{SECRET}",
        f"key with blanks:{SECRET}",
        f"{'k' * 17}:{SECRET}",
        "k:short",
        f"k:{SECRET} until 2026-12-01T12:00:00Z",
        f"k:{SECRET}\nold:{SECRET}",
        f"k:{SECRET}\nold:{SECRET} until soon",
        f"k:{SECRET}\nold:{SECRET} until 2026-12-01T12:00:00",
        f"k:{SECRET}\nk:{SECRET} until 2026-12-01T12:00:00Z",
    ],
)
def test_a_wrong_key_is_one_clear_line_without_the_secret(text: str) -> None:
    """The message names the place and what to write, never the secret."""
    with pytest.raises(SourceError) as caught:
        parse_keys(text, "keys")
    message = str(caught.value)
    assert message.startswith("keys")
    assert "\n" not in message
    assert SECRET not in message


def test_a_key_does_not_show_its_secret() -> None:
    """A key in a trace or a log line gives nothing away."""
    assert SECRET not in repr(KEY)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_an_unreadable_key_file_is_one_clear_line(tmp_path: Path, content: bytes | None) -> None:
    """Missing or no text: the message names the file."""
    path = tmp_path / "keys"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=r"cannot read the pseudonym keys in .*keys"):
        Pseudonyms.from_environment({KEY_FILE_VARIABLE: str(path)})


@pytest.mark.parametrize("region", ["", "England", "XX"])
def test_a_region_that_does_not_exist_is_refused(region: str) -> None:
    """A typing error must not silently leave national numbers as they are."""
    with pytest.raises(SourceError, match="country code"):
        Pseudonyms(KEY, region=region)


def test_what_is_remembered_of_a_number_is_short() -> None:
    """65,536 fields of a megabyte each would be all memory there is."""
    pseudonyms = Pseudonyms(Key("k", b"a secret of the tests"))
    long = "1" * 1_000_000
    assert pseudonyms.customer(long) == pseudonyms.customer(long + "2")
    assert pseudonyms._known.cache_info().currsize == 1
