"""``remit``: the commands by their nouns.

A noun is a module of this package with an ``app``; it is added below. What a command
works with is imported inside the command, so that ``--help`` is quick and ``remit
decide`` loads neither a web framework nor a database.
"""

from typing import Annotated

import typer

from service.cli import audit, budget, db, decide, escalation, key, notice, policy, serve

app = typer.Typer(
    name="remit",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(serve.serve)
app.command()(decide.decide)
app.add_typer(policy.app, name="policy")
app.add_typer(budget.app, name="budget")
app.add_typer(escalation.app, name="escalation")
app.add_typer(audit.app, name="audit")
app.add_typer(key.app, name="key")
app.add_typer(notice.app, name="notice")
app.add_typer(db.app, name="db")


def _show_version(wanted: bool) -> None:
    if wanted:
        from service import __version__

        typer.echo(f"remit {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and end."
        ),
    ] = False,
) -> None:
    """May I do this for this person, now? Limits, budgets and approvals, decided and logged.

    Example: remit decide --policies policies/hotel proposals.jsonl
    """


def main() -> None:
    """Run the command that the arguments name, and end the process with its exit code."""
    app(prog_name="remit")
