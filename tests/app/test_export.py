"""Exports: everything that was asked for, in the order of the log, under a signed manifest."""

import io
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest

from service.adapters.parquet import SCHEMA
from service.app.entryports import EntryFilter
from service.app.errors import Forbidden, Unavailable
from service.app.exportopen import Opener
from service.app.logquery import LogQuery
from service.audit.entry import KINDS, parse_entry
from service.audit.manifest import ExportError, check_bytes, check_export, read_export
from service.bootstrap import compile_files
from tests.app.house import ACCESS, House, shop_files
from tests.app.test_erase import erase
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


# ── Opened ──

OPENERS = ACCESS + "p, opener, log, open\ng, otto, opener, *\ng, otto, auditor, *\n"
NEIGHBOURS = OPENERS + "g, vera, opener, annex\ng, vera, auditor, *\n"


@pytest.fixture
def openable(shop: House) -> House:
    """The shop, where otto may open the log everywhere, and vera at the annex alone."""
    files = shop_files(access=NEIGHBOURS)
    assert shop.services.publisher.publish(compile_files(files), by="test")
    return shop


def opened_by(house: House, person: str | None, form: str = "jsonl", **wanted: Any) -> bytes:
    principal = None if person is None else house.principal(person)
    query = LogQuery(wanted=EntryFilter(**wanted))
    exporter = house.services.books.exporter
    return b"".join(exporter.export(principal, query, form, opens=True))


def told(house: House) -> list[dict[str, Any]]:
    """What the log says of opened exports, newest first."""
    return [orjson.loads(entry.body) for entry in house.entries(kind="export")]


@pytest.mark.parametrize("form", FORMS)
def test_an_opened_export_has_the_values(openable: House, tmp_path: Path, form: str) -> None:
    """Beside each entry stand the values that it commits to; the entries are the same."""
    path = kept(tmp_path, form, opened_by(openable, "otto", form))
    assert b"G-1" in path.read_bytes()
    assert b"commas" in path.read_bytes()
    judge(path, openable)


def test_what_was_opened_is_named(openable: House) -> None:
    """As pairs, and as the disclosures that were hashed; nothing where there was nothing."""
    lines = [orjson.loads(line) for line in opened_by(openable, "otto").splitlines()[:-1]]
    decided = [line for line in lines if line["entry"]["kind"] == "decision"]
    values = [dict(line["opened"]) for line in decided]
    assert [value["guest.id"] for value in values] == ["G-0", "G-1", "G-2", "G-3", "G-1"]
    assert values[0]["note"] == 'quotes ", commas, and\nlines'
    for line in decided:
        hashed = [sha256(text.encode()).digest() for text in line["disclosures"]]
        digests = [urlsafe_b64encode(each).decode().rstrip("=") for each in hashed]
        assert sorted(digests) == line["entry"]["_sd"]
    others = [line for line in lines if line["entry"]["kind"] == "key"]
    assert others
    assert all(line["opened"] is line["disclosures"] is None for line in others)


def test_who_opens_is_an_entry_before_the_first_byte(openable: House) -> None:
    """Who, with which key, in which form, and what was asked for; even if nothing is read."""
    caller = openable.principal("otto")
    query = LogQuery(wanted=EntryFilter(kind="decision"))
    openable.services.books.exporter.export(caller, query, "csv", opens=True)
    (body,) = told(openable)
    assert body["by"]["id"] == "otto"
    assert body["by"]["key"] == caller.key
    assert (body["effect"], body["format"], body["query"]) == (
        "opened",
        "csv",
        {"kind": "decision"},
    )
    (entry,) = openable.entries(kind="export")
    assert (entry.about, entry.agent) == ("otto", "otto")
    assert parse_entry(entry.body).kind in KINDS


def test_a_closed_export_is_no_entry(shop: House) -> None:
    """To read what tells of nobody is nothing to tell of."""
    exported(shop, "jsonl")
    assert told(shop) == []


def test_reading_the_log_is_not_opening_it(openable: House) -> None:
    """It takes a right of its own, and who lacks it is told of nowhere but as a refusal."""
    with pytest.raises(Forbidden, match="may not open any log"):
        opened_by(openable, "audra")
    assert told(openable) == []


def test_only_the_sites_that_one_may_open_are_exported(openable: House) -> None:
    """A right at one site opens nothing of another."""
    openable.propose("vera", site="annex", guest="G-annex")
    publish(openable)
    lines = [orjson.loads(line) for line in opened_by(openable, "vera").splitlines()[:-1]]
    assert [line["entry"]["proposal"]["site"] for line in lines] == ["annex"]
    assert dict(lines[0]["opened"])["guest.id"] == "G-annex"


def test_who_was_erased_stays_closed(openable: House) -> None:
    """The entries are there, and nothing opens them; those of others are open."""
    erase(openable, "G-1")
    publish(openable)
    data = opened_by(openable, "otto")
    lines = [orjson.loads(line) for line in data.splitlines()[:-1]]
    decided = [line for line in lines if line["entry"]["kind"] == "decision"]
    assert [line["opened"] is None for line in decided] == [False, True, False, False, True]
    assert b"G-1" not in data
    assert b"G-2" in data


def test_the_operator_opens_with_the_master_key_alone(openable: House) -> None:
    """And is told of like everybody; without the key nothing is opened, and nothing told."""
    assert b"G-1" in opened_by(openable, None)
    (body,) = told(openable)
    assert body["by"] == {"id": "operator"}
    services = openable.services
    blind = Opener(services.store, None, services.ids)
    with pytest.raises(Unavailable) as refused:
        blind.tell(None, "jsonl", 1, {})
    assert refused.value.code == "no_master_key"
    assert len(told(openable)) == 1


def test_parquet_is_opened_in_columns(openable: House) -> None:
    """Two more of them, null where there is nothing to open."""
    with pq.ParquetFile(io.BytesIO(opened_by(openable, "otto", "parquet"))) as file:
        rows = file.read().to_pylist()
    pairs = [orjson.loads(row["opened"]) for row in rows if row["opened"] is not None]
    assert ["guest.id", "G-1"] in [pair for each in pairs for pair in each]
    assert {row["opened"] is None for row in rows} == {True, False}
    assert "opened" not in SCHEMA.names


@pytest.mark.parametrize("form", FORMS)
def test_no_other_name_can_be_put_beside_an_entry(
    openable: House, tmp_path: Path, form: str
) -> None:
    """The entry commits to what was opened, whoever signed the file."""
    data = opened_by(openable, "otto", form)
    for old, new in ((b"G-2", b"G-9"), (b"G-0", b"G-00")):
        assert old in data
        path = kept(tmp_path, form, data.replace(old, new))
        with pytest.raises(ExportError, match="none of an export"):
            check_export(read_export(path), [key_of(openable)])
