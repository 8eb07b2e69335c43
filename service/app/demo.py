"""A demonstration: a key for everybody whom the access file names, made anew at each start."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from service.app.accessports import Access
from service.app.keys import Keys
from service.app.ports import Filter, Page, Reader, Store
from service.app.records import KeyRecord

BY: Final = "demo"
"""Who makes the keys of a demonstration, as the log has it."""

TRADES: Final = {
    "agent": ("resolution", "propose"),
    "manager": ("escalation", "answer"),
    "auditor": ("log", "read"),
    "author": ("policy", "publish"),
    "admin": ("key", "manage"),
}
"""What makes a trade: the right to do one thing. The later ones include the earlier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A person with a secret that is shown once.

    ``site`` is one where they work; ``is_everywhere`` says that it is one of all.
    """

    person: str
    trade: str
    site: str
    is_everywhere: bool
    roles: tuple[str, ...]
    secret: str


def renew_keys(store: Store, keys: Keys, access: Access, sites: Sequence[str]) -> list[Shown]:
    """Revoke what an earlier demonstration made, and make one key for each person.

    A secret cannot be read again, so the keys of an earlier start are of no use.
    """
    with store.read() as reader:
        old = [key.id for key in reader.list_keys() if _is_ours(reader, key)]
    for id in old:  # noqa: A001 — the field's name
        keys.revoke(id, by=BY)
    return [_shown(keys, access, person, sites) for person in access.people()]


def _is_ours(reader: Reader, key: KeyRecord) -> bool:
    if key.revoked_at is not None:
        return False
    entries = reader.list_entries(Filter(kind="key", about=key.id), Page(limit=1))
    return any(orjson.loads(entry.body)["by"]["id"] == BY for entry in entries)


def _shown(keys: Keys, access: Access, person: str, sites: Sequence[str]) -> Shown:
    trade, site = _trade(access, person, sites)
    everywhere = trade in TRADES and access.sites(person, *TRADES[trade]) is None
    return Shown(
        person=person,
        trade=trade,
        site=site,
        is_everywhere=everywhere,
        roles=access.roles(person, site),
        secret=keys.create(subject=person, by=BY).secret,
    )


def _trade(access: Access, person: str, sites: Sequence[str]) -> tuple[str, str]:
    """What somebody is mainly here for, and the first site where they are."""
    found = ("", sites[0])
    for trade, (thing, action) in TRADES.items():
        site = next((site for site in sites if access.may(person, thing, action, site)), None)
        if site is not None:
            found = (trade, site)
    return found
