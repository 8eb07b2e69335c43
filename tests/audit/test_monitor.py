"""Monitor: what was seen once is never taken back unnoticed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.adapters.signer import Ed25519Signer
from service.audit.finding import Code
from service.audit.monitor import CONFLICT, Alarm, Watched, watch
from service.audit.note import parse_key
from service.audit.source import CHECKPOINT, SourceError
from tests.audit.ledger import STAY, Ledger
from tests.audit.logs import KEY, MemorySource, note_of
from tests.core.trees import OTHER, SIGNER


@pytest.fixture(scope="module")
def entries() -> list[bytes]:
    ledger = Ledger()
    for _ in range(700):
        ledger.approve(1, caps=[STAY])
    return ledger.written()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "seen"


def look(entries: list[bytes], state: Path) -> Watched:
    return watch(MemorySource(entries), [KEY], state)


def alarm(entries: list[bytes], state: Path) -> Code:
    with pytest.raises(Alarm) as raised:
        look(entries, state)
    return raised.value.finding.code


def test_a_log_that_grows_is_no_alarm(entries: list[bytes], state: Path) -> None:
    """From any size to any larger one, at and beyond the ends of tiles; and with none new."""
    before: int | None = None
    for size in (0, 1, 2, 255, 256, 257, 300, 300, 512, 700):
        seen = look(entries[:size], state)
        assert (None if seen.before is None else seen.before.size, seen.now.size) == (before, size)
        before = size
    assert state.read_bytes() == note_of(entries)


@pytest.mark.parametrize("size", [1, 255, 256, 400, 700])
def test_a_fork_is_an_alarm(entries: list[bytes], state: Path, size: int) -> None:
    """Another entry anywhere below what was seen; the evidence is kept, and the state too."""
    look(entries[:size], state)
    other = [*entries[: size // 2], b'{"other":1}', *entries[size // 2 + 1 :]]
    assert alarm(other, state) is Code.FORK
    assert state.read_bytes() == note_of(entries, size)
    assert state.with_name(state.name + CONFLICT).read_bytes() == note_of(other)


def test_a_log_that_shrank_is_an_alarm(entries: list[bytes], state: Path) -> None:
    """A database that was set back to a backup, for example."""
    look(entries[:400], state)
    assert alarm(entries[:399], state) is Code.SHRUNK


def test_tiles_that_do_not_fit_are_an_alarm(entries: list[bytes], state: Path) -> None:
    """A signed root without tiles that lead to it proves nothing."""
    look(entries[:400], state)
    source = MemorySource(entries)
    tile = bytearray(source.files["tile/0/001"])
    tile[40 * 32] ^= 1
    source.files["tile/0/001"] = bytes(tile)
    with pytest.raises(Alarm):
        watch(source, [KEY], state)


def test_another_signer_is_an_alarm(entries: list[bytes], state: Path) -> None:
    """Whoever has not the key cannot speak for the log."""
    look(entries[:10], state)
    source = MemorySource(entries)
    stranger = Ed25519Signer(SIGNER.verifier_key.name, b"\x07" * 32)
    source.files[CHECKPOINT] = note_of(entries, signer=stranger)
    with pytest.raises(Alarm) as raised:
        watch(source, [KEY], state)
    assert raised.value.finding.code is Code.SIGNATURE_MISSING


def test_another_origin_is_an_alarm(entries: list[bytes], state: Path) -> None:
    """A restarted log is another one until its operator has said why."""
    look(entries[:10], state)
    source = MemorySource(entries)
    source.files[CHECKPOINT] = note_of(entries, signer=OTHER)
    with pytest.raises(Alarm) as raised:
        watch(source, [KEY, parse_key(OTHER.verifier_key.encoded())], state)
    assert raised.value.finding.code is Code.OTHER_ORIGIN


def test_a_broken_state_is_never_taken_for_a_first_time(entries: list[bytes], state: Path) -> None:
    """Else whoever can spoil the file could make the monitor forget."""
    look(entries[:10], state)
    state.write_bytes(b"spoilt")
    with pytest.raises(SourceError, match="no checkpoint that was kept"):
        look(entries, state)


def test_the_state_is_replaced_whole(entries: list[bytes], state: Path) -> None:
    """No half of a file, and no other file, is left behind."""
    for size in (5, 6, 7):
        look(entries[:size], state)
    assert [path.name for path in state.parent.iterdir()] == [state.name]


def test_a_source_that_is_away_changes_nothing(entries: list[bytes], state: Path) -> None:
    """What cannot be read is no alarm and no progress."""

    class Away:
        def read(self, path: str) -> bytes:
            raise SourceError("away")

        def checkpoints(self) -> Iterator[bytes]:
            raise SourceError("away")

    look(entries[:5], state)
    kept = state.read_bytes()
    with pytest.raises(SourceError, match="away"):
        watch(Away(), [KEY], state)
    assert state.read_bytes() == kept
