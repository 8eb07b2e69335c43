"""Something goes wrong at each statement of a transaction: all of it happens, or nothing."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import orjson
import psycopg
import pytest
from sqlalchemy import Connection

from service.app.batch import Reply
from service.app.committer import Committer
from service.app.errors import OutcomeUnknown, Unavailable
from service.app.propose import Answered, Propose
from tests.app.house import House, open_house
from tests.attack.clients import shortened
from tests.attack.database import counts, read
from tests.attack.faults import Fault, injected
from tests.attack.history import Told, faults

STATEMENTS_MIN = 10


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    """The shop, on each database in turn, with everybody's key made."""
    with open_house(tmp_path, database_url) as opened:
        for person in ("ana", "ben"):
            opened.principal(person)
        yield opened


@pytest.fixture
def on_server(tmp_path: Path, postgresql_url: str) -> Iterator[House]:
    """The shop on PostgreSQL."""
    with open_house(tmp_path, postgresql_url) as opened:
        opened.principal("ana")
        yield opened


def commands(house: House, turn: int) -> list[Propose]:
    """One of each: approved, escalated, incomplete, denied, and one approved for a new guest."""
    return [
        house.command(key=f"{turn}-1", amount="1.00"),
        house.command(key=f"{turn}-2", amount="300.00"),
        house.command(key=f"{turn}-3", amount="150.00"),
        house.command(key=f"{turn}-4", amount="9000.00"),
        house.command(key=f"{turn}-5", amount="1.00", guest=f"G-{turn}"),
    ]


def decide(house: House, asked: Sequence[Propose]) -> list[Reply | BaseException]:
    """What one batch of commands is answered, in order."""
    services = house.services
    with stopped(
        Committer(services.store, services.library, services.ids, services.vault, lambda _: None)
    ) as committer:
        pending = [committer.submit(command) for command in asked]
        committer.start()  # all of them wait by now, so they are one batch
        return [future.exception(60) or future.result() for future in pending]


@contextmanager
def stopped(committer: Committer) -> Iterator[Committer]:
    try:
        yield committer
    finally:
        committer.stop()


def statements_of(house: House) -> int:
    """How many statements a batch takes, its commit among them."""
    with injected(Fault()) as fault:
        decide(house, commands(house, 0))
    assert len(fault.statements) >= STATEMENTS_MIN
    assert fault.statements[-1] == "COMMIT"
    return len(fault.statements)


def url_of(house: House) -> str:
    return house.services.settings.database


def told(replies: Sequence[Reply | BaseException]) -> list[Told]:
    """The decisions that were answered."""
    found = []
    for reply in replies:
        assert isinstance(reply, Answered), reply
        answer = shortened(orjson.loads(reply.body))
        charged = tuple((budget, version) for budget, version in answer.pop("charged"))
        id_ = answer.pop("id")
        found.append(
            Told(**answer, resolution=id_, key=None, sent_at=0, answered_at=0, charged=charged)
        )
    return found


def holds(house: House, replies: Sequence[Reply | BaseException]) -> bool:
    """Whether the history, and what these replies say of it, holds."""
    return faults(told(replies), read(url_of(house)), rolling=["often"]) == []


def test_a_statement_that_fails_leaves_nothing(house: House) -> None:
    """Wherever a transaction breaks off nobody is answered, and no table has one row more."""
    number = statements_of(house)
    before = counts(url_of(house))
    for at in range(1, number + 1):
        with injected(Fault(at)) as fault:
            replies = decide(house, commands(house, at)[:1])
        assert len(fault.hit) == 1, at
        assert [type(reply) for reply in replies] == [Unavailable], at
        assert counts(url_of(house)) == before, at


def test_a_batch_that_fails_once_is_decided_after_all(house: House) -> None:
    """Wherever it broke off, each member is decided alone: once, and with all that follows."""
    for at in range(1, statements_of(house) + 1):
        before = counts(url_of(house))
        with injected(Fault(at, times=1)):
            replies = decide(house, commands(house, at))
        assert holds(house, replies), at
        after = counts(url_of(house))
        assert after["resolutions"] - before["resolutions"] == 5, at
        assert after["entries"] - before["entries"] == 5, at
        assert after["idempotency"] - before["idempotency"] == 5, at


def test_a_poison_request_fails_alone_wherever_it_fails(house: House) -> None:
    """Whatever statement one request breaks, those who waited with it are decided."""
    key = house.principal("ben").key
    number = statements_of(house)
    first = 3  # until then the batch has not said whose requests it holds
    for at in range(first, number + 1):
        poison = house.command("ben", key=f"{at}-poison", amount="1.00")
        good = commands(house, at)
        with injected(Fault(at, only=key)):
            replies = decide(house, [*good[:2], poison, *good[2:]])
        failed = replies.pop(2)
        assert isinstance(failed, Unavailable), at
        assert failed.code == "not_decided", at
        assert holds(house, replies), at


def ended(url: str) -> Callable[[Connection], None]:
    """The server ends the connection on which the statement is about to run."""

    def end(connection: Connection) -> None:
        raw = connection.connection.dbapi_connection
        pid = cast("psycopg.Connection[Any]", raw).info.backend_pid
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))

    return end


def test_a_connection_that_ends_at_any_statement_costs_nobody_a_decision(on_server: House) -> None:
    """Before the commit the batch is tried again; at the commit the key finds out what happened."""
    house = on_server
    number = statements_of(house)
    for at in range(1, number + 1):
        asked = commands(house, at)
        before = counts(url_of(house))
        with injected(Fault(at, ended(url_of(house)), times=1)) as fault:
            replies = decide(house, asked)
        if fault.hit == ["COMMIT"]:
            assert [type(reply) for reply in replies] == [OutcomeUnknown] * 5
            replies = decide(house, commands(house, at))
        assert holds(house, replies), at
        after = counts(url_of(house))
        assert after["resolutions"] - before["resolutions"] == 5, at
