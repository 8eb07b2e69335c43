"""People who come with tokens: written down as they come, and looked up when others ask.

Nobody but the issuer knows who holds which role, so of somebody who is not calling only
the latest token is known that came with a command.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from service.app.accessports import Access
from service.app.callers import is_revoked
from service.app.principal import Principal, for_caller
from service.app.snapshot import Snapshot
from service.app.tokenports import TokenReader, person_id
from service.app.tokenrecords import TokenPersonRecord
from service.core.delegation import Delegation

REMEMBERED_DAYS: Final = 30
"""For how long after its issue a token tells what its holder may, where others ask."""

PEOPLE_MAX: Final = 1_000
"""How many of them are looked through for who could answer, the latest first."""

_AGAIN: Final = timedelta(days=1)
"""How often somebody is written down of whom nothing is new."""


def access_for(access: Access, principal: Principal, people: Iterable[TokenPersonRecord]) -> Access:
    """Who may do what, as a caller is shown it: people hold the roles of their latest tokens.

    Of the caller what they came with counts, a token or the file. Raises `Forbidden`; see
    `for_caller`.
    """
    others = [one for one in people if one.person != principal.id]
    return for_caller(_told_by(access, others), principal)


def snapshot_for(
    snapshot: Snapshot,
    principal: Principal,
    tokens: TokenReader,
    delegations: Iterable[Delegation],
    at: datetime,
) -> Snapshot:
    """The policy as it is for a caller who may act for others. Raises `Forbidden`."""
    people = remembered(tokens, {one.delegator for one in delegations}, at)
    return replace(snapshot, access=access_for(snapshot.access, principal, people.values()))


def roles_today(
    access: Access, tokens: TokenReader, person: str, site: str, at: datetime
) -> tuple[str, ...]:
    """The roles of somebody who is not calling: by their latest token, or by the access file.

    Lowest rank first.
    """
    return _told_by(access, remembered(tokens, {person}, at).values()).roles(person, site)


def remembered(
    tokens: TokenReader, people: Iterable[str], at: datetime
) -> Mapping[str, TokenPersonRecord]:
    """Those of the people whose latest token still counts where others ask about them."""
    wanted = set(people)
    found = tokens.people(wanted) if wanted else {}
    return _counting(tokens, found.values(), at)


def latest(tokens: TokenReader, at: datetime) -> Mapping[str, TokenPersonRecord]:
    """The same of everybody, as far as they are looked through."""
    return _counting(tokens, tokens.latest_people(_since(at), PEOPLE_MAX), at)


def to_write(
    tokens: TokenReader, callers: Iterable[Principal], at: datetime
) -> list[TokenPersonRecord]:
    """Who of the callers has to be written down: new people, new roles, a newer token.

    An older token than the one that is known tells nothing. Sorted, so that everybody
    writes them in one order.
    """
    coming: dict[str, TokenPersonRecord] = {}
    for caller in callers:
        one = _record(caller, at)
        before = None if one is None else coming.get(one.person)
        if one is not None and (before is None or before.issued_at < one.issued_at):
            coming[one.person] = one
    known = tokens.people(coming.keys()) if coming else {}
    return [one for _, one in sorted(coming.items()) if _is_news(one, known.get(one.person))]


def _told_by(access: Access, people: Iterable[TokenPersonRecord]) -> Access:
    """Who may do what, where people hold the roles that their latest tokens name."""
    told = {one.person: one.roles for one in people if one.roles is not None}
    return access.claiming(told) if told else access


def _record(caller: Principal, at: datetime) -> TokenPersonRecord | None:
    token = caller.token
    if token is None:
        return None
    return TokenPersonRecord(
        person=caller.id,
        kind=caller.kind,
        owner=caller.owner,
        roles=token.roles,
        token=caller.key,
        issued_at=token.issued_at,
        seen_at=at,
    )


def _is_news(one: TokenPersonRecord, known: TokenPersonRecord | None) -> bool:
    if known is None:
        return True
    says = (one.kind, one.owner, one.roles) != (known.kind, known.owner, known.roles)
    return one.issued_at >= known.issued_at + (timedelta(0) if says else _AGAIN)


def _counting(
    tokens: TokenReader, found: Iterable[TokenPersonRecord], at: datetime
) -> Mapping[str, TokenPersonRecord]:
    recent = {one.person: one for one in found if one.issued_at > _since(at)}
    ids = {id_ for one in recent.values() for id_ in (one.token, person_id(one.person))}
    revoked = tokens.revocations(ids) if ids else {}
    return {
        person: one
        for person, one in recent.items()
        if not is_revoked(person, one.token, one.issued_at, revoked)
    }


def _since(at: datetime) -> datetime:
    return at - timedelta(days=REMEMBERED_DAYS)
