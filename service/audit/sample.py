"""A sample for review: the same for the same seed and log, and nobody's choice.

Whoever repeats it gets the same entries: number ``n`` of the draw is SHA-256 over the
seed, the origin, the size and ``n``, each on a line, as a number modulo the size. What
was drawn before is passed over.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from service.audit.checkpoint import Checkpoint
from service.audit.entry import EntryError, Envelope, parse_entry
from service.audit.finding import Code, Finding
from service.audit.keyring import fault_of
from service.audit.note import VerifierKey
from service.audit.proof import ProofError, check_inclusion, prove_inclusion, subtree_of
from service.audit.source import Missing, Source, read_entry, read_tile
from service.audit.tiles import TileError, TileTree
from service.audit.verify import latest_of
from service.core.merkle import leaf_hash


class Drawn(NamedTuple):
    """One entry, proved to stand at its index under the checkpoint."""

    at_index: int
    data: bytes
    envelope: Envelope


class Unproved(Exception):  # noqa: N818 — a finding, and no error of this program
    """Something drawn is not what the checkpoint says. ``finding`` says where."""

    def __init__(self, finding: Finding) -> None:
        """Keep what was found."""
        super().__init__(finding.message)
        self.finding = finding


def draw(seed: str, origin: str, size: int) -> Iterator[int]:
    """Every index of a log once, in the order of the draw."""
    drawn: set[int] = set()
    number = 0
    while len(drawn) < size:
        text = f"{seed}\n{origin}\n{size}\n{number}\n"
        index = int.from_bytes(hashlib.sha256(text.encode()).digest()) % size
        number += 1
        if index not in drawn:
            drawn.add(index)
            yield index


def sample(
    source: Source, keys: Sequence[VerifierKey], seed: str, count: int, kind: str | None = None
) -> tuple[Checkpoint, list[Drawn]]:
    """So many entries (of a kind), drawn and proved; fewer where there are no more.

    Raises `Unproved` and `SourceError`.
    """
    latest = latest_of(source)
    fault = fault_of(latest, keys)
    if fault is not None:
        raise Unproved(fault)
    prove = _Prover(source, latest)
    found: list[Drawn] = []
    for index in draw(seed, latest.origin, latest.size):
        if len(found) == count:
            break
        drawn = prove(index)
        if kind is None or drawn.envelope.kind == kind:
            found.append(drawn)
    return latest, found


class _Prover:
    """Reads entries, and holds each against one believed checkpoint."""

    def __init__(self, source: Source, latest: Checkpoint) -> None:
        self._source = source
        self._latest = latest

        def read(level: int, index: int, width: int) -> bytes:
            return read_tile(source, level, index, width)

        self._subtree = subtree_of(TileTree(latest.size, read).node)

    def __call__(self, index: int) -> Drawn:
        size, root = self._latest.size, self._latest.root
        try:
            data = read_entry(self._source, index, size)
            proof = prove_inclusion(index, size, self._subtree)
            check_inclusion(index, size, leaf_hash(data), proof, root)
            return Drawn(index, data, parse_entry(data))
        except Missing as missing:
            finding = Finding(Code.TILE_MISSING, "there is no such tile", index, place=str(missing))
        except (TileError, ProofError) as error:
            finding = Finding(Code.ROOT_MISMATCH, str(error), index)
        except EntryError as error:
            finding = Finding(Code.ENTRY_MALFORMED, str(error), index)
        raise Unproved(finding)
