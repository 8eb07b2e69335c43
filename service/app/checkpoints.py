"""Publish: sign what the log says it is, once it is shown to go on from what was signed before.

Nothing is believed because this process remembers it: roots and proofs are computed from
the stored tiles each time, and the bytes of every entry that a checkpoint covers for the
first time are hashed again. Whatever does not hold is a `LogAlarm`, and nothing is signed.

Signing and keeping come last and change nothing else, so a crash anywhere before loses
nothing: the next attempt begins anew. Of two processes that sign at once, one keeps its
checkpoint; the other's is dropped before anybody saw it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from service.app.logalarm import REWOUND, LogAlarm
from service.app.logports import CheckpointCopy, LogReader
from service.app.logrecords import CheckpointRecord, Extent, LogKeyRecord
from service.app.logtree import check_bundle, tree_of
from service.app.ports import Reader, Store
from service.app.signing import Signing, signed_note
from service.core.checkpoint import Checkpoint, parse_checkpoint
from service.core.note import NoteError, parse_note
from service.core.proof import ProofError, prove_consistency
from service.core.tiles import TILE_WIDTH, TileError, TileReader

SPACING: Final = timedelta(milliseconds=400)
"""How far apart checkpoints are under load: an entry waits a second at most, all included."""

IDLE: Final = timedelta(hours=1)
"""How old the last one grows where nothing is written. It is signed again then, all checks
made anew, so that witnesses have something to cosign and a silent log is a broken one."""

BUNDLES_AT_ONCE: Final = 16
"""How many bundles one read transaction checks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a checkpoint would stand on, as of one instant.

    ``last`` is the one before it of the same origin, ``number`` what it would be kept as.
    Before ``is_announced`` the log's key is not yet among the entries that it would sign.
    """

    now: datetime
    extent: Extent
    keys: Sequence[LogKeyRecord]
    last: CheckpointRecord | None
    number: int
    is_announced: bool

    @property
    def origin(self) -> str:
        """The log's name."""
        return self.keys[-1].origin

    @property
    def is_due(self) -> bool:
        """Whether there is something to sign: new entries, or a last time long ago."""
        if not self.is_announced:
            return False
        if self.last is None:
            return True
        age = self.now - self.last.at
        if self.extent.boundary > self.last.size:
            return not timedelta() <= age < SPACING  # a clock that went back holds nothing up
        return age >= IDLE


