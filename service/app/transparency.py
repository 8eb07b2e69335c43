"""The log as outsiders see it: checkpoints, tiles, bundles, receipts. Serves what is published.

Hashes and checkpoints tell nothing of what is logged, so they are for everybody. Entries
are for those who may read the log.
"""

from collections.abc import Sequence
from typing import Any, Final

import orjson

from service.app.errors import Conflict, Forbidden, NotFound
from service.app.find import Finder
from service.app.logports import LogReader
from service.app.logrecords import CheckpointRecord, LogKeyRecord
from service.app.logtree import read_tile, tree_of
from service.app.ports import Page, Store
from service.app.principal import Principal, for_caller
from service.app.snapshot import Library
from service.core.factvalue import rfc3339
from service.core.proof import prove_inclusion
from service.core.tiles import TILE_WIDTH, Bundle, Tile, TileError, format_bundle, parse_path
from service.core.tlog_proof import TlogProof

_NO_CHECKPOINT: Final = NotFound(
    "no_checkpoint", "no checkpoint was published yet", "ask again in a second"
)


class Transparency:
    """Reads the log for whoever verifies it."""

    def __init__(self, store: Store, library: Library, finder: Finder) -> None:
        """Keep the ports."""
        self._store = store
        self._library = library
        self._finder = finder

    def checkpoint(self) -> bytes:
        """The newest signed checkpoint. Raises `NotFound` before the first."""
        with self._store.read() as reader:
            return _newest(reader.log).note

    def tile(self, path: str) -> tuple[Tile, bytes]:
        """A tile of hashes by its path, and its bytes.

        Raises `NotFound` for what is no path of one, and for what is not published.
        """
        tile = _parsed(path)
        if not isinstance(tile, Tile):
            raise _no_tile(path)
        with self._store.read() as reader:
            size = _newest(reader.log).size
            if (tile.index * TILE_WIDTH + tile.width) << 8 * tile.level > size:
                raise _no_tile(path)
            try:
                return tile, read_tile(reader.log, tile)
            except TileError as error:
                raise _no_tile(path) from error

    def bundle(self, principal: Principal, path: str) -> tuple[Bundle, bytes]:
        """A bundle of entries by its path, and its bytes.

        Raises `NotFound` as `tile`, and `Forbidden` for who may not read the log of every
        site: a bundle holds them all.
        """
        self._require_log(principal, everywhere=True)
        bundle = _parsed(path)
        if not isinstance(bundle, Bundle):
            raise _no_tile(path)
        begin = bundle.index * TILE_WIDTH
        with self._store.read() as reader:
            if begin + bundle.width > _newest(reader.log).size:
                raise _no_tile(path)
            bodies = reader.log.bodies(begin, begin + bundle.width)
        return bundle, format_bundle(bodies)

    def proof(self, principal: Principal, entry: str) -> bytes:
        """The receipt of an entry (https://c2sp.org/tlog-proof), under the newest checkpoint.

        Raises `NotFound` where there is no such entry for the caller, and `Conflict` while
        no checkpoint covers it.
        """
        self._finder.get_entry(principal, entry)
        with self._store.read() as reader:
            index = reader.log.find_index(entry)
            newest = reader.log.last_checkpoint()
            if index is None or newest is None or newest.size <= index:
                raise Conflict(
                    "not_published",
                    "no checkpoint covers this entry yet",
                    "ask again in a second; if that does not help, look at GET /readyz",
                )
            proof = prove_inclusion(index, newest.size, tree_of(reader.log, newest.size).node)
        return TlogProof(index=index, hashes=proof.hashes, checkpoint=newest.note).encoded()

    def is_published(self, entry: str) -> bool:
        """Whether a checkpoint covers an entry."""
        with self._store.read() as reader:
            index = reader.log.find_index(entry)
            newest = reader.log.last_checkpoint()
        return index is not None and newest is not None and index < newest.size

    def list_checkpoints(self, principal: Principal, page: Page) -> bytes:
        """A page of all checkpoints that were kept, newest first, as JSON.

        The cursor is the number of the last one seen; one that is no number begins anew.
        Raises `Forbidden` for who may read the log nowhere.
        """
        self._require_log(principal)
        before = int(page.after) if page.after and page.after.isdecimal() else None
        with self._store.read() as reader:
            found = reader.log.list_checkpoints(before, page.limit + 1)
        shown = found[: page.limit]
        following = str(shown[-1].number) if len(found) > page.limit else None
        listed = [_checkpoint_json(record) for record in shown]
        return orjson.dumps({"checkpoints": listed, "next": following})

    def keys(self) -> bytes:
        """The verifier key of the log, and those before it, as JSON. Raises `NotFound`."""
        with self._store.read() as reader:
            keys = reader.log.keys()
        if not keys:
            raise _NO_CHECKPOINT
        return orjson.dumps(
            {"origin": keys[-1].origin, "key": keys[-1].key, "keys": keys_json(keys)}
        )

    def _require_log(self, principal: Principal, *, everywhere: bool = False) -> None:
        sites = for_caller(self._library.in_force().access, principal).sites(
            principal.id, "log", "read"
        )
        if sites is None or (sites and not everywhere):
            return
        raise Forbidden(
            "not_permitted",
            f"{principal.id} may not read the log {'of every site' if everywhere else 'anywhere'}",
            "ask whoever keeps access.csv for a role with: log, read"
            + (" at every site (*)" if everywhere else ""),
        )


def keys_json(keys: Sequence[LogKeyRecord]) -> list[dict[str, Any]]:
    """The verifier keys of a log, oldest first."""
    return [
        {"key": key.key, "origin": key.origin, "entry": key.entry, "announced_at": rfc3339(key.at)}
        for key in keys
    ]


def _newest(log: LogReader) -> CheckpointRecord:
    newest = log.last_checkpoint()
    if newest is None:
        raise _NO_CHECKPOINT
    return newest


def _parsed(path: str) -> Tile | Bundle:
    try:
        return parse_path(path)
    except TileError as error:
        raise NotFound(
            "no_tile", f"there is no such tile: {error}", "see https://c2sp.org/tlog-tiles"
        ) from error


def _no_tile(path: str) -> NotFound:
    return NotFound(
        "no_tile",
        f"the log has no {path} yet",
        "ask for tiles of the size in GET /checkpoint",
    )


def _checkpoint_json(record: CheckpointRecord) -> dict[str, Any]:
    return {
        "number": record.number,
        "origin": record.origin,
        "size": record.size,
        "at": rfc3339(record.at),
        "note": record.note.decode(),
    }
