"""Integrate: give every committed entry its index in the log.

Whoever commits an entry leaves a row that says so (`logrecords.Recorded`). Whoever
integrates takes such rows, never "all entries after the last": ids are drawn before a
transaction commits, so an entry may appear behind one that was integrated long ago.

One transaction holds the lock of the log's extent, appends what waits and takes the rows
away. A crash before its commit leaves everything waiting; after it, everything has its
index and its tiles. Any number of processes may try: one of them does it, and the others
find it done.
"""

from typing import Final

from service.app.logports import LogTransaction
from service.app.logrecords import Extent, Recorded
from service.app.logtree import filled_tiles
from service.app.ports import Store
from service.core.merkle import HASH_BYTES
from service.core.tiles import TileError

ROWS_MAX: Final = 64
"""How many transactions' entries get their index in one go: some milliseconds of writing."""


class Integrator:
    """Integrates what waits, a short transaction at a time."""

    def __init__(self, store: Store) -> None:
        """Keep the store."""
        self._store = store

    def integrate(self) -> None:
        """Go on until nothing waits that was committed when this was called, or others do it."""
        with self._store.read() as reader:
            is_waiting = reader.log.is_waiting()
        while is_waiting:
            with self._store.begin() as tx:
                is_waiting = integrate_some(tx.log)


def integrate_some(log: LogTransaction) -> bool:
    """Integrate what waits, up to a bound; whether more does.

    One statement sees what waits as of one instant. Where that is not more than fits, the
    log holds everything committed by then, and reaches a boundary: the entries of a budget
    row have gapless versions up to there, since each was committed before the next began.
    """
    extent = log.lock()
    if extent is None:
        return False
    found = log.recorded(ROWS_MAX + 1)
    taken = found[:ROWS_MAX]
    if not taken:
        return False
    entries = [entry for recorded in taken for entry in recorded.entries]
    leaves = [leaf for recorded in taken for leaf in _leaves_of(recorded)]
    log.keep_tiles(filled_tiles(log, extent.size, leaves))
    log.append(extent.size, entries)
    log.take(taken)
    size = extent.size + len(entries)
    is_more = len(found) > ROWS_MAX
    log.grow(Extent(size=size, boundary=extent.boundary if is_more else size))
    return is_more


def _leaves_of(recorded: Recorded) -> tuple[bytes, ...]:
    """Its leaf hashes, as many as entries. Raises `TileError` where they are not."""
    leaves = recorded.leaves
    if len(leaves) != len(recorded.entries) * HASH_BYTES:
        raise TileError(f"the hashes of {recorded.entry} and those after it are not all there")
    return tuple(leaves[at : at + HASH_BYTES] for at in range(0, len(leaves), HASH_BYTES))
