"""Group commit: nothing is answered before it is kept, and nobody fails for another."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any, cast

import orjson
import pytest

from service.app.batch import Batch, Reply
from service.app.committer import BATCH_COMMANDS_MAX, Committer
from service.app.errors import Busy, OutcomeUnknown, Unauthenticated, Unavailable
from service.app.ports import Reader, Store, Transaction
from service.app.principal import Principal
from service.app.propose import Answered
from service.app.records import BudgetRecord, SurrogateRecord
from service.core.budget import Balance
from tests.app.house import House


class FailingStore:
    """The store, but what leaving a transaction raises can be said; how often, too."""

    def __init__(self, store: Store, failure: Exception, times: int) -> None:
        self._store = store
        self._failure = failure
        self._left = times
        self.begun = 0

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        self.begun += 1
        with self._store.begin() as transaction:
            yield transaction
            if self._left > 0:
                self._left -= 1
                raise self._failure

    def read(self) -> AbstractContextManager[Reader]:
        return self._store.read()

    def sweep(self) -> None:
        self._store.sweep()


class Remembering:
    """A transaction that shows every budget row as it was before anybody used it."""

    def __init__(self, behind: Transaction) -> None:
        self._behind = behind

    def lock_budgets(self, wanted: Mapping[str, BudgetRecord]) -> Mapping[str, BudgetRecord]:
        rows = self._behind.lock_budgets(wanted)
        return {key: replace(row, balance=Balance()) for key, row in rows.items()}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)


class StaleStore:
    """The store, but its first so many transactions read stale balances."""

    def __init__(self, store: Store, times: int) -> None:
        self._store = store
        self._left = times

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        with self._store.begin() as transaction:
            self._left -= 1
            stale = self._left >= 0
            yield cast("Transaction", Remembering(transaction)) if stale else transaction

    def read(self) -> AbstractContextManager[Reader]:
        return self._store.read()

    def sweep(self) -> None:
        self._store.sweep()


class Poison:
    """A command that breaks while it is decided."""

    def __init__(self, principal: Principal) -> None:
        self.principal = principal

    def idempotency_key(self) -> str | None:
        return None

    def read(self, batch: Batch) -> None:
        """Nothing to read."""

    def surrogates(self, batch: Batch) -> Mapping[bytes, SurrogateRecord]:
        return {}

    def subject(self, batch: Batch) -> str | None:
        return None

    def escalation_id(self) -> str | None:
        return None

    def resolution_id(self) -> str | None:
        return None

    def budgets(self, batch: Batch) -> Mapping[str, BudgetRecord]:
        return {}

    def decide(self, batch: Batch) -> Reply:
        raise ZeroDivisionError


class BrokenMailbox:
    """A door that is gone."""

    def post(self, replies: Any) -> None:
        raise RuntimeError("the loop is closed")


@contextmanager
def committer(house: House, store: Store) -> Iterator[tuple[Committer, list[Exception]]]:
    """A committer of its own over a store, and what it reports."""
    reported: list[Exception] = []
    services = house.services
    made = Committer(store, services.library, services.ids, services.vault, reported.append)
    yield made, reported
    made.stop()


def test_a_commit_that_fails_answers_nobody(house: House) -> None:
    """Without a commit there is no answer that says approved, and nothing in the log."""
    house.principal("ana")
    before = len(house.entries())
    failing = FailingStore(house.services.store, OSError("disk"), times=10)
    with committer(house, failing) as (alone, reported):
        alone.start()
        pending = [alone.submit(house.command(guest=f"G-{number}")) for number in range(3)]
        failures = [future.exception(60) for future in pending]
    assert [type(failure) for failure in failures] == [Unavailable] * 3
    assert [type(failure) for failure in reported] == [OSError] * 3
    assert len(house.entries()) == before


def test_a_poison_command_fails_alone(house: House) -> None:
    """Those who waited with it are decided; it is reported and told that nothing happened."""
    ana = house.principal("ana")
    with committer(house, house.services.store) as (alone, reported):
        good = [alone.submit(house.command(guest=f"G-{number}")) for number in range(2)]
        bad = alone.submit(Poison(ana))
        more = alone.submit(house.command(guest="G-9"))
        alone.start()  # all four wait, so they are one batch
        assert all(isinstance(future.result(60), Answered) for future in [*good, more])
        failure = bad.exception(60)
    assert isinstance(failure, Unavailable)
    assert failure.code == "not_decided"
    assert [type(one) for one in reported] == [ZeroDivisionError]
    assert len(house.entries(kind="decision")) == 3


def test_a_decision_on_a_stale_balance_is_made_again(house: House) -> None:
    """What was computed from a balance that is gone is not written, and nobody notices."""
    house.propose(amount="80.00")
    with committer(house, StaleStore(house.services.store, times=1)) as (alone, reported):
        pending = [alone.submit(house.command(amount="80.00")) for _ in range(3)]
        alone.start()
        outcomes = [orjson.loads(future.result(60).body)["outcome"] for future in pending]  # type: ignore[attr-defined]
    assert outcomes == ["approved", "approved", "escalated"]
    assert reported == []
    assert max(house.balances().values()) == 24_000


def test_nothing_is_decided_on_balances_that_stay_stale(house: House) -> None:
    """Each is told that nothing was changed, and the operator that rows were not as they were."""
    house.propose(amount="80.00")
    before = len(house.entries()), house.balances()
    with committer(house, StaleStore(house.services.store, times=10)) as (alone, reported):
        pending = [alone.submit(house.command(amount="80.00")) for _ in range(2)]
        alone.start()
        failures = [future.exception(60) for future in pending]
    assert [failure.code for failure in failures if isinstance(failure, Unavailable)] == [
        "not_decided",
        "not_decided",
    ]
    assert [type(one) for one in reported] == [LookupError] * 2
    assert (len(house.entries()), house.balances()) == before


def test_a_busy_database_is_tried_again(house: House) -> None:
    """A deadlock that the database undid is nobody's failure."""
    house.principal("ana")
    busy = FailingStore(house.services.store, Busy("again"), times=2)
    with committer(house, busy) as (alone, reported):
        alone.start()
        assert isinstance(alone.submit(house.command()).result(60), Answered)
    assert busy.begun == 3
    assert reported == []
    assert len(house.entries(kind="decision")) == 1


