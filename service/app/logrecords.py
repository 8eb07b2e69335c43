"""What is stored of the transparency log, as the use cases see it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How far the log reaches: ``size`` entries have an index.

    At ``boundary`` it held everything that was committed at one instant, so nothing that
    an entry before it builds upon stands behind it. Checkpoints end there.
    """

    size: int = 0
    boundary: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The entries of one transaction that have no index yet, in the order of writing.

    ``entry`` is the first of them; ``leaves`` are their leaf hashes, end to end.
    """

    entry: str
    entries: tuple[str, ...]
    leaves: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FullTile:
    """A full tile: ``hashes`` are its bytes, ``root`` is the hash that the level above has."""

    level: int
    tile_index: int
    root: bytes
    hashes: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointRecord:
    """A signed checkpoint that was kept. ``number`` counts them from 1, without gaps."""

    number: int
    origin: str
    size: int
    note: bytes
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LogKeyRecord:
    """A verifier key (as text) that the log has used from ``at`` on.

    ``entry`` announced it. The last one signs, and its ``origin`` is the log's.
    """

    number: int
    origin: str
    key: str
    entry: str
    at: datetime
