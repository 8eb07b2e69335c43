"""Tiles and bundles as https://c2sp.org/tlog-tiles lays them out."""

from collections.abc import Callable
from typing import Final

from service.core.merkle import HASH_BYTES, CompactRange

WIDTH: Final = 256
HEIGHT: Final = 8
ENTRY_BYTES_MAX: Final = 65_535

_PREFIX_BYTES: Final = 2


class TileError(ValueError):
    """Bytes that are not what belongs there. The message says why."""


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    """Where a tile of hashes is served."""
    return f"tile/{level}/{_tail(index, width)}"


def bundle_path(index: int, width: int = WIDTH) -> str:
    """Where a bundle of entries is served."""
    return f"tile/entries/{_tail(index, width)}"


def width_of(level: int, index: int, size: int) -> int:
    """How many hashes a tile has in a log of ``size`` entries; 0 or less where there is none."""
    return min(WIDTH, (size >> HEIGHT * level) - index * WIDTH)


def split_bundle(data: bytes, width: int) -> list[bytes]:
    """The entries of a bundle, each after its length (16 bits, big-endian).

    Raises `TileError` unless the bytes are exactly ``width`` entries.
    """
    entries: list[bytes] = []
    at, end = 0, len(data)
    while at < end and len(entries) < width:
        begin = at + _PREFIX_BYTES
        at = begin + int.from_bytes(data[at:begin], "big")
        if at > end or begin > end:
            raise TileError(f"entry {len(entries)} of the bundle is cut short")
        entries.append(data[begin:at])
    if at != end or len(entries) != width:
        raise TileError(f"the bundle does not hold exactly {width} entries")
    return entries


def split_tile(data: bytes, width: int) -> list[bytes]:
    """The hashes of a tile. Raises `TileError` unless there are exactly ``width``."""
    if len(data) != width * HASH_BYTES:
        raise TileError(f"a tile of {width} hashes has {width * HASH_BYTES} bytes, not {len(data)}")
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


class TileTree:
    """The tree of ``size`` entries as its tiles show it: as good as the tiles, no better.

    ``read`` gets a level, an index and a width. Each tile is read once.
    """

    def __init__(self, size: int, read: Callable[[int, int, int], bytes]) -> None:
        """Nothing is read yet."""
        self._size = size
        self._read = read
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def node(self, level: int, index: int) -> bytes:
        """The hash of a complete subtree over ``2**level`` entries. Raises `TileError`."""
        tile_level, height = divmod(level, HEIGHT)
        tile_index, begin = divmod(index << height, WIDTH)
        hashes = self._hashes(tile_level, tile_index)[begin : begin + (1 << height)]
        if len(hashes) != 1 << height:
            raise TileError(f"a log of {self._size} entries has no such subtree")
        return CompactRange().extended(hashes).root()

    def _hashes(self, level: int, index: int) -> list[bytes]:
        found = self._tiles.get((level, index))
        if found is None:
            width = width_of(level, index, self._size)
            if width <= 0:
                raise TileError(f"a log of {self._size} entries has no tile {index} there")
            found = split_tile(self._read(level, index, width), width)
            self._tiles[level, index] = found
        return found


def _tail(index: int, width: int) -> str:
    """The index in groups of three digits, all but the last with an x, and a partial width."""
    groups: list[str] = []
    rest = index
    while rest or not groups:
        rest, group = divmod(rest, 1_000)
        groups.insert(0, f"{'x' if groups else ''}{group:03}")
    path = "/".join(groups)
    return path if width == WIDTH else f"{path}.p/{width}"
