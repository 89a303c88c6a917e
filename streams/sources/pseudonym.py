"""Customers as keyed pseudonyms: a raw number goes in here and never comes out.

A number is normalised to E.164 and hashed with HMAC-SHA-256 under a secret key, truncated to 128
bits and written `<key id>:<32 hex digits>`. The keys come from the file named by
`CALLSLA_PSEUDONYM_KEY_FILE` or, if that is not set, from `CALLSLA_PSEUDONYM_KEY`; both have one
key a line:

    2026b:6f1d...                             the key in use: id, colon, secret
    2026a:c3aa... until 2026-12-01T12:00:00Z  an old key and when its overlap ends

An id is 1 to 16 letters, digits, `-` or `_`; a secret is at least 16 characters without blanks
(`openssl rand -hex 32` makes one). Lines that begin with `#` are comments. To rotate, put the new
key first and give the old one an end at least a day ahead: until then every callback is written
under both pseudonyms, so that it also settles what was promised under the old one. A call carries
the new one alone, so a customer who rings again during the change is not recognised that once.

With no key configured a random one is made for this one run of the program. Its pseudonyms match
each other (a replay needs no more) and nothing written by any other run.
"""

import hmac
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final, NamedTuple

import phonenumbers

from streams.instants import parse_instant
from streams.small_files import read_small_text
from streams.sources.errors import SourceError

__all__ = ["ANONYMOUS", "NOBODY", "Customer", "Key", "Pseudonyms", "looks_like_number"]

KEY_FILE_VARIABLE: Final = "CALLSLA_PSEUDONYM_KEY_FILE"
KEY_VARIABLE: Final = "CALLSLA_PSEUDONYM_KEY"
RUN_KEY_ID: Final = "run"
DIGEST_BYTES: Final = 16
MIN_SECRET: Final = 16
MAX_NUMBER: Final = 256
MAX_CACHED: Final = 65_536

ANONYMOUS: Final = frozenset(
    {
        "anonymous",
        "asterisk",
        "blocked",
        "none",
        "null",
        "private",
        "private number",
        "restricted",
        "unavailable",
        "unknown",
        "unknown number",
        "withheld",
    }
)
"""What switches write instead of a number they do not have or must not show."""

_KEY_LINE: Final = re.compile(r"([A-Za-z0-9_-]{1,16}):(\S+)(?:\s+until\s+(\S+))?")
_NUMBER: Final = re.compile(r"\+?[0-9][0-9 ().\-/]*")
_ADDRESS: Final = re.compile(r"(?:sips?|tel):([^@;]*)", re.IGNORECASE)
_NAMED: Final = re.compile(r".*<([^<>]*)>", re.DOTALL)
_NOT_DIGITS: Final = re.compile(r"[^0-9]")


class Customer(NamedTuple):
    """Who called: a pseudonym, or nobody we could ever call back."""

    id: str | None
    anonymous: bool


NOBODY: Final = Customer(None, anonymous=True)


@dataclass(frozen=True, repr=False)
class Key:
    """One key; `until` (microseconds since 1970) ends the overlap of an old one."""

    id: str
    secret: bytes
    until: int | None = None

    def pseudonym(self, number: str) -> str:
        """Return the pseudonym of a normalised `number`."""
        digest = hmac.digest(self.secret, number.encode("utf-8", "surrogatepass"), "sha256")
        return f"{self.id}:{digest[:DIGEST_BYTES].hex()}"


