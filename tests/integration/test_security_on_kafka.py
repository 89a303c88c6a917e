"""TLS and SASL against a real broker, by all three clients: let in, or told why not."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from secured_kafka import SecuredKafka
from secured_settings import (
    bearer,
    broken,
    grant,
    mutual,
    offers,
    scram,
    told_by,
    told_by_worker,
)
from workers import running_worker, until

from streams.kafka.produce import produce
from streams.kafka.topics import check_topics, group_lag
from streams.settings import Settings

pytestmark = pytest.mark.integration

Make = Callable[..., Settings]
Changes = Callable[[SecuredKafka, Path], dict[str, object]]

WAYS: Final[dict[str, tuple[str, Changes]]] = {
    "TLS": ("TLS", lambda s, _: {"security_protocol": "SSL", "tls_ca_file": str(s.authority.ca)}),
    "TLS with client certificate": ("MUTUAL", lambda s, _: mutual(s)),
    "SCRAM-SHA-512": ("SCRAM", lambda s, _: scram(s)),
    "SCRAM-SHA-256": ("SCRAM", lambda s, _: scram(s, sasl_mechanism="SCRAM-SHA-256")),
    "PLAIN": ("SCRAM", lambda s, _: scram(s, sasl_mechanism="PLAIN")),
    "SCRAM without TLS": (
        "CLEAR",
        lambda s, _: scram(s, security_protocol="SASL_PLAINTEXT", tls_ca_file=None),
    ),
    "bearer token": ("BEARER", lambda s, path: bearer(s, path / "token")),
}


@pytest.mark.parametrize("way", WAYS)
def test_all_three_clients_log_in(
    secured: SecuredKafka, secured_settings: Make, tmp_path: Path, way: str
) -> None:
    """confluent-kafka writes, Faust and aiokafka read and write, kafka-python asks."""
    listener, changes = WAYS[way]
    settings = secured_settings(listener, **changes(secured, tmp_path))
    grant(secured, settings)
    secured.allow("worker", "topic", settings.events_topic, "WRITE")
    assert produce(settings, settings.broker, offers(0, 40)) == 40
    with running_worker(settings, settings.broker) as worker:
        worker.wait_for(40)
        until(lambda: broken(worker) == 40, "forty broken promises")
    assert sum(group_lag(settings).values()) == 0


REFUSALS: Final[dict[str, tuple[str, Changes, str]]] = {
    "wrong password": (
        "SCRAM",
        lambda s, _: scram(s, sasl_password="tr0ub4dor"),  # noqa: S106
        "{server} refuses the user 'worker' (SCRAM-SHA-512): "
        "check sasl_username, the password and sasl_mechanism",
    ),
    "wrong password, PLAIN": (
        "SCRAM",
        lambda s, _: scram(s, sasl_password="tr0ub4dor", sasl_mechanism="PLAIN"),  # noqa: S106
        "{server} refuses the user 'worker' (PLAIN): "
        "check sasl_username, the password and sasl_mechanism",
    ),
    "a mechanism that is not taken": (
        "BEARER",
        lambda s, _: scram(s),
        "{server} does not take SCRAM-SHA-512: set sasl_mechanism to what it takes (OAUTHBEARER)",
    ),
    "a token of another issuer": (
        "BEARER",
        lambda s, path: {**bearer(s, path / "token"), "oauth_token_file": _alien(s, path)},
        "{server} refuses the bearer token: check its issuer, audience and expiry "
        "(the broker's log says which)",
    ),
    "an expired token": (
        "BEARER",
        lambda s, path: {**bearer(s, path / "token"), "oauth_token_file": _expired(s, path)},
        "oauth_token_file: the token in {path}/expired expired at 2",
    ),
    "an authority we do not trust": (
        "TLS",
        lambda s, _: {"security_protocol": "SSL", "tls_ca_file": str(s.stranger.ca)},
        "the certificate of {server} is not signed by an authority we trust: "
        "set tls_ca_file to the certificate of its authority",
    ),
    "no client certificate": (
        "MUTUAL",
        lambda s, _: {"security_protocol": "SSL", "tls_ca_file": str(s.authority.ca)},
        "{server} demands a client certificate: set tls_cert_file and tls_key_file",
    ),
    "a client certificate it does not trust": (
        "MUTUAL",
        lambda s, _: {**mutual(s), **_stranger(s)},
        "{server} does not accept the certificate in tls_cert_file (certificate unknown): "
        "use one whose authority it trusts",
    ),
    "plain text to a TLS port": (
        "TLS",
        lambda _s, _: {},
        "{server} speaks TLS: set security_protocol to SSL, or SASL_SSL if it demands a login",
    ),
    "plain text with login to a TLS port": (
        "SCRAM",
        lambda s, _: scram(s, security_protocol="SASL_PLAINTEXT", tls_ca_file=None),
        "{server} speaks TLS: set security_protocol to SASL_SSL",
    ),
    "TLS to a plain port": (
        "PLAIN",
        lambda s, _: {"security_protocol": "SSL", "tls_ca_file": str(s.authority.ca)},
        "{server} speaks no TLS: set security_protocol to PLAINTEXT, or `broker` to its TLS port",
    ),
    "TLS with login to a plain port": (
        "CLEAR",
        lambda s, _: scram(s),
        "{server} speaks no TLS: set security_protocol to SASL_PLAINTEXT, "
        "or `broker` to its TLS port",
    ),
    "no login where one is demanded": (
        "CLEAR",
        lambda _s, _: {},
        "{server} demands a login: set security_protocol to SASL_PLAINTEXT and sasl_mechanism "
        "to one of PLAIN, SCRAM-SHA-512",
    ),
    "no login over TLS where one is demanded": (
        "BEARER",
        lambda s, _: {"security_protocol": "SSL", "tls_ca_file": str(s.authority.ca)},
        "{server} demands a login: set security_protocol to SASL_SSL and sasl_mechanism "
        "to one of OAUTHBEARER",
    ),
    "a login where none is asked for": (
        "TLS",
        lambda s, _: scram(s),
        "{server} takes no SASL: set security_protocol to SSL",
    ),
}


def _alien(secured: SecuredKafka, path: Path) -> str:
    """A token that nobody expects: for another audience."""
    token = path / "alien"
    token.write_text(secured.issuer.token("worker", audience="elsewhere"))
    return str(token)


def _expired(secured: SecuredKafka, path: Path) -> str:
    token = path / "expired"
    token.write_text(secured.issuer.token("worker", -60))
    return str(token)


def _stranger(secured: SecuredKafka) -> dict[str, object]:
    certificate, key = secured.stranger.certificate("worker", "DNS:worker")
    return {"tls_cert_file": str(certificate), "tls_key_file": str(key)}


@pytest.mark.parametrize("name", REFUSALS)
def test_every_refusal_is_told_in_one_line_by_all_three_clients(
    secured: SecuredKafka, secured_settings: Make, tmp_path: Path, name: str
) -> None:
    """The same line from each, with the setting to change and without any secret."""
    listener, changes, message = REFUSALS[name]
    settings = secured_settings(listener, **changes(secured, tmp_path))
    expected = message.format(server=settings.broker, path=tmp_path)
    lines = {
        told_by_worker(settings),
        told_by(lambda: check_topics(settings)),
        told_by(lambda: produce(settings, settings.broker, offers(0, 1))),
    }
    (line,) = lines
    assert line.startswith(expected)
    assert "\n" not in line
    assert "tr0ub4dor" not in line


def test_a_wrong_host_name_is_told(secured: SecuredKafka, secured_settings: Make) -> None:
    """The certificate names 127.0.0.1 and not localhost; all three check it."""
    changes = {"security_protocol": "SSL", "tls_ca_file": str(secured.authority.ca)}
    settings = secured_settings("TLS", host="localhost", **changes)
    lines = {
        told_by_worker(settings),
        told_by(lambda: check_topics(settings)),
        told_by(lambda: produce(settings, settings.broker, offers(0, 1))),
    }
    assert lines == {
        f"the certificate of {settings.broker} is for another name: write the name it was issued "
        "for in `broker`, and in advertised.listeners of the broker"
    }
