"""Reads for inboxes, cases and live screens. See `service.app.deskports.Desk`."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, false, func, or_, select, true

from service.adapters.sql.row import METADATA
from service.adapters.sql.rows import ENTRIES, ESCALATIONS, KEYS, RESOLUTIONS
from service.app.deskports import Happened, Likeness, Pile, Place
from service.app.records import EscalationRecord, ResolutionRecord
from service.core.escalation import WAITING

LOOKED_AT_MAX: Final = 1_000
"""Among how many of the latest escalations similar ones are looked for."""

_ESCALATIONS: Final = ESCALATIONS.table.c
_RESOLUTIONS: Final = RESOLUTIONS.table.c
_ENTRIES: Final = ENTRIES.table.c
_KEYS: Final = KEYS.table.c
_LEAVES: Final = METADATA.tables["log_leaves"].c
_EXTENT: Final = METADATA.tables["log_extent"].c
_WAITS: Final = _ESCALATIONS.state.in_(sorted(WAITING))


class SqlDesk:
    """See `service.app.deskports.Desk`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def piles(self) -> Sequence[Pile]:
        """How much waits for each role at each site."""
        by = _ESCALATIONS.site, _ESCALATIONS.role
        found = self._connection.execute(
            select(*by, func.count()).where(_WAITS).group_by(*by).order_by(*by)
        )
        return [Pile(site, role, count) for site, role, count in found]

    def waiting(
        self, piles: Collection[tuple[str, str]], person: str, after: Place | None, limit: int
    ) -> Sequence[EscalationRecord]:
        """What waits for roles at sites by urgency, but for what a person proposed or owns."""
        if not piles:
            return []
        owner = _ESCALATIONS.proposer_owner
        others = _ESCALATIONS.proposer != person, or_(owner.is_(None), owner != person)
        soonest = _ESCALATIONS.answer_by.is_(None), _ESCALATIONS.answer_by, _ESCALATIONS.id
        chosen = select(ESCALATIONS.table).where(_WAITS, _among(piles), *others, _beyond(after))
        found = self._connection.execute(chosen.order_by(*soonest).limit(limit))
        return [ESCALATIONS.record(row) for row in found]

    def resolutions(self, ids: Collection[str]) -> Mapping[str, ResolutionRecord]:
        """The resolutions that exist, by id."""
        found = self._connection.execute(
            select(RESOLUTIONS.table).where(_RESOLUTIONS.id.in_(sorted(ids)))
        )
        records = [RESOLUTIONS.record(row) for row in found]
        return {record.id: record for record in records}

    def resolutions_of(
        self, subject: str, sites: frozenset[str] | None, limit: int
    ) -> Sequence[ResolutionRecord]:
        """The latest resolutions of a subject at some sites; newest first."""
        chosen = _of_subject(select(RESOLUTIONS.table), subject, sites)
        found = self._connection.execute(chosen.order_by(_RESOLUTIONS.id.desc()).limit(limit))
        return [RESOLUTIONS.record(row) for row in found]

    def count_resolutions_of(self, subject: str, sites: frozenset[str] | None) -> int:
        """How many there are."""
        chosen = _of_subject(select(func.count()), subject, sites)
        return int(self._connection.execute(chosen).scalar_one())

    def similar(
        self, like: Likeness, limit: int
    ) -> Sequence[tuple[EscalationRecord, ResolutionRecord]]:
        """Escalations that ended, newest first, each with what it was about."""
        latest = (
            select(ESCALATIONS.table)
            .where(_at(_ESCALATIONS.site, like.sites), _ESCALATIONS.opened_at >= like.since)
            .order_by(_ESCALATIONS.id.desc())
            .limit(LOOKED_AT_MAX)
            .subquery()
        )
        chosen = (
            select(latest, RESOLUTIONS.table)
            .join(RESOLUTIONS.table, _RESOLUTIONS.id == latest.c.resolution)
            .join(ENTRIES.table, _ENTRIES.id == _RESOLUTIONS.entry)
            .where(
                latest.c.id != like.escalation,
                latest.c.state.not_in(sorted(WAITING)),
                _RESOLUTIONS.resolution == like.resolution,
                _ENTRIES.reason.is_not_distinct_from(like.reason),
                _ENTRIES.value_minor.between(like.value_from_minor, like.value_to_minor),
            )
            .order_by(latest.c.id.desc())
            .limit(limit)
        )
        width = len(ESCALATIONS.names)
        return [
            (ESCALATIONS.record(row[:width]), RESOLUTIONS.record(row[width:]))
            for row in self._connection.execute(chosen)
        ]

    def log_size(self) -> int:
        """How many entries have an index."""
        return self._connection.execute(select(_EXTENT.size)).scalar() or 0

    def happened(self, begin: int, end: int) -> Sequence[Happened]:
        """What happened to escalations in a half-open range of the log, in its order."""
        chosen = (
            select(_LEAVES.leaf_index, _ENTRIES.kind, _ENTRIES.at, ESCALATIONS.table)
            .join(ENTRIES.table, _ENTRIES.id == _LEAVES.entry)
            .join(ESCALATIONS.table, _ESCALATIONS.resolution == _ENTRIES.about)
            .where(_LEAVES.leaf_index >= begin, _LEAVES.leaf_index < end)
            .order_by(_LEAVES.leaf_index)
        )
        return [
            Happened(index, kind, at, ESCALATIONS.record(row))
            for index, kind, at, *row in self._connection.execute(chosen)
        ]

    def live_keys(self, ids: Collection[str], at: datetime) -> frozenset[str]:
        """Those of the API keys that are neither revoked nor expired at an instant."""
        lasts = or_(_KEYS.expires_at.is_(None), _KEYS.expires_at > at)
        live = _KEYS.id.in_(sorted(ids)), _KEYS.revoked_at.is_(None), lasts
        return frozenset(self._connection.execute(select(_KEYS.id).where(*live)).scalars())

    def machines(self) -> frozenset[str]:
        """Everybody who has keys, and none of a person."""
        only = select(_KEYS.subject).group_by(_KEYS.subject).having(func.max(_KEYS.kind) == "ai")
        return frozenset(self._connection.execute(only).scalars())


