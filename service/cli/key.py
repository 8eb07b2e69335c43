"""``remit key``: API keys for people and for agents that are no people."""

import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.render import Format, Shape
from service.cli.serve import fail, failures_told, read_settings

if TYPE_CHECKING:
    from service.app.keys import Keys
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
    id: Annotated[  # noqa: A002
        str | None, typer.Argument(help="The id of a key (remit key list), or of a token.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option(help="Everything of somebody: keys, and tokens issued until now.")
    ] = None,
    jti: Annotated[str | None, typer.Option(help="The token with this jti.")] = None,
    database: Database = None,
    form: Shape = Format.TEXT,
) -> None:
    """Revoke a key or a token for good. Holds from the next decision on.

    A token's id (tok_…) stands in the log, as by.key of what was done with it.

    Example: remit key revoke key_01kk3v9s0v4m2f8n6x7z5q1r0t
    """
    from service.app.errors import NotFound
    from service.bootstrap import open_keys
    from service.core.refusal import Refused

    given = [each for each in (id, subject, jti) if each is not None]
    if len(given) != 1:
        typer.echo("Name one thing: an id, --subject NAME or --jti JTI", err=True)
        raise typer.Exit(2)
    with failures_told(), open_keys(read_settings(database=database)) as (keys, _):
        try:
            told = _revoked(keys, id, subject, jti)
        except NotFound as missing:
            fail(f"{missing}; {missing.remedy}")
        except Refused as refused:
            fail(f"{refused.faults[0].message}; {refused.faults[0].remedy}")
    if form is Format.JSON:
        typer.echo(json.dumps({**told, "state": "revoked"}))
    else:
        typer.echo(_revoked_text(told))


def _revoked(keys: "Keys", id_: str | None, subject: str | None, jti: str | None) -> dict[str, Any]:
    """What was revoked. Raises `NotFound` and `Refused`."""
    from service.app.claims import token_id_of_jti

    if subject is not None:
        found = keys.revoke_person(subject, by=BY)
        return {"id": None, "subject": subject, "keys": [record.id for record in found]}
    if jti is not None or (id_ or "").startswith("tok_"):
        token = token_id_of_jti(jti) if jti is not None else str(id_)
        keys.revoke_token(token, by=BY)
        return {"id": token, "subject": None}
    record = keys.revoke(str(id_), by=BY)
    return {"id": record.id, "subject": record.subject}


def _revoked_text(told: Mapping[str, Any]) -> str:
    if told["id"] is None:
        number = len(told["keys"])
        keys = "no key" if number == 0 else "1 key" if number == 1 else f"{number} keys"
        return f"{keys} of {told['subject']} and every token issued until now are revoked"
    of = "" if told["subject"] is None else f" of {told['subject']}"
    return f"{told['id']}{of} is revoked"


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
