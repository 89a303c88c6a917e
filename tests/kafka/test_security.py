"""The same security settings in the words of each client."""

import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import faust
import msgspec
import pytest

from streams.kafka.errors import EdgeError
from streams.kafka.security import (
    aiokafka_options,
    confluent_options,
    faust_credentials,
    kafka_python_options,
)
from streams.settings import Settings

SASL = Settings(
    broker="a:9093, b:9093",
    security_protocol="SASL_SSL",
    sasl_username="worker",
    sasl_password="from the environment",  # noqa: S106
)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate and its key, which the word `open sesame` encrypts."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-subj", "/CN=worker", "-passout"]
    files = ["-out", str(certificate), "-keyout", str(key)]
    subprocess.run([*command, "pass:open sesame", *files], check=True, capture_output=True)
    return certificate, key


def test_plain_text_needs_nothing() -> None:
    """The default on a loopback broker."""
    settings = Settings(broker="a:9092")
    assert faust_credentials(settings) is None
    plain = {
        "bootstrap_servers": ["a:9092"],
        "security_protocol": "PLAINTEXT",
        "ssl_context": None,
    }
    assert kafka_python_options(settings) == aiokafka_options(settings) == plain
    assert confluent_options(settings) == {
        "bootstrap.servers": "a:9092",
        "security.protocol": "PLAINTEXT",
    }


def test_every_client_gets_user_password_and_mechanism() -> None:
    """SCRAM-SHA-512 by default; over TLS that checks the broker's certificate and name."""
    confluent = confluent_options(SASL)
    for options in (kafka_python_options(SASL), aiokafka_options(SASL)):
        assert options["bootstrap_servers"] == ["a:9093", "b:9093"]
        assert options["sasl_mechanism"] == confluent["sasl.mechanism"] == "SCRAM-SHA-512"
        assert options["sasl_plain_username"] == confluent["sasl.username"] == "worker"
        assert options["sasl_plain_password"] == confluent["sasl.password"] == SASL.sasl_password
        assert options["ssl_context"].verify_mode is ssl.CERT_REQUIRED
        assert options["ssl_context"].check_hostname
    credentials = faust_credentials(SASL)
    assert isinstance(credentials, faust.SASLCredentials)
    assert (credentials.username, credentials.password) == ("worker", SASL.sasl_password)
    assert credentials.ssl_context is not None


def test_every_client_gets_the_token_of_the_file(tmp_path: Path) -> None:
    """And no user or password beside it."""
    path = tmp_path / "token"
    path.write_text("opaque")
    settings = msgspec.structs.replace(
        SASL, sasl_mechanism="OAUTHBEARER", oauth_token_file=str(path)
    )
    confluent = confluent_options(settings)
    value, expires = confluent["oauth_cb"]("")
    assert value == "opaque"
    assert 50 < expires - time.time() <= 60
    assert kafka_python_options(settings)["sasl_oauth_token_provider"].token() == "opaque"
    assert "sasl_oauth_token_provider" in aiokafka_options(settings)
    assert isinstance(faust_credentials(settings), faust.OAuthCredentials)
    assert not {"sasl.username", "sasl.password"} & set(confluent)


@pytest.mark.parametrize("options", [kafka_python_options, confluent_options])
def test_a_missing_token_is_told_before_a_client_is_made(
    tmp_path: Path, options: Callable[[Settings], object]
) -> None:
    """The clients would wait for ten seconds and tell less."""
    settings = msgspec.structs.replace(
        SASL, sasl_mechanism="OAUTHBEARER", oauth_token_file=str(tmp_path / "none")
    )
    with pytest.raises(EdgeError, match=r"^oauth_token_file: cannot read"):
        options(settings)


def test_a_certificate_that_is_none_is_told(tmp_path: Path) -> None:
    """One line that names the setting."""
    bad = tmp_path / "ca.pem"
    bad.write_text("not a certificate")
    settings = Settings(broker="a:9093", security_protocol="SSL", tls_ca_file=str(bad))
    with pytest.raises(EdgeError, match=r"^tls_ca_file: .*ca.pem: no certificate or crl found$"):
        kafka_python_options(settings)
    both = msgspec.structs.replace(
        settings, tls_ca_file=None, tls_cert_file=str(bad), tls_key_file=str(bad)
    )
    with pytest.raises(EdgeError, match=r"^tls_cert_file or tls_key_file: "):
        confluent_options(both)


def test_an_encrypted_key_needs_its_password(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    """OpenSSL would ask for it on the terminal and wait."""
    certificate, key = map(str, pair)
    secret = tmp_path / "key-password"
    secret.write_text("open sesame\n")
    settings = Settings(
        broker="a:9093", security_protocol="SSL", tls_cert_file=certificate, tls_key_file=key
    )
    with pytest.raises(EdgeError, match=r"^tls_key_file is encrypted: set tls_key_password_file$"):
        aiokafka_options(settings)
    right = msgspec.structs.replace(settings, tls_key_password_file=str(secret))
    assert aiokafka_options(right)["ssl_context"] is not None
    assert confluent_options(right)["ssl.key.password"] == "open sesame"
    secret.write_text("wrong")
    with pytest.raises(EdgeError, match=r"\(or the wrong tls_key_password\): ") as told:
        confluent_options(right)
    assert "\n" not in str(told.value)
