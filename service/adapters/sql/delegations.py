"""Reading delegations, and taking turns at changing them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, or_, select, true

from service.adapters.sql.row import METADATA
from service.adapters.sql.rows import DELEGATIONS
from service.adapters.sql.sets import Sets
from service.app.ports import DelegationFilter, Page
from service.core.delegation import Delegation

_TABLE: Final = DELEGATIONS.table.c
_TURNS: Final = METADATA.tables["delegation_turns"]
_ONLY: Final = 1
"""The id of the one turn there is."""


def standing(connection: Connection, at: datetime) -> Sequence[Delegation]:
    """Every delegation that is not over at an instant, oldest first; some are yet to begin."""
    found = connection.execute(
        select(DELEGATIONS.table).where(_lasts(at)).order_by(DELEGATIONS.key)
    )
    return [DELEGATIONS.record(row) for row in found]


def _lasts(at: datetime) -> ColumnElement[bool]:
    return and_(_TABLE.ends_at > at, or_(_TABLE.revoked_at.is_(None), _TABLE.revoked_at > at))


def take_turn(connection: Connection, sets: Sets) -> None:
    """Wait until nobody else changes delegations, and keep others waiting to the end."""
    if sets.ALONE:
        return
    sets.insert_missing(connection, _TURNS, ("id",), [(_ONLY,)])
    sets.lock(connection, _TURNS, ("id",), [_ONLY])


def find_delegation(connection: Connection, id_: str) -> Delegation | None:
    """One delegation."""
    found = connection.execute(select(DELEGATIONS.table).where(DELEGATIONS.key == id_))
    row = found.one_or_none()
    return None if row is None else DELEGATIONS.record(row)


def list_delegations(
    connection: Connection, wanted: DelegationFilter, page: Page, at: datetime
) -> Sequence[Delegation]:
    """Newest first; the cursor is the id of the last one seen."""
    statement = select(DELEGATIONS.table).where(_seen(wanted), _chosen(wanted, at))
    if page.after is not None:
        statement = statement.where(DELEGATIONS.key < page.after)
    found = connection.execute(statement.order_by(DELEGATIONS.key.desc()).limit(page.limit))
    return [DELEGATIONS.record(row) for row in found]


def _seen(wanted: DelegationFilter) -> ColumnElement[bool]:
    """Those of a person, and those of the sites that the person manages."""
    if wanted.sites is None:
        return true()
    mine = or_(_TABLE.delegator == wanted.reader, _TABLE.delegate == wanted.reader)
    return or_(mine, _TABLE.site.in_(sorted(wanted.sites)))


def _chosen(wanted: DelegationFilter, at: datetime) -> ColumnElement[bool]:
    chosen: list[ColumnElement[bool]] = [true()]
    if wanted.person is not None:
        of = _TABLE.delegator == wanted.person, _TABLE.delegate == wanted.person
        chosen.append(or_(*of))
    if wanted.site is not None:
        chosen.append(or_(_TABLE.site == wanted.site, _TABLE.site.is_(None)))
    if wanted.is_over is not None:
        over = or_(_TABLE.ends_at <= at, _TABLE.revoked_at <= at)
        lasting = and_(
            _TABLE.ends_at > at, or_(_TABLE.revoked_at.is_(None), _TABLE.revoked_at > at)
        )
        chosen.append(over if wanted.is_over else lasting)
    return and_(*chosen)
