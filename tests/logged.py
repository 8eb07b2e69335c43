"""A log over a real database, moved by hand, for tests of what integrates and publishes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import create_engine, text

from service.adapters.checkpointcopy import CheckpointFile
from service.adapters.ids import RandomIds
from service.adapters.signer import Ed25519Signer, verify_ed25519
from service.adapters.sql.engine import parse
from service.adapters.sql.insertonly import INSERT_ONLY
from service.adapters.sql.store import SqlStore, open_database
from service.app.checkpoints import SPACING, CheckpointPublisher
from service.app.integrate import Integrator
from service.app.logalarm import LogAlarm
from service.app.logkeys import LogKeys
from service.app.logrecords import CheckpointRecord, Extent
from service.app.records import EntryRecord, Writes
from service.app.restart import Restarter
from service.app.signing import SignAs, Signing
from service.core.merkle import leaf_hash
from tests.app.holding import clock_for
from tests.fakes.clock import FakeClock
from tests.stored import ENTRY

ORIGIN = "log.example/shop"
SEED = bytes(range(32))
NEW_SEED = bytes(range(1, 33))


def sign_with(seed: bytes) -> SignAs:
    return lambda name: Ed25519Signer(name, seed)


class Logged:
    """One process's hold on a log. Time stands still but for `publish`."""

    def __init__(
        self,
        store: SqlStore,
        clock: FakeClock,
        url: str,
        copy: Path | None = None,
        *,
        seed: bytes = SEED,
        old_seed: bytes | None = None,
    ) -> None:
        ids, before = RandomIds(), None if old_seed is None else sign_with(old_seed)
        signing = Signing(ORIGIN, sign_with(seed), before, verify_ed25519)
        file = CheckpointFile(copy)
        self.store, self.clock, self.url = store, clock, url
        self._written: int | None = None
        self.integrator = Integrator(store)
        self.publisher = CheckpointPublisher(store, signing, file)
        self.keys = LogKeys(store, ids, signing)
        self.restarter = Restarter(store, ids, signing, file)

    def write(self, *counts: int) -> list[str]:
        """So many entries in a transaction each; their ids."""
        if self._written is None:
            self.skip(0)
        begin = self._written or 0
        self._written = begin + sum(counts)
        written: list[str] = []
        for count in counts:
            entries = [entry(begin + len(written) + number) for number in range(count)]
            with self.store.begin() as tx:
                tx.write(Writes(entries=entries))
            written += [each.id for each in entries]
        return written

    def skip(self, count: int) -> None:
        """Write others from now on than would have been written."""
        ((found,),) = rows(self.url, "SELECT count(*) FROM entries")
        self._written = int(str(found)) + count

    def begin(self, *counts: int) -> None:
        """Announce the key, write entries, integrate and publish."""
        self.keys.announce()
        self.write(*counts)
        self.publish()

    def publish(self, after: timedelta = SPACING) -> CheckpointRecord:
        """Integrate what waits, and publish it, as late as it takes."""
        self.integrator.integrate()
        self.clock.advance(after)
        assert self.publisher.publish(), "no checkpoint was due"
        return self.last()

    def refused(self) -> LogAlarm:
        """The alarm of an attempt to publish, which keeps and copies nothing."""
        before = self.checkpoints()
        self.integrator.integrate()
        self.clock.advance(SPACING)
        try:
            self.publisher.publish()
        except LogAlarm as alarm:
            assert self.checkpoints() == before
            return alarm
        raise AssertionError("it was published")

    def last(self) -> CheckpointRecord:
        return self.checkpoints()[0]

    def checkpoints(self) -> list[CheckpointRecord]:
        """Newest first."""
        with self.store.read() as reader:
            return list(reader.log.list_checkpoints(None, 1_000))

    def extent(self) -> Extent:
        with self.store.read() as reader:
            return reader.log.extent()

    def alter(self, statement: str, **parameters: object) -> None:
        """What an insider does: take the guards off, and change rows."""
        alter(self.url, statement, parameters)


def entry(number: int) -> EntryRecord:
    """An entry that no other number has. Ids go down where numbers go up by a thousand."""
    body = f'{{"entry":{number}}}'.encode()
    return replace(
        ENTRY, id=f"ent_{999 - number % 1000:03}_{number}", body=body, leaf=leaf_hash(body)
    )


def alter(
    url: str,
    statement: str,
    parameters: Mapping[str, object] | None = None,
    *,
    is_schema: bool = False,
) -> None:
    """Change rows, or the schema, behind the service's back."""
    engine = create_engine(parse(url))
    with engine.begin() as connection:
        for table in INSERT_ONLY:
            if engine.dialect.name == "sqlite":
                for event in ("update", "delete"):
                    connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_{event}"))
            else:
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        changed = connection.execute(text(statement), parameters or {}).rowcount
    engine.dispose()
    assert is_schema or changed > 0, "nothing was altered"


@contextmanager
def logged(url: str, copy: Path | None = None) -> Iterator[Logged]:
    """A log over a migrated database."""
    with clock_for(url) as clock, open_database(url, clock) as store:
        yield Logged(store, clock, url, copy)


def rows(
    url: str, statement: str, parameters: Mapping[str, object] | None = None
) -> list[tuple[object, ...]]:
    """What a plain statement finds."""
    engine = create_engine(parse(url))
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(statement), parameters or {})]
    engine.dispose()
    return found
