"""``remit notice``: what receivers were told, and what could not be told."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from service.cli.render import Format, Shape, counted, misused, note, problem_text, say, say_json
from service.cli.serve import fail, failures_told, read_settings

app = typer.Typer(
    no_args_is_help=True, help="Notices: what receivers were told, and what could not be told."
)

Database = Annotated[
    str | None, typer.Option(help="sqlite:///FILE or postgresql://… REMIT_DATABASE")
]

LIMIT_MAX: Final = 1_000


class State(StrEnum):
    """What became of a notice."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


@app.command("list")
def list_notices(
    state: Annotated[State | None, typer.Option(help="Only these.")] = None,
    receiver: Annotated[str | None, typer.Option(help="Only what is for this receiver.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=LIMIT_MAX, help="How many at most.")] = 50,
    database: Database = None,
    form: Shape = Format.TEXT,
) -> None:
    """List notices, newest first; `dead` are those that were given up.

    Example: remit notice list --state dead
    """
    from service.app.ports import Filter, Page
    from service.bootstrap import open_outbox

    wanted = Filter(state=None if state is None else state.value, receiver=receiver)
    with failures_told(), open_outbox(read_settings(database=database)) as outbox:
        found = outbox.page(None, wanted, Page(limit=limit))
    if form is Format.JSON:
        say_json(found)
        return
    for notice in found["notices"]:
        say(_line(notice))
    if found["next"] is not None:
        note(f"There are more: --limit {LIMIT_MAX} shows up to that many.")
    if not found["notices"]:
        note("There is none.")


@app.command()
def redeliver(
    id: Annotated[str, typer.Argument(help="The notice's id, from: remit notice list")],  # noqa: A002
    database: Database = None,
    form: Shape = Format.TEXT,
) -> None:
    """Send a notice again that was given up, or that its receiver lost.

    It goes to the end of its receiver's line, and the service delivers it.

    Example: remit notice redeliver ntc_01kk3v9s0v4m2f8n6x7z5q1r0t
    """
    from service.app.errors import ServiceError
    from service.bootstrap import open_outbox

    with failures_told(), open_outbox(read_settings(database=database)) as outbox:
        try:
            found = outbox.redeliver(None, id)
        except ServiceError as refused:
            fail(f"{refused}; {refused.remedy}")
    if form is Format.JSON:
        say_json(found)
    else:
        say(f"{found['id']} waits for {found['receiver']} again")


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The receivers file.")],
    form: Shape = Format.TEXT,
) -> None:
    """Check a receivers file, and the files of secrets that it names. Sends nothing.

    Example: remit notice check receivers.yaml
    """
    from service.policyfile.problem import PolicyErrors
    from service.policyfile.receiversfile import read_receivers

    if not file.is_file():
        misused(f"There is no file {file}.")
    try:
        receivers = read_receivers(file)
    except PolicyErrors as errors:
        if form is Format.JSON:
            say_json([problem.as_json() for problem in errors.problems])
        else:
            for problem in errors.problems:
                note(problem_text(problem))
        raise typer.Exit(1) from None
    if form is Format.JSON:
        say_json([])
    else:
        say(f"{file}: {counted(len(receivers), 'receiver')}, nothing to complain about")


def _line(notice: dict[str, Any]) -> str:
    why = "" if notice["failure"] is None else f"  {notice['failure']}"
    tried = counted(notice["attempts"], "attempt")
    about = f"{notice['event']} {notice['escalation']} for {notice['receiver']}"
    return f"{notice['id']}  {notice['state']:<9}  {notice['at']}  {about}  {tried}{why}"
