"""`callsla metrics`."""

import click

from streams.cli.root import Command

__all__ = ["metrics"]


@click.command(cls=Command)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def metrics(*, as_json: bool) -> None:
    """Print the reference of every metric, as a Markdown table."""
    from streams.metrics.reference import as_json as reference
    from streams.metrics.reference import as_markdown

    if as_json:
        import orjson

        click.echo(orjson.dumps(reference(), option=orjson.OPT_INDENT_2))
        return
    click.echo(as_markdown(), nl=False)
