"""Ways to spoil bytes that were right: flipped, cut, spliced, repeated, with odd tokens in them."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

__all__ = ["ODD_TOKENS", "mutate"]

ODD_TOKENS: Final = (
    *(b"\0", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80"),
    *(b"\r\n", b"\n", b"\r", b"\t", b" ", b"\xc2\x85", b"\xe2\x80\xa8", b"\x1c", b"\x7f"),
    *(b'"', b"'", b"\\", b"\\ud800", b"\\udc00", b"\\u0000", b"{", b"}", b"[", b"]", b",", b":"),
    *(b"0", b"-1", b"-0", b"1e400", b"1.5", b"9223372036854775808", b"18446744073709551616"),
    *(b"9" * 40, b"9" * 4400, b"0" * 60, b"NaN", b"-Infinity", b"null", b"true", b"\xd9\xa1"),
    *(b"{}", b"[]", b'""', b"[" * 20_000, b'{"a":' * 600, b"A" * 129, b"\xc3\xa4" * 128),
)
_MAX_SIZE: Final = 200_000

Spoil = Callable[[Random, bytearray], None]


def mutate(
    random: Random, data: bytes, tokens: Sequence[bytes] = (), others: Sequence[bytes] = ()
) -> bytes:
    """Return `data` after one to four changes.

    `tokens` are pieces that mean something in its format, `others` examples to splice in.
    """
    spoilt = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4))):
        choice = random.random()
        if others and choice < 0.1:
            _splice(random, spoilt, random.choice(others))
        elif tokens and choice < 0.35:
            _put(random, spoilt, random.choice(tokens))
        else:
            random.choice(_WAYS)(random, spoilt)
    return bytes(spoilt[:_MAX_SIZE])


def _put(random: Random, data: bytearray, token: bytes) -> None:
    """Insert `token`, or write it over something."""
    at = random.randint(0, len(data))
    over = random.choice((0, 0, len(token), random.randint(0, 8)))
    data[at : at + over] = token


def _flip(random: Random, data: bytearray) -> None:
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _replace(random: Random, data: bytearray) -> None:
    if data:
        data[random.randrange(len(data))] = random.randrange(256)


def _odd(random: Random, data: bytearray) -> None:
    _put(random, data, random.choice(ODD_TOKENS))


def _delete(random: Random, data: bytearray) -> None:
    at, length = _span(random, data)
    del data[at : at + length]


def _truncate(random: Random, data: bytearray) -> None:
    del data[random.randint(0, len(data)) :]


def _behead(random: Random, data: bytearray) -> None:
    del data[: random.randint(0, len(data))]


def _repeat(random: Random, data: bytearray) -> None:
    at, length = _span(random, data)
    times = random.choice((1, 1, 2, 16, 300))
    data[at:at] = data[at : at + length] * times


def _move(random: Random, data: bytearray) -> None:
    at, length = _span(random, data)
    piece = data[at : at + length]
    del data[at : at + length]
    _put(random, data, bytes(piece))


def _splice(random: Random, data: bytearray, other: bytes) -> None:
    cut = random.randint(0, len(data))
    data[cut:] = other[random.randint(0, len(other)) :]


def _span(random: Random, data: bytearray) -> tuple[int, int]:
    at = random.randint(0, len(data))
    return at, random.choice((1, 2, 4, random.randint(1, 64)))


_WAYS: Final[Sequence[Spoil]] = (
    _flip, _flip, _replace, _odd, _odd, _delete, _delete, _truncate, _behead, _repeat, _move,
)  # fmt: skip
