"""A checkpoint is signed only over what goes on from everything that was signed before."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from service.adapters.signer import verify_ed25519
from service.adapters.sql.store import open_database
from service.app.checkpoints import IDLE, SPACING
from service.app.logalarm import LogAlarm
from service.core.checkpoint import Checkpoint, open_checkpoint
from service.core.merkle import leaf_hash, tree_root
from service.core.note import parse_note, parse_verifier_key
from service.core.proof import prove_consistency
from tests.core.outsiders import OUTSIDERS, count_signatures
from tests.core.trees import node_of
from tests.logged import NEW_SEED, ORIGIN, SEED, Logged, entry, logged, rows, sign_with

KEY = sign_with(SEED)(ORIGIN).verifier_key.encoded()


@pytest.fixture
def log(database_url: str, tmp_path: Path) -> Iterator[Logged]:
    with logged(database_url, tmp_path / "copy") as opened:
        yield opened


@pytest.fixture
def embedded(sqlite_url: str, tmp_path: Path) -> Iterator[Logged]:
    with logged(sqlite_url, tmp_path / "copy") as opened:
        yield opened


def body_hashes(log: Logged) -> list[bytes]:
    with log.store.read() as reader:
        return [leaf_hash(body) for body in reader.log.bodies(0, 100_000)]


# ── What is signed, and when ──


def test_a_checkpoint_covers_what_was_committed(log: Logged) -> None:
    """Others read its origin, size and root under the log's key."""
    log.begin(300, 5)
    record = log.publish(IDLE)
    assert (record.number, record.size) == (2, 306)
    for outsider in OUTSIDERS:
        found = outsider.checkpoint(record.note, KEY)
        assert found == (ORIGIN, 306, tree_root(body_hashes(log)))


def test_each_checkpoint_goes_on_from_the_one_before(log: Logged) -> None:
    """Others accept the proof from each to the next."""
    log.begin(3)
    for count in (1, 250, 2, 600):
        log.write(count)
        log.publish()
    records = log.checkpoints()[::-1]
    hashes = body_hashes(log)
    assert [record.size for record in records] == [4, 5, 255, 257, 857]
    for old, new in pairwise(records):
        roots = tree_root(hashes[: old.size]), tree_root(hashes[: new.size])
        proof = prove_consistency(old.size, new.size, node_of(hashes[: new.size]))
        for outsider in OUTSIDERS:
            assert outsider.consistency((old.size, new.size), proof.hashes, roots)


def test_nothing_is_signed_before_its_key_is_announced(log: Logged) -> None:
    """The first checkpoint covers the entry that names the key it is signed with."""
    log.write(3)
    log.integrator.integrate()
    assert not log.publisher.publish()
    log.keys.announce()
    assert not log.publisher.publish()
    log.publish()
    (key,) = log.keys.list()
    with log.store.read() as reader:
        assert reader.log.find_index(key.entry) == 3
    assert key.key == KEY == log.keys.current()


def test_checkpoints_keep_a_distance(log: Logged) -> None:
    """Under load there are a few in a second, and none where nothing is new."""
    log.begin(1)
    log.write(1)
    log.integrator.integrate()
    assert not log.publisher.publish()
    log.clock.advance(SPACING)
    assert log.publisher.publish()
    log.clock.advance(SPACING)
    assert not log.publisher.publish()


def test_a_silent_log_is_signed_again(log: Logged) -> None:
    """The same size after an hour, so that a log that stops is told from one that is idle."""
    log.begin(1)
    log.clock.advance(IDLE - timedelta(microseconds=1))
    assert not log.publisher.publish()
    again = log.publish(timedelta(microseconds=1))
    assert again.size == log.checkpoints()[1].size
    assert again.at - log.checkpoints()[1].at == IDLE


def test_a_clock_that_goes_back_holds_nothing_up(embedded: Logged) -> None:
    """New entries are published at once where the last checkpoint lies in the future."""
    embedded.begin(1)
    embedded.clock.at -= timedelta(days=1)
    with open_database(embedded.url, embedded.clock) as store:
        later = Logged(store, embedded.clock, embedded.url)
        later.write(1)
        later.publish(timedelta())


def test_a_checkpoint_ends_at_a_boundary(log: Logged) -> None:
    """What has an index but not everything committed before it is not signed yet."""
    log.begin(4)
    log.write(5)
    log.integrator.integrate()
    log.alter("UPDATE log_extent SET boundary = 7")
    assert log.publish().size == 7


def test_of_two_that_sign_at_once_one_is_kept(log: Logged) -> None:
    """A number is given once, so what is kept has no two ends."""
    log.begin(4)
    record = replace(log.last(), size=1)
    with log.store.begin() as tx:
        assert not tx.log.keep_checkpoint(record)
    assert log.last().size == 5


# ── What is refused ──


