"""Bearer tokens: from a file that is kept fresh, or from a real token endpoint on loopback."""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from token_endpoint import TokenEndpoint, token_endpoint

from streams.kafka.errors import EdgeError, UnreachableError
from streams.kafka.tokens import ClientCredentials, TokenFile, Tokens, tokens_of
from streams.settings import Settings


def jwt(seconds: float, name: str = "a") -> str:
    """Return a token of JWT's form that expires in `seconds`; nobody here checks signatures."""
    claims = json.dumps({"sub": name, "exp": int(time.time() + seconds)}).encode()
    parts = (b'{"alg":"RS256"}', claims, b"signature")
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def settings_of(endpoint: TokenEndpoint, **changes: str | None) -> Settings:
    common: dict[str, str | None] = {
        "oauth_token_url": endpoint.url,
        "oauth_client_id": endpoint.client,
        "oauth_client_secret": endpoint.secret,
    }
    return Settings(
        broker="a:9093",
        security_protocol="SASL_SSL",
        sasl_mechanism="OAUTHBEARER",
        **{**common, **changes},  # type: ignore[arg-type]
    )


@pytest.fixture
def endpoint() -> Iterator[TokenEndpoint]:
    """An endpoint whose tokens are counted: a, b, c ..."""
    names = iter("abcdefgh")
    with token_endpoint(lambda: next(names)) as running:
        yield running


def test_a_file_is_read_again_each_time(tmp_path: Path) -> None:
    """Whoever keeps it fresh may write a new token at any time."""
    path = tmp_path / "token"
    tokens = Tokens(TokenFile(str(path)))
    for name in ("a", "b"):
        token = jwt(60, name)
        path.write_text(f"{token}\n")
        assert tokens.current().value == token
        assert 55 < tokens.current().expires - time.time() <= 60


def test_a_token_that_is_still_good_bridges_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A file that is being replaced is no reason to fail before the token it held expires."""
    path = tmp_path / "token"
    path.write_text(jwt(60))
    tokens = Tokens(TokenFile(str(path)))
    first = tokens.current()
    path.unlink()
    assert tokens.current() == first


def test_an_expired_missing_or_empty_token_is_told(tmp_path: Path) -> None:
    """One line that names the file and not what is in it."""
    path = tmp_path / "token"
    with pytest.raises(EdgeError, match=r"^oauth_token_file: cannot read .*: no such file"):
        TokenFile(str(path)).fetch()
    path.write_text(jwt(-60))
    with pytest.raises(EdgeError, match=r"the token in .* expired at \d{4}-.*Z: have it") as told:
        TokenFile(str(path)).fetch()
    assert path.read_text() not in str(told.value)
    for nothing in ("", "two words", "\x01"):
        path.write_text(nothing)
        with pytest.raises(EdgeError, match=r"holds no token: have one written"):
            TokenFile(str(path)).fetch()


def test_what_is_no_jwt_is_taken_as_good_for_a_minute(tmp_path: Path) -> None:
    """Opaque tokens do not say when they expire."""
    path = tmp_path / "token"
    for opaque in ("opaque", "a.b.c", "a.bm90IGpzb24.c", "a.W10.c"):
        path.write_text(opaque)
        assert 50 < TokenFile(str(path)).fetch().expires - time.time() <= 60


def test_client_credentials_give_a_token_once(endpoint: TokenEndpoint) -> None:
    """It is used until four fifths of its time have passed; id and secret may hold anything."""
    tokens = Tokens(ClientCredentials(settings_of(endpoint, oauth_scope="kafka read")))
    assert tokens.current().value == tokens.current().value == "a"
    assert 3590 < tokens.current().expires - time.time() <= 3600
    assert 2870 < tokens.current().renew - time.time() <= 2880
    assert endpoint.asked == [{"grant_type": ["client_credentials"], "scope": ["kafka read"]}]


def test_a_token_is_renewed_before_it_expires(endpoint: TokenEndpoint) -> None:
    """And while a new one cannot be had, the old one serves as long as it is good."""
    endpoint.lives = 3
    tokens = Tokens(ClientCredentials(settings_of(endpoint)))
    assert tokens.current().value == "a"
    time.sleep(2.45)
    endpoint.answer = (503, b"")
    assert tokens.current().value == "a"
    endpoint.answer = None
    assert tokens.current().value == "b"


def test_every_client_shares_the_token(endpoint: TokenEndpoint) -> None:
    """Three libraries and half a dozen connections ask the endpoint once."""
    settings = settings_of(endpoint)
    assert tokens_of(settings) is tokens_of(settings)
    assert tokens_of(settings) is not tokens_of(settings_of(endpoint, oauth_scope="other"))


def test_a_wrong_secret_is_told_without_it(endpoint: TokenEndpoint) -> None:
    """The line names the client and the code of RFC 6749."""
    settings = settings_of(endpoint, oauth_client_secret="hunter2")  # noqa: S106
    expected = r"refuses the client 'callsla' \(invalid_client\): check"
    with pytest.raises(EdgeError, match=expected) as told:
        ClientCredentials(settings).fetch()
    assert "hunter2" not in str(told.value)
    assert told.value.__cause__ is None


@pytest.mark.parametrize(
    ("answer", "message", "kind"),
    [
        ((400, b"<html>"), r"refuses the client 'callsla' \(400\)", EdgeError),
        ((302, b""), r"refuses the client 'callsla' \(302\)", EdgeError),
        ((400, b'{"error": "a b\\n"}'), r"refuses the client 'callsla' \(400\)", EdgeError),
        ((500, b""), r"answers 500: see its log, or try later", UnreachableError),
        ((200, b"<html>"), r"is not JSON", EdgeError),
        ((200, b"[]"), r"holds no access_token", EdgeError),
        ((200, b'{"access_token": ""}'), r"holds no access_token", EdgeError),
    ],
)
def test_a_strange_answer_is_told(
    endpoint: TokenEndpoint, answer: tuple[int, bytes], message: str, kind: type[EdgeError]
) -> None:
    """One line each; a redirection is not followed, since the secret is for one address only."""
    endpoint.answer = answer
    with pytest.raises(kind, match=message) as told:
        ClientCredentials(settings_of(endpoint)).fetch()
    assert "\n" not in str(told.value)
    assert len(endpoint.asked) == 1


def test_an_endpoint_that_is_away_is_unreachable(endpoint: TokenEndpoint) -> None:
    """A worker waits for it; a command ends with 4."""
    settings = settings_of(endpoint, oauth_token_url="http://127.0.0.1:1/token")  # noqa: S106
    with pytest.raises(UnreachableError, match=r"cannot be reached: connection refused"):
        ClientCredentials(settings).fetch()
