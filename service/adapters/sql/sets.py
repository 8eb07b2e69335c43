"""Sets of rows on their way to the database: how many travel at once.

Every statement is compiled once for a table and goes to the driver as it is, with
rows that are in the driver's form already: SQLAlchemy would look at each value again.
There are two ways for a set to travel, and everything else is one path for both
databases. SQLite runs in this process, so a prepared statement is stepped once for
each row. PostgreSQL gets one array for each column in one statement; a statement for
each row takes it three to four times as long.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    CursorResult,
    FromClause,
    Insert,
    Select,
    Table,
    Text,
    Update,
    any_,
    bindparam,
    column,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeEngine

from service.adapters.sql.straight import Row, ask, step

Names: TypeAlias = tuple[str, ...]
"""The columns of a set, in the order of its rows' values."""

VALUES: Final = "values_"
"""The parameter of `Sets.among`."""


class Sets(ABC):
    """How sets of rows reach one kind of database. No set is empty."""

    ALONE: bool
    """Whether nobody else can write once a transaction has begun."""

    @abstractmethod
    def insert(self, to: Connection, table: Table, names: Names, rows: Sequence[Row]) -> None:
        """Insert rows, none of which exists."""

    @abstractmethod
    def insert_missing(
        self, to: Connection, table: Table, names: Names, rows: Sequence[Row]
    ) -> None:
        """Insert those of the rows whose key does not exist, in the order given."""

    @abstractmethod
    def put(self, to: Connection, table: Table, names: Names, rows: Sequence[Row]) -> None:
        """Insert rows, or replace the rest of those whose key exists."""

    @abstractmethod
    def change(
        self,
        to: Connection,
        table: Table,
        names: Names,
        rows: Sequence[Row],
        stands: str | None = None,
    ) -> int:
        """Replace the named columns of rows that exist; how many there were.

        Where ``stands`` names a column, each row has one value more: what must stand in
        that column so far. A row in which something else stands is left alone.
        """

    @abstractmethod
    def lock(self, to: Connection, table: Table, names: Names, keys: Sequence[Any]) -> list[Row]:
        """Lock the rows that exist of those with the (distinct, sorted) keys, in their order.

        Their values are in the driver's form: SQLAlchemy would look at each of them.
        """

    @abstractmethod
    def find(self, to: Connection, table: Table, names: Names, keys: Sequence[Any]) -> list[Row]:
        """The rows that exist of those with the (distinct) keys, in the driver's form."""

    @abstractmethod
    def among(self, of: Column[Any]) -> ColumnElement[bool]:
        """Whether a column is one of the parameter `VALUES`, a list."""


def sets_for(dialect: str) -> Sets:
    """The way to go for a database, by SQLAlchemy's name for it."""
    return _SETS[dialect]


class SqliteSets(Sets):
    """One prepared statement, stepped for each row."""

    ALONE = True

    def insert(self, to: Connection, table: Table, names: Names, rows: Sequence[Row]) -> None:
        """See `Sets.insert`."""
        step(to, _stepped(_insert, table, names)[0], rows)

    def insert_missing(
        self, to: Connection, table: Table, names: Names, rows: Sequence[Row]
    ) -> None:
        """See `Sets.insert_missing`."""
        step(to, _stepped(_insert_missing, table, names)[0], rows)

    def put(self, to: Connection, table: Table, names: Names, rows: Sequence[Row]) -> None:
        """See `Sets.put`."""
        step(to, _stepped(_put, table, names)[0], rows)

    def change(
        self,
        to: Connection,
        table: Table,
        names: Names,
        rows: Sequence[Row],
        stands: str | None = None,
    ) -> int:
        """See `Sets.change`."""
        text, ordered = _stepped(_change, table, names, stands)
        return step(to, text, [ordered(row) for row in rows])

    def lock(self, to: Connection, table: Table, names: Names, keys: Sequence[Any]) -> list[Row]:
        """See `Sets.lock`. Whoever writes has the whole database to himself already.

        The list is filled up to a power of two, so that SQLite knows the statement.
        """
        places = 1 << (len(keys) - 1).bit_length()
        filled = (*keys, *[keys[-1]] * (places - len(keys)))
        return ask(to, _picking(table, names, places), filled)

    def find(self, to: Connection, table: Table, names: Names, keys: Sequence[Any]) -> list[Row]:
        """See `Sets.find`."""
        return self.lock(to, table, names, keys)

    def among(self, of: Column[Any]) -> ColumnElement[bool]:
        """See `Sets.among`."""
        return of.in_(bindparam(VALUES, expanding=True))


