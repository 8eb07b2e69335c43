"""The tree of the log as its rows show it, and what must hold among the rows."""

from collections.abc import Sequence
from functools import partial

from service.app.logports import LogReader
from service.app.logrecords import FullTile
from service.core.merkle import HASH_BYTES, leaf_hash, tree_root
from service.core.tiles import (
    HEIGHT,
    TILE_WIDTH,
    Tile,
    TileError,
    TileReader,
    format_hashes,
    grown_tiles,
    parse_hashes,
)


def tree_of(log: LogReader, size: int) -> TileReader:
    """The tree of the first ``size`` entries. What is read of it may raise `TileError`."""
    return TileReader(size, partial(read_tile, log))


def read_tile(log: LogReader, tile: Tile) -> bytes:
    """The bytes of a tile: stored, cut from a stored one, or made from what stands below it.

    Raises `TileError` where the log does not reach so far, or lacks a full tile.
    """
    stored = log.find_tile(tile.level, tile.index)
    if stored is not None:
        return stored[: tile.width * HASH_BYTES]
    if tile.width == TILE_WIDTH:
        raise TileError(f"{tile.path} is not there")
    begin = tile.index * TILE_WIDTH
    end = begin + tile.width
    found = log.roots(tile.level - 1, begin, end) if tile.level else log.leaves(begin, end)
    if len(found) != tile.width:
        raise TileError(f"{tile.path} is not there")
    return format_hashes(found)


def filled_tiles(log: LogReader, size: int, leaves: Sequence[bytes]) -> list[FullTile]:
    """The tiles that become full when leaf hashes are appended to a log of ``size`` entries."""
    if size >> HEIGHT == (size + len(leaves)) >> HEIGHT:
        return []
    grown = grown_tiles(size, leaves, partial(read_tile, log))
    return [
        FullTile(
            level=tile.level,
            tile_index=tile.index,
            root=tree_root(hashes),
            hashes=format_hashes(hashes),
        )
        for tile, hashes in grown
        if tile.width == TILE_WIDTH
    ]


def check_bundle(log: LogReader, index: int, width: int) -> None:
    """Read entries, hash their bytes, and compare with the tile over them and those above.

    Raises `TileError` that says which row is not what it was.
    """
    tile = Tile(level=0, index=index, width=width)
    hashes = parse_hashes(read_tile(log, tile), width)
    begin = index * TILE_WIDTH
    bodies = log.bodies(begin, begin + width)
    if len(bodies) != width:
        raise TileError(f"of the entries from {begin} on, {width - len(bodies)} are gone")
    for place, (body, kept) in enumerate(zip(bodies, hashes, strict=True), start=begin):
        if leaf_hash(body) != kept:
            raise TileError(f"the entry at index {place} is not what stands in {tile.path}")
    if width == TILE_WIDTH:
        _check_above(log, index)


def _check_above(log: LogReader, index: int) -> None:
    """That every full tile on the way up has the root it says, and stands in the one above."""
    level = 0
    while (stored := log.find_tile(level, index)) is not None:
        path = Tile(level=level, index=index).path
        root = tree_root(parse_hashes(stored, TILE_WIDTH))
        if list(log.roots(level, index, index + 1)) != [root]:
            raise TileError(f"the root over {path} is not that of its hashes")
        above, place = divmod(index, TILE_WIDTH)
        parent = log.find_tile(level + 1, above)
        if parent is not None and parse_hashes(parent, TILE_WIDTH)[place] != root:
            raise TileError(f"the tile above {path} has another hash for it")
        level, index = level + 1, above
