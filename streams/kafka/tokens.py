"""Bearer tokens for OAUTHBEARER: from a file, or for client credentials from a token endpoint.

One way for all three Kafka clients, so that they share tokens and say the same when there is none.
Client credentials: RFC 6749, section 4.4; the expiry in a token: `exp` of RFC 7519.
"""

import base64
import binascii
import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from threading import Lock
from typing import Any, Final, Protocol

from msgspec import Struct

from streams.instants import rfc3339
from streams.kafka.errors import EdgeError, UnreachableError
from streams.settings import Settings
from streams.small_files import read_small_text

__all__ = ["Token", "Tokens", "tokens_of"]

UNKNOWN_SECONDS: Final = 60.0
"""For how long a token is taken as good that does not say so."""
RENEW_AT: Final = 0.8
"""Of its time."""
ANSWER_SECONDS: Final = 10.0
ANSWER_BYTES: Final = 1_048_576


class Token(Struct, frozen=True):
    """A token, and until when it is good and when a new one is to be got, in Unix seconds."""

    value: str
    expires: float
    renew: float

    def __repr__(self) -> str:
        return f"Token(expires={self.expires!r})"


class Origin(Protocol):
    """Where tokens come from."""

    def fetch(self) -> Token:
        """Return a new token.

        Raises:
            EdgeError: there is none.
        """


class Tokens:
    """The current token of an origin; safe to ask from several threads."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._current: Token | None = None
        self._lock = Lock()

    def current(self) -> Token:
        """Return a token that is good now.

        Raises:
            EdgeError: there is none to be had; the text says why.
        """
        with self._lock:
            now, held = time.time(), self._current
            if held is not None and now < held.renew:
                return held
            try:
                self._current = self._origin.fetch()
            except EdgeError:
                if held is None or now >= held.expires:
                    raise
            assert self._current is not None  # noqa: S101
            return self._current


class TokenFile:
    """A file that somebody else keeps fresh (a mounted token of Kubernetes, a side-car)."""

    def __init__(self, path: str) -> None:
        self._path = path

    def fetch(self) -> Token:
        """Read the file; see `Origin`."""
        try:
            value = read_small_text(self._path).strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = (getattr(error, "strerror", None) or "not a text").lower()
            raise EdgeError(f"oauth_token_file: cannot read {self._path}: {reason}") from None
        if not value or any(char <= " " or char > "~" for char in value):
            raise EdgeError(f"oauth_token_file: {self._path} holds no token: have one written")
        now = time.time()
        expires = _expiry(value) or now + UNKNOWN_SECONDS
        if expires <= now:
            at = rfc3339(int(expires) * 1_000_000)
            raise EdgeError(
                f"oauth_token_file: the token in {self._path} expired at {at}: have it renewed"
            )
        return Token(value, expires, renew=now)


class ClientCredentials:
    """A token endpoint that takes the id and secret of a client."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._url = settings.oauth_token_url or ""

    def fetch(self) -> Token:
        """Ask the endpoint; see `Origin`."""
        asked = time.time()
        answer = self._ask()
        value = answer.get("access_token")
        if not isinstance(value, str) or not value:
            raise EdgeError(f"the answer of oauth_token_url {self._url} holds no access_token")
        seconds = answer.get("expires_in")
        if isinstance(seconds, int | float) and seconds > 0:
            expires = asked + seconds
        else:
            expires = _expiry(value) or asked + UNKNOWN_SECONDS
        return Token(value, expires, renew=asked + RENEW_AT * (expires - asked))

    def _ask(self) -> dict[str, Any]:
        try:
            with self._opener().open(self._request(), timeout=ANSWER_SECONDS) as response:
                answer = json.loads(response.read(ANSWER_BYTES))
        except urllib.error.HTTPError as error:
            raise self._refused(error) from None
        except (OSError, ValueError) as error:
            raise self._unreachable(error) from None
        return answer if isinstance(answer, dict) else {}

    def _request(self) -> urllib.request.Request:
        secret = self._settings.secret("oauth_client_secret") or ""
        # RFC 6749, section 2.3.1: both are form-encoded before they are joined.
        pair = [urllib.parse.quote_plus(each) for each in (self._client, secret)]
        form = {"grant_type": "client_credentials"}
        if self._settings.oauth_scope is not None:
            form["scope"] = self._settings.oauth_scope
        return urllib.request.Request(  # noqa: S310
            self._url,
            urllib.parse.urlencode(form).encode(),
            {
                "Authorization": f"Basic {base64.b64encode(':'.join(pair).encode()).decode()}",
                "Accept": "application/json",
            },
        )

    def _opener(self) -> urllib.request.OpenerDirector:
        try:
            context = ssl.create_default_context(cafile=self._settings.oauth_ca_file)
        except (ssl.SSLError, OSError):
            path = self._settings.oauth_ca_file
            raise EdgeError(f"oauth_ca_file: {path} is no certificate in PEM") from None
        return urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context), _NoRedirect
        )

    @property
    def _client(self) -> str:
        return self._settings.oauth_client_id or ""

    def _refused(self, error: urllib.error.HTTPError) -> EdgeError:
        with error:
            code = _error_code(error)
        if error.code >= 500:
            return UnreachableError(
                f"oauth_token_url {self._url} answers {error.code}: see its log, or try later"
            )
        return EdgeError(
            f"oauth_token_url {self._url} refuses the client {self._client!r} ({code}): "
            "check oauth_client_id, oauth_client_secret and oauth_scope"
        )

    def _unreachable(self, error: Exception) -> EdgeError:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            return EdgeError(
                f"the certificate of oauth_token_url {self._url} is not trusted "
                f"({reason.verify_message}): set oauth_ca_file"
            )
        if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
            return EdgeError(f"the answer of oauth_token_url {self._url} is not JSON: correct it")
        said = (getattr(reason, "strerror", None) or type(reason).__name__).lower()
        return UnreachableError(f"oauth_token_url {self._url} cannot be reached: {said}")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The client's secret goes to the address that was set and to no other."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none; the answer is an error then."""


def _error_code(error: urllib.error.HTTPError) -> str:
    """Return RFC 6749's `error`, or the status; nothing else of the answer is repeated."""
    try:
        code = json.loads(error.read(ANSWER_BYTES)).get("error")
    except (OSError, ValueError, AttributeError):
        code = None
    known = isinstance(code, str) and code.isascii() and code.replace("_", "").isalnum()
    return str(code)[:40] if known else str(error.code)


def _expiry(token: str) -> float | None:
    """Return when a JWT expires, in Unix seconds; None: it is none, or does not say."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    padded = parts[1] + "=" * (-len(parts[1]) % 4)
    try:
        expires = json.loads(base64.urlsafe_b64decode(padded)).get("exp")
    except (binascii.Error, ValueError, AttributeError):
        return None
    return float(expires) if isinstance(expires, int | float) else None


_shared: Final[dict[tuple[str | None, ...], Tokens]] = {}


def tokens_of(settings: Settings) -> Tokens:
    """Return the tokens of `settings`, the same for every client in this process."""
    key = tuple(
        getattr(settings, name) for name in settings.__struct_fields__ if name.startswith("oauth_")
    )
    path = settings.oauth_token_file
    origin = ClientCredentials(settings) if path is None else TokenFile(path)
    return _shared.setdefault(key, Tokens(origin))
