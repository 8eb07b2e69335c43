"""Verifiers that nobody here wrote, behind one face: what they accept is what the world accepts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from metamorphic_log import metamorphic_log  # type: ignore[import-untyped]
from tlog_scales import backend, reader, signing, tlog


class Outsider(Protocol):
    """Says whether something verifies; whatever it raises means that it does not."""

    def inclusion(
        self, index: int, size: int, leaf: bytes, hashes: Sequence[bytes], root: bytes
    ) -> bool: ...

    def consistency(
        self, sizes: tuple[int, int], hashes: Sequence[bytes], roots: tuple[bytes, bytes]
    ) -> bool: ...

    def checkpoint(self, note: bytes, key: str) -> tuple[str, int, bytes] | None:
        """Origin, size and root, if the key signed them."""


class Scales:
    """tlog-scales: pure Python, after RFC 9162's own wording."""

    def inclusion(
        self, index: int, size: int, leaf: bytes, hashes: Sequence[bytes], root: bytes
    ) -> bool:
        try:
            tlog.InclusionProof(index, size, list(hashes)).check(leaf, root)
        except Exception:  # noqa: BLE001 — any of them is a no
            return False
        return True

    def consistency(
        self, sizes: tuple[int, int], hashes: Sequence[bytes], roots: tuple[bytes, bytes]
    ) -> bool:
        try:
            tlog.ConsistencyProof(*sizes, list(hashes)).check(*roots)
        except Exception:  # noqa: BLE001 — any of them is a no
            return False
        return True

    def checkpoint(self, note: bytes, key: str) -> tuple[str, int, bytes] | None:
        try:
            found = tlog.Checkpoint.from_text(note.decode())
            found.verify(signing.Vkey.from_string(key))
        except Exception:  # noqa: BLE001 — any of them is a no
            return None
        return found.origin, found.size, found.root_hash


class Metamorphic:
    """metamorphic-log: a Rust core."""

    def inclusion(
        self, index: int, size: int, leaf: bytes, hashes: Sequence[bytes], root: bytes
    ) -> bool:
        try:
            metamorphic_log.verify_inclusion(index, size, leaf, list(hashes), root)
        except Exception:  # noqa: BLE001 — any of them is a no
            return False
        return True

    def consistency(
        self, sizes: tuple[int, int], hashes: Sequence[bytes], roots: tuple[bytes, bytes]
    ) -> bool:
        try:
            metamorphic_log.verify_consistency(*sizes, list(hashes), *roots)
        except Exception:  # noqa: BLE001 — any of them is a no
            return False
        return True

    def checkpoint(self, note: bytes, key: str) -> tuple[str, int, bytes] | None:
        try:
            found = metamorphic_log.checkpoint_verify(note.decode(), [key])
        except Exception:  # noqa: BLE001 — any of them is a no
            return None
        return found.origin, found.size, found.root


OUTSIDERS: tuple[Outsider, ...] = (Scales(), Metamorphic())


def count_signatures(note: bytes, keys: Sequence[str]) -> int:
    """How many signatures of a note metamorphic-log verifies; 0 where it rejects the note."""
    try:
        return int(metamorphic_log.verify_signed_note(note.decode(), list(keys)))
    except Exception:  # noqa: BLE001 — any of them is a no
        return 0


def tiles_in(folder: Path, size: int) -> reader.TilesReader:
    """The reader of tlog-scales over a folder of tiles, for the tree of this size."""
    found = reader.TilesReader(backend.LocalBackend(folder))
    found.set_size(size)
    return found
