"""The worker's settings: a YAML file, overridden by `CALLSLA_<NAME>` in the environment.

Secrets come from files or from the environment, never from the YAML file.
"""

import difflib
import os
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, get_args, get_origin

import msgspec
from msgspec import Meta, Struct, field

from streams.plain_yaml import PlainYaml, YamlFaultError, brief
from streams.small_files import read_small_text

__all__ = ["PREFIX", "Settings", "SettingsError", "load"]

PREFIX: Final = "CALLSLA_"
MAX_PATH: Final = 1000

Name = Annotated[str, Meta(min_length=1, max_length=249, pattern=r"^[A-Za-z0-9._-]+\Z")]
Port = Annotated[int, Meta(ge=0, le=65535)]
Partitions = Annotated[int, Meta(ge=1, le=1000)]


class SettingsError(ValueError):
    """A setting is wrong; the text is one line that names it and says what to do (exit code 2)."""


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything a worker can be told. Durations in seconds."""

    broker: Annotated[str, Meta(min_length=1)] = "embedded"
    """`embedded`, or `host:port` of one or more brokers, separated by commas"""
    events_topic: Name = "callcenter.events"
    promises_topic: Name = "callcenter.promises"
    dead_letters_topic: Name = "callcenter.dead-letters"
    ledger_topic: Name = "callcenter.ledger"
    raw_topics: dict[Name, str] = field(default_factory=dict)
    """topic of a vendor's raw records -> format, one of those of `replay --from`"""
    partitions: Partitions = 12
    """of the events topic, when it is created"""
    replication: Annotated[int, Meta(ge=1, le=9)] = 1
    """of every topic, when it is created"""
    retention_hours: Annotated[int, Meta(ge=1, le=1_000_000)] = 168
    """of the events topic, when it is created; a worker reads back at most this far"""
    group: Name = "callsla"
    instance: Name | None = None
    """static membership: a name of this worker that stays the same over restarts"""
    metrics_host: Annotated[str, Meta(min_length=1)] = "127.0.0.1"
    metrics_port: Port = 9808
    slo_file: str | None = None
    tick_seconds: Annotated[float, Meta(ge=0.05, le=5)] = 0.25
    """the longest that a verdict waits for its tick; without a backlog it comes sooner"""
    snapshot_seconds: Annotated[float, Meta(ge=1, le=86_400)] = 60
    ready_lag: Annotated[int, Meta(ge=0)] = 10_000
    """records a partition may be behind for the worker to count as ready"""
    accept_loss: bool = False
    """go on although counts of the past cannot be rebuilt"""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = (
        "SCRAM-SHA-512"
    )
    sasl_username: str | None = None
    sasl_password_file: str | None = None
    sasl_password: str | None = None
    """only from the environment"""
    oauth_token_file: str | None = None
    """a bearer token, read again for each connection"""
    oauth_token_url: str | None = None
    """where client credentials are exchanged for a bearer token (OpenID Connect)"""
    oauth_client_id: str | None = None
    oauth_client_secret_file: str | None = None
    oauth_client_secret: str | None = None
    """only from the environment"""
    oauth_scope: str | None = None
    oauth_ca_file: str | None = None
    """of `oauth_token_url`; without it the system's"""
    tls_ca_file: str | None = None
    """without it the system's"""
    tls_cert_file: str | None = None
    tls_key_file: str | None = None
    tls_key_password_file: str | None = None
    tls_key_password: str | None = None
    """only from the environment"""

    @property
    def embedded(self) -> bool:
        """Whether the broker is the embedded one."""
        return self.broker == "embedded"

    @property
    def topics(self) -> tuple[str, ...]:
        """Every topic that a worker reads or writes."""
        own = (self.events_topic, self.promises_topic, self.dead_letters_topic, self.ledger_topic)
        return (*own, *self.raw_topics)

    def secret(self, name: str) -> str | None:
        """Return the secret `name`, from its file if there is one: read anew each time.

        Raises:
            SettingsError: its file cannot be read, or is empty.
        """
        path: str | None = getattr(self, f"{name}_file")
        if path is None:
            value: str | None = getattr(self, name)
            return value
        text = _read(path, f"{name}_file").rstrip("\r\n")
        if not text:
            raise SettingsError(f"{name}_file: {path} is empty: write the secret into it")
        return text

    def password(self) -> str | None:
        """Return the SASL password.

        Raises:
            SettingsError: its file cannot be read, or is empty.
        """
        return self.secret("sasl_password")

    def __repr__(self) -> str:
        shown = {name: getattr(self, name) for name in self.__struct_fields__}
        shown |= {name: "***" for name in _SECRETS if shown[name] is not None}
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


_SECRETS: Final = ("sasl_password", "oauth_client_secret", "tls_key_password")


def load(
    config: str | os.PathLike[str] | None = None, environ: Mapping[str, str] = os.environ
) -> Settings:
    """Return the settings of the YAML file `config`, overridden by the environment.

    Raises:
        SettingsError: a file cannot be read, or a name or value is wrong.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    if config is not None:
        values = _from_file(os.fspath(config))
        origins = dict.fromkeys(values, os.fspath(config))
    for name, text in _from_environment(environ).items():
        values[name] = _pairs(text) if name == "raw_topics" else text
        origins[name] = PREFIX + name.upper()
    settings = Settings(**{name: _value(name, raw, origins) for name, raw in values.items()})
    _check_together(settings)
    return settings


def _from_file(path: str) -> dict[str, Any]:
    try:
        values = PlainYaml(_read(path, "--config")).values()
    except YamlFaultError as error:
        line = f" (line {error.line})" if error.line is not None else ""
        raise SettingsError(f"{path} is not YAML{line}: correct it: {error}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise SettingsError(f"{path} must hold `name: value` lines, one a setting")
    for name in values:
        _check_name(name, path)
    for name in _SECRETS:
        if name in values:
            remedy = f"use {name}_file or {PREFIX}{name.upper()}"
            raise SettingsError(f"{path}: {name} does not belong into this file: {remedy}")
    return values


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings in the environment; other `CALLSLA_` names are none of this module's."""
    found = {name: environ.get(PREFIX + name.upper()) for name in _TYPES}
    return {name: text for name, text in found.items() if text}


