"""Counts for monitoring. See `service.app.standingports.StandingReader`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, func, select

from service.adapters.sql.logreader import LEAVES, RECORDED
from service.adapters.sql.rows import ENTRIES, ERASURES, NOTICES

_COUNTED: Final = ("waiting", "dead")
_NOTICES: Final = NOTICES.table.c
_ERASURES: Final = ERASURES.table.c
_ENTRIES: Final = ENTRIES.table.c


class SqlStandingReader:
    """Reads on a connection that is in a transaction."""

    def __init__(self, connection: Connection) -> None:
        """Keep the connection."""
        self._connection = connection

    def notices(self) -> Mapping[str, int]:
        """By state; none is left out."""
        state = _NOTICES.state
        chosen = select(state, func.count()).where(state.in_(_COUNTED)).group_by(state)
        found = [(name, count) for name, count in self._connection.execute(chosen)]
        return dict.fromkeys(_COUNTED, 0) | dict(found)

    def erasures(self) -> Mapping[str, int]:
        """Requested ones, and done ones whose remains are still there."""
        done = _ERASURES.state == "done", _ERASURES.cleaned_at.is_(None)
        return {
            "requested": self._count_erasures(_ERASURES.state == "requested"),
            "unclean": self._count_erasures(*done),
        }

    def first_unpublished(self, published: int) -> datetime | None:
        """By its index where it has one; else the first of what waits for one."""
        indexed = (
            select(_ENTRIES.at)
            .join_from(LEAVES, ENTRIES.table, _ENTRIES.id == LEAVES.c.entry)
            .where(LEAVES.c.leaf_index == published)
        )
        waits = select(func.min(RECORDED.key)).scalar_subquery()
        for chosen in (indexed, select(_ENTRIES.at).where(_ENTRIES.id == waits)):
            at: datetime | None = self._connection.execute(chosen).scalar()
            if at is not None:
                return at
        return None

    def _count_erasures(self, *where: ColumnElement[bool]) -> int:
        chosen = select(func.count()).select_from(ERASURES.table).where(*where)
        return int(self._connection.execute(chosen).scalar_one())
