"""``remit policy diff``: who may give how much more or less, and what else differs."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.policysource import load_named, read_both
from service.cli.render import say, say_json

if TYPE_CHECKING:
    from service.policyfile.diff import Side
    from service.policyfile.load import PolicySet


class Report(StrEnum):
    """How to print a difference."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def diff(
    old: Annotated[
        str,
        typer.Argument(metavar="OLD", help="A folder, REV:path, REV, or sha256:… as published."),
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The same, of what comes after.")],
    database: Annotated[
        str | None, typer.Option(help="Where versions were published. REMIT_DATABASE")
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 1 where anything differs.")
    ] = False,
    form: Annotated[
        Report, typer.Option("--format", help="For people, programs or a pull request.")
    ] = Report.TEXT,
) -> None:
    """Say which role may now give how much more or less, for what, to whom and where.

    Budgets are left aside there and stand among what else differs, with prohibitions,
    escalation and access. A revision without a path means the folder of the other side.

    Example: remit policy diff main:policies/hotel policies/hotel --format markdown
    """
    from service.policyfile import diffwords
    from service.policyfile.diff import compare

    before, after = read_both(old, new, database)
    found = compare(_side(load_named(before)), _side(load_named(after)))
    if form is Report.JSON:
        say_json(diffwords.as_json(found))
    elif form is Report.MARKDOWN:
        say(diffwords.markdown(found, before.name, after.name).rstrip("\n"))
    else:
        for line in diffwords.lines(found):
            say(_coloured(line))
    if exit_code and not found.is_same:
        raise typer.Exit(1)


def _side(loaded: "PolicySet") -> "Side":
    from service.policyfile.diff import Side

    return Side(rulebook=loaded.rulebook, access=loaded.access)


def _coloured(line: str) -> str:
    colours = {"+": typer.colors.GREEN, "−": typer.colors.RED, "±": typer.colors.YELLOW}
    if not line.startswith(" "):
        return typer.style(line, bold=True)
    colour = colours.get(line.strip()[:1])
    return line if colour is None else typer.style(line, fg=colour)
