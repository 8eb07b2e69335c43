"""``remit budget``: what is used and left, and the close of a month."""

import csv
import json
import sys
from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from service.cli.render import Format, Shape, misused
from service.cli.serve import failures_told, read_settings

if TYPE_CHECKING:
    from service.app.budgets import BudgetReader, Question

app = typer.Typer(no_args_is_help=True, help="Budgets: what is used and left, month by month.")

Database = Annotated[
    str | None, typer.Option(help="sqlite:///FILE or postgresql://… REMIT_DATABASE")
]
Site = Annotated[str | None, typer.Option(help="Only this site.")]

PAGE_ROWS: Final = 200
_LISTED: Final = ("budget", "per", "limit", "used", "held", "remaining", "until")
_CLOSED: Final = (
    "month",
    "site",
    "budget",
    "role",
    "resolution",
    "unit",
    "approved",
    "settled",
    "released",
    "reversed",
    "held",
)
_NUMBERS: Final = frozenset({"limit", "used", "remaining", *_CLOSED[6:]})


class Report(StrEnum):
    """How to print a close."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


@app.command("list")
def list_budgets(
    budget: Annotated[str | None, typer.Option(help="Only this budget.")] = None,
    site: Site = None,
    part: Annotated[
        list[str] | None, typer.Option(help="Only rows with this in their key: agent.id=ana")
    ] = None,
    database: Database = None,
    form: Shape = Format.TEXT,
) -> None:
    """List what is used, held and left now, under the limits in force.

    Budgets that are kept per person are left out: ask the service for one person's.

    Example: remit budget list --budget shift --part agent.id=ana
    """
    from service.app.budgets import Question
    from service.bootstrap import open_books
    from service.core.refusal import Refused

    question = Question(budget=budget, site=site, parts=dict(_pair(text) for text in part or ()))
    with failures_told(), open_books(read_settings(database=database)) as (budgets, _):
        try:
            found = list(_every_row(budgets, question))
        except Refused as refused:
            misused(f"{refused.faults[0].message}; {refused.faults[0].remedy}")
    if form is Format.JSON:
        typer.echo(json.dumps(found))
        return
    _table(_LISTED, [{**row, "per": _key(row["per"])} for row in found])


@app.command()
def close(
    month: Annotated[str, typer.Option(help="The month, like 2026-03.")],
    site: Site = None,
    database: Database = None,
    form: Annotated[
        Report, typer.Option("--format", help="For people, programs or spreadsheets.")
    ] = Report.TEXT,
) -> None:
    """Close a month: what was approved, settled, released and reversed, added up from the log.

    A line without a budget is about the resolutions themselves: these lines together are
    the money that was given. The other lines say what each budget saw of it. Held is by
    how much more is held at the month's end.

    Example: remit budget close --month 2026-03 --site new_york --format csv
    """
    from service.bootstrap import open_books
    from service.core.refusal import Refused

    with failures_told(), open_books(read_settings(database=database)) as (_, closer):
        try:
            lines = closer.close(month, site).listed()
        except Refused as refused:
            misused(f"{refused.faults[0].message}; {refused.faults[0].remedy}")
    if form is Report.JSON:
        typer.echo(json.dumps({"month": month, "lines": lines}))
    elif form is Report.CSV:
        writer = csv.DictWriter(sys.stdout, _CLOSED, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    else:
        _table(_CLOSED[1:], lines)


def _every_row(budgets: "BudgetReader", question: "Question") -> Iterator[dict[str, Any]]:
    from service.app.ports import Page

    after: str | None = None
    while True:
        page = budgets.page(question, Page(after=after, limit=PAGE_ROWS))
        yield from page["budgets"]
        after = page["next"]
        if after is None:
            return


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        misused(f"--part is a name and a value, like agent.id=ana, not {text!r}")
    return name, value


def _key(per: dict[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in per.items())


def _table(names: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    """Columns as wide as their widest cell; numbers to the right."""
    if not rows:
        typer.echo("There is nothing yet.", err=True)
        return
    cells = [
        list(names),
        *(["" if row[n] is None else str(row[n]) for n in names] for row in rows),
    ]
    widths = [max(len(line[place]) for line in cells) for place in range(len(names))]
    for line in cells:
        padded = [
            cell.rjust(width) if name in _NUMBERS else cell.ljust(width)
            for name, cell, width in zip(names, line, widths, strict=True)
        ]
        typer.echo("  ".join(padded).rstrip())
