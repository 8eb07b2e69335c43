"""Tiles: the log as immutable files, as https://c2sp.org/tlog-tiles lays them out.

A tile holds up to 256 hashes of one level; each hash of the level above is the root of
a full tile. A bundle holds the entries under one tile of level 0. The last ones of a
level may be partial, and then say their width in their path.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from service.core.canonical import ENTRY_BYTES_MAX
from service.core.merkle import EMPTY_ROOT, HASH_BYTES, SIZE_MAX, range_hash, tree_root

HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << HEIGHT
LEVEL_MAX: Final = 63
PATH_CHARACTERS_MAX: Final = 64

_PREFIX_BYTES: Final = 2
_TILES_KEPT: Final = 64
_INDEX_MAX: Final = SIZE_MAX // TILE_WIDTH
_PATH: Final = re.compile(
    r"tile/(?:entries|(?P<level>[0-9]{1,2}))/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})"
    r"(?:\.p/(?P<width>[0-9]{1,3}))?",
    re.ASCII,
)


class TileError(ValueError):
    """A path that names no tile, or bytes that are not what belongs there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The place of ``width`` entries from ``256 * index`` on."""

    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        """Only what can be written exists."""
        _check_place(self.index, self.width)

    @property
    def path(self) -> str:
        """Where it is served, relative to the log's prefix."""
        return f"tile/entries/{_tail(self.index, self.width)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """The place of ``width`` hashes from ``256 * index`` on, each over ``256**level`` leaves."""

    level: int
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        """Only what can be written exists."""
        _check_place(self.index, self.width)
        if not 0 <= self.level <= LEVEL_MAX:
            raise TileError(f"a tile's level is 0 to {LEVEL_MAX}, not {self.level}")

    @property
    def path(self) -> str:
        """Where it is served, relative to the log's prefix."""
        return f"tile/{self.level}/{_tail(self.index, self.width)}"


ReadTile: TypeAlias = Callable[[Tile], bytes]
"""The bytes of a tile; a partial one may be cut from a wider one."""


def parse_path(path: str) -> Tile | Bundle:
    """What a path names, and only if it is written as `Tile.path` would. Raises `TileError`."""
    found = _PATH.fullmatch(path) if len(path) <= PATH_CHARACTERS_MAX else None
    if found is None:
        raise TileError("this is no path of a tile")
    index = int(found["index"].replace("/", "").replace("x", ""))
    width = TILE_WIDTH if found["width"] is None else int(found["width"])
    level = found["level"]
    place: Tile | Bundle = (
        Bundle(index=index, width=width)
        if level is None
        else Tile(level=int(level), index=index, width=width)
    )
    if place.path != path:
        raise TileError(f"this tile's path is {place.path}")
    return place


def format_hashes(hashes: Sequence[bytes]) -> bytes:
    """The bytes of a tile with these hashes. Raises `TileError`."""
    _check_width(len(hashes))
    if any(len(each) != HASH_BYTES for each in hashes):
        raise TileError(f"a hash has {HASH_BYTES} bytes")
    return b"".join(hashes)


def parse_hashes(data: bytes, width: int) -> tuple[bytes, ...]:
    """The hashes of a tile, which has exactly ``width`` of them. Raises `TileError`."""
    _check_width(width)
    if len(data) != width * HASH_BYTES:
        raise TileError(f"a tile of {width} hashes has {width * HASH_BYTES} bytes, not {len(data)}")
    return tuple(data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES))


def format_bundle(entries: Sequence[bytes]) -> bytes:
    """The bytes of a bundle: each entry after its length (16 bits, big-endian).

    Raises `TileError`.
    """
    _check_width(len(entries))
    if any(len(each) > ENTRY_BYTES_MAX for each in entries):
        raise TileError(f"an entry has at most {ENTRY_BYTES_MAX} bytes")
    return b"".join(len(each).to_bytes(_PREFIX_BYTES, "big") + each for each in entries)


def parse_bundle(data: bytes, width: int) -> tuple[bytes, ...]:
    """The entries of a bundle, which has exactly ``width`` of them. Raises `TileError`."""
    _check_width(width)
    entries: list[bytes] = []
    at = 0
    while at < len(data) and len(entries) < width:
        begin = at + _PREFIX_BYTES
        at = begin + int.from_bytes(data[at:begin], "big")
        entries.append(data[begin:at])
    if at != len(data) or len(entries) != width:
        raise TileError(f"the bundle does not hold exactly {width} entries")
    return tuple(entries)


