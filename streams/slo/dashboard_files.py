"""The dashboards as files. Grafana's types are loaded only here: a worker does not need them."""

from pathlib import Path

from streams.slo.commands import MissingToolError
from streams.slo.objective import load_slo

__all__ = ["generate_dashboards", "stale_dashboards", "write_dashboards"]


def generate_dashboards(path: str | Path | None) -> dict[str, str]:
    """Return every dashboard of the objective at `path` by the name of its file.

    Raises:
        ObjectiveError: the file is wrong.
        MissingToolError: Grafana's types are not installed.
    """
    try:
        from streams.slo.dashboards import render_dashboards  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if "grafana_foundation_sdk" not in str(error):
            raise
        remedy = "pip install 'callsla[dashboards]'"
        message = f"grafana-foundation-sdk is not installed; get it with: {remedy}"
        raise MissingToolError(message) from error
    return render_dashboards(load_slo(path))


def write_dashboards(path: str | Path | None, folder: Path) -> list[Path]:
    """Write every dashboard into `folder` and return the files.

    Raises:
        ObjectiveError: the file is wrong.
        MissingToolError: Grafana's types are not installed.
    """
    files = {folder / name: text for name, text in generate_dashboards(path).items()}
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in files.items():
        file.write_text(text, encoding="utf-8")
    return list(files)


def stale_dashboards(path: str | Path | None, folder: Path) -> list[Path]:
    """Return the files of `folder` that are missing, no longer made, or not what would be made.

    Raises:
        ObjectiveError: the file is wrong.
        MissingToolError: Grafana's types are not installed.
    """
    made = {folder / name: text for name, text in generate_dashboards(path).items()}
    there = {file: file.read_text(encoding="utf-8") for file in folder.glob("*.json")}
    return sorted(file for file in made.keys() | there.keys() if made.get(file) != there.get(file))
