"""``remit db``: the database's schema."""

import json
from typing import Annotated

import typer

from service.cli.render import Format, Shape
from service.cli.serve import failures_told, read_settings

app = typer.Typer(no_args_is_help=True, help="The database: bring its schema up to date, check it.")

Database = Annotated[
    str | None, typer.Option(help="sqlite:///FILE or postgresql://… REMIT_DATABASE")
]


@app.command()
def upgrade(database: Database = None, form: Shape = Format.TEXT) -> None:
    """Bring the schema up to this release. Does nothing where it is.

    Example: remit db upgrade --database postgresql://remit@localhost/remit
    """
    from service.bootstrap import upgrade_database

    settings = read_settings(database=database)
    with failures_told():
        upgrade_database(settings)
    _say(form, findings=[], text=f"{settings.database_shown} is up to date")


@app.command()
def check(database: Database = None, form: Shape = Format.TEXT) -> None:
    """Check that the database can be served as it is. Changes nothing; ends with 1 if not.

    Example: remit db check --format json
    """
    from service.bootstrap import check_database

    settings = read_settings(database=database)
    with failures_told():
        findings = check_database(settings)
    listed = [
        {"code": found.code, "message": found.message, "remedy": found.remedy} for found in findings
    ]
    _say(form, findings=listed, text=f"{settings.database_shown} is sound")
    if findings:
        raise typer.Exit(1)


def _say(form: Format, *, findings: list[dict[str, str]], text: str) -> None:
    if form is Format.JSON:
        typer.echo(json.dumps({"ok": not findings, "findings": findings}))
        return
    for finding in findings:
        typer.echo(f"{finding['message']}; {finding['remedy']}", err=True)
    if not findings:
        typer.echo(text)
