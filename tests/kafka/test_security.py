"""The same security settings in the words of each client."""

import ssl
from pathlib import Path

import faust
import pytest

from streams.kafka.errors import EdgeError
from streams.kafka.security import (
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


def test_plain_text_needs_nothing() -> None:
    """The default on a loopback broker."""
    settings = Settings(broker="a:9092")
    assert faust_credentials(settings) is None
    assert kafka_python_options(settings) == {
        "bootstrap_servers": ["a:9092"],
        "security_protocol": "PLAINTEXT",
        "ssl_context": None,
    }
    assert confluent_options(settings) == {
        "bootstrap.servers": "a:9092",
        "security.protocol": "PLAINTEXT",
    }


def test_every_client_gets_user_password_and_mechanism() -> None:
    """SCRAM-SHA-512 by default; over TLS that checks the broker's certificate and name."""
    options, confluent = kafka_python_options(SASL), confluent_options(SASL)
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


def test_a_certificate_that_is_none_is_told(tmp_path: Path) -> None:
    """One line that names the settings."""
    bad = tmp_path / "ca.pem"
    bad.write_text("not a certificate")
    settings = Settings(broker="a:9093", security_protocol="SSL", tls_ca_file=str(bad))
    with pytest.raises(EdgeError, match=r"^tls_ca_file, tls_cert_file or tls_key_file: "):
        kafka_python_options(settings)