class CheckpointPublisher:
    """Signs and keeps checkpoints. ``published`` is the size of the newest one it knows of."""

    published: int | None = None

    def __init__(
        self,
        store: Store,
        signing: Signing,
        copy: CheckpointCopy,
        signed: Callable[[CheckpointRecord], None] = lambda _: None,
    ) -> None:
        """``signed`` is told of each checkpoint that was kept, and must not keep us waiting."""
        self._store = store
        self._signed = signed
        self._signing = signing
        self._copy = copy
        self._seen: Checkpoint | None = None
        self._in_turn = 0
        self._alone = Lock()

    def publish(self) -> bool:
        """Sign a checkpoint where one is due; whether it was. Raises `LogAlarm`.

        The first time, and whenever the log is shorter than it was, everything is
        checked even if nothing is due.
        """
        with self._alone:
            return self._published()

    def _published(self) -> bool:
        copied = self._copied()  # before the rows are read, which are never behind it
        with self._store.read() as reader:
            ground = _ground(reader)
            if ground is None:
                self._expect_nothing(copied)
                return False
            self.published = None if ground.last is None else ground.last.size
            if not (ground.is_due or self._is_suspect(ground)):
                return False
            signers = self._signing.signers(ground.keys)
            checkpoint = self._proved(reader.log, ground, copied)
        if ground.is_due:
            self._check_entries(ground)
            self._keep(ground, checkpoint, signed_note(checkpoint, signers))
        self._seen = checkpoint
        return ground.is_due

    def _is_suspect(self, ground: Ground) -> bool:
        known = [self._seen.size] if self._seen else [0]
        if ground.last is not None:
            known.append(ground.last.size)
        return (self._seen is None and ground.is_announced) or ground.extent.boundary < max(known)

    def _expect_nothing(self, *known: Checkpoint | None) -> None:
        for checkpoint in (self._seen, *known):
            if checkpoint is not None:
                raise _unknown_origin(checkpoint)

    def _proved(self, log: LogReader, ground: Ground, copied: Checkpoint | None) -> Checkpoint:
        """The checkpoint of what is there, shown to go on from all that is known."""
        size = ground.extent.boundary
        tree = tree_of(log, size)
        with _tiles_hold():
            checkpoint = Checkpoint(origin=ground.origin, size=size, root=tree.root())
        for known in self._known(ground, copied):
            _prove(known, checkpoint, tree)
        return checkpoint

    def _known(self, ground: Ground, copied: Checkpoint | None) -> Iterator[Checkpoint]:
        """Every checkpoint that the next one has to go on from."""
        if ground.last is not None:
            yield self._signing.opened(ground.keys, ground.last)
        origins = {key.origin for key in ground.keys}
        for known in (self._seen, copied):
            if known is None:
                continue
            if known.origin not in origins:
                raise _unknown_origin(known)
            if known.origin == ground.origin:  # those before it ended with a restart
                yield known

    def _copied(self) -> Checkpoint | None:
        note = self._copy.find()
        if note is None:
            return None
        try:
            return parse_checkpoint(parse_note(note).text)
        except NoteError as error:
            raise LogAlarm(
                "checkpoint_unreadable",
                f"the copy of the last checkpoint cannot be read: {error}",
                "put it back, or delete it where you know why it is broken",
            ) from error

    def _check_entries(self, ground: Ground) -> None:
        """Hash the entries that are covered for the first time, and some older ones in turn."""
        covered = 0 if ground.last is None else ground.last.size
        size = ground.extent.boundary
        bundles = [*range(covered // TILE_WIDTH, -(-size // TILE_WIDTH))]
        if covered >= TILE_WIDTH:
            self._in_turn = (self._in_turn + 1) % (covered // TILE_WIDTH)
            bundles.append(self._in_turn)
        for begin in range(0, len(bundles), BUNDLES_AT_ONCE):
            with self._store.read() as reader, _tiles_hold():
                for index in bundles[begin : begin + BUNDLES_AT_ONCE]:
                    width = min(TILE_WIDTH, size - index * TILE_WIDTH)
                    check_bundle(reader.log, index, width)

    def _keep(self, ground: Ground, checkpoint: Checkpoint, note: bytes) -> None:
        with self._store.begin() as tx:
            record = CheckpointRecord(
                number=ground.number,
                origin=ground.origin,
                size=checkpoint.size,
                note=note,
                at=tx.at,
            )
            is_kept = tx.log.keep_checkpoint(record)
        if is_kept:
            self._copy.keep(note)
            self.published = checkpoint.size
            self._signed(record)


def _ground(reader: Reader) -> Ground | None:
    """What stands there; ``None`` where the log has no key yet."""
    log = reader.log
    keys, extent = log.keys(), log.extent()
    if not keys:
        return None
    announced = log.find_index(keys[-1].entry)
    newest = log.last_checkpoint()
    is_of_this = newest is not None and newest.origin == keys[-1].origin
    return Ground(
        now=reader.now(),
        extent=extent,
        keys=keys,
        last=newest if is_of_this else None,
        number=1 if newest is None else newest.number + 1,
        is_announced=announced is not None and announced < extent.boundary,
    )


def _unknown_origin(known: Checkpoint) -> LogAlarm:
    return LogAlarm(
        "unknown_origin",
        f"a checkpoint of {known.origin} was published from here, and this database knows of "
        "no such log",
        REWOUND,
    )


def _prove(known: Checkpoint, checkpoint: Checkpoint, tree: TileReader) -> None:
    """That a checkpoint goes on from one that is known. Raises `LogAlarm`."""
    if known.size > checkpoint.size:
        raise LogAlarm(
            "log_shrunk",
            f"a checkpoint of {known.size} entries was published, and the log has "
            f"{checkpoint.size}",
            REWOUND,
        )
    try:
        with _tiles_hold():
            proof = prove_consistency(known.size, checkpoint.size, tree.node)
        proof.verify(known.root, checkpoint.root)
    except ProofError as error:
        raise LogAlarm(
            "log_forked",
            f"the log does not begin with the {known.size} entries of a checkpoint that was "
            f"published: {error}",
            REWOUND,
        ) from error


@contextmanager
def _tiles_hold() -> Iterator[None]:
    """Raise `LogAlarm` where rows are missing, or are not what stands over them."""
    try:
        yield
    except TileError as error:
        raise LogAlarm("log_altered", f"the log was altered: {error}", REWOUND) from error
