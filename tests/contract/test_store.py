"""What every database guarantees as a store of decisions."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from service.adapters.sql.store import SqlStore
from service.app.records import IdempotencyRecord, SubjectKeyRecord, Writes
from service.core.budget import Balance
from tests.fakes.clock import FakeClock
from tests.stored import (
    ANSWERED,
    AT,
    ENTRY,
    ESCALATION,
    KEY,
    OPENING,
    POLICY,
    RESOLUTION,
    SURROGATE,
    budgets,
    change,
    charged,
    spend,
)


def write(store: SqlStore, **writes: object) -> None:
    with store.begin() as tx:
        tx.write(Writes(**writes))  # type: ignore[arg-type]


# ── What is written is read again, exactly ──


def test_every_record_reads_back_as_it_was_written(store: SqlStore) -> None:
    """Each field of each record survives: bytes, microseconds, amounts, lists, nulls."""
    write(
        store,
        policies=[POLICY],
        head=POLICY.version,
        keys=[KEY],
        subject_keys=[SubjectKeyRecord(subject="sub_1", wrapped=b"\x00wrapped")],
        surrogates=[SURROGATE],
        resolutions=[RESOLUTION],
        escalations=[ESCALATION],
        entries=[ENTRY],
        openings=[OPENING],
    )
    with store.read() as reader:
        assert reader.head() == POLICY.version
        assert reader.find_policy(POLICY.version) == POLICY
        assert reader.find_key(KEY.digest) == KEY
        assert reader.list_keys() == [KEY]
        assert reader.subject_keys(["sub_1", "sub_2"]) == {"sub_1": b"\x00wrapped"}
        assert reader.surrogates([SURROGATE.fingerprint, b"?"]) == {
            SURROGATE.fingerprint: SURROGATE
        }
        assert reader.find_resolution("res_1") == RESOLUTION
        assert reader.find_escalation("esc_1") == ESCALATION
        assert reader.find_entry("ent_1") == ENTRY
        assert reader.openings(["ent_1", "ent_2"]) == {"ent_1": OPENING}


def test_a_rolling_balance_reads_back_as_it_was_written(store: SqlStore) -> None:
    """Holds, spends with their instants, the version and an absent window survive."""
    spends = ((AT, 5), (AT + timedelta(microseconds=1), 2**53 - 1))
    row = replace(
        budgets("repeat")["repeat"],
        starts_at=None,
        ends_at=None,
        site=None,
        balance=Balance(held=7, settled=2**53 + 4, version=3, spends=spends),
    )
    with store.begin() as tx:
        assert tx.lock_budgets({"repeat": row}) == {"repeat": row}
    with store.read() as reader:
        assert reader.budgets(["repeat", "none"]) == {"repeat": row}


def test_what_is_absent_is_none(store: SqlStore) -> None:
    """An empty database answers none and nothing, to every question."""
    with store.begin() as tx:
        assert tx.head() is None
    with store.read() as reader:
        assert reader.head() is None
        assert reader.find_policy("v") is None
        assert reader.find_key(b"\x01" * 32) is None
        assert reader.find_resolution("res_1") is None
        assert reader.find_escalation("esc_1") is None
        assert reader.find_entry("ent_1") is None
        assert reader.list_keys() == []
        assert reader.budgets([]) == {}


# ── A transaction is all or nothing ──


def test_an_exception_leaves_nothing(store: SqlStore) -> None:
    """Whatever was inserted, locked or written before an exception is gone after it."""
    with pytest.raises(ZeroDivisionError), store.begin() as tx:  # noqa: PT012 — the last one raises
        tx.lock_idempotency(["ana|1"])
        tx.lock_budgets(budgets("shift"))
        tx.write(Writes(policies=[POLICY], head=POLICY.version, resolutions=[RESOLUTION]))
        raise ZeroDivisionError
    with store.read() as reader:
        assert reader.head() is None
        assert reader.find_resolution("res_1") is None
        assert reader.budgets(["shift"]) == {}
    with store.begin() as tx:
        assert tx.lock_idempotency(["ana|1"]) == {"ana|1": IdempotencyRecord(key="ana|1")}


def test_a_failed_statement_leaves_nothing(store: SqlStore) -> None:
    """A duplicate id in the last table undoes what the tables before it got."""
    write(store, entries=[ENTRY])
    with pytest.raises(IntegrityError):
        write(store, resolutions=[RESOLUTION], entries=[ENTRY])
    with store.read() as reader:
        assert reader.find_resolution("res_1") is None


def test_readers_see_only_what_is_committed(store: SqlStore) -> None:
    """A reader beside an open transaction sees the state before it; the next one sees it all."""
    with store.begin() as tx:
        tx.write(Writes(resolutions=[RESOLUTION]))
        with store.read() as reader:
            assert reader.find_resolution("res_1") is None
    with store.read() as reader:
        assert reader.find_resolution("res_1") == RESOLUTION


def test_a_read_is_consistent(store: SqlStore) -> None:
    """What commits while a reader reads does not change what this reader sees."""
    with store.read() as reader:
        assert reader.head() is None
        write(store, policies=[POLICY], head=POLICY.version)
        assert reader.find_policy(POLICY.version) is None


def test_readers_cannot_write(store: SqlStore) -> None:
    """The connections that readers use refuse to change anything."""
    with store.read() as reader, pytest.raises(Exception, match=r"(?i)read-?only"):
        reader._connection.exec_driver_sql("DELETE FROM entries")  # noqa: SLF001


# ── The instant of a transaction ──


def test_instants_never_go_back(store: SqlStore, clock: FakeClock) -> None:
    """A later transaction's instant is never earlier, even if the clock was set back."""
    with store.begin() as tx:
        first = tx.at
    clock.advance(timedelta(hours=-1))
    with store.begin() as tx:
        assert tx.at >= first
        assert tx.at.utcoffset() == timedelta(0)
        assert tx.at is tx.at


