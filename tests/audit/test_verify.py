"""Verify: an honest log passes, and whatever is altered is found and placed."""

import shutil
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.adapters.signer import Ed25519Signer
from service.audit.finding import KEPT_PER_CODE, Code
from service.audit.note import parse_key
from service.audit.source import CHECKPOINT, CHECKPOINTS, FolderSource, SourceError
from service.audit.verify import verify
from tests.audit.ledger import STAY, Ledger, written
from tests.audit.logs import KEY, MemorySource, codes, note_of, verified, write_log
from tests.core.trees import OTHER, SIGNER

SIZE = 520
"""Two full bundles and a partial one."""

AFRESH = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def entries() -> list[bytes]:
    ledger = Ledger()
    for number in range(SIZE):
        ledger.wait(hours=2)
        ledger.approve(100 + number, f"g{number % 40}", caps=[STAY])
    return ledger.written()


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory, entries: list[bytes]) -> Path:
    return write_log(tmp_path_factory.mktemp("log"), entries, range(1, SIZE + 1, 7))


@pytest.fixture
def log(tmp_path: Path, honest: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(honest, tmp_path / "copy"))


@pytest.fixture(scope="module")
def kept(entries: list[bytes]) -> MemorySource:
    return MemorySource(entries, range(1, SIZE + 1, 70))


def spoilt(kept: MemorySource, name: str, data: bytes | None) -> MemorySource:
    """The log with other bytes in one place, or with none."""
    copy = MemorySource(())
    copy.kept = kept.kept
    copy.files = {**kept.files, name: data or b""}
    if data is None:
        del copy.files[name]
    return copy


def test_an_honest_log_holds(honest: Path) -> None:
    """Nothing is found, and the report says what was looked at."""
    report = verified(honest)
    assert report.findings == ()
    assert report.holds
    assert (report.size, report.entries, report.checkpoints) == (SIZE, SIZE, 76)
    assert (report.approvals, report.lines) == (SIZE, SIZE)
    assert report.kinds == {"decision": SIZE}


def test_several_processes_find_the_same(tmp_path: Path) -> None:
    """Chunks that others examined give the same report, faults and all."""
    ledger = Ledger()
    for number in range(9_000):
        ledger.approve(1, f"g{number % 500}", caps=[STAY])
    ledger.entries[5_000]["budgets"][0]["after"] += 1
    folder = write_log(tmp_path / "log", ledger.written(), (1, 4_096, 4_097, 8_999))
    alone = verified(folder)
    assert alone.found
    assert verified(folder, processes=2) == alone


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 512])
def test_logs_of_every_size_hold(tmp_path: Path, entries: list[bytes], size: int) -> None:
    """Empty, within one bundle, at and beyond its end; every size kept as a checkpoint."""
    report = verified(write_log(tmp_path / "log", entries[:size], range(size + 1)))
    assert report.findings == ()
    assert report.size == report.entries == size


@given(data=st.data())
@AFRESH
def test_a_flipped_bit_is_found(kept: MemorySource, data: st.DataObject) -> None:
    """Wherever it is: in an entry, a tile, a checkpoint's text, root or signature."""
    name = data.draw(st.sampled_from(sorted(kept.files)))
    other = bytearray(kept.files[name])
    place = data.draw(st.integers(0, len(other) - 1))
    other[place] ^= 1 << data.draw(st.integers(0, 7))
    try:
        report = verified(spoilt(kept, name, bytes(other)))
    except SourceError:
        assert name == CHECKPOINT
    else:
        assert not report.holds
        places = [(finding.place, finding.index) for finding in report.findings]
        assert name == CHECKPOINT or any(_points_at(*place, name) for place in places)


def _points_at(place: str | None, index: int | None, name: str) -> bool:
    """Whether a finding names the file, or an entry under it."""
    if place is not None and place.split(".p/")[0] == name.split(".p/", maxsplit=1)[0]:
        return True
    stem = name.split("/")[2].split(".", maxsplit=1)[0]
    return index is not None and index // 256 == int(stem)


@given(data=st.data())
@AFRESH
def test_a_file_cut_short_is_found(kept: MemorySource, data: st.DataObject) -> None:
    """Tiles and bundles have exactly the bytes that they have."""
    name = data.draw(st.sampled_from(sorted(kept.files.keys() - {CHECKPOINT})))
    cut = data.draw(st.integers(0, len(kept.files[name]) - 1))
    report = verified(spoilt(kept, name, kept.files[name][:cut]))
    assert codes(report) & {Code.TILE_MISMATCH, Code.BUNDLE_MALFORMED}


