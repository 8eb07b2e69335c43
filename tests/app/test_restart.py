"""After a restore the log goes on under a new name, and says where the old one ended."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from service.adapters.sql.store import open_database
from service.app.errors import Conflict
from service.app.logalarm import LogAlarm
from service.core.checkpoint import Checkpoint, parse_checkpoint
from service.core.note import parse_note
from service.core.refusal import Refused
from tests.core.outsiders import OUTSIDERS
from tests.logged import NEW_SEED, ORIGIN, SEED, Logged, logged, sign_with


@pytest.fixture
def log(database_url: str, tmp_path: Path) -> Iterator[Logged]:
    with logged(database_url, tmp_path / "copy") as opened:
        yield opened


def body(log: Logged, entry: str) -> dict[str, object]:
    with log.store.read() as reader:
        record = reader.find_entry(entry)
    assert record is not None
    found: dict[str, object] = orjson.loads(record.body)
    return found


def checkpoint(note: bytes) -> Checkpoint:
    return parse_checkpoint(parse_note(note).text)


def test_a_restored_database_goes_on_under_a_new_origin(sqlite_url: str, tmp_path: Path) -> None:
    """The drill: back up, go on, restore, be refused, restart, be published again."""
    path, backup = sqlite_url.removeprefix("sqlite:///"), tmp_path / "backup.db"
    with logged(sqlite_url, tmp_path / "copy") as log:
        log.begin(9)
        log.store.close()
        shutil.copyfile(path, backup)
        with open_database(sqlite_url, log.clock) as store:
            later = Logged(store, log.clock, sqlite_url, tmp_path / "copy")
            later.write(5)
            lost = later.publish()
        shutil.copyfile(backup, path)
        with open_database(sqlite_url, log.clock) as store:
            restored = Logged(store, log.clock, sqlite_url, tmp_path / "copy")
            restored.skip(100)
            restored.write(3)
            assert restored.refused().code == "log_shrunk"
            done = restored.restarter.restart(by="operator")
            assert (done.origin, done.old) == (f"{ORIGIN}/2", checkpoint(lost.note))
            record = restored.publish()
            assert (record.origin, record.size) == (f"{ORIGIN}/2", 10 + 3 + 2)
            for outsider in OUTSIDERS:
                assert outsider.checkpoint(record.note, done.key)
            restored.write(1)
            restored.publish()


def test_the_entry_names_the_old_checkpoint(log: Logged) -> None:
    """Origin, size and root, under the first checkpoint of the new origin."""
    log.begin(300)
    old = checkpoint(log.last().note)
    done = log.restarter.restart(by="operator", origin="log.example/again")
    record = log.publish()
    assert body(log, done.entry)["old"] == {
        "origin": ORIGIN,
        "size": 301,
        "root": old.root.hex(),
    }
    assert body(log, done.entry)["origin"] == "log.example/again"
    with log.store.read() as reader:
        index = reader.log.find_index(done.entry)
        announced = reader.log.find_index(log.keys.list()[-1].entry)
    assert index is not None
    assert announced is not None
    assert max(index, announced) < record.size
    assert log.keys.current() == done.key


def test_running_processes_follow(log: Logged, tmp_path: Path) -> None:
    """Whoever published under the old name publishes under the new one, without a restart."""
    log.begin(3)
    elsewhere = Logged(log.store, log.clock, log.url, tmp_path / "copy")
    elsewhere.restarter.restart(by="operator")
    assert log.publish().origin == f"{ORIGIN}/2"
    elsewhere.restarter.restart(by="operator")
    assert log.publish().origin == f"{ORIGIN}/3"
    assert [key.origin for key in log.keys.list()] == [ORIGIN, f"{ORIGIN}/2", f"{ORIGIN}/3"]


def test_a_lost_key_is_replaced(log: Logged) -> None:
    """A new origin may have a new key, which nobody had to vouch for."""
    log.begin(3)
    new = Logged(log.store, log.clock, log.url, seed=NEW_SEED)
    assert new.refused().code == "unknown_signing_key"
    done = new.restarter.restart(by="operator")
    assert done.key == sign_with(NEW_SEED)(done.origin).verifier_key.encoded()
    assert new.publish().origin == done.origin
    log.write(1)
    assert log.refused().code == "unknown_signing_key"


def test_a_note_from_elsewhere_counts_where_it_is_longer(log: Logged) -> None:
    """An auditor may have seen more than the restored database knows of."""
    log.begin(3)
    signer = sign_with(SEED)(ORIGIN)
    seen = Checkpoint(origin=ORIGIN, size=99, root=b"\x05" * 32)
    note = seen.signed(signer.verifier_key, signer.sign)
    assert log.restarter.restart(by="operator", checkpoint=note).old == seen


def test_what_is_damaged_is_not_signed_under_a_new_name_either(log: Logged) -> None:
    """The first checkpoint of an origin has every entry hashed again."""
    log.begin(300)
    log.alter("UPDATE entries SET body = :body WHERE id LIKE '%_17'", body=b"{}")
    log.restarter.restart(by="operator")
    assert log.refused().code == "log_altered"


def test_a_log_that_was_never_published_needs_no_restart(log: Logged) -> None:
    """There is nothing that it could contradict."""
    with pytest.raises(Conflict) as refused:
        log.restarter.restart(by="operator")
    assert refused.value.code == "never_published"
    assert log.keys.list() == []


@pytest.mark.parametrize("origin", [ORIGIN, "two words", "a+b", "x" * 201])
def test_an_origin_is_new_and_can_be_written(log: Logged, origin: str) -> None:
    """One that the log had, or that no verifier key can bear, is refused."""
    log.begin(1)
    with pytest.raises(Refused) as refused:
        log.restarter.restart(by="operator", origin=origin)
    assert refused.value.faults[0].pointer == "/origin"
    assert len(log.keys.list()) == 1


def test_what_is_no_checkpoint_is_refused(log: Logged) -> None:
    """A file that holds something else does not become the end of a log."""
    log.begin(1)
    with pytest.raises(Refused) as refused:
        log.restarter.restart(by="operator", checkpoint=b"hello\n")
    assert refused.value.faults[0].pointer == "/checkpoint"


def test_a_kept_checkpoint_that_was_changed_is_not_gone_on_from(log: Logged) -> None:
    """Nobody believes it, so nobody writes it into the log."""
    log.begin(1)
    log.alter(
        "UPDATE log_checkpoints SET note = :note", note=log.last().note.replace(b"\n2\n", b"\n1\n")
    )
    with pytest.raises(LogAlarm):
        log.restarter.restart(by="operator")
