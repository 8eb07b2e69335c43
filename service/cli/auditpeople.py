"""``remit audit people``: who held which role, key and delegation at an instant."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import typer

from service.cli.auditfind import Service
from service.cli.auditsource import is_address, remote, sources_told
from service.cli.render import Format, Shape, misused, say, say_json
from service.cli.serve import read_settings

_PAGE: Final = 200
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_UNTIL: Final = "for ever"


def people(
    source: Service = None,
    at: Annotated[
        str | None,
        typer.Option(help="An instant, or a date: its beginning in UTC. Now if left out."),
    ] = None,
    form: Shape = Format.TEXT,
) -> None:
    """Show who held which role where, and which keys and delegations held, at an instant.

    Roles are those of the policy that was in force then. Whom the people serve is nobody here.

    Example: remit audit people --at 2026-03-01 --source https://remit.example
    """
    instant = None if at is None else _instant(at)
    with sources_told():
        pages = list(_pages(source, instant))
    first = pages[0]
    everybody = [person for page in pages for person in page["people"]]
    if form is Format.JSON:
        say_json({**first, "people": everybody, "next": None})
        return
    _tell_policy(first)
    for person in everybody:
        _tell_person(person)


def _instant(text: str) -> str:
    return f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text


def _pages(source: str | None, at: str | None) -> Iterator[Mapping[str, Any]]:
    if source is not None and is_address(source):
        service = remote(source)
        asked = {"limit": str(_PAGE), **({} if at is None else {"at": at})}
        while True:
            page = json.loads(service.read(f"v1/log/people?{urlencode(asked)}"))
            yield page
            if page["next"] is None:
                return
            asked |= {"after": page["next"], "at": page["at"]}
    yield from _kept_pages(source, at)


def _kept_pages(source: str | None, at: str | None) -> Iterator[Mapping[str, Any]]:
    from service.app.ports import Page
    from service.bootstrap import open_archive
    from service.core.refusal import Refused

    then, after = None if at is None else _parsed(at), None
    with open_archive(read_settings(database=source)) as books:
        while True:
            try:
                found = books.people.list(None, then, Page(after=after, limit=_PAGE))
            except Refused as refused:
                misused(f"--at: {refused.faults[0].message}; {refused.faults[0].remedy}")
            page = json.loads(found)
            yield page
            after, then = page["next"], _parsed(page["at"])
            if after is None:
                return


def _parsed(text: str) -> datetime:
    from service.core.factvalue import parse_timestamp

    found = parse_timestamp(text)
    return found or misused(f"--at: {text!r} is no instant; write it like 2026-03-02T02:00:00Z")


def _tell_policy(page: Mapping[str, Any]) -> None:
    policy = page["policy"]
    if policy is None:
        say(f"At {page['at']} no policy was in force.")
        return
    say(
        f"At {page['at']} {policy['name']} was in force, {policy['version']}, put there at "
        f"{policy['since']} by {policy['by']} ({policy['entry']})."
    )
    for role in page["roles"]:
        may = [*role["may"], *(f"as {held['role']} at {held['site']}" for held in role["holds"])]
        say(f"  {role['role']:<18} {'; '.join(may)}".rstrip())


def _tell_person(person: Mapping[str, Any]) -> None:
    say(person["id"])
    for held in person["roles"]:
        say(f"    {held['role']:<18} at {held['site']}")
    for key in person["keys"]:
        owner = "" if key["owner"] is None else f" of {key['owner']}"
        until = key["revoked_at"] or key["expires_at"] or _UNTIL
        say(f"    {key['id']:<18} {key['kind']}{owner}, from {key['created_at']}, {_end(until)}")
    for agent in person["answers_for"]:
        say(f"    answers for        {agent}")
    for one in person["stands_in_for"]:
        say(f"    stands in for      {one['for']}{_where(one)}")
    for one in person["delegated_to"]:
        say(f"    delegated to       {one['to']}{_where(one)}")


def _end(until: str) -> str:
    return until if until == _UNTIL else f"until {until}"


def _where(one: Mapping[str, Any]) -> str:
    site = "" if one["site"] is None else f" at {one['site']}"
    role = "" if one["role"] is None else f" as {one['role']}"
    until = one["revoked_at"] or one["until"]
    return f"{site}{role}, from {one['from']}, until {until} ({one['id']})"