class PostgresqlSets(Sets):
    """One statement, one array for each column."""

    ALONE = False

    def insert(self, to: Connection, table: Table, names: Names, rows: Sequence[Row]) -> None:
        """See `Sets.insert`."""
        to.exec_driver_sql(_unnesting(_insert_arrays, table, names), _arrays(names, rows))

    def insert_missing(
        self, to: Connection, table: Table, names: Names, rows: Sequence[Row]
    ) -> None:
        """See `Sets.insert_missing`."""
        to.exec_driver_sql(_unnesting(_insert_missing_arrays, table, names), _arrays(names, rows))

    def put(self, to: Connection, table: Table, names: Names, rows: Sequence[Row]) -> None:
        """See `Sets.put`."""
        to.exec_driver_sql(_unnesting(_put_arrays, table, names), _arrays(names, rows))

    def change(
        self,
        to: Connection,
        table: Table,
        names: Names,
        rows: Sequence[Row],
        stands: str | None = None,
    ) -> int:
        """See `Sets.change`."""
        text = _unnesting(_change_arrays, table, names, stands)
        return to.exec_driver_sql(text, _arrays(_given(names, stands), rows)).rowcount

    def lock(self, to: Connection, table: Table, names: Names, keys: Sequence[Any]) -> list[Row]:
        """See `Sets.lock`."""
        return _fetched(to.exec_driver_sql(_locking(table, names), {VALUES: list(keys)}))

    def find(self, to: Connection, table: Table, names: Names, keys: Sequence[Any]) -> list[Row]:
        """See `Sets.find`."""
        return _fetched(to.exec_driver_sql(_finding(table, names), {VALUES: list(keys)}))

    def among(self, of: Column[Any]) -> ColumnElement[bool]:
        """See `Sets.among`."""
        return of == any_(bindparam(VALUES, type_=_array(of)))


_SETS: Final[Mapping[str, Sets]] = {"sqlite": SqliteSets(), "postgresql": PostgresqlSets()}


@cache
def _stepped(
    build: Callable[..., Insert | Update], table: Table, names: Names, *stands: str | None
) -> tuple[str, Callable[[Row], Row]]:
    """A statement for one row, and how it orders the row's values."""
    compiled = build(table, names, *stands).compile(dialect=sqlite.dialect(), column_keys=names)
    given = _given(names, *stands)
    order = [given.index(name.removeprefix(_NEW)) for name in compiled.positiontup or ()]
    return str(compiled), itemgetter(*order)


@cache
def _unnesting(
    build: Callable[..., Insert | Update], table: Table, names: Names, *stands: str | None
) -> str:
    """A statement for all rows, whose parameters are the arrays by column."""
    return str(build(table, names, *stands).compile(dialect=_POSTGRESQL))


@cache
def _picking(table: Table, names: Names, places: int) -> str:
    key = _key(table).name
    marks = ", ".join("?" * places)
    # Names come from the declared tables, never from a request.
    return f"SELECT {', '.join(map(_quoted, names))} FROM {table.name} WHERE {key} IN ({marks})"  # noqa: S608


@cache
def _locking(table: Table, names: Names) -> str:
    chosen = _chosen(table, names).order_by(_key(table)).with_for_update()
    return str(chosen.compile(dialect=_POSTGRESQL))


