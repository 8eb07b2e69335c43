"""People and roles as of an instant: who could do what then, and with which key.

Roles are those of the access file of the version that was in force at that instant, as
the log says and the database has kept it; keys and delegations are what held then. A role
that somebody's token claimed stands in the entries of what they did with it, and not here.
The people are those who work with the service. Whom they serve is nowhere among them, so
there is nobody here whom an erasure would have to take out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from service.app.delegate import terms_json
from service.app.entryports import EntryFilter
from service.app.errors import Forbidden
from service.app.ports import Page, Reader, Store
from service.app.principal import Principal, for_caller
from service.app.records import EntryRecord, KeyRecord
from service.app.snapshot import Library
from service.core.delegation import Delegation
from service.core.factvalue import rfc3339
from service.core.refusal import Fault, Refused
from service.policyfile.access import Access, Membership, kept_access
from service.policyfile.digest import ACCESS_FILE

_PUT_IN_FORCE: Final = frozenset({"published", "rolled_back"})
_ENTRIES_AT_ONCE: Final = 50
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Everything that held at an instant. ``published`` put the policy in force, if any was."""

    at: datetime
    published: EntryRecord | None
    access: Access
    keys: Sequence[KeyRecord]
    delegations: Sequence[Delegation]

    def roles(self) -> Sequence[str]:
        """Everything that is a role and no person, sorted."""
        found = {line.role for line in self.access.permissions}
        return sorted(found | {line.role for line in self.access.memberships})

    def people(self) -> Sequence[str]:
        """Everybody who held a role, a key or a delegation, or answers for an agent; sorted."""
        found = {line.member for line in self.access.memberships}.difference(self.roles())
        for key in self.keys:
            found |= {key.subject} if key.owner is None else {key.subject, key.owner}
        for one in self.delegations:
            found |= {one.delegator, one.delegate}
        return sorted(found)


class People:
    """Tells auditors who held what."""

    def __init__(self, store: Store, library: Library) -> None:
        """Keep the ports."""
        self._store = store
        self._library = library

    def list(self, principal: Principal | None, at: datetime | None, page: Page) -> bytes:
        """A page of the people at an instant (now without one), by id, as JSON.

        The cursor is the id of the last one seen. Without a principal it is the operator
        who asks, at the database. Raises `Forbidden` for who may not read the log of every
        site, and `Refused` for an instant that lies ahead.
        """
        if principal is not None:
            self._require_log(principal)
        with self._store.read() as reader:
            now = reader.now()
            if at is not None and at > now:
                raise _ahead(now)
            roster = _roster(reader, now if at is None else at)
        everybody = [one for one in roster.people() if page.after is None or one > page.after]
        shown = everybody[: page.limit]
        return orjson.dumps(
            {
                "at": rfc3339(roster.at),
                "policy": _policy_json(roster.published),
                "roles": [_role_json(roster.access, role) for role in roster.roles()],
                "people": [_person_json(roster, person) for person in shown],
                "next": shown[-1] if len(everybody) > len(shown) else None,
            }
        )

    def _require_log(self, principal: Principal) -> None:
        access = for_caller(self._library.in_force().access, principal)
        if access.sites(principal.id, "log", "read") is not None:
            raise Forbidden(
                "not_permitted",
                f"{principal.id} may not read the log of every site",
                "ask whoever keeps access.csv for a role with: log, read at every site (*)",
            )


def _roster(reader: Reader, at: datetime) -> Roster:
    published = _find_published(reader, at)
    policy = None if published is None else reader.find_policy(published.about)
    text = b"" if policy is None else policy.files.get(ACCESS_FILE, b"")
    return Roster(
        at=at,
        published=published,
        access=kept_access(text.decode()),
        keys=[key for key in reader.list_keys() if _held(key, at)],
        delegations=[one for one in reader.delegations(at) if one.starts_at <= at],
    )


def _find_published(reader: Reader, at: datetime) -> EntryRecord | None:
    """The last entry up to an instant that put a policy in force."""
    wanted = EntryFilter(kind="policy", until=at + _MICROSECOND)
    for entry in _entries(reader, wanted):
        if orjson.loads(entry.body).get("effect") in _PUT_IN_FORCE:
            return entry
    return None


def _entries(reader: Reader, wanted: EntryFilter) -> Iterator[EntryRecord]:
    """Newest first, to the end."""
    after: str | None = None
    while found := reader.entries.latest(wanted, after, _ENTRIES_AT_ONCE):
        yield from found
        after = found[-1].id


def _held(key: KeyRecord, at: datetime) -> bool:
    """Whether a key let somebody in at an instant."""
    ends = [end for end in (key.revoked_at, key.expires_at) if end is not None]
    return key.created_at <= at and all(at < end for end in ends)


def _policy_json(published: EntryRecord | None) -> dict[str, Any] | None:
    if published is None:
        return None
    body: Mapping[str, Any] = orjson.loads(published.body)
    return {
        "name": body["name"],
        "version": body["version"],
        "since": rfc3339(published.at),
        "by": body["by"]["id"],
        "entry": published.id,
    }


def _role_json(access: Access, role: str) -> dict[str, Any]:
    """What a role may do by itself, and which other roles it holds."""
    may = [f"{line.object}, {line.action}" for line in access.permissions if line.role == role]
    return {"role": role, "may": may, "holds": _holds(access.memberships, role)}


def _holds(memberships: Sequence[Membership], member: str) -> list[dict[str, str]]:
    return [{"role": line.role, "site": line.site} for line in memberships if line.member == member]


def _person_json(roster: Roster, person: str) -> dict[str, Any]:
    given = [one for one in roster.delegations if one.delegator == person]
    received = [one for one in roster.delegations if one.delegate == person]
    return {
        "id": person,
        "roles": _holds(roster.access.memberships, person),
        "keys": [_key_json(key) for key in roster.keys if key.subject == person],
        "answers_for": [key.subject for key in roster.keys if key.owner == person],
        "delegated_to": [_delegation_json(one) for one in given],
        "stands_in_for": [_delegation_json(one) for one in received],
    }


def _key_json(key: KeyRecord) -> dict[str, Any]:
    return {
        "id": key.id,
        "kind": key.kind,
        "owner": key.owner,
        "created_at": rfc3339(key.created_at),
        "expires_at": _instant(key.expires_at),
        "revoked_at": _instant(key.revoked_at),
    }


def _delegation_json(one: Delegation) -> dict[str, Any]:
    return {
        **terms_json(one),
        "created_by": one.created_by,
        "revoked_at": _instant(one.revoked_at),
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)


def _ahead(now: datetime) -> Refused:
    fault = Fault(
        code="out_of_range",
        pointer="/at",
        message=f"this instant lies ahead: it is {rfc3339(now)}",
        remedy="ask for one that has passed, or leave it out for now",
    )
    return Refused((fault,))
