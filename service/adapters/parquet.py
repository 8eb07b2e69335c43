"""Parquet files of entries, by Apache Arrow, written a batch at a time."""

import io
from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from service.app.entryports import Placed
from service.app.export import COLUMNS, MANIFEST, OPENED
from service.app.exportopen import Opened

KEY: Final = f"remit.{MANIFEST}"
"""Under which name the file's own metadata has the manifest."""

_NUMBERS: Final = ("index", "value_minor")
SCHEMA: Final = pa.schema(
    [
        *[(name, pa.int64() if name in _NUMBERS else pa.string()) for name in COLUMNS[:3]],
        ("at", pa.timestamp("us", tz="UTC")),
        *[(name, pa.int64() if name in _NUMBERS else pa.string()) for name in COLUMNS[4:]],
    ]
)

OPEN_SCHEMA: Final = pa.schema([*SCHEMA, *[(name, pa.string()) for name in OPENED]])
_OPENED: Final = tuple(zip(OPENED, Opened._fields, strict=True))


class Parquet:
    """One file. Its pieces are what the writer wrote since the last one."""

    def __init__(self, *, opens: bool) -> None:
        """Nothing is written yet. With ``opens`` there are two more columns."""
        self._schema = OPEN_SCHEMA if opens else SCHEMA
        self._sink = _Pieces()
        self._writer = pq.ParquetWriter(self._sink, self._schema, compression="zstd")

    def begin(self) -> bytes:
        """What stands before the first row."""
        return self._sink.taken()

    def rows(self, placed: Sequence[Placed], opened: Sequence[Opened] | None) -> bytes:
        """A row group of its own."""
        cells = {
            "index": [index for index, _ in placed],
            "leaf": [entry.leaf.hex() for _, entry in placed],
            "entry": [entry.body.decode() for _, entry in placed],
            **{
                name: [getattr(entry, name) for _, entry in placed]
                for name in COLUMNS
                if name not in {"index", "leaf", "entry"}
            },
        }
        if opened is not None:
            cells |= {name: [getattr(each, field) for each in opened] for name, field in _OPENED}
        columns = [pa.array(cells[field.name], field.type) for field in self._schema]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema))
        return self._sink.taken()

    def end(self, manifest: str) -> bytes:
        """The footer."""
        self._writer.add_key_value_metadata({KEY: manifest})
        self._writer.close()
        return self._sink.taken()


class _Pieces(io.RawIOBase):
    """Keeps what was written until it is taken. Says how much there was of it."""

    def __init__(self) -> None:
        super().__init__()
        self._written: list[bytes] = []
        self._count = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._written.append(piece)
        self._count += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._count

    def taken(self) -> bytes:
        written, self._written = b"".join(self._written), []
        return written
