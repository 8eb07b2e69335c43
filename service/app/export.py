"""Export: entries in the order of the log, as a stream that ends in a signed manifest.

The manifest says how many entries there are, the SHA-256 over their leaf hashes end to
end, and how many bytes of the file stand before it, with theirs; it is signed as
checkpoints are. So a file that was cut short or changed on its way has no manifest, or
another one's.
"""

import base64
import csv
import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final, Protocol

import orjson

from service.app.entryports import EntryFilter, Placed
from service.app.errors import NotFound
from service.app.logquery import LogQuery
from service.app.logsearch import LogSearch
from service.app.ports import Store
from service.app.principal import Principal
from service.app.signing import Signing
from service.core.checkpoint import Checkpoint, parse_checkpoint
from service.core.factvalue import rfc3339
from service.core.note import Note, parse_note

BATCH_ENTRIES: Final = 1_000
HEADER: Final = "remit export"
COLUMNS: Final = (
    "index",
    "id",
    "kind",
    "at",
    "about",
    "site",
    "agent",
    "resolution",
    "outcome",
    "rule",
    "reason",
    "value_minor",
    "policy_version",
    "leaf",
    "entry",
)
"""What a row has: ``leaf`` in hexadecimal, ``entry`` the exact text that was hashed."""

MANIFEST: Final = "manifest"


class Sheet(Protocol):
    """One file being written, piece by piece."""

    def begin(self) -> bytes:
        """What stands before the first row."""

    def rows(self, placed: Sequence[Placed]) -> bytes:
        """Some rows."""

    def end(self, manifest: str) -> bytes:
        """What stands behind the last row, with the manifest."""


class JsonLines:
    """A JSON object a line: the index, the leaf, and the entry itself. The last is the manifest."""

    def begin(self) -> bytes:
        """Nothing."""
        return b""

    def rows(self, placed: Sequence[Placed]) -> bytes:
        """The entry stands there as it was hashed: its bytes are the canonical ones."""
        lines = [
            b'{"index":%d,"leaf":"%s","entry":%s}\n'
            % (index, entry.leaf.hex().encode(), entry.body)
            for index, entry in placed
        ]
        return b"".join(lines)

    def end(self, manifest: str) -> bytes:
        """The last line."""
        return orjson.dumps({MANIFEST: manifest}) + b"\n"


class Csv:
    """RFC 4180: a row of names, then a row an entry.

    The last row has two cells: the word manifest, and the manifest.
    """

    def begin(self) -> bytes:
        """The names."""
        return _csv([COLUMNS])

    def rows(self, placed: Sequence[Placed]) -> bytes:
        """Some rows."""
        return _csv([row_of(each) for each in placed])

    def end(self, manifest: str) -> bytes:
        """The last row."""
        return _csv([(MANIFEST, manifest)])


def _csv(rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def row_of(placed: Placed) -> tuple[Any, ...]:
    """An entry's cells, in the order of `COLUMNS`."""
    index, entry = placed
    return (
        index,
        entry.id,
        entry.kind,
        rfc3339(entry.at),
        entry.about,
        entry.site,
        entry.agent,
        entry.resolution,
        entry.outcome,
        entry.rule,
        entry.reason,
        entry.value_minor,
        entry.policy_version,
        entry.leaf.hex(),
        entry.body.decode(),
    )


Sheets = Mapping[str, Callable[[], Sheet]]
"""A new sheet of each format, by its name."""


class Exporter:
    """Streams the published entries that somebody may audit."""

    def __init__(self, store: Store, search: LogSearch, signing: Signing, sheets: Sheets) -> None:
        """Keep the ports."""
        self._store = store
        self._search = search
        self._signing = signing
        self._sheets = sheets

    def export(self, principal: Principal | None, query: LogQuery, form: str) -> Iterator[bytes]:
        """The file in pieces. Whatever stands in the way is raised before the first.

        Without a principal it is the operator who asks, at the database. Holds no more than
        one batch, however many entries there are. Raises `Forbidden`, and `NotFound` before
        the first checkpoint.
        """
        with self._store.read() as reader:
            wanted = self._search.narrowed(reader, principal, query)
            newest = reader.log.last_checkpoint()
        if newest is None:
            raise NotFound(
                "no_checkpoint", "no checkpoint was published yet", "ask again in a second"
            )
        checkpoint = parse_checkpoint(parse_note(newest.note).text)
        return self._pieces(self._sheets[form](), form, wanted, checkpoint)

    def _pieces(
        self, sheet: Sheet, form: str, wanted: EntryFilter | None, checkpoint: Checkpoint
    ) -> Iterator[bytes]:
        written, count = _Written(), 0
        yield written.also(sheet.begin())
        for placed in self._batches(wanted, checkpoint.size):
            written.leaves.update(b"".join([entry.leaf for _, entry in placed]))
            count += len(placed)
            yield written.also(sheet.rows(placed))
        yield sheet.end(self._signed(_manifest(form, count, written, checkpoint, wanted)))

    def _batches(self, wanted: EntryFilter | None, size: int) -> Iterator[Sequence[Placed]]:
        """Each in a read transaction of its own: the log only grows."""
        begin = 0
        while wanted is not None:
            with self._store.read() as reader:
                placed = reader.entries.placed(wanted, begin, size, BATCH_ENTRIES)
            if placed:
                yield placed
            if len(placed) < BATCH_ENTRIES:
                return
            begin = placed[-1].leaf_index + 1

    def _signed(self, text: str) -> str:
        with self._store.read() as reader:
            keys = reader.log.keys()
        note = Note(text=text)
        for signer in self._signing.signers(keys):
            note = note.signed(signer.verifier_key, signer.sign)
        return note.encoded().decode()


class _Written:
    """What was written so far, as the manifest says it."""

    def __init__(self) -> None:
        self.leaves = hashlib.sha256()
        self.length = 0
        self._bytes = hashlib.sha256()

    def also(self, piece: bytes) -> bytes:
        """The same bytes, counted and hashed."""
        self.length += len(piece)
        self._bytes.update(piece)
        return piece

    @property
    def digest(self) -> str:
        """Over all bytes so far."""
        return self._bytes.hexdigest()


def _manifest(
    form: str, count: int, written: _Written, checkpoint: Checkpoint, wanted: EntryFilter | None
) -> str:
    root = base64.b64encode(checkpoint.root).decode("ascii")
    query = {} if wanted is None else _told(wanted)
    lines = (
        HEADER,
        f"format {form}",
        f"entries {count}",
        f"leaves {written.leaves.hexdigest()}",
        f"bytes {written.length} {written.digest}",
        f"query {orjson.dumps(query, option=orjson.OPT_SORT_KEYS).decode()}",
        f"checkpoint {checkpoint.origin} {checkpoint.size} {root}",
    )
    return "".join(f"{line}\n" for line in lines)


def _told(wanted: EntryFilter) -> dict[str, Any]:
    """What was asked for, without what was not."""
    told: dict[str, Any] = {}
    for name, value in asdict(wanted).items():
        if isinstance(value, datetime):
            told[name] = rfc3339(value)
        elif isinstance(value, frozenset):
            told[name] = sorted(value)
        elif value is not None:
            told[name] = value
    return told