def test_a_changed_entry_is_refused(log: Logged) -> None:
    """An entry whose bytes are not those that were hashed is not covered."""
    log.begin(3)
    ids = log.write(2)
    log.alter("UPDATE entries SET body = :body WHERE id = :id", body=b"{}", id=ids[1])
    alarm = log.refused()
    assert alarm.code == "log_altered"
    assert "index 5" in alarm.message
    assert "remit audit restart" in alarm.remedy


def test_an_older_changed_entry_is_found_in_turn(log: Logged) -> None:
    """Each checkpoint has some of what was covered before hashed again."""
    log.begin(600)
    log.alter("UPDATE entries SET body = :body WHERE id = :id", body=b"{}", id=entry(17).id)
    with pytest.raises(LogAlarm) as refused:  # noqa: PT012 — which of them raises is its own choice
        for _ in range(4):
            log.write(1)
            log.publish()
    assert refused.value.code == "log_altered"


TILES: dict[str, Callable[[Logged], None]] = {
    "a hash in a tile": lambda log: log.alter(
        "UPDATE log_tiles SET hashes = :hashes WHERE level = 0 AND tile_index = 1",
        hashes=b"\x07" * 8192,
    ),
    "a root over a tile": lambda log: log.alter(
        "UPDATE log_tiles SET root = :root WHERE level = 0 AND tile_index = 0", root=b"\x07" * 32
    ),
    "a tile that is gone": lambda log: log.alter("DELETE FROM log_tiles WHERE tile_index = 1"),
    "an entry that is gone": lambda log: log.alter(
        "DELETE FROM entries WHERE id IN (SELECT entry FROM log_leaves WHERE leaf_index = 600)"
    ),
    "an index that is gone": lambda log: log.alter("DELETE FROM log_leaves WHERE leaf_index = 600"),
    "a leaf hash": lambda log: log.alter(
        "UPDATE entries SET leaf = :leaf WHERE id IN"
        " (SELECT entry FROM log_leaves WHERE leaf_index = 600)",
        leaf=b"\x07" * 32,
    ),
}


@pytest.mark.parametrize("what", TILES)
def test_altered_rows_are_refused(log: Logged, what: str) -> None:
    """Whatever the next roots and proofs are made from is shown to be what it was."""
    log.begin(601)
    TILES[what](log)
    alarms = []
    for _ in range(3):
        log.write(1)
        log.integrator.integrate()
        log.clock.advance(SPACING)
        try:
            log.publisher.publish()
        except LogAlarm as alarm:
            alarms.append(alarm.code)
    assert alarms
    assert set(alarms) <= {"log_altered", "log_forked"}


def test_a_log_that_begins_otherwise_is_a_fork(log: Logged) -> None:
    """Two entries that changed places make another tree, and it is not signed."""
    log.begin(9)
    log.alter("UPDATE log_leaves SET leaf_index = 100 WHERE leaf_index = 2")
    log.alter("UPDATE log_leaves SET leaf_index = 2 WHERE leaf_index = 3")
    log.alter("UPDATE log_leaves SET leaf_index = 3 WHERE leaf_index = 100")
    log.write(1)
    assert log.refused().code == "log_forked"


def test_a_shrunk_log_is_refused(log: Logged) -> None:
    """At once, though nothing is due."""
    log.begin(9)
    log.alter("UPDATE log_extent SET size = 7, boundary = 7")
    with pytest.raises(LogAlarm) as refused:
        log.publisher.publish()
    assert refused.value.code == "log_shrunk"


def test_a_log_without_its_extent_is_refused(log: Logged) -> None:
    """A row that nobody may delete is missed."""
    log.begin(9)
    log.alter("DELETE FROM log_extent")
    with pytest.raises(LogAlarm) as refused:
        log.publisher.publish()
    assert refused.value.code == "log_shrunk"


def test_a_changed_checkpoint_is_refused(log: Logged) -> None:
    """What was kept is believed only where a key of the log signed it."""
    log.begin(9)
    forged = Checkpoint(origin=ORIGIN, size=3, root=tree_root(body_hashes(log)[:3]))
    stranger = sign_with(NEW_SEED)(ORIGIN)
    note = forged.signed(stranger.verifier_key, stranger.sign)
    log.alter("UPDATE log_checkpoints SET size = 3, note = :note", note=note)
    log.write(1)
    assert log.refused().code == "checkpoint_unreadable"


def test_a_database_that_was_put_back_is_refused(embedded: Logged, tmp_path: Path) -> None:
    """The copy beside it knows of more, whatever was written since."""
    url, backup = embedded.url, tmp_path / "backup.db"
    embedded.begin(9)
    embedded.store.close()
    shutil.copyfile(url.removeprefix("sqlite:///"), backup)
    with open_database(url, embedded.clock) as store:
        later = Logged(store, embedded.clock, url, tmp_path / "copy")
        later.write(5)
        later.publish()
    shutil.copyfile(backup, url.removeprefix("sqlite:///"))
    with open_database(url, embedded.clock) as store:
        restored = Logged(store, embedded.clock, url, tmp_path / "copy")
        with pytest.raises(LogAlarm) as refused:
            restored.publisher.publish()
        assert refused.value.code == "log_shrunk"
        restored.skip(100)
        restored.write(7)
        assert restored.refused().code == "log_forked"


