"""The outbox: which notices wait, arrived or died, and sending one again."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from service.app.errors import Conflict, Forbidden, NotFound
from service.app.noticerecords import NoticeRecord
from service.app.ports import Filter, Page, Store
from service.app.principal import Principal, for_caller, require
from service.app.records import Writes
from service.app.snapshot import Library
from service.core.factvalue import rfc3339

THING = "notice"
"""What ``access.csv`` calls it."""


class Outbox:
    """Lists notices, and puts one that ended back into its receiver's line.

    Without a caller, whoever can open the database does so: there is no right to ask for.
    """

    def __init__(self, store: Store, library: Library) -> None:
        """Keep the ports."""
        self._store = store
        self._library = library

    def page(self, caller: Principal | None, wanted: Filter, page: Page) -> dict[str, Any]:
        """Notices of the sites that the caller may see, newest first. Raises `Forbidden`."""
        wanted = self._seen(caller, wanted)
        with self._store.read() as reader:
            found = reader.list_notices(wanted, replace(page, limit=page.limit + 1))
        shown: Sequence[NoticeRecord] = found[: page.limit]
        following = shown[-1].id if len(found) > page.limit else None
        return {"notices": [notice_json(notice) for notice in shown], "next": following}

    def redeliver(self, caller: Principal | None, id: str) -> dict[str, Any]:  # noqa: A002
        """Send one again, as the last of its line. Raises `NotFound`, `Forbidden`, `Conflict`."""
        with self._store.read() as reader:
            found = reader.find_notice(id)
        if caller is not None and found is not None:
            self._require(caller, found)
        with self._store.begin() as tx:
            notice = tx.lock_notices([id]).get(id)
            if notice is None:
                raise _no_notice(id)
            if notice.state == "waiting":
                raise Conflict(
                    "already_waiting",
                    "this notice is on its way already",
                    "wait for it; its next attempt is due at due_at",
                )
            again = replace(
                notice,
                state="waiting",
                attempts=0,
                queued_at=tx.at,
                due_at=tx.at,
                ended_at=None,
            )
            tx.write(Writes(notice_changes=[again]))
        return notice_json(again)

    def _require(self, caller: Principal, notice: NoticeRecord) -> None:
        """A notice that the caller may not even see does not exist for them."""
        access = for_caller(self._library.in_force().access, caller)
        if not access.may(caller.id, THING, "read", notice.site):
            raise _no_notice(notice.id)
        require(access, caller, THING, "redeliver", notice.site)

    def _seen(self, caller: Principal | None, wanted: Filter) -> Filter:
        if caller is None:
            return wanted
        access = for_caller(self._library.in_force().access, caller)
        sites = access.sites(caller.id, THING, "read")
        if sites is None:
            return wanted
        if not sites:
            raise Forbidden(
                "not_permitted",
                f"{caller.id} may not read any {THING}",
                f"ask whoever keeps access.csv for a role with: {THING}, read",
            )
        return replace(wanted, sites=sites if wanted.sites is None else wanted.sites & sites)


def notice_json(notice: NoticeRecord) -> dict[str, Any]:
    """A notice without what it tells."""
    ended = notice.ended_at
    return {
        "id": notice.id,
        "receiver": notice.receiver,
        "event": notice.event,
        "state": notice.state,
        "escalation": notice.about,
        "resolution": notice.resolution,
        "site": notice.site,
        "role": notice.role,
        "at": rfc3339(notice.at),
        "attempts": notice.attempts,
        "due_at": rfc3339(notice.due_at) if notice.state == "waiting" else None,
        "ended_at": None if ended is None else rfc3339(ended),
        "failure": notice.failure,
    }


def _no_notice(id: str) -> NotFound:  # noqa: A002
    return NotFound(
        "no_notice", f"there is no notice {id[:60]!r} for you", "list them: GET /v1/notices"
    )
