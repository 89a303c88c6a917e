"""The same security settings, in the words of each Kafka client."""

import ssl
from typing import Any

import faust

from streams.kafka.errors import EdgeError
from streams.settings import Settings

__all__ = ["aiokafka_options", "confluent_options", "faust_credentials", "kafka_python_options"]


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """Return the TLS context, which checks the broker's certificate and name; None: no TLS.

    Raises:
        EdgeError: a certificate or key cannot be used.
    """
    if settings.security_protocol not in {"SSL", "SASL_SSL"}:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.tls_ca_file)
        if settings.tls_cert_file is not None:
            context.load_cert_chain(settings.tls_cert_file, settings.tls_key_file)
    except (ssl.SSLError, OSError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise EdgeError(f"tls_ca_file, tls_cert_file or tls_key_file: {reason}") from None
    return context


def kafka_python_options(settings: Settings) -> dict[str, Any]:
    """Return the options of kafka-python and of aiokafka, which share their names."""
    options: dict[str, Any] = {
        "bootstrap_servers": [each.strip() for each in settings.broker.split(",")],
        "security_protocol": settings.security_protocol,
        "ssl_context": tls_context(settings),
    }
    if settings.security_protocol.startswith("SASL"):
        options["sasl_mechanism"] = settings.sasl_mechanism
        options["sasl_plain_username"] = settings.sasl_username
        options["sasl_plain_password"] = settings.password()
    return options


aiokafka_options = kafka_python_options


def confluent_options(settings: Settings) -> dict[str, Any]:
    """Return the options of confluent-kafka."""
    options: dict[str, Any] = {
        "bootstrap.servers": settings.broker,
        "security.protocol": settings.security_protocol,
        "ssl.ca.location": settings.tls_ca_file,
        "ssl.certificate.location": settings.tls_cert_file,
        "ssl.key.location": settings.tls_key_file,
    }
    if settings.security_protocol.startswith("SASL"):
        options["sasl.mechanism"] = settings.sasl_mechanism
        options["sasl.username"] = settings.sasl_username
        options["sasl.password"] = settings.password()
    return {name: value for name, value in options.items() if value is not None}


def faust_credentials(settings: Settings) -> Any:
    """Return Faust's `broker_credentials`; None: plain text."""
    context = tls_context(settings)
    if settings.security_protocol.startswith("SASL"):
        return faust.SASLCredentials(
            username=settings.sasl_username,
            password=settings.password(),
            mechanism=settings.sasl_mechanism,
            ssl_context=context,
        )
    return None if context is None else faust.SSLCredentials(context=context)