# ── Locks ──


def test_locking_what_is_absent_inserts_it_once(store: SqlStore) -> None:
    """The first transaction inserts what it wants; later ones get what stands instead."""
    wanted = budgets("b", "a")
    with store.begin() as tx:
        assert tx.lock_budgets(wanted) == wanted
        assert tx.lock_surrogates({SURROGATE.fingerprint: SURROGATE}) == {
            SURROGATE.fingerprint: SURROGATE
        }
        assert tx.lock_subject_keys({"sub_1": b"first"}) == {"sub_1": b"first"}
    other = replace(SURROGATE, surrogate="sub_2", subject="sub_2")
    with store.begin() as tx:
        again = tx.lock_budgets({"a": replace(wanted["a"], row="bud_z"), **budgets("c")})
        assert again == {"a": wanted["a"], **budgets("c")}
        assert tx.lock_surrogates({SURROGATE.fingerprint: other}) == {
            SURROGATE.fingerprint: SURROGATE
        }
        assert tx.lock_subject_keys({"sub_1": b"second", "sub_2": b"third"}) == {
            "sub_1": b"first",
            "sub_2": b"third",
        }


def test_locking_nothing_locks_nothing(store: SqlStore) -> None:
    """Every lock takes an empty collection, and answers with an empty one."""
    with store.begin() as tx:
        assert tx.live_keys([]) == frozenset()
        assert tx.lock_idempotency([]) == {}
        assert tx.lock_surrogates({}) == {}
        assert tx.lock_subject_keys({}) == {}
        assert tx.lock_escalations([]) == {}
        assert tx.lock_resolutions([]) == {}
        assert tx.lock_budgets({}) == {}


def test_what_cannot_be_inserted_is_locked_if_it_exists(store: SqlStore) -> None:
    """Resolutions and escalations that do not exist are simply not among the locked."""
    write(store, resolutions=[RESOLUTION], escalations=[ESCALATION])
    with store.begin() as tx:
        assert tx.lock_resolutions({"res_1", "res_2"}) == {"res_1": RESOLUTION}
        assert tx.lock_escalations({"esc_1", "esc_2"}) == {"esc_1": ESCALATION}


