"""``remit key``: API keys for people and for agents that are no people."""

import json
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.render import Format, Shape
from service.cli.serve import fail, failures_told, read_settings

if TYPE_CHECKING:
    from service.app.records import KeyRecord

app = typer.Typer(no_args_is_help=True, help="API keys: made once, shown once, revoked for good.")

BY = "operator"
"""Who makes and revokes keys here, as the log has it: whoever can open the database."""

Database = Annotated[
    str | None, typer.Option(help="sqlite:///FILE or postgresql://… REMIT_DATABASE")
]


class Kind(StrEnum):
    """Who will use the key."""

    HUMAN = "human"
    AI = "ai"


@app.command()
def create(
    subject: Annotated[str, typer.Option(help="Whose key: a name as in access.csv.")],
    kind: Annotated[Kind, typer.Option(help="A person, or an AI agent.")] = Kind.HUMAN,
    owner: Annotated[str | None, typer.Option(help="Who answers for an AI agent.")] = None,
    expires: Annotated[str | None, typer.Option(help="After how long, like 90d or 12h.")] = None,
    database: Database = None,
    form: Shape = Format.TEXT,
) -> None:
    """Make a key and print its secret, alone, on standard output. It cannot be shown again.

    Example: remit key create --subject concierge --kind ai --owner max --expires 90d
    """
    from service.bootstrap import open_keys
    from service.core.refusal import Refused

    settings = read_settings(database=database)
    with failures_told(), open_keys(settings) as (keys, clock):
        try:
            made = keys.create(
                subject=subject,
                kind=kind.value,
                owner=owner,
                expires_at=None if expires is None else _expiry(expires, clock.now()),
                by=BY,
            )
        except Refused as refused:
            first = refused.faults[0]
            typer.echo(f"{first.message}; {first.remedy}", err=True)
            raise typer.Exit(2) from None
    if form is Format.JSON:
        typer.echo(json.dumps({**_shown(made.record), "secret": made.secret}))
        return
    typer.echo(made.secret)
    typer.echo(f"{made.record.id} for {subject}; this is the only time it is shown", err=True)


@app.command("list")
def list_keys(database: Database = None, form: Shape = Format.TEXT) -> None:
    """List the keys, oldest first. Secrets are stored nowhere.

    Example: remit key list --format json
    """
    from service.bootstrap import open_keys

    with failures_told(), open_keys(read_settings(database=database)) as (keys, clock):
        records = keys.list()
        now = clock.now()
    if form is Format.JSON:
        typer.echo(json.dumps([_shown(record) for record in records]))
        return
    for record in records:
        owner = "" if record.owner is None else f" of {record.owner}"
        who = f"{record.subject} ({record.kind}{owner})"
        typer.echo(f"{record.id}  {_state(record, now):<8}  {who}")
    if not records:
        typer.echo("There is no key yet: remit key create --subject ana", err=True)


@app.command()
def revoke(
    id: Annotated[str, typer.Argument(help="The key's id, from: remit key list")],  # noqa: A002
    database: Database = None,
    form: Shape = Format.TEXT,
) -> None:
    """Revoke a key for good. Holds from the next decision on.

    Example: remit key revoke key_01kk3v9s0v4m2f8n6x7z5q1r0t
    """
    from service.app.errors import NotFound
    from service.bootstrap import open_keys

    with failures_told(), open_keys(read_settings(database=database)) as (keys, _):
        try:
            record = keys.revoke(id, by=BY)
        except NotFound as missing:
            fail(f"{missing}; {missing.remedy}")
    if form is Format.JSON:
        typer.echo(json.dumps({"id": record.id, "subject": record.subject, "state": "revoked"}))
    else:
        typer.echo(f"{record.id} of {record.subject} is revoked")


def _expiry(text: str, now: datetime) -> datetime:
    from service.core.factvalue import parse_duration

    lasts = parse_duration(text)
    if lasts is None or not lasts:
        typer.echo(f"--expires is a duration like 90d or 12h, not {text!r}", err=True)
        raise typer.Exit(2)
    return now + lasts


def _state(record: "KeyRecord", now: datetime) -> str:
    if record.revoked_at is not None:
        return "revoked"
    expired = record.expires_at is not None and record.expires_at <= now
    return "expired" if expired else "live"


def _shown(record: "KeyRecord") -> dict[str, Any]:
    def instant(at: datetime | None) -> str | None:
        return None if at is None else at.isoformat().replace("+00:00", "Z")

    return {
        "id": record.id,
        "subject": record.subject,
        "kind": record.kind,
        "owner": record.owner,
        "created_at": instant(record.created_at),
        "expires_at": instant(record.expires_at),
        "revoked_at": instant(record.revoked_at),
    }