def test_a_commit_nobody_knows_of_is_not_tried_again(house: House) -> None:
    """Done or not done: the caller is told so, and the key finds out."""
    house.principal("ana")
    lost = FailingStore(house.services.store, OutcomeUnknown(), times=1)
    with committer(house, lost) as (alone, _):
        alone.start()
        failure = alone.submit(house.command()).exception(60)
    assert isinstance(failure, OutcomeUnknown)
    assert lost.begun == 1


def test_a_revoked_key_is_refused_in_the_next_batch(house: House) -> None:
    """Whatever a door remembers, the batch asks the database."""
    command = house.command("ana")
    house.services.keys.revoke(house.key("ana").record.id, by="test")
    with pytest.raises(Unauthenticated):
        house.decide(command)


def test_what_waits_is_decided_before_the_end(house: House) -> None:
    """A committer that stops answers whom it took, and turns away whom it did not."""
    house.principal("ana")
    with committer(house, house.services.store) as (alone, _):
        pending = [alone.submit(house.command(guest=f"G-{n}")) for n in range(5)]
        alone.start()
        alone.stop()
        assert all(isinstance(future.result(60), Answered) for future in pending)
        failure = alone.submit(house.command()).exception(60)
    assert isinstance(failure, Unavailable)
    assert failure.code == "stopping"
    assert not alone.is_deciding


def test_a_door_that_is_gone_stops_nobody(house: House) -> None:
    """A reply that nobody takes is dropped; the next one is given."""
    house.principal("ana")
    with committer(house, house.services.store) as (alone, reported):
        alone.send(house.command(), object(), BrokenMailbox())
        kept = alone.submit(house.command(guest="G-2"))
        alone.start()
        assert isinstance(kept.result(60), Answered)
    assert [type(one) for one in reported] == [RuntimeError]


def test_more_than_a_batch_holds_is_decided_in_order(embedded: House) -> None:
    """Commands beyond the bound wait for the next batch, in the order of arrival."""
    house = embedded
    house.principal("ana")
    count = BATCH_COMMANDS_MAX + 10
    with committer(house, house.services.store) as (alone, _):
        pending: list[Future[Reply]] = [
            alone.submit(house.command(amount="0.01", guest=f"G-{number}"))
            for number in range(count)
        ]
        alone.start()
        for future in pending:
            assert isinstance(future.result(60), Answered)
    assert len(house.entries(kind="decision")) == count
