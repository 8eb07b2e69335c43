"""What the transparency log needs of the world: its rows, a signer, a place for a copy."""

from collections.abc import Sequence
from typing import Protocol

from service.app.logrecords import CheckpointRecord, Extent, FullTile, LogKeyRecord, Recorded
from service.core.note import VerifierKey


class LogReader(Protocol):
    """The log's rows. Ranges are half-open; what is missing is left out."""

    def is_waiting(self) -> bool:
        """Whether any entry has no index yet."""

    def extent(self) -> Extent:
        """How far the log reaches."""

    def leaves(self, begin: int, end: int) -> Sequence[bytes]:
        """The leaf hashes that stand with the entries of a range."""

    def bodies(self, begin: int, end: int) -> Sequence[bytes]:
        """The bytes of the entries of a range."""

    def find_index(self, entry: str) -> int | None:
        """The index of an entry; ``None`` while it has none."""

    def find_tile(self, level: int, tile_index: int) -> bytes | None:
        """The hashes of a full tile."""

    def roots(self, level: int, begin: int, end: int) -> Sequence[bytes]:
        """The roots of a range of full tiles of one level."""

    def last_checkpoint(self) -> CheckpointRecord | None:
        """The newest one that was kept."""

    def list_checkpoints(self, before: int | None, limit: int) -> Sequence[CheckpointRecord]:
        """Kept ones, newest first, whose number is smaller than ``before``."""

    def keys(self) -> Sequence[LogKeyRecord]:
        """Every verifier key that the log has used, oldest first."""


class LogTransaction(LogReader, Protocol):
    """The log's rows in a write transaction."""

    def lock(self) -> Extent | None:
        """How far the log reaches, locked; ``None`` where another process has it locked."""

    def recorded(self, limit: int) -> Sequence[Recorded]:
        """What has no index yet, at most so many transactions' worth, by their first entries."""

    def take(self, recorded: Sequence[Recorded]) -> None:
        """Take away what has an index now."""

    def append(self, begin: int, entries: Sequence[str]) -> None:
        """Give entries the indexes from ``begin`` on."""

    def keep_tiles(self, tiles: Sequence[FullTile]) -> None:
        """Keep tiles that have become full."""

    def grow(self, extent: Extent) -> None:
        """Say how far the log reaches now."""

    def keep_checkpoint(self, record: CheckpointRecord) -> bool:
        """Keep a checkpoint, unless one of its number is kept; whether it was."""

    def keep_key(self, record: LogKeyRecord) -> bool:
        """Keep a verifier key, unless one of its number or text is kept; whether it was."""


class Signer(Protocol):
    """Signs as one log."""

    @property
    def verifier_key(self) -> VerifierKey:
        """What verifiers know it by."""

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature (64 bytes) of a message."""


class CheckpointCopy(Protocol):
    """A place outside the database that has the last checkpoint, if there is any such place."""

    def find(self) -> bytes | None:
        """The signed note that was kept last."""

    def keep(self, note: bytes) -> None:
        """Replace it, whole or not at all."""

    def forget(self) -> None:
        """Have none."""
