"""The same security settings, in the words of each Kafka client."""

import asyncio
import ssl
from typing import Any

import faust
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaConnectionError
from kafka.net.sasl.oauth import AbstractTokenProvider as BlockingTokenProvider

from streams.kafka.errors import EdgeError
from streams.kafka.tokens import tokens_of
from streams.settings import Settings

__all__ = [
    "aiokafka_options",
    "confluent_options",
    "faust_credentials",
    "kafka_python_options",
    "tls_context",
]


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """Return the TLS context, which checks the broker's certificate and name; None: no TLS.

    Raises:
        EdgeError: a certificate or key cannot be used.
    """
    if not settings.security_protocol.endswith("SSL"):
        return None
    try:
        context = ssl.create_default_context(cafile=settings.tls_ca_file)
    except (ssl.SSLError, OSError) as error:
        raise EdgeError(f"tls_ca_file: {settings.tls_ca_file}: {_reason(error)}") from None
    if settings.tls_cert_file is not None:
        _load_certificate(context, settings)
    return context


def _load_certificate(context: ssl.SSLContext, settings: Settings) -> None:
    password = settings.secret("tls_key_password")

    def answer() -> str:
        # Without this OpenSSL would ask on the terminal, and wait.
        if password is None:
            raise EdgeError("tls_key_file is encrypted: set tls_key_password_file")
        return password

    try:
        context.load_cert_chain(str(settings.tls_cert_file), settings.tls_key_file, answer)
    except (ssl.SSLError, OSError) as error:
        hint = "" if password is None else " (or the wrong tls_key_password)"
        raise EdgeError(f"tls_cert_file or tls_key_file{hint}: {_reason(error)}") from None


def _reason(error: OSError) -> str:
    """`NO_CERTIFICATE_OR_CRL_FOUND` -> `no certificate or crl found`."""
    text = getattr(error, "reason", None) or error.strerror or "it cannot be used"
    return str(text).replace("_", " ").lower()


def aiokafka_options(settings: Settings) -> dict[str, Any]:
    """Return the options of aiokafka.

    Raises:
        EdgeError: a certificate or key cannot be used.
    """
    options = _common_options(settings)
    if _bearer(settings):
        options["sasl_oauth_token_provider"] = _AsyncTokens(settings)
    return options


def kafka_python_options(settings: Settings) -> dict[str, Any]:
    """Return the options of kafka-python.

    Raises:
        EdgeError: a certificate or key cannot be used, or there is no bearer token.
    """
    options = _common_options(settings)
    if _bearer(settings):
        tokens_of(settings).current()
        options["sasl_oauth_token_provider"] = _BlockingTokens(settings)
    return options


def _common_options(settings: Settings) -> dict[str, Any]:
    """The two share their names, one having been made from the other."""
    options: dict[str, Any] = {
        "bootstrap_servers": [each.strip() for each in settings.broker.split(",")],
        "security_protocol": settings.security_protocol,
        "ssl_context": tls_context(settings),
    }
    if settings.security_protocol.startswith("SASL"):
        options["sasl_mechanism"] = settings.sasl_mechanism
        if not _bearer(settings):
            options["sasl_plain_username"] = settings.sasl_username
            options["sasl_plain_password"] = settings.password()
    return options


def confluent_options(settings: Settings) -> dict[str, Any]:
    """Return the options of confluent-kafka.

    Raises:
        EdgeError: a certificate or key cannot be used, or there is no bearer token.
    """
    tls_context(settings)
    options: dict[str, Any] = {
        "bootstrap.servers": settings.broker,
        "security.protocol": settings.security_protocol,
        "ssl.ca.location": settings.tls_ca_file,
        "ssl.certificate.location": settings.tls_cert_file,
        "ssl.key.location": settings.tls_key_file,
        "ssl.key.password": settings.secret("tls_key_password"),
    }
    if settings.security_protocol.startswith("SASL"):
        options["sasl.mechanism"] = settings.sasl_mechanism
        options |= _confluent_credentials(settings)
    return {name: value for name, value in options.items() if value is not None}


def _confluent_credentials(settings: Settings) -> dict[str, Any]:
    if not _bearer(settings):
        return {"sasl.username": settings.sasl_username, "sasl.password": settings.password()}
    tokens = tokens_of(settings)
    # A callback that fails would only be told after ten seconds.
    tokens.current()

    def answer(_: str) -> tuple[str, float]:
        token = tokens.current()
        return token.value, token.expires

    return {"oauth_cb": answer}


def faust_credentials(settings: Settings) -> Any:
    """Return Faust's `broker_credentials`; None: plain text.

    Raises:
        EdgeError: a certificate or key cannot be used.
    """
    context = tls_context(settings)
    if _bearer(settings):
        return faust.OAuthCredentials(oauth_cb=_AsyncTokens(settings), ssl_context=context)
    if settings.security_protocol.startswith("SASL"):
        return faust.SASLCredentials(
            username=settings.sasl_username,
            password=settings.password(),
            mechanism=settings.sasl_mechanism,
            ssl_context=context,
        )
    return None if context is None else faust.SSLCredentials(context=context)


def _bearer(settings: Settings) -> bool:
    sasl = settings.security_protocol.startswith("SASL")
    return sasl and settings.sasl_mechanism == "OAUTHBEARER"


class _AsyncTokens(AbstractTokenProvider):  # type: ignore[misc]
    """For aiokafka and Faust."""

    def __init__(self, settings: Settings) -> None:
        self._tokens = tokens_of(settings)

    async def token(self) -> str:
        try:
            return (await asyncio.to_thread(self._tokens.current)).value
        except EdgeError as error:
            # What is no Kafka error would end a task of aiokafka's; this is tried again.
            raise KafkaConnectionError(str(error)) from error


class _BlockingTokens(BlockingTokenProvider):  # type: ignore[misc]
    """For kafka-python."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._tokens = tokens_of(settings)

    def token(self) -> str:
        return self._tokens.current().value