def _among(piles: Collection[tuple[str, str]]) -> ColumnElement[bool]:
    """Whether an escalation lies on any of the piles."""
    roles: dict[str, list[str]] = defaultdict(list)
    for site, role in sorted(piles):
        roles[site].append(role)
    return or_(
        false(),
        *[
            and_(_ESCALATIONS.site == site, _ESCALATIONS.role.in_(some))
            for site, some in roles.items()
        ],
    )


def _beyond(place: Place | None) -> ColumnElement[bool]:
    """Whether an escalation comes after a place in the order of urgency."""
    if place is None:
        return true()
    due, later_id = _ESCALATIONS.answer_by, _ESCALATIONS.id > place.id
    if place.answer_by is None:
        return and_(due.is_(None), later_id)
    return or_(due > place.answer_by, and_(due == place.answer_by, later_id), due.is_(None))


def _at(column: ColumnElement[Any], sites: frozenset[str] | None) -> ColumnElement[bool]:
    return true() if sites is None else column.in_(sorted(sites))


def _of_subject(chosen: Select[Any], subject: str, sites: frozenset[str] | None) -> Select[Any]:
    """Found through the log's entries, which know their subject: one index fewer to keep."""
    return (
        chosen.select_from(ENTRIES.table)
        .join(RESOLUTIONS.table, _RESOLUTIONS.entry == _ENTRIES.id)
        .where(
            _ENTRIES.subject == subject,
            _ENTRIES.kind == "decision",
            _RESOLUTIONS.id == _ENTRIES.about,
            _at(_RESOLUTIONS.site, sites),
        )
    )