class Pseudonyms:
    """Turns numbers into customers; remembers the most recent 65,536 of them.

    `region` (ISO 3166, `GB`) is where a number in national form belongs; without it such a number
    is kept as its digits. What is no number at all (a SIP name) is taken as it is written.

    Raises:
        SourceError: no such region.
    """

    def __init__(
        self, key: Key | None = None, former: tuple[Key, ...] = (), region: str | None = None
    ) -> None:
        if region is not None and region.upper() not in phonenumbers.SUPPORTED_REGIONS:
            message = "the default region must be a two-letter country code such as GB"
            raise SourceError(message)
        self._key = key or _key_of_this_run()
        self._former = former
        self._region = region and region.upper()
        self._known = lru_cache(MAX_CACHED)(self._customer)

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] = os.environ, region: str | None = None
    ) -> "Pseudonyms":
        """Return pseudonyms under the configured keys, or under a random one of this run.

        Raises:
            SourceError: the keys cannot be read.
        """
        path = environment.get(KEY_FILE_VARIABLE)
        if path:
            keys = parse_keys(_read(path), KEY_FILE_VARIABLE)
        elif environment.get(KEY_VARIABLE):
            keys = parse_keys(environment[KEY_VARIABLE], KEY_VARIABLE)
        else:
            return cls(region=region)
        return cls(keys[0], keys[1:], region)

    @property
    def ephemeral(self) -> bool:
        """Whether the key was made for this run and is gone with it."""
        return self._key is _key_of_this_run()

    def customer(self, number: str) -> Customer:
        """Return the `Customer` behind a number as the switch wrote it."""
        # Cut here, too, so that what is remembered is bounded.
        return self._known(number[:MAX_NUMBER])

    def former(self, number: str, at: int) -> tuple[str, ...]:
        """Return the customer's pseudonyms under the old keys whose overlap is not over at `at`."""
        if not self._former or self.customer(number).id is None:
            return ()
        normal = _normalise(number, self._region)
        keys = (key for key in self._former if key.until is not None and at < key.until)
        return tuple(key.pseudonym(normal) for key in keys)

    def _customer(self, number: str) -> Customer:
        normal = _normalise(number, self._region)
        return Customer(self._key.pseudonym(normal), anonymous=False) if normal else NOBODY


def parse_keys(text: str, origin: str) -> tuple[Key, ...]:
    """Return the keys in `text`, the one in use first.

    Raises:
        SourceError: none there, or one of a wrong form; the text names the line, never the secret.
    """
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    used = [(number, line) for number, line in lines if line and not line.startswith("#")]
    keys = tuple(
        _parse_key(line, f"{origin}, line {number}", former=position > 0)
        for position, (number, line) in enumerate(used)
    )
    if not keys:
        message = f"{origin} holds no key; it needs a line `<key id>:<secret>`"
        raise SourceError(message)
    if len({key.id for key in keys}) < len(keys):
        message = f"{origin}: two keys have the same id; give each its own"
        raise SourceError(message)
    return keys


def looks_like_number(text: str) -> bool:
    """Whether `text` is an international telephone number rather than a customer's id."""
    return text.startswith("+") and _NUMBER.fullmatch(text) is not None


def _parse_key(line: str, place: str, *, former: bool) -> Key:
    match = _KEY_LINE.fullmatch(line)
    if match is None or len(match[2]) < MIN_SECRET:
        message = f"{place}: a key is `<key id>:<secret>`, the secret at least {MIN_SECRET} long"
        raise SourceError(message)
    if former != (match[3] is not None):
        message = f"{place}: the first key has no end, every other is `<id>:<secret> until <time>`"
        raise SourceError(message)
    try:
        until = parse_instant(match[3]) if former else None
    except ValueError:
        message = f"{place}: the end must be an RFC 3339 time with a zone"
        raise SourceError(message) from None
    return Key(match[1], match[2].encode(), until)


def _read(path: str) -> str:
    try:
        return read_small_text(path)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        message = f"cannot read the pseudonym keys in {path}: {why}"
        raise SourceError(message) from None


@cache
def _key_of_this_run() -> Key:
    return Key(RUN_KEY_ID, secrets.token_bytes(32))


def _normalise(written: str, region: str | None) -> str:
    """Return E.164, or the digits, or the name as written; nothing if it says nobody."""
    text = _bare(written[:MAX_NUMBER])
    if text.casefold() in ANONYMOUS:
        return ""
    if _NUMBER.fullmatch(text) is None:
        return text
    digits = _NOT_DIGITS.sub("", text)
    if not digits.strip("0"):
        return ""
    return _e164(text, digits, region) or digits


def _bare(written: str) -> str:
    """`"Ann" <sip:+44 20 7946 0000@host>` -> `+44 20 7946 0000`; `<unknown>` -> `unknown`."""
    text = written.strip()
    for wrapped in (_NAMED, _ADDRESS):
        inner = wrapped.match(text)
        text = inner[1].strip() if inner is not None else text
    user = text.partition("@")[0]
    return user if user.casefold() in ANONYMOUS or _NUMBER.fullmatch(user) else text


def _e164(text: str, digits: str, region: str | None) -> str | None:
    international = text.startswith("+")
    if not international and region is None:
        # 00 is the prefix of an international call nearly everywhere (ITU-T E.164).
        if not digits.startswith("00"):
            return None
        text = "+" + digits[2:]
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    possible = phonenumbers.is_possible_number_with_reason(number)
    # Short ones that are possible within a town alone are extensions here.
    if not international and possible != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