def _check_name(name: object, path: str) -> None:
    if name in _TYPES:
        return
    shown = brief(name)
    near = difflib.get_close_matches(shown, _TYPES, n=1)
    hint = f"did you mean {near[0]}?" if near else "remove it"
    raise SettingsError(f"{path}: there is no setting {shown.strip(chr(39))}: {hint}")


def _value(name: str, raw: Any, origins: Mapping[str, str]) -> Any:
    try:
        return msgspec.convert(raw, _TYPES[name], strict=False)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        choices = get_args(_TYPES[name]) if get_origin(_TYPES[name]) is Literal else ()
        problem = f"expected one of {', '.join(choices)}" if choices else _plain(str(error))
    shown = "" if name in _SECRETS else f" (is {brief(raw)})"
    raise SettingsError(f"{origins[name]}: {name}: {problem}{shown}")


def _plain(message: str) -> str:
    """`Expected `float` <= 5.0` -> `expected `float` <= 5.0`."""
    message = message.partition(" - at ")[0]
    return message[:1].lower() + message[1:]


def _pairs(text: str) -> dict[str, str]:
    """`topic=format,topic=format` -> its mapping."""
    pairs = [pair.partition("=") for pair in text.split(",")]
    if not all(topic and equals and form for topic, equals, form in pairs):
        raise SettingsError(
            f"{PREFIX}RAW_TOPICS: write topic=format,topic=format (is {brief(text)})"
        )
    return {topic.strip(): form.strip() for topic, _, form in pairs}


def _check_together(settings: Settings) -> None:
    _check_sasl(settings)
    _check_tls(settings)
    name, times = Counter(settings.topics).most_common(1)[0]
    if times > 1:
        raise SettingsError(f"two topics have one name, {name}: rename one of them")
    _check_files(settings)


def _check_sasl(settings: Settings) -> None:
    protocol = settings.security_protocol
    if not protocol.startswith("SASL"):
        _check_unused(settings, "sasl_username", "security_protocol", "SASL_SSL")
        _check_unused(settings, "sasl_password", "security_protocol", "SASL_SSL")
        _check_unused(settings, "oauth_", "security_protocol", "SASL_SSL")
    elif settings.sasl_mechanism == "OAUTHBEARER":
        _check_bearer(settings)
    else:
        _check_unused(settings, "oauth_", "sasl_mechanism", "OAUTHBEARER")
        if settings.sasl_username is None:
            raise SettingsError(f"sasl_username is needed with {protocol}: set it")
        _check_secret(settings, "sasl_password", protocol)


def _check_bearer(settings: Settings) -> None:
    if (settings.oauth_token_file is None) == (settings.oauth_token_url is None):
        raise SettingsError("OAUTHBEARER takes oauth_token_file or oauth_token_url: set one")
    if settings.oauth_token_url is None:
        return
    if not settings.oauth_token_url.startswith(("https://", "http://")):
        raise SettingsError("oauth_token_url: it begins with https:// (or http://): correct it")
    if settings.oauth_client_id is None:
        raise SettingsError("oauth_client_id is needed with oauth_token_url: set it")
    _check_secret(settings, "oauth_client_secret", "oauth_token_url")


def _check_tls(settings: Settings) -> None:
    if (settings.tls_cert_file is None) != (settings.tls_key_file is None):
        raise SettingsError("tls_cert_file and tls_key_file belong together: set both or neither")
    if not settings.security_protocol.endswith("SSL"):
        protocol = settings.security_protocol.replace("PLAINTEXT", "SSL")
        _check_unused(settings, "tls_", "security_protocol", protocol)


def _check_secret(settings: Settings, name: str, reason: str) -> None:
    if getattr(settings, name) is None and getattr(settings, f"{name}_file") is None:
        raise SettingsError(
            f"{name}_file is needed with {reason}: set it, or {PREFIX}{name.upper()}"
        )


def _check_unused(settings: Settings, prefix: str, decisive: str, needed: str) -> None:
    """Who set a password or a certificate did not mean a connection without."""
    for name in settings.__struct_fields__:
        if name.startswith(prefix) and getattr(settings, name) is not None:
            raise SettingsError(
                f"{name} has no effect with {decisive} {getattr(settings, decisive)}: "
                f"set {decisive} to {needed}, or remove {name}"
            )


def _check_files(settings: Settings) -> None:
    for name in settings.__struct_fields__:
        path = getattr(settings, name) if name.endswith("_file") else None
        if path is not None:
            _read(path, name)


def _read(path: str, name: str) -> str:
    try:
        return read_small_text(path)
    except UnicodeDecodeError:
        raise SettingsError(
            f"{name}: {_shown(path)} is not UTF-8 text: name another file"
        ) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SettingsError(f"{name}: cannot read {_shown(path)}: {reason}") from None
    except ValueError:
        # A NUL byte, or half a character, can be in no path.
        raise SettingsError(f"{name}: {_shown(path)} is no path: name a file") from None


def _shown(path: str) -> str:
    return path if path.isprintable() and len(path) < MAX_PATH else brief(path)


_TYPES: Final[dict[str, Any]] = {
    member.name: member.type for member in msgspec.structs.fields(Settings)
}
