"""The CRC-32 of two texts in a row from the CRC-32 of each, as zlib's `crc32_combine` has it.

Python's zlib does not offer it. A checksum is a polynomial over GF(2) modulo that of CRC-32, the
highest bit for x^0; to put n bytes behind a text multiplies its checksum by x^(8n).
"""

from functools import cache, lru_cache
from typing import Final

__all__ = ["combined"]

_MODULUS: Final = 0xEDB88320
_ONE: Final = 1 << 31
_BYTE: Final = 1 << 23
"""x^8"""


def combined(first: int, second: int, size: int) -> int:
    """Return the checksum of a text and one of `size` bytes behind it, from those of both."""
    return _product(_shift(size), first) ^ second


@lru_cache(maxsize=4096)
def _shift(size: int) -> int:
    """x^(8 * size), from what is known of each byte of `size`."""
    shift, place = _ONE, 0
    while size:
        if size & 255:
            shift = _product(_power(size & 255, place), shift)
        size >>= 8
        place += 1
    return shift


@cache
def _power(digit: int, place: int) -> int:
    """x^(8 * digit * 256^place): there are 255 of each place."""
    if digit > 1:
        return _product(_power(digit // 2, place), _power(digit - digit // 2, place))
    if place == 0:
        return _BYTE
    return _product(_power(1, place - 1), _power(255, place - 1))


def _product(one: int, other: int) -> int:
    product = 0
    while one:
        if one & _ONE:
            product ^= other
        one = one << 1 & 0xFFFFFFFF
        other = other >> 1 ^ (_MODULUS if other & 1 else 0)
    return product
