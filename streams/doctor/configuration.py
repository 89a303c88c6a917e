"""Are the settings and the objective such that a worker would start?"""

from collections.abc import Mapping

from msgspec import Struct

from streams.doctor.findings import Finding, ok, split_line, warning, wrong
from streams.doctor.places import PARTS, Place, place_of
from streams.settings import Settings, SettingsError, load
from streams.slo import Objective, ObjectiveError, load_slo
from streams.slo.rulesfile import render_rules

__all__ = ["Configuration", "read_configuration"]


class Configuration(Struct, frozen=True):
    """What was configured; None where it is wrong. `findings` say what is.

    `places` has every part that was named.
    """

    settings: Settings | None
    objective: Objective | None
    places: Mapping[str, Place | None]
    findings: list[Finding]


def read_configuration(
    config: str | None, flags: Mapping[str, str | None], environ: Mapping[str, str]
) -> Configuration:
    """Return what the file `config`, `flags` and `environ` say, and what is wrong with it."""
    findings: list[Finding] = []
    settings = _settings(config, environ, findings)
    objective = None if settings is None else _objective(settings, findings)
    return Configuration(settings, objective, _places(flags, environ, findings), findings)


def _settings(
    config: str | None, environ: Mapping[str, str], findings: list[Finding]
) -> Settings | None:
    check = "configuration.settings"
    try:
        settings = load(config, environ)
        _check_formats(settings)
    except SettingsError as error:
        findings.append(wrong(check, str(error), "correct it; a worker would not start"))
        return None
    findings.append(_broker(check, settings, config))
    return settings


def _check_formats(settings: Settings) -> None:
    if settings.raw_topics:
        from streams.kafka.normalise import check_formats  # noqa: PLC0415 - slow to load

        check_formats(settings.raw_topics)


def _broker(check: str, settings: Settings, config: str | None) -> Finding:
    source = "the environment" if config is None else f"{config} and the environment"
    if settings.embedded:
        return warning(
            check,
            "no broker is named: a worker would run on the embedded one, which nothing else "
            "writes to and which ends with it",
            "set CALLSLA_BROKER=host:9092",
        )
    return ok(check, f"the settings of {source} are valid")


def _objective(settings: Settings, findings: list[Finding]) -> Objective | None:
    check, path = "configuration.objective", settings.slo_file
    try:
        objective = load_slo(path)
        render_rules(objective)
    except ObjectiveError as error:
        reason, remedy = split_line(str(error))
        findings.append(wrong(check, reason, remedy))
        return None
    own = len(objective.queues)
    told = (
        f"{path}: valid, {own} queue{'s' * (own != 1)} of their own"
        if path
        else ("no slo_file is named: the default objective is kept (10 s, 1 h)")
    )
    findings.append(ok(check, told))
    return objective


def _places(
    flags: Mapping[str, str | None], environ: Mapping[str, str], findings: list[Finding]
) -> dict[str, Place | None]:
    found: dict[str, Place | None] = {}
    for part in PARTS:
        try:
            place = place_of(part, flags, environ)
        except SettingsError as error:
            findings.append(wrong("configuration.places", *split_line(str(error))))
            found[part] = None
        else:
            found |= {} if place is None else {part: place}
    return found
