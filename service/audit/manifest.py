"""Exports: whether a file has just the entries that its signed manifest says."""

import base64
import csv
import hashlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from service.audit.entry import EntryError, parse_canonical
from service.audit.note import NoteError, VerifierKey, parse_note
from service.core.merkle import leaf_hash

HEADER: Final = "remit export"
MANIFEST: Final = "manifest"

_NAMES: Final = frozenset({"entries", "leaves", "bytes", "query", "checkpoint"})
_PIECE_BYTES: Final = 1 << 20


class ExportError(Exception):
    """A file that is no whole export, or not the one that was signed. The message says why."""


@dataclass(frozen=True, slots=True)
class Export:
    """What a file was found to hold, with the manifest's own words on what was asked for."""

    entries: int
    query: str
    checkpoint: str
    bytes: int
    digest: str


class Reading:
    """The rows of a file as they come; ``manifest`` is there once the last one was read."""

    def __init__(self, rows: Iterable[bytes | str]) -> None:
        """An entry's bytes, or the manifest's text."""
        self._rows = rows
        self.manifest: str | None = None

    def __iter__(self) -> Iterator[bytes]:
        for row in self._rows:
            if self.manifest is not None:
                raise ExportError("something stands behind the manifest")
            if isinstance(row, bytes):
                yield row
            else:
                self.manifest = row


def check_export(rows: Iterable[bytes | str], keys: Sequence[VerifierKey]) -> Export:
    """Raises `ExportError` unless a trusted key signed just these entries, in this order."""
    leaves, count, reading = hashlib.sha256(), 0, Reading(rows)
    for entry in reading:
        leaves.update(leaf_hash(entry))
        count += 1
    if reading.manifest is None:
        raise ExportError("it has no manifest: it was cut short")
    told = _told(reading.manifest, keys)
    if told["entries"] != str(count):
        raise ExportError(f"it has {count} entries, and {told['entries']} were exported")
    if told["leaves"] != leaves.hexdigest():
        raise ExportError("its entries are not those that were exported")
    length, _, digest = told["bytes"].partition(" ")
    return Export(count, told["query"], told["checkpoint"], int(length), digest)


def check_bytes(path: Path, export: Export) -> None:
    """Raises `ExportError` unless the file begins with the bytes that were signed for."""
    digest, left = hashlib.sha256(), export.bytes
    with path.open("rb") as file:
        while left and (piece := file.read(min(left, _PIECE_BYTES))):
            digest.update(piece)
            left -= len(piece)
    if left or digest.hexdigest() != export.digest:
        raise ExportError("it is not byte for byte what was exported")


def _told(manifest: str, keys: Sequence[VerifierKey]) -> dict[str, str]:
    try:
        note = parse_note(manifest.encode())
        note.check(keys)
    except NoteError as error:
        raise ExportError(f"its manifest is not to be believed: {error}") from None
    header, *lines = note.text.rstrip("\n").split("\n")
    told = dict([*line.partition(" ")][::2] for line in lines)
    if header != HEADER or not told.keys() >= _NAMES:
        raise ExportError("what is signed there is no manifest of an export")
    return told


def read_export(path: Path) -> Iterator[bytes | str]:
    """The rows of a file of JSON lines or CSV. Raises `ExportError`."""
    try:
        yield from _csv_rows(path) if path.suffix == ".csv" else _json_rows(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ExportError(f"it cannot be read: {error}") from error


def _json_rows(path: Path) -> Iterator[bytes | str]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                row = orjson.loads(line)
                manifest = row.get(MANIFEST)
                if manifest is None:
                    check_opened(row["entry"], row.get("opened"), row.get("disclosures"))
                yield _exact(line) if manifest is None else str(manifest)
            except (orjson.JSONDecodeError, AttributeError, KeyError, EntryError) as error:
                raise ExportError(f"line {number} is none of an export: {error}") from None


def _exact(line: bytes) -> bytes:
    """The entry of a line, byte for byte as it stands there."""
    _, found, rest = line.rstrip(b"\n").partition(b'"entry":')
    entry = rest[:-1]
    if not found:
        raise EntryError("it has no entry")
    parse_canonical(entry)
    return entry


def _csv_rows(path: Path) -> Iterator[bytes | str]:
    csv.field_size_limit(sys.maxsize)
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        names = next(rows, [])
        if "entry" not in names:
            raise ExportError("it has no column of entries")
        place = names.index("entry")
        for row in rows:
            if row[:1] == [MANIFEST]:
                yield row[1]
            elif len(row) == len(names):
                _check_cells(row[place], dict(zip(names, row, strict=True)))
                yield row[place].encode()
            else:
                raise ExportError(f"line {rows.line_num} is cut short")


def _check_cells(entry: str, row: dict[str, str]) -> None:
    try:
        check_texts(entry, row.get("opened"), row.get("disclosures"))
    except EntryError as error:
        raise ExportError(f"a row is none of an export: {error}") from None


def check_texts(entry: str, opened: str | None, disclosures: str | None) -> None:
    """As `check_opened`, of texts of JSON; nothing was opened where there is no text."""
    if not opened and not disclosures:
        return
    try:
        check_opened(*(orjson.loads(text or "null") for text in (entry, opened, disclosures)))
    except orjson.JSONDecodeError as error:
        raise EntryError(str(error)) from None


def check_opened(entry: Any, opened: Any, disclosures: Any) -> None:  # noqa: ANN401 — JSON
    """Raises `EntryError` unless an entry commits to what was opened (RFC 9901, section 4.2.3).

    Whoever exports could put any name beside an entry. The entry has the digest of each
    disclosure, and each says what is told of it: a salt, a name and a value.
    """
    if opened is None and disclosures is None:
        return
    try:
        commitments = set(entry["_sd"])
        digests = [_digest(text) for text in disclosures]
        said = [_disclosed(text) for text in disclosures]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EntryError(f"what was opened cannot be read: {error}") from None
    if not commitments.issuperset(digests):
        raise EntryError("the entry does not commit to what was opened")
    if said != opened:
        raise EntryError("what was opened is not what the disclosures say")


def _digest(disclosure: str) -> str:
    digest = hashlib.sha256(disclosure.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _disclosed(disclosure: str) -> list[Any]:
    padded = disclosure + "=" * (-len(disclosure) % 4)
    _, name, value = orjson.loads(base64.urlsafe_b64decode(padded))
    return [name, value]