@cache
def _finding(table: Table, names: Names) -> str:
    return str(_chosen(table, names).compile(dialect=_POSTGRESQL))


def _chosen(table: Table, names: Names) -> Select[Any]:
    key = _key(table)
    mine = key == any_(bindparam(VALUES, type_=_array(key)))
    return select(*[table.c[name] for name in names]).where(mine)


def _quoted(name: str) -> str:
    return f'"{name}"'


def _fetched(result: CursorResult[Any]) -> list[Row]:
    """Every row as the driver gives it."""
    cursor = result.cursor
    if cursor is None:
        raise TypeError("the statement gives no rows")
    rows: list[Row] = [*cursor.fetchall()]
    result.close()
    return rows


_NEW: Final = "new_"
_OLD: Final = "old_"
_POSTGRESQL: Final = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]


def _insert(table: Table, names: Names) -> Insert:
    del names
    return insert(table)


def _insert_missing(table: Table, names: Names) -> Insert:
    del names
    return sqlite.insert(table).on_conflict_do_nothing()


def _put(table: Table, names: Names) -> Insert:
    statement, key = sqlite.insert(table), _key(table)
    rest = {name: statement.excluded[name] for name in names if name != key.name}
    return statement.on_conflict_do_update(index_elements=[key], set_=rest)


def _change(table: Table, names: Names, stands: str | None) -> Update:
    key = _key(table)
    new: dict[str, BindParameter[Any]] = {name: bindparam(_NEW + name) for name in names}
    statement = update(table).where(key == new[key.name])
    if stands is not None:
        statement = statement.where(table.c[stands] == bindparam(_OLD + stands))
    return statement.values({name: new[name] for name in names if name != key.name})


def _insert_arrays(table: Table, names: Names) -> Insert:
    return insert(table).from_select(names, select(_unnested(table, names)))


def _insert_missing_arrays(table: Table, names: Names) -> Insert:
    rows = select(_unnested(table, names))
    return postgresql.insert(table).from_select(names, rows).on_conflict_do_nothing()


def _put_arrays(table: Table, names: Names) -> Insert:
    rows, key = select(_unnested(table, names)), _key(table)
    statement = postgresql.insert(table)
    rest = {name: statement.excluded[name] for name in names if name != key.name}
    inserting = statement.from_select(names, rows)
    return inserting.on_conflict_do_update(index_elements=[key], set_=rest)


def _change_arrays(table: Table, names: Names, stands: str | None) -> Update:
    key, new = _key(table), _unnested(table, names, stands)
    statement = update(table).where(key == new.c[key.name])
    if stands is not None:
        statement = statement.where(table.c[stands] == new.c[_OLD + stands])
    return statement.values({name: new.c[name] for name in names if name != key.name})


def _given(names: Names, stands: str | None = None) -> Names:
    """What the values of a row are called."""
    return names if stands is None else (*names, _OLD + stands)


def _unnested(table: Table, names: Names, stands: str | None = None) -> FromClause:
    """The arrays of a set as the rows they stand for."""
    sources = [table.c[name] for name in (*names, stands) if name is not None]
    given = list(zip(_given(names, stands), sources, strict=True))
    arrays = [bindparam(name, type_=_array(of)) for name, of in given]
    columns = [column(name, _plain(of)) for name, of in given]
    return func.unnest(*arrays).table_valued(*columns).render_derived("new")


def _array(of: Column[Any]) -> TypeEngine[Any]:
    return postgresql.ARRAY(_plain(of), dimensions=1)


def _plain(of: Column[Any]) -> TypeEngine[Any]:
    """A column's type without its collation, which is no part of an array's type."""
    return Text() if isinstance(of.type, Text) else of.type


def _arrays(names: Names, rows: Sequence[Row]) -> dict[str, list[Any]]:
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def _key(table: Table) -> Column[Any]:
    (key,) = table.primary_key
    return key
