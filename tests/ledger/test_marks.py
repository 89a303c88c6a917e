"""Events known again: the mark of a source and an id."""

from hypothesis import given
from hypothesis import strategies as st

from streams.ledger.kinds import _PRIME, mark

_BASES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)
_NAMES = st.text(max_size=128)


def _is_prime(number: int) -> bool:
    """Miller and Rabin's test, which with these bases is sure below 3 * 10**24."""
    odd, halvings = number - 1, 0
    while odd % 2 == 0:
        odd, halvings = odd // 2, halvings + 1
    powers = ([pow(base, odd << n, number) for n in range(halvings)] for base in _BASES)
    return all(series[0] == 1 or number - 1 in series for series in powers)


def test_the_modulus_is_a_prime_of_62_bits() -> None:
    """So a difference of two ids is a multiple of it as seldom as any number is."""
    assert _is_prime(_PRIME)
    assert _PRIME.bit_length() == 62


def test_running_numbers_never_share_amark() -> None:
    """They differ within seven neighbouring bytes, which is less than the modulus can divide."""
    assert len({mark("pbx", f"2026-11-23-{n:07}-x") for n in range(100_000)}) == 100_000


@given(
    st.text(max_size=40),
    st.binary(min_size=7, max_size=7),
    st.binary(min_size=7, max_size=7),
    st.text(max_size=40),
)
def test_ids_that_differ_within_seven_bytes_have_different_marks(
    head: str, one: bytes, other: bytes, tail: str
) -> None:
    """Wherever these stand."""
    keys = [f"{head}{''.join(chr(b & 127) for b in part)}{tail}" for part in (one, other)]
    assert (mark("pbx", keys[0]) == mark("pbx", keys[1])) == (keys[0] == keys[1])


@given(_NAMES, _NAMES, _NAMES, _NAMES)
def test_other_names_have_other_marks(source: str, key: str, source_2: str, key_2: str) -> None:
    """Also where one source and its id read like another and its."""
    same = (source, key) == (source_2, key_2)
    assert (mark(source, key) == mark(source_2, key_2)) == same
    joined = source + key
    marks = {mark(joined[:n], joined[n:]) for n in range(len(joined) + 1)}
    assert len(marks) == len(joined) + 1
    assert all(0 < one < 2**62 for one in marks)
