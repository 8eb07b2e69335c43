"""Exports: everything that was asked for, in the order of the log, under a signed manifest."""

import io
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from service.app.entryports import EntryFilter
from service.app.errors import Forbidden
from service.app.logquery import LogQuery
from service.audit.manifest import ExportError, check_bytes, check_export, read_export
from tests.app.house import House
from tests.audit.real import key_of, publish

FORMS = ("jsonl", "csv")


@pytest.fixture
def shop(house: House) -> House:
    for number in range(4):
        house.propose(guest=f"G-{number}", note='quotes ", commas, and\nlines')
    house.propose(resolution="cash", amount="5.00")
    house.principal("audra")
    house.principal("ana")
    publish(house)
    return house


def exported(house: House, form: str, person: str | None = "audra", **wanted: Any) -> bytes:
    principal = None if person is None else house.principal(person)
    query = LogQuery(wanted=EntryFilter(**wanted))
    return b"".join(house.services.books.exporter.export(principal, query, form))


def kept(folder: Path, form: str, data: bytes) -> Path:
    path = folder / f"log.{form}"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("form", FORMS)
def test_a_whole_export_holds(shop: House, tmp_path: Path, form: str) -> None:
    """As many entries as there are, byte for byte, in the order of the log."""
    path = kept(tmp_path, form, exported(shop, form))
    bodies = [row for row in read_export(path) if isinstance(row, bytes)]
    assert sorted(bodies) == sorted(entry.body for entry in shop.entries())
    assert check_export(read_export(path), [key_of(shop)]).entries == len(bodies)
    judge(path, shop)


def judge(path: Path, house: House) -> None:
    check_bytes(path, check_export(read_export(path), [key_of(house)]))


@pytest.mark.parametrize("form", FORMS)
def test_no_line_can_be_left_out_or_changed(shop: House, tmp_path: Path, form: str) -> None:
    """The manifest is over every entry, and over their order."""
    data = exported(shop, form)
    lines = data.split(b"\n{" if form == "jsonl" else b"\r\n")
    glue = b"\n{" if form == "jsonl" else b"\r\n"
    for spoilt in (
        glue.join([*lines[:2], *lines[3:]]),
        glue.join([*lines[:2], lines[3], lines[2], *lines[4:]]),
        data.replace(b"5000", b"4000", 1),
        data[: len(data) // 2],
        glue.join(lines[:-4]),
    ):
        with pytest.raises(ExportError):
            judge(kept(tmp_path, form, spoilt), shop)


def test_another_key_has_not_signed_it(shop: House, tmp_path: Path) -> None:
    """An export is believed as a checkpoint is."""
    path = kept(tmp_path, "jsonl", exported(shop, "jsonl"))
    stranger = key_of(shop)._replace(name="log.example/other")
    with pytest.raises(ExportError, match="not to be believed"):
        check_export(read_export(path), [stranger])


def test_parquet_has_columns_and_the_manifest(shop: House) -> None:
    """Numbers and instants as such, and the manifest in the file's own metadata."""
    data = exported(shop, "parquet")
    with pq.ParquetFile(io.BytesIO(data)) as file:
        table = file.read()
        manifest = file.metadata.metadata[b"remit.manifest"].decode()
    assert table.num_rows == len(shop.entries())
    assert str(table.schema.field("at").type) == "timestamp[us, tz=UTC]"
    rows = [text.encode() for text in table.column("entry").to_pylist()]
    assert check_export([*rows, manifest], [key_of(shop)]).entries == len(rows)


def test_a_filtered_export_says_what_was_asked_for(shop: House, tmp_path: Path) -> None:
    """So that a part is not taken for the whole."""
    path = kept(tmp_path, "jsonl", exported(shop, "jsonl", kind="decision", outcome="denied"))
    found = check_export(read_export(path), [key_of(shop)])
    assert (found.entries, found.query) == (1, '{"kind":"decision","outcome":"denied"}')


def test_who_may_not_audit_exports_nothing(shop: House) -> None:
    """Refused before the first byte."""
    with pytest.raises(Forbidden):
        exported(shop, "jsonl", "ana")


def test_personal_values_stay_where_they_are(shop: House) -> None:
    """An export opens nothing."""
    for form in (*FORMS, "parquet"):
        data = exported(shop, form, None)
        assert b"G-1" not in data
        assert b"commas" not in data
