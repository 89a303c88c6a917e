"""Why a broker does not let us in, told in one line that says which setting to change.

The clients say little: a broker that is spoken to in the wrong way just closes the connection. So
when a connection fails, the address is asked again in other ways: does it speak TLS, does it answer
without, which mechanisms does it take?
"""

import asyncio
import ssl
from collections.abc import Iterator
from typing import Any, Final

from aiokafka.conn import create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.admin import SaslHandShakeRequest

from streams.kafka.errors import EdgeError, unreachable
from streams.kafka.security import aiokafka_options
from streams.settings import Settings

__all__ = ["connect", "explain", "token_refused"]

CONNECT_MS: Final = 10_000
_NO_CERTIFICATE: Final = ("BAD_CERTIFICATE", "CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE")
_WRONG_NAME: Final = (62, 64)
"""X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH of OpenSSL."""
_UNKNOWN_AUTHORITY: Final = (18, 19, 20, 21)
"""Self-signed, or no certificate of the issuer is at hand."""


async def connect(settings: Settings, server: str, **changes: Any) -> Any:
    """Return a connection to `server` (`host:port`) that is logged in; the caller closes it.

    Raises:
        Exception: what aiokafka raises; `explain` says what it means.
    """
    options = {**aiokafka_options(settings), **changes}
    del options["bootstrap_servers"]
    host, port = _address(server)
    return await create_conn(host, port, request_timeout_ms=CONNECT_MS, **options)


async def explain(settings: Settings, server: str, error: BaseException) -> EdgeError:
    """Return what the user is told when a connection to `server` failed with `error`."""
    chain = list(_chain(error))
    for each in chain:
        if isinstance(each, EdgeError):
            return each
    for each in chain:
        if isinstance(each, ssl.SSLError):
            told = _explain_tls(settings, server, each)
            if told is not None:
                return told
    if isinstance(error, SaslAuthenticationFailed):
        return _credentials_refused(settings, server)
    if isinstance(error, IllegalSaslStateError):
        protocol = settings.security_protocol.replace("SASL_", "")
        return EdgeError(f"{server} takes no SASL: set security_protocol to {protocol}")
    if isinstance(error, UnsupportedSaslMechanismError):
        offered = ", ".join(await _mechanisms(settings, server)) or "none that we know"
        return EdgeError(
            f"{server} does not take {settings.sasl_mechanism}: set sasl_mechanism to "
            f"what it takes ({offered})"
        )
    return await _explain_closed(settings, server) or unreachable(server)


def token_refused(server: str) -> EdgeError:
    """Return what the user is told when a broker does not accept the bearer token."""
    return EdgeError(
        f"{server} refuses the bearer token: check its issuer, audience and expiry "
        "(the broker's log says which)"
    )


def _credentials_refused(settings: Settings, server: str) -> EdgeError:
    return EdgeError(
        f"{server} refuses the user {settings.sasl_username!r} ({settings.sasl_mechanism}): "
        "check sasl_username, the password and sasl_mechanism"
    )


def _explain_tls(settings: Settings, server: str, error: ssl.SSLError) -> EdgeError | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _untrusted(server, error)
    reason = error.reason or ""
    if "ALERT" not in reason:
        return None
    if settings.tls_cert_file is None and reason.endswith(_NO_CERTIFICATE):
        return EdgeError(
            f"{server} demands a client certificate: set tls_cert_file and tls_key_file"
        )
    if "CERT" in reason or "UNKNOWN_CA" in reason:
        return EdgeError(
            f"{server} does not accept the certificate in tls_cert_file "
            f"({_plain(reason)}): use one whose authority it trusts"
        )
    return EdgeError(
        f"{server} ends the TLS handshake ({_plain(reason)}): see which versions of TLS it takes"
    )


def _untrusted(server: str, error: ssl.SSLCertVerificationError) -> EdgeError:
    if error.verify_code in _WRONG_NAME:
        return EdgeError(
            f"the certificate of {server} is for another name: write the name it was issued for "
            "in `broker`, and in advertised.listeners of the broker"
        )
    if error.verify_code in _UNKNOWN_AUTHORITY:
        return EdgeError(
            f"the certificate of {server} is not signed by an authority we trust: "
            "set tls_ca_file to the certificate of its authority"
        )
    return EdgeError(
        f"the certificate of {server} is not valid ({error.verify_message}): have it issued anew"
    )


async def _explain_closed(settings: Settings, server: str) -> EdgeError | None:
    """The connection was closed without a word: find out what is spoken there instead."""
    sasl = "SASL_" if settings.security_protocol.startswith("SASL") else ""
    if settings.security_protocol.endswith("SSL"):
        if await _answers_plainly(settings, server):
            return EdgeError(
                f"{server} speaks no TLS: set security_protocol to {sasl}PLAINTEXT, "
                "or `broker` to its TLS port"
            )
    elif await _speaks_tls(server):
        hint = "" if sasl else ", or SASL_SSL if it demands a login"
        return EdgeError(f"{server} speaks TLS: set security_protocol to {sasl}SSL{hint}")
    if not sasl and (offered := await _mechanisms(settings, server)):
        return EdgeError(
            f"{server} demands a login: set security_protocol to "
            f"SASL_{settings.security_protocol} and sasl_mechanism to one of {', '.join(offered)}"
        )
    return None


async def _answers_plainly(settings: Settings, server: str) -> bool:
    try:
        connection = await connect(settings, server, security_protocol="PLAINTEXT")
    except (OSError, TimeoutError, KafkaError):
        return False
    await connection.close()
    return True


async def _speaks_tls(server: str) -> bool:
    """Shake hands only, without a word after: whose certificate it is does not matter."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(CONNECT_MS / 1000):
            _, writer = await asyncio.open_connection(*_address(server), ssl=context)
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")
    except (OSError, TimeoutError):
        return False
    writer.transport.abort()
    return True


async def _mechanisms(settings: Settings, server: str) -> list[str]:
    """Return the SASL mechanisms that are taken; none where no login is asked for."""
    protocol = settings.security_protocol.removeprefix("SASL_")
    try:
        connection = await connect(settings, server, security_protocol=protocol)
    except (OSError, TimeoutError, KafkaError):
        return []
    try:
        answer = await connection.send(SaslHandShakeRequest("none of the known"))
        return sorted(answer.enabled_mechanisms)
    except (TimeoutError, KafkaError):
        return []
    finally:
        await connection.close()


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _plain(reason: str) -> str:
    """`SSLV3_ALERT_CERTIFICATE_UNKNOWN` -> `certificate unknown`."""
    return reason.partition("ALERT_")[2].replace("_", " ").lower()


def _address(server: str) -> tuple[str, int]:
    host, _, port = server.strip().rpartition(":")
    return host.strip("[]"), int(port)
