"""Where a log is read from: the bytes under its paths, as they were handed out.

A source believes nothing and checks nothing. It goes to other processes by pickling, so
it opens what it needs when it is first asked.
"""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import orjson

from service.audit.tiles import (
    ENTRY_BYTES_MAX,
    HEIGHT,
    WIDTH,
    TileError,
    bundle_path,
    split_bundle,
    tile_path,
    width_of,
)
from service.core.merkle import HASH_BYTES

CHECKPOINT: Final = "checkpoint"
CHECKPOINTS: Final = "checkpoints.jsonl"
"""A line for each kept checkpoint: ``{"note": "…"}``; whatever else it says is passed over."""

BYTES_MAX: Final = WIDTH * (ENTRY_BYTES_MAX + 2)
"""A full bundle of the largest entries: nothing that a log serves is larger."""


class SourceError(Exception):
    """A source that cannot be read at all. The message says what to do."""


class Missing(Exception):  # noqa: N818 — a finding as often as an error
    """The source has nothing under a path."""


class Source(Protocol):
    """The log of one origin."""

    def read(self, path: str) -> bytes:
        """The bytes under a path relative to the log's prefix. Raises `Missing`, `SourceError`."""

    def checkpoints(self) -> Iterator[bytes]:
        """Every signed checkpoint that is kept, in any order."""


class FolderSource:
    """A copy of a log in a folder, laid out as it is served."""

    def __init__(self, folder: Path) -> None:
        """Raises `SourceError` where there is no log."""
        if not (folder / CHECKPOINT).is_file():
            raise SourceError(
                f"{folder} has no file named {CHECKPOINT}: it is no copy of a log; "
                "make one with: remit audit export SOURCE --format tiles --out DIR"
            )
        self._folder = str(folder)

    def read(self, path: str) -> bytes:
        """The bytes under a path. Raises `Missing`, `SourceError`."""
        try:
            with open(os.path.join(self._folder, path), "rb") as file:  # noqa: PTH118, PTH123 — once for every tile
                data = file.read(BYTES_MAX + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise Missing(path) from None
        except OSError as error:
            raise SourceError(f"{path} cannot be read: {error.strerror}") from error
        if len(data) > BYTES_MAX:
            raise SourceError(f"{path} is larger than anything that a log serves")
        return data

    def checkpoints(self) -> Iterator[bytes]:
        """Every signed checkpoint that is kept. Raises `SourceError`."""
        path = Path(self._folder) / CHECKPOINTS
        if not path.exists():
            return
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                yield _note_of(line, f"{CHECKPOINTS}:{number}")


def _note_of(line: bytes, place: str) -> bytes:
    try:
        note = orjson.loads(line)["note"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        note = None
    if not isinstance(note, str):
        raise SourceError(f'{place} is no line like {{"size": 1, "note": "…"}}')
    return note.encode()


def read_tile(source: Source, level: int, index: int, width: int) -> bytes:
    """The bytes of a tile of hashes; a partial one may be cut from the full one.

    A log need not keep a partial tile once the full one is there. Raises `Missing`.
    """
    try:
        return source.read(tile_path(level, index, width))
    except Missing:
        if width == WIDTH:
            raise
        return source.read(tile_path(level, index))[: width * HASH_BYTES]


def read_bundle(source: Source, index: int, width: int) -> list[bytes]:
    """The entries of a bundle; a partial one may be cut from the full one.

    Raises `Missing` and `TileError`.
    """
    try:
        return split_bundle(source.read(bundle_path(index, width)), width)
    except Missing:
        if width == WIDTH:
            raise
        return split_bundle(source.read(bundle_path(index)), WIDTH)[:width]


def read_entry(source: Source, index: int, size: int) -> bytes:
    """One entry of a log of ``size`` entries. Raises `Missing` and `TileError`."""
    bundle, place = divmod(index, WIDTH)
    if not 0 <= index < size:
        raise TileError(f"a log of {size} entries has none at {index}")
    return read_bundle(source, bundle, width_of(0, bundle, size))[place]


def paths_of(size: int) -> Iterator[str]:
    """The path of every tile and bundle of a log of ``size`` entries."""
    level = 0
    while size >> HEIGHT * level:
        yield from _level_paths(size, level, partial(tile_path, level))
        level += 1
    yield from _level_paths(size, 0, bundle_path)


def _level_paths(size: int, level: int, path: Callable[[int, int], str]) -> Iterator[str]:
    index = 0
    while (width := width_of(level, index, size)) > 0:
        yield path(index, width)
        index += 1