def test_a_database_that_was_put_back_under_a_running_process_is_refused(log: Logged) -> None:
    """Where there is no copy, the process itself remembers what it saw."""
    log.publisher = Logged(log.store, log.clock, log.url).publisher
    log.begin(9)
    log.write(5)
    log.publish()
    log.alter("DELETE FROM log_checkpoints WHERE number = 2")
    log.alter("UPDATE log_extent SET size = 10, boundary = 10")
    log.alter("DELETE FROM log_leaves WHERE leaf_index >= 10")
    with pytest.raises(LogAlarm) as refused:
        log.publisher.publish()
    assert refused.value.code == "log_shrunk"


def test_an_empty_database_in_the_place_of_a_log_is_refused(
    embedded: Logged, tmp_path: Path
) -> None:
    """A copy of a checkpoint says that there was a log."""
    foreign = Checkpoint(origin="log.example/other", size=1, root=b"\x01" * 32)
    signer = sign_with(SEED)("log.example/other")
    (tmp_path / "copy").write_bytes(foreign.signed(signer.verifier_key, signer.sign))
    with pytest.raises(LogAlarm) as refused:
        embedded.publisher.publish()
    assert refused.value.code == "unknown_origin"
    embedded.keys.announce()
    assert embedded.refused().code == "unknown_origin"


def test_a_copy_that_is_none_is_refused(embedded: Logged, tmp_path: Path) -> None:
    """It is not passed over as if there were none."""
    embedded.begin(1)
    (tmp_path / "copy").write_bytes(b"")
    assert embedded.refused().code == "checkpoint_unreadable"


def test_the_copy_is_the_checkpoint_that_was_kept_last(log: Logged, tmp_path: Path) -> None:
    """Byte for byte, after each."""
    log.begin(1)
    log.write(1)
    assert log.publish().note == (tmp_path / "copy").read_bytes()


def test_what_was_refused_is_published_once_it_is_mended(log: Logged) -> None:
    """Nothing of an alarm remains."""
    log.begin(3)
    ids = log.write(2)
    ((body,),) = rows(log.url, "SELECT body FROM entries WHERE id = :id", {"id": ids[0]})
    log.alter("UPDATE entries SET body = :body WHERE id = :id", body=b"{}", id=ids[0])
    assert log.refused().code == "log_altered"
    log.alter("UPDATE entries SET body = :body WHERE id = :id", body=body, id=ids[0])
    assert log.publish().size == 6


# ── Keys ──


def test_a_new_key_is_announced_under_the_old_one(log: Logged) -> None:
    """Whoever knows the old key alone reads the entry that names the new one."""
    log.begin(2)
    new = Logged(log.store, log.clock, log.url, seed=NEW_SEED, old_seed=SEED)
    new.begin(1)
    first, second = new.keys.list()
    assert (first.key, second.key) == (KEY, new.keys.current())
    note = new.last().note
    assert count_signatures(note, [KEY, second.key]) == 2
    old_only = [parse_verifier_key(KEY)]
    checkpoint = open_checkpoint(note, origin=ORIGIN, keys=old_only, verify=verify_ed25519)
    with log.store.read() as reader:
        index = reader.log.find_index(second.entry)
        assert index is not None
        assert index < checkpoint.size
        assert KEY.encode() in reader.log.bodies(index, index + 1)[0]
    alone = Logged(log.store, log.clock, log.url, seed=NEW_SEED)
    alone.write(1)
    assert len(parse_note(alone.publish().note).signatures) == 1


def test_a_key_that_nobody_vouches_for_signs_nothing(log: Logged) -> None:
    """It is not even announced."""
    log.begin(2)
    stranger = Logged(log.store, log.clock, log.url, seed=NEW_SEED)
    with pytest.raises(LogAlarm) as refused:
        stranger.keys.announce()
    assert refused.value.code == "unknown_signing_key"
    assert stranger.refused().code == "unknown_signing_key"
    assert [key.key for key in log.keys.list()] == [KEY]
    wrong = Logged(log.store, log.clock, log.url, seed=NEW_SEED, old_seed=bytes(32))
    with pytest.raises(LogAlarm):
        wrong.keys.announce()


def test_a_process_with_the_older_key_stops_signing(log: Logged) -> None:
    """Announcing it again changes nothing: the log has gone on."""
    log.begin(2)
    new = Logged(log.store, log.clock, log.url, seed=NEW_SEED, old_seed=SEED)
    new.begin(1)
    log.keys.announce()
    log.write(1)
    assert log.refused().code == "old_signing_key"
    new.write(1)
    new.publish()