def tile_of(level: int, index: int, size: int) -> Tile:
    """The tile as a tree of ``size`` leaves has it. Raises `TileError` where it has none there."""
    width = min(TILE_WIDTH, _count(level, size) - index * TILE_WIDTH)
    if width <= 0:
        raise TileError(f"a tree of {size} leaves has no tile {index} of level {level}")
    return Tile(level=level, index=index, width=width)


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile of a tree of ``size`` leaves, level by level from the leaves up."""
    level = 0
    while _count(level, size):
        for index in range(-(-_count(level, size) // TILE_WIDTH)):
            yield tile_of(level, index, size)
        level += 1


def bundles_of(size: int) -> Iterator[Bundle]:
    """Every bundle of a tree of ``size`` leaves, in order."""
    for begin in range(0, size, TILE_WIDTH):
        yield Bundle(index=begin // TILE_WIDTH, width=min(TILE_WIDTH, size - begin))


def grown_tiles(
    size: int, leaves: Iterable[bytes], read: ReadTile
) -> Iterator[tuple[Tile, tuple[bytes, ...]]]:
    """Every tile, with its hashes, that changes when leaf hashes are appended.

    ``size`` is that of the tree before; ``read`` is asked once for each level's last tile
    if it is partial. Raises `TileError` where what it returns has another width.
    """
    level, added = 0, list(leaves)
    while added:
        index, width = divmod(_count(level, size), TILE_WIDTH)
        last = Tile(level=level, index=index, width=width) if width else None
        hashes = [*(parse_hashes(read(last), width) if last else ()), *added]
        added = []
        for begin in range(0, len(hashes), TILE_WIDTH):
            chunk = tuple(hashes[begin : begin + TILE_WIDTH])
            yield Tile(level=level, index=index + begin // TILE_WIDTH, width=len(chunk)), chunk
            if len(chunk) == TILE_WIDTH:
                added.append(tree_root(chunk))
        level += 1


class TileReader:
    """The tree of ``size`` leaves as its tiles show it. Reads each tile once, keeps a few.

    The hashes are as good as the tiles: what is made of them is to be verified against a
    signed root. Raises `TileError` where a tile does not have its width.
    """

    def __init__(self, size: int, read: ReadTile) -> None:
        """Nothing is read yet."""
        self.size = size
        self._read = read
        self.hashes = lru_cache(_TILES_KEPT)(self._hashes)

    def node(self, level: int, index: int) -> bytes:
        """The hash of a complete subtree, as `merkle.Node` says."""
        tile_level, height = divmod(level, HEIGHT)
        tile_index, begin = divmod(index << height, TILE_WIDTH)
        tile = tile_of(tile_level, tile_index, self.size)
        end = begin + (1 << height)
        if end > tile.width:
            raise TileError(f"a tree of {self.size} leaves has no complete subtree there")
        return tree_root(self.hashes(tile)[begin:end])

    def root(self) -> bytes:
        """The root of the tree."""
        return range_hash(0, self.size, self.node) if self.size else EMPTY_ROOT

    def _hashes(self, tile: Tile) -> tuple[bytes, ...]:
        return parse_hashes(self._read(tile), tile.width)


def check_tiles(size: int, root: bytes, read: ReadTile) -> None:
    """Raises `TileError` unless every hash of every tile belongs to the tree with this root."""
    reader = TileReader(size, read)
    for tile in tiles_of(size):
        hashes = reader.hashes(tile)
        if tile.width == TILE_WIDTH:
            above = reader.node(HEIGHT * (tile.level + 1), tile.index)
            if tree_root(hashes) != above:
                raise TileError(f"{tile.path} does not have the hash that stands above it")
    if reader.root() != root:
        raise TileError("the tiles have another root")


def _count(level: int, size: int) -> int:
    """How many hashes a tree of ``size`` leaves has at a level of tiles."""
    return size >> HEIGHT * level


def _tail(index: int, width: int) -> str:
    """The index in groups of three digits, all but the last with an x, and a partial width."""
    digits = str(index)
    padded = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [padded[at : at + 3] for at in range(0, len(padded), 3)]
    path = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return path if width == TILE_WIDTH else f"{path}.p/{width}"


def _check_place(index: int, width: int) -> None:
    _check_width(width)
    if not 0 <= index <= _INDEX_MAX:
        raise TileError(f"no tree has a tile {index}")


def _check_width(width: int) -> None:
    if not 1 <= width <= TILE_WIDTH:
        raise TileError(f"a tile has 1 to {TILE_WIDTH} hashes or entries, not {width}")