def test_a_lost_file_is_found(kept: MemorySource) -> None:
    """Every tile and bundle of the log has to be there."""
    for name in kept.files.keys() - {CHECKPOINT}:
        report = verified(spoilt(kept, name, None))
        assert codes(report) & {Code.TILE_MISSING, Code.BUNDLE_MISSING}
        assert name in {finding.place for finding in report.findings}


@given(data=st.data())
@AFRESH
def test_an_entry_dropped_swapped_or_doubled_is_found(
    entries: list[bytes], data: st.DataObject
) -> None:
    """Even where all tiles are made anew for it: the signed root is another."""
    place = data.draw(st.integers(0, SIZE - 2))
    change = data.draw(st.sampled_from(["drop", "swap", "double"]))
    others = list(entries)
    if change == "drop":
        others[place : place + 1] = []
        others.append(b'{"filler":1}')
    elif change == "swap":
        others[place : place + 2] = others[place + 1], others[place]
    else:
        others[place + 1] = others[place]
    report = verified(spoilt(MemorySource(others), CHECKPOINT, note_of(entries)))
    assert Code.ROOT_MISMATCH in codes(report)


def test_entries_dropped_by_whoever_has_the_key_are_found(
    tmp_path: Path, entries: list[bytes]
) -> None:
    """A log that is signed anew without an entry betrays itself by the versions of its budgets."""
    folder = write_log(tmp_path / "log", [*entries[:300], *entries[301:]])
    report = verified(folder)
    assert Code.BUDGET_GAP in codes(report)
    assert Code.ROOT_MISMATCH not in codes(report)


def test_an_entry_that_stands_twice_is_found(tmp_path: Path, entries: list[bytes]) -> None:
    """One id, one entry, however far apart."""
    folder = write_log(tmp_path / "log", [*entries, entries[3]])
    found = [each for each in verified(folder).findings if each.code is Code.ENTRY_TWICE]
    assert [each.entry for each in found] == ["ent_000003"]


def test_a_kept_checkpoint_of_another_log_is_found(entries: list[bytes]) -> None:
    """All checkpoints, and not only the last, are of the log that is there: this is a fork."""
    other = [*entries[:99], b'{"other":1}']
    (finding,) = verified(MemorySource(entries, (50, 100), [note_of(other)])).findings
    assert finding.code is Code.ROOT_MISMATCH
    assert finding.place == "the checkpoint of 100 entries"


def test_a_log_that_shrank_is_found(tmp_path: Path, entries: list[bytes]) -> None:
    """A kept checkpoint that says more than there is cannot be of a log that only grows."""
    folder = write_log(tmp_path / "log", entries[:300], (100,), [note_of(entries, 400)])
    assert codes(verified(folder)) == {Code.SHRUNK}


def test_a_checkpoint_that_nobody_trusted_has_signed_is_found(honest: Path) -> None:
    """Another key's signature is no signature, though its name is the same."""
    seed = Ed25519Signer(SIGNER.verifier_key.name, b"\x01" * 32)
    report = verified(honest, parse_key(seed.verifier_key.encoded()))
    assert codes(report) == {Code.SIGNATURE_MISSING}


def test_another_log_is_found(honest: Path) -> None:
    """Who looks for one log is not satisfied with another one's."""
    report = verified(honest, parse_key(OTHER.verifier_key.encoded()))
    assert codes(report) == {Code.OTHER_ORIGIN}


def test_a_wrong_signature_is_found(honest: Path, log: Path) -> None:
    """A known key's name over a signature that it did not make."""
    note = (honest / CHECKPOINT).read_bytes()
    lines = note.decode().split("\n")
    wrong = (log / CHECKPOINTS).read_bytes().split(b"\n")[0]
    lines[4] = orjson.loads(wrong)["note"].split("\n")[4]
    (log / CHECKPOINT).write_bytes("\n".join(lines).encode())
    assert codes(verified(log)) == {Code.SIGNATURE_WRONG}


def announced(ledger: Ledger, signer: Ed25519Signer) -> None:
    ledger.note("signing_key", key=signer.verifier_key.encoded(), effect="announced")


def rotated(tmp_path: Path, *, covered: bool) -> Path:
    """A log whose key changes; whether the old key signed once beyond the announcement."""
    new = Ed25519Signer(SIGNER.verifier_key.name, b"\x02" * 32)
    ledger = Ledger()
    ledger.approve(100)
    announced(ledger, new)
    ledger.approve(100)
    entries = ledger.written()
    folder = write_log(tmp_path / "log", entries, [2] if covered else [1])
    (folder / CHECKPOINT).write_bytes(note_of(entries, signer=new))
    return folder


def test_a_key_that_the_log_announced_is_believed(tmp_path: Path) -> None:
    """The old key signed over the announcement, so who trusts it trusts the new one."""
    assert verified(rotated(tmp_path, covered=True)).findings == ()