def test_keys_that_are_revoked_or_expired_are_not_live(store: SqlStore) -> None:
    """A key lives until the instant at which it expires, exclusively, or is revoked."""
    with store.begin() as tx:
        now = tx.at
    keys = [
        replace(KEY, id="key_forever", digest=b"a" * 32),
        replace(KEY, id="key_later", digest=b"b" * 32, expires_at=now + timedelta(days=1)),
        replace(KEY, id="key_over", digest=b"c" * 32, expires_at=now),
        replace(KEY, id="key_revoked", digest=b"d" * 32),
    ]
    write(store, keys=keys)
    write(store, revoked_keys=["key_revoked"])
    with store.begin() as tx:
        live = tx.live_keys([key.id for key in keys] + ["key_unknown"])
        assert live == {"key_forever", "key_later"}
    with store.read() as reader:
        revoked = reader.find_key(b"d" * 32)
        assert revoked is not None
        assert revoked.revoked_at is not None


# ── Changes ──


def test_a_charge_is_what_the_next_transaction_reads(store: SqlStore) -> None:
    """A changed balance stands for whoever locks the row next."""
    with store.begin() as tx:
        row = tx.lock_budgets(budgets("shift"))["shift"]
        tx.write(Writes(budgets=[spend(row, 500)]))
    with store.begin() as tx:
        assert tx.lock_budgets(budgets("shift")) == {"shift": charged(row, 500)}


def test_several_charges_of_a_row_are_written_as_one(store: SqlStore) -> None:
    """The version goes up by one for each of them, from the one that was read."""
    with store.begin() as tx:
        row = tx.lock_budgets(budgets("shift"))["shift"]
        after = charged(charged(charged(row, 1), 2), 3)
        tx.write(Writes(budgets=[change(after, row)]))
    with store.read() as reader:
        assert reader.budgets(["shift"])["shift"].balance == Balance(0, 6, 3)


@pytest.mark.parametrize("more", [1, 2, 7])
def test_a_stale_balance_is_never_written(store: SqlStore, more: int) -> None:
    """What was computed from a version that is gone undoes all, whatever version it would write."""
    with store.begin() as tx:
        first = tx.lock_budgets(budgets("shift"))["shift"]
        tx.write(Writes(budgets=[spend(first, 500)]))
    stale = first
    for _ in range(more):
        stale = charged(stale, 100)
    with pytest.raises(LookupError, match="budgets"):
        write(store, budgets=[change(stale, first)], resolutions=[RESOLUTION])
    with store.read() as reader:
        assert reader.budgets(["shift"])["shift"].balance == Balance(0, 500, 1)
        assert reader.find_resolution("res_1") is None


def test_a_balance_of_the_future_is_never_written(store: SqlStore) -> None:
    """What claims to come after a change that nobody committed undoes all."""
    with store.begin() as tx:
        row = tx.lock_budgets(budgets("shift"))["shift"]
    unseen = charged(row, 1)
    with pytest.raises(LookupError, match="budgets"):
        write(store, budgets=[spend(unseen, 1)])


def test_one_stale_balance_undoes_the_others(store: SqlStore) -> None:
    """Of several rows that a transaction changes, each must stand as it was read."""
    with store.begin() as tx:
        rows = tx.lock_budgets(budgets("a", "b", "c"))
        tx.write(Writes(budgets=[spend(rows["b"], 5)]))
    with pytest.raises(LookupError, match="of 3 rows to change, 2"):
        write(store, budgets=[spend(row, 7) for row in rows.values()])
    with store.read() as reader:
        found = reader.budgets(["a", "b", "c"])
    assert {key: row.balance.settled for key, row in found.items()} == {"a": 0, "b": 5, "c": 0}


@pytest.mark.parametrize("wrong", [Balance(held=-1, version=1), Balance(settled=-1, version=1)])
def test_no_balance_is_ever_negative(store: SqlStore, wrong: Balance) -> None:
    """The database itself refuses to hold less than nothing."""
    with store.begin() as tx:
        row = tx.lock_budgets(budgets("shift"))["shift"]
    with pytest.raises(IntegrityError):
        write(store, budgets=[change(replace(row, balance=wrong), row)])


