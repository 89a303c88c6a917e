"""The worker's settings: file, environment, and what a user is told when one is wrong."""

from pathlib import Path

import pytest
import yaml

from streams.settings import Settings, SettingsError, load


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_without_a_file_and_environment_everything_has_its_default() -> None:
    """A worker starts with no configuration at all, on the embedded broker."""
    settings = load(environ={})
    assert settings == Settings()
    assert settings.embedded
    assert settings.events_topic == "callcenter.events"
    assert (settings.metrics_host, settings.metrics_port) == ("127.0.0.1", 9808)
    assert settings.tick_seconds == 0.25


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    """`CALLSLA_<NAME>` wins over the YAML file, which wins over the default."""
    config = written(tmp_path / "c.yaml", "broker: a:9092\ngroup: from-file\ntick_seconds: 0.5\n")
    settings = load(config, {"CALLSLA_GROUP": "from-env", "CALLSLA_METRICS_PORT": "0"})
    assert (settings.broker, settings.group) == ("a:9092", "from-env")
    assert (settings.tick_seconds, settings.metrics_port) == (0.5, 0)


def test_other_names_in_the_environment_are_left_alone() -> None:
    """Other parts have `CALLSLA_` names of their own."""
    assert load(environ={"CALLSLA_DEBUG": "1", "CALLSLA_GROUP": ""}) == Settings()


def test_raw_topics_come_as_a_mapping_or_as_pairs(tmp_path: Path) -> None:
    """Both ways of writing which raw topic has which format mean the same."""
    wanted = {"pbx.north": "asterisk-queue-log", "pbx.south": "events"}
    config = written(tmp_path / "c.yaml", yaml.safe_dump({"raw_topics": wanted}))
    text = "pbx.north=asterisk-queue-log,pbx.south=events"
    assert load(config, {}).raw_topics == wanted
    assert load(environ={"CALLSLA_RAW_TOPICS": text}).raw_topics == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("brokr: x", "there is no setting brokr: did you mean broker?"),
        ("zzz: x", "there is no setting zzz: remove it"),
        ("metrics_port: 70000", "metrics_port: expected `int` <= 65535 (is 70000)"),
        ("tick_seconds: soon", "tick_seconds: expected `float`, got `str` (is 'soon')"),
        ("group: a b", "group: expected `str` matching regex"),
        ("log_format: xml", "log_format: expected one of text, json (is 'xml')"),
        ("- a", "must hold `name: value` lines"),
        ("a: [", "is not YAML (line 1): correct it"),
        ("tick_seconds: .nan", "tick_seconds: expected `float` >= 0.05 (is nan)"),
        ("snapshot_seconds: .inf", "snapshot_seconds: expected `float` <= 86400"),
        ("retention_hours: 1" + "0" * 30, "retention_hours: expected `int` <= 1000000"),
        ("snapshot_seconds: !!float ''", "a value is not what it is said to be"),
        ("log_level: !!timestamp x", "a value is not what it is said to be"),
        ('group: "a\\n"', "group: expected `str` matching regex"),
        ('group: "\\ud800"', "a value holds half a character"),
        ('broker: "\\U00110000"', "is not YAML"),
        ('slo_file: "a\\0b"', "slo_file: 'a\\x00b' is no path: name a file"),
        ('slo_file: "a\\nb"', "slo_file: cannot read 'a\\nb': no such file"),
        ('"a\\nb": 1', "there is no setting a\\nb: remove it"),
        ("broker: &a [*a]", "an alias stands inside of what it repeats"),
        ("partitions: 0x" + "f" * 1900, "partitions: expected `int` <= 1000 (is "),
        ("group: " + "x" * 3000, "a value has more than 2000 characters"),
        (
            "sasl_password: x",
            "sasl_password does not belong into this file: use sasl_password_file",
        ),
        ("security_protocol: SASL_SSL", "sasl_username is needed with SASL_SSL"),
        (
            "{security_protocol: SASL_SSL, sasl_username: u}",
            "sasl_password_file is needed with SASL_SSL: set it, or CALLSLA_SASL_PASSWORD",
        ),
        ("promises_topic: callcenter.events", "two topics have one name"),
        ("slo_file: nowhere.yaml", "slo_file: cannot read nowhere.yaml: no such file"),
        ("slo_file: /dev/zero", "slo_file: cannot read /dev/zero: more than 16 megabytes"),
        ("tls_cert_file: c.pem", "tls_cert_file and tls_key_file belong together"),
        (
            "tls_ca_file: c.pem",
            "tls_ca_file has no effect with security_protocol PLAINTEXT: "
            "set security_protocol to SSL, or remove tls_ca_file",
        ),
        (
            "{security_protocol: SASL_PLAINTEXT, sasl_username: u, sasl_password_file: p, "
            "tls_ca_file: c.pem}",
            "set security_protocol to SASL_SSL, or remove tls_ca_file",
        ),
        (
            "{security_protocol: SSL, sasl_username: u}",
            "sasl_username has no effect with security_protocol SSL: set security_protocol to "
            "SASL_SSL",
        ),
        (
            "{security_protocol: SASL_SSL, oauth_token_file: t}",
            "set sasl_mechanism to OAUTHBEARER, or remove oauth_token_file",
        ),
        (
            "{security_protocol: SASL_SSL, sasl_mechanism: OAUTHBEARER}",
            "OAUTHBEARER takes oauth_token_file or oauth_token_url: set one",
        ),
        (
            "{security_protocol: SASL_SSL, sasl_mechanism: OAUTHBEARER, oauth_token_url: idp}",
            "oauth_token_url: it begins with https://",
        ),
        (
            "{security_protocol: SASL_SSL, sasl_mechanism: OAUTHBEARER, "
            "oauth_token_url: 'https://idp', oauth_client_id: c}",
            "oauth_client_secret_file is needed with oauth_token_url: set it, or "
            "CALLSLA_OAUTH_CLIENT_SECRET",
        ),
        ("oauth_client_secret: x", "oauth_client_secret does not belong into this file"),
        ("tls_key_password: x", "tls_key_password does not belong into this file"),
    ],
)
def test_a_wrong_setting_is_told_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    """The line names the setting and says what to do."""
    with pytest.raises(SettingsError) as caught:
        load(written(tmp_path / "c.yaml", text), {})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_value_in_the_environment_names_the_variable() -> None:
    """Where the value came from is told."""
    with pytest.raises(SettingsError, match=r"^CALLSLA_TICK_SECONDS: tick_seconds: expected"):
        load(environ={"CALLSLA_TICK_SECONDS": "9"})


