"""Entries by what they are about: see `service.app.entryports.EntryReader`.

Every page is found by a key and not by counting, so the last one of a million entries
costs what the first one does.
"""

from collections.abc import Iterator, Mapping, Sequence
from operator import ge, le, lt
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, TextClause, func, select, tuple_

from service.adapters.sql.row import METADATA
from service.adapters.sql.rows import ENTRIES
from service.adapters.sql.tables import SELDOM, USUAL
from service.app.entryports import EntryFilter, Placed
from service.app.records import EntryRecord

_ENTRIES: Final = ENTRIES.table.c
_LEAVES: Final = METADATA.tables["log_leaves"]
_WORDS: Final = (
    "kind",
    "agent",
    "subject",
    "about",
    "resolution",
    "outcome",
    "rule",
    "reason",
    "policy_version",
)


class SqlEntryReader:
    """Reads on a connection that is in a transaction."""

    def __init__(self, connection: Connection) -> None:
        """Keep the connection."""
        self._connection = connection

    def latest(self, wanted: EntryFilter, after: str | None, limit: int) -> Sequence[EntryRecord]:
        """Newest first: by instant where instants are asked for, else by id, which is near it."""
        key: list[ColumnElement[Any]] = [_ENTRIES.id]
        if wanted.since is not None or wanted.until is not None:
            key = [_ENTRIES.at, _ENTRIES.id]
        listed = select(ENTRIES.table).where(*_wheres(wanted))
        listed = listed.order_by(*[column.desc() for column in key]).limit(limit)
        if after is not None:
            seen = select(*key).where(_ENTRIES.id == after)
            listed = listed.where(tuple_(*key) < seen.scalar_subquery())
        return [ENTRIES.record(row) for row in self._connection.execute(listed)]

    def placed(self, wanted: EntryFilter, begin: int, end: int, limit: int) -> Sequence[Placed]:
        """In the order of the log."""
        place = _LEAVES.c.leaf_index
        joined = _LEAVES.join(ENTRIES.table, _ENTRIES.id == _LEAVES.c.entry)
        listed: Select[Any] = (
            select(place, ENTRIES.table)
            .select_from(joined)
            .where(place >= begin, place < end, *_wheres(wanted))
            .order_by(place)
            .limit(limit)
        )
        return [Placed(row[0], ENTRIES.record(row[1:])) for row in self._connection.execute(listed)]

    def count(self, wanted: EntryFilter, most: int) -> int:
        """Reads no more of them than ``most``."""
        some = select(_ENTRIES.id).where(*_wheres(wanted)).limit(most).subquery()
        counted = select(func.count()).select_from(some)
        return int(self._connection.execute(counted).scalar_one())

    def count_by_site(self, wanted: EntryFilter) -> Mapping[str, int]:
        """In the order of the sites."""
        site = _ENTRIES.site
        counted = select(site, func.count()).where(site.is_not(None), *_wheres(wanted))
        found = self._connection.execute(counted.group_by(site).order_by(site))
        return {name: count for name, count in found}  # noqa: C416 - rows are no pairs to the types


def _wheres(wanted: EntryFilter) -> Iterator[ColumnElement[bool] | TextClause]:
    at, value = _ENTRIES.at, _ENTRIES.value_minor
    if wanted.sites is not None:
        yield _ENTRIES.site.in_(sorted(wanted.sites))
    for name in _WORDS:
        word = getattr(wanted, name)
        if word is not None:
            yield _ENTRIES[name] == word
            if name in SELDOM and word != USUAL[name]:
                yield SELDOM[name]  # as text, since only so may the index be taken
    for column, holds, bound in (
        (at, ge, wanted.since),
        (at, lt, wanted.until),
        (value, ge, wanted.value_from_minor),
        (value, le, wanted.value_to_minor),
    ):
        if bound is not None:
            yield holds(column, bound)
