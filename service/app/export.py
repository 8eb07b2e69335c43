"""Export: entries in the order of the log, as a stream that ends in a signed manifest.

The manifest says how many entries there are, the SHA-256 over their leaf hashes end to
end, and how many bytes of the file stand before it, with theirs; it is signed as
checkpoints are. So a file that was cut short or changed on its way has no manifest, or
another one's.

An export opens nothing, unless it is asked to (`exportopen.py`).
"""

import base64
import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import orjson

from service.app.entryports import EntryFilter, Placed
from service.app.errors import NotFound
from service.app.exportopen import Opened, Opener
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

OPENED: Final = ("opened", "disclosures")
"""What it has besides where personal values are opened: see `exportopen.Opened`."""

MANIFEST: Final = "manifest"


class Sheet(Protocol):
    """One file being written, piece by piece."""

    def begin(self) -> bytes:
        """What stands before the first row."""

    def rows(self, placed: Sequence[Placed], opened: Sequence[Opened] | None) -> bytes:
        """Some rows, with what was opened of each; ``None`` where nothing is to be."""

    def end(self, manifest: str) -> bytes:
        """What stands behind the last row, with the manifest."""


class JsonLines:
    """A JSON object a line: the index, the leaf, and the entry itself. The last is the manifest.

    What was opened stands before the entry, and has no names of its own that could be taken
    for the entry's.
    """

    def __init__(self, *, opens: bool) -> None:
        """Each row says by itself what was opened."""
        del opens

    def begin(self) -> bytes:
        """Nothing."""
        return b""

    def rows(self, placed: Sequence[Placed], opened: Sequence[Opened] | None) -> bytes:
        """The entry stands there as it was hashed: its bytes are the canonical ones."""
        more = [b""] * len(placed) if opened is None else map(_json_of, opened)
        lines = [
            b'{"index":%d,"leaf":"%s",%s"entry":%s}\n'
            % (index, entry.leaf.hex().encode(), besides, entry.body)
            for (index, entry), besides in zip(placed, more, strict=True)
        ]
        return b"".join(lines)

    def end(self, manifest: str) -> bytes:
        """The last line."""
        return orjson.dumps({MANIFEST: manifest}) + b"\n"


class Csv:
    """RFC 4180: a row of names, then a row an entry.

    The last row has two cells: the word manifest, and the manifest.
    """

    def __init__(self, *, opens: bool) -> None:
        """With ``opens`` there are two more columns."""
        self._names = (*COLUMNS, *OPENED) if opens else COLUMNS

    def begin(self) -> bytes:
        """The names."""
        return _csv([self._names])

    def rows(self, placed: Sequence[Placed], opened: Sequence[Opened] | None) -> bytes:
        """Some rows."""
        rows = [row_of(each) for each in placed]
        if opened is not None:
            rows = [(*row, *more) for row, more in zip(rows, opened, strict=True)]
        return _csv(rows)

    def end(self, manifest: str) -> bytes:
        """The last row."""
        return _csv([(MANIFEST, manifest)])


def _json_of(opened: Opened) -> bytes:
    values, disclosures = (text or "null" for text in opened)
    return f'"opened":{values},"disclosures":{disclosures},'.encode()


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


class NewSheet(Protocol):
    """Begins a sheet."""

    def __call__(self, *, opens: bool) -> Sheet:
        """With ``opens`` there is room for what is opened."""


Sheets = Mapping[str, NewSheet]
"""A new sheet of each format, by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is exported: in which form, opened or not, and of what; up to which checkpoint.

    ``wanted`` is ``None`` where nothing can be found.
    """

    form: str
    opens: bool
    wanted: EntryFilter | None
    checkpoint: Checkpoint

    def told(self) -> dict[str, Any]:
        """The filter as JSON, without what was not asked for."""
        return {} if self.wanted is None else _told(self.wanted)


class Exporter:
    """Streams the published entries that somebody may audit."""

    def __init__(
        self, store: Store, search: LogSearch, signing: Signing, sheets: Sheets, opener: Opener
    ) -> None:
        """Keep the ports."""
        self._store = store
        self._opener = opener
        self._search = search
        self._signing = signing
        self._sheets = sheets

    def export(
        self, principal: Principal | None, query: LogQuery, form: str, *, opens: bool = False
    ) -> Iterator[bytes]:
        """The file in pieces. Whatever stands in the way is raised before the first.

        Without a principal it is the operator who asks, at the database. Holds no more than
        one batch, however many entries there are. With ``opens`` personal values stand beside
        the entries, and who asked is an entry that is committed when this returns. Raises
        `Forbidden`, `NotFound` before the first checkpoint, and `Unavailable` where there
        is nothing to open with.
        """
        with self._store.read() as reader:
            wanted = self._search.narrowed(reader, principal, query, opens=opens)
            newest = reader.log.last_checkpoint()
        if newest is None:
            raise NotFound(
                "no_checkpoint", "no checkpoint was published yet", "ask again in a second"
            )
        checkpoint = parse_checkpoint(parse_note(newest.note).text)
        asked = Asked(form=form, opens=opens, wanted=wanted, checkpoint=checkpoint)
        if opens:
            self._opener.tell(principal, form, checkpoint.size, asked.told())
        return self._pieces(self._sheets[form](opens=opens), asked)

    def _pieces(self, sheet: Sheet, asked: Asked) -> Iterator[bytes]:
        written, count = _Written(), 0
        yield written.also(sheet.begin())
        for placed, opened in self._batches(asked):
            written.leaves.update(b"".join([entry.leaf for _, entry in placed]))
            count += len(placed)
            yield written.also(sheet.rows(placed, opened))
        yield sheet.end(self._signed(_manifest(asked, count, written)))

    def _batches(self, asked: Asked) -> Iterator[tuple[Sequence[Placed], Sequence[Opened] | None]]:
        """Each in a read transaction of its own: the log only grows, and who is erased is."""
        begin, wanted, size = 0, asked.wanted, asked.checkpoint.size
        while wanted is not None:
            with self._store.read() as reader:
                placed = reader.entries.placed(wanted, begin, size, BATCH_ENTRIES)
                opened = self._opener.opened(reader, placed) if asked.opens else None
            if placed:
                yield placed, opened
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


def _manifest(asked: Asked, count: int, written: _Written) -> str:
    point = asked.checkpoint
    root = base64.b64encode(point.root).decode("ascii")
    lines = [
        HEADER,
        f"format {asked.form}",
        f"entries {count}",
        f"leaves {written.leaves.hexdigest()}",
        f"bytes {written.length} {written.digest}",
        f"query {orjson.dumps(asked.told(), option=orjson.OPT_SORT_KEYS).decode()}",
        f"checkpoint {point.origin} {point.size} {root}",
    ]
    if asked.opens:
        lines.append("opened true")
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