def test_a_missing_or_unreadable_file_is_told(tmp_path: Path) -> None:
    """A configuration that is not there, or no text, is an error of one line."""
    with pytest.raises(SettingsError, match=r"cannot read .*: no such file"):
        load(tmp_path / "none.yaml", {})
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match=r"is not UTF-8 text"):
        load(binary, {})


def test_an_empty_file_is_no_error(tmp_path: Path) -> None:
    """Every setting may be left out."""
    assert load(written(tmp_path / "c.yaml", "# nothing yet\n"), {}) == Settings()


def test_the_password_comes_from_its_file_and_is_never_shown(tmp_path: Path) -> None:
    """The secret is read when it is needed and is in no representation."""
    secret = written(tmp_path / "password", "hunter2\n")
    common = {"CALLSLA_SECURITY_PROTOCOL": "SASL_SSL", "CALLSLA_SASL_USERNAME": "worker"}
    from_file = load(environ={**common, "CALLSLA_SASL_PASSWORD_FILE": str(secret)})
    from_environment = load(environ={**common, "CALLSLA_SASL_PASSWORD": "hunter2"})
    assert from_file.password() == from_environment.password() == "hunter2"
    assert "hunter2" not in repr(from_environment) + repr(from_file)


def test_a_secret_keeps_its_blanks_and_an_empty_one_is_an_error(tmp_path: Path) -> None:
    """Only the end of the line is taken off what a file holds; it is read when it is needed."""
    secret = written(tmp_path / "password", " two words \n")
    settings = Settings(sasl_password_file=str(secret))
    assert settings.password() == " two words "
    written(secret, "rotated")
    assert settings.password() == "rotated"
    written(secret, "\n")
    with pytest.raises(SettingsError, match=r"^sasl_password_file: .* is empty: write the secret"):
        settings.password()


def test_no_secret_is_in_a_representation() -> None:
    """Not the password, not the client's secret, not the one of the key."""
    names = ("sasl_password", "oauth_client_secret", "tls_key_password")
    settings = Settings(**dict.fromkeys(names, "hunter2"))  # type: ignore[arg-type]
    assert "hunter2" not in repr(settings)
    assert repr(settings).count("'***'") == 3


def test_a_few_lines_that_unfold_without_end_are_refused_at_once(tmp_path: Path) -> None:
    """Aliases of aliases: ten lines that say a thousand million values."""
    lines = [
        "broker: &a0 [x, x]",
        *(f"x{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)),
        "group: *a9",
    ]
    config = written(tmp_path / "c.yaml", "\n".join(lines))
    with pytest.raises(SettingsError, match="with its aliases it has more than 50000 values"):
        load(config, {})


def test_a_wrong_value_of_the_environment_is_told_shortly() -> None:
    """However long it is."""
    with pytest.raises(SettingsError) as caught:
        load(environ={"CALLSLA_LOG_FORMAT": "x" * 100_000})
    assert len(str(caught.value)) < 200
