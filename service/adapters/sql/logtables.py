"""The tables of the transparency log: what waits for its place, and what has it for ever.

An entry is *recorded* in the transaction of what it records, together with a row of
`LogRecorded`. Whoever *integrates* it gives it the next index, and takes that row away.
A checkpoint that covers it *publishes* it.
"""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, LargeBinary
from sqlmodel import Field

from service.adapters.sql.columns import Instant, Texts, Words
from service.adapters.sql.row import CLUSTERED, Row, never_negative
from service.core.merkle import HASH_BYTES
from service.core.tiles import TILE_WIDTH

_NUMBERED = {"autoincrement": False}


class LogRecorded(Row, table=True):
    """The entries of one transaction that have no index yet, and their leaf hashes end to end.

    ``entry`` is the first of them. One row for all of them costs the transaction least, and
    keeps them together.
    """

    __table_args__ = (CLUSTERED,)

    entry: str = Field(sa_type=Words, primary_key=True)
    entries: tuple[str, ...] = Field(sa_type=Texts)
    leaves: bytes = Field(sa_type=LargeBinary)


class LogExtent(Row, table=True):
    """How far the log reaches: one row, there from the beginning, locked by whoever integrates.

    ``boundary`` is how far it reached when it last held everything that was committed.
    """

    __table_args__ = (
        CheckConstraint("id = 1", name="one"),
        CheckConstraint("0 <= boundary AND boundary <= size", name="boundary"),
    )

    id: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs=_NUMBERED)
    size: int = Field(sa_type=BigInteger)
    boundary: int = Field(sa_type=BigInteger)


class LogLeaves(Row, table=True):
    """Which entry stands at which index. The hash of an entry's bytes stands with the entry."""

    __table_args__ = (*never_negative("leaf_index"), CLUSTERED)

    leaf_index: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs=_NUMBERED)
    entry: str = Field(sa_type=Words, unique=True)


class LogTiles(Row, table=True):
    """A full tile (https://c2sp.org/tlog-tiles), and the root over it, which the level above has.

    Partial tiles are made from what stands below them.
    """

    __table_args__ = (
        CheckConstraint(f"length(root) = {HASH_BYTES}", name="root"),
        CheckConstraint(f"length(hashes) = {TILE_WIDTH * HASH_BYTES}", name="hashes"),
    )

    level: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs=_NUMBERED)
    tile_index: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs=_NUMBERED)
    root: bytes = Field(sa_type=LargeBinary)
    hashes: bytes = Field(sa_type=LargeBinary)


class LogCheckpoints(Row, table=True):
    """A signed checkpoint, byte for byte, in the order of signing."""

    __table_args__ = (*never_negative("size"),)

    number: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs=_NUMBERED)
    origin: str = Field(sa_type=Words)
    size: int = Field(sa_type=BigInteger)
    note: bytes = Field(sa_type=LargeBinary)
    at: datetime = Field(sa_type=Instant)


class LogKeys(Row, table=True):
    """A verifier key that the log has used, in order, and the entry that announced it.

    The last one signs, and its origin is the log's.
    """

    number: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs=_NUMBERED)
    origin: str = Field(sa_type=Words)
    key: str = Field(sa_type=Words, unique=True)
    entry: str = Field(sa_type=Words)
    at: datetime = Field(sa_type=Instant)