def test_a_key_that_only_the_entries_name_is_not_believed(tmp_path: Path) -> None:
    """Whoever alters the entries could name any key."""
    assert codes(verified(rotated(tmp_path, covered=False))) == {Code.SIGNATURE_MISSING}


def test_a_partial_tile_may_be_cut_from_a_full_one(entries: list[bytes]) -> None:
    """A log that grew since the checkpoint need not keep the partial tiles that were then."""
    source, older = MemorySource(entries), MemorySource(entries[:400])
    source.files = {**source.files, **older.files}
    del source.files["tile/entries/001.p/144"], source.files["tile/0/001.p/144"]
    assert verified(source).findings == ()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", Code.ENTRY_MALFORMED),
        (b"[]", Code.ENTRY_MALFORMED),
        (b"no json", Code.ENTRY_MALFORMED),
        (b'{"v":1}', Code.ENTRY_MALFORMED),
        (b'{ "v":1}', Code.ENTRY_NOT_CANONICAL),
        (b'{"b":1,"a":2}', Code.ENTRY_NOT_CANONICAL),
        (b'{"a":1,"a":1}', Code.ENTRY_NOT_CANONICAL),
        (b'{"a":1.5}', Code.ENTRY_NOT_CANONICAL),
        (b'{"a":[1e21]}', Code.ENTRY_NOT_CANONICAL),
        (b'{"a":9007199254740993}', Code.ENTRY_MALFORMED),
        ('{"\u00e4":1}'.encode(), Code.ENTRY_NOT_CANONICAL),
        (b'{"a":"\\u0041"}', Code.ENTRY_NOT_CANONICAL),
        (b'{"a":"\xff"}', Code.ENTRY_MALFORMED),
    ],
)
def test_what_is_no_canonical_entry_is_found(tmp_path: Path, data: bytes, code: Code) -> None:
    """Two readers could see two things in such bytes, or none: RFC 8785 leaves one form."""
    (finding,) = verified(write_log(tmp_path / "log", [data])).findings
    assert (finding.code, finding.index) == (code, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": True},
        {"at": "2026-03-01 12:00:00Z"},
        {"at": "2026-03-01T12:00:00.5Z"},
        {"at": "2026-02-30T12:00:00Z"},
        {"id": ""},
        {"kind": 7},
        {"_sd": ["b", "a"]},
        {"budgets": [1]},
        {"budgets": {}},
        {"budgets": [{}]},
        {"outcome": None},
        {"value_minor": "1.00"},
    ],
)
def test_what_is_no_well_formed_entry_is_found(tmp_path: Path, change: dict[str, object]) -> None:
    """A field of another type, or a layout that is not known, is not guessed at."""
    ledger = Ledger()
    ledger.approve(100)
    ledger.entries[0].update(change)
    report = verified(write_log(tmp_path / "log", ledger.written()))
    assert codes(report) == {Code.ENTRY_MALFORMED}


def test_unknown_kinds_are_counted(tmp_path: Path) -> None:
    """What is written in years to come is no fault; that it was not understood is said."""
    ledger = Ledger()
    ledger.approve(100)
    ledger.note("comet", tail=3)
    report = verified(write_log(tmp_path / "log", ledger.written()))
    assert report.holds
    assert report.kinds == {"decision": 1, "comet (unknown)": 1}


def test_findings_are_bounded_and_counted(tmp_path: Path) -> None:
    """The first of each kind are told in full, and how many there are of all."""
    ledger = Ledger()
    for _ in range(3 * KEPT_PER_CODE):
        ledger.approve(100)
    for entry in ledger.entries:
        entry["v"] = 9
    report = verified(write_log(tmp_path / "log", written(ledger.entries)))
    assert len(report.findings) == KEPT_PER_CODE
    assert report.found == 3 * KEPT_PER_CODE


@pytest.mark.parametrize("note", [None, b"", b"no note"])
def test_without_a_checkpoint_there_is_nothing_to_verify(
    honest: Path, log: Path, note: bytes | None
) -> None:
    """It is said at once, and not found at the end."""
    if note is None:
        source = FolderSource(log)
        (log / CHECKPOINT).unlink()
    else:
        (log / CHECKPOINT).write_bytes(note)
        source = FolderSource(log)
    with pytest.raises(SourceError):
        verify(source, [KEY])


def test_a_folder_without_a_log_is_refused(tmp_path: Path) -> None:
    """The message says how to make a copy."""
    with pytest.raises(SourceError, match="remit audit export"):
        FolderSource(tmp_path)


def test_progress_ends_with_the_last_entry(honest: Path) -> None:
    """Whoever shows a bar sees it fill."""
    seen: list[tuple[int, int]] = []
    verify(FolderSource(honest), [KEY], progress=lambda done, size: seen.append((done, size)))
    assert seen[-1] == (SIZE, SIZE)