def test_a_change_replaces_the_record(store: SqlStore) -> None:
    """A changed resolution and a changed escalation read back as they were last written."""
    resolution = replace(RESOLUTION, outcome="escalated", state="pending", escalation="esc_1")
    write(store, resolutions=[resolution], escalations=[ESCALATION])
    settled = replace(resolution, outcome="approved", state="settled", answer=b"{}")
    answered = replace(
        ESCALATION,
        state="approved",
        approvals=("grace", "gus"),
        answered_by="gus",
        answered_at=AT + timedelta(minutes=1),
    )
    write(store, resolution_changes=[settled], escalation_changes=[answered])
    with store.read() as reader:
        assert reader.find_resolution("res_1") == settled
        assert reader.find_escalation("esc_1") == answered


def test_what_is_not_there_cannot_be_changed(store: SqlStore) -> None:
    """Changing a resolution, an escalation, a used key or a key that does not exist is an error."""
    for changes in (
        {"resolution_changes": [RESOLUTION]},
        {"escalation_changes": [ESCALATION]},
        {"idempotency": [ANSWERED]},
        {"revoked_keys": ["key_1"]},
        {"budgets": [spend(budgets("shift")["shift"], 1)]},
    ):
        with pytest.raises(LookupError):
            write(store, **changes)


def test_publishing_a_version_again_only_moves_the_head(store: SqlStore) -> None:
    """Versions are kept for ever as they were first published; the head follows the last one."""
    second = replace(POLICY, version="sha256:" + "d" * 64)
    write(store, policies=[POLICY], head=POLICY.version)
    write(store, policies=[second], head=second.version)
    write(store, policies=[replace(POLICY, published_by="peter")], head=POLICY.version)
    with store.read() as reader:
        assert reader.head() == POLICY.version
        assert reader.find_policy(POLICY.version) == POLICY
        assert reader.find_policy(second.version) == second


def test_the_head_is_a_version_that_exists(store: SqlStore) -> None:
    """No database can be put under a policy that it does not hold."""
    with pytest.raises(IntegrityError):
        write(store, head="sha256:unknown")


def test_the_owner_of_a_surrogate_may_be_settled_later(store: SqlStore) -> None:
    """Writing a surrogate again changes whom it belongs to."""
    with store.begin() as tx:
        tx.lock_surrogates({SURROGATE.fingerprint: SURROGATE})
        owned = replace(SURROGATE, subject="sub_9")
        tx.write(Writes(surrogates=[owned]))
    with store.read() as reader:
        assert reader.surrogates([SURROGATE.fingerprint]) == {SURROGATE.fingerprint: owned}


# ── Idempotency keys ──


def test_a_used_key_is_locked_with_its_answer(store: SqlStore) -> None:
    """A key is new at first, and from then on carries what it was answered, byte for byte."""
    with store.begin() as tx:
        assert tx.lock_idempotency([ANSWERED.key]) == {
            ANSWERED.key: IdempotencyRecord(key=ANSWERED.key)
        }
        tx.write(Writes(idempotency=[ANSWERED]))
    with store.begin() as tx:
        assert tx.lock_idempotency([ANSWERED.key]) == {ANSWERED.key: ANSWERED}


def test_an_unused_key_is_forgotten_and_a_used_one_is_not(store: SqlStore) -> None:
    """Keys of refused requests are free again; an answered or erased key can never be freed."""
    erased = IdempotencyRecord(key="erased", resolution="res_1", status=201, erased=True)
    with store.begin() as tx:
        tx.lock_idempotency([ANSWERED.key, "erased", "unused"])
        tx.write(Writes(idempotency=[ANSWERED, erased]))
    write(store, unused_idempotency=[ANSWERED.key, "erased", "unused"])
    with store.begin() as tx:
        assert tx.lock_idempotency([ANSWERED.key, "erased", "unused"]) == {
            ANSWERED.key: ANSWERED,
            "erased": erased,
            "unused": IdempotencyRecord(key="unused"),
        }
