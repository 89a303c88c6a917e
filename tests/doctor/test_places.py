"""Where the other programs are, and that no secret comes from where others can read it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from streams.doctor.places import PARTS, Access, Place, place_of
from streams.settings import SettingsError

NONE: dict[str, str | None] = {}


def places(flags: Mapping[str, str | None], environ: dict[str, str]) -> dict[str, Place]:
    """Return every part that is somewhere."""
    found = {part: place_of(part, flags, environ) for part in PARTS}
    return {part: place for part, place in found.items() if place is not None}


def test_a_flag_comes_before_the_environment() -> None:
    """What is named nowhere is no place."""
    found = places(
        {"prometheus": "http://a:9090/", "grafana": None},
        {"CALLSLA_PROMETHEUS_URL": "http://b:9090", "CALLSLA_ALERTMANAGER_URL": "https://c/am/"},
    )
    assert {part: place.url for part, place in found.items()} == {
        "prometheus": "http://a:9090",
        "alertmanager": "https://c/am",
    }


def test_secrets_come_from_files_or_the_environment(tmp_path: Path) -> None:
    """And are not shown."""
    (tmp_path / "token").write_text("secret-1\n")
    environ = {
        "CALLSLA_GRAFANA_URL": "https://g",
        "CALLSLA_GRAFANA_TOKEN_FILE": str(tmp_path / "token"),
        "CALLSLA_GRAFANA_DATASOURCE": "main",
        "CALLSLA_PROMETHEUS_URL": "https://p",
        "CALLSLA_PROMETHEUS_USERNAME": "me",
        "CALLSLA_PROMETHEUS_PASSWORD": "secret-2",
    }
    found = places(NONE, environ)
    assert found["grafana"].access == Access(token="secret-1")  # noqa: S106
    assert found["grafana"].uid == "main"
    assert found["prometheus"].access == Access(username="me", password="secret-2")  # noqa: S106
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    ("flags", "environ", "words"),
    [
        ({"grafana": "ftp://h"}, {}, "--grafana: it has to be a URL"),
        ({"grafana": "http://"}, {}, "--grafana: it has to be a URL"),
        ({"grafana": "http://h:99999"}, {}, "--grafana: it has to be a URL"),
        ({"grafana": "http://h/?a=b"}, {}, "a URL ends before"),
        ({"metrics": "http://me:pw@h"}, {}, "set CALLSLA_METRICS_PASSWORD_FILE"),
        ({"metrics": "http://h"}, {"CALLSLA_METRICS_USERNAME": "me"}, "belong together"),
        (
            {"metrics": "http://h"},
            {"CALLSLA_METRICS_TOKEN": "t", "CALLSLA_METRICS_PASSWORD": "p"},
            "only one can be told",
        ),
        ({"metrics": "http://h"}, {"CALLSLA_METRICS_TOKEN_FILE": "/nowhere"}, "cannot read"),
        ({"metrics": "http://h"}, {"CALLSLA_METRICS_TOKEN_FILE": "/dev/null"}, "on one line"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(
    flags: dict[str, str | None], environ: dict[str, str], words: str
) -> None:
    """No secret is repeated in it."""
    with pytest.raises(SettingsError, match=words) as caught:
        places(flags, environ)
    assert "\n" not in str(caught.value)
    assert "pw" not in str(caught.value)
