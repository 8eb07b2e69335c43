"""What every database guarantees of tokens: who came with one, and what was revoked."""

from dataclasses import replace
from datetime import timedelta

import pytest

from service.adapters.sql.store import SqlStore
from service.app.records import Writes
from service.app.tokenports import person_id
from service.app.tokenrecords import TokenPersonRecord, TokenRevocationRecord
from tests.stored import AT

ANA = TokenPersonRecord(
    person="ana",
    kind="human",
    owner=None,
    roles=(("*", ("auditor",)), ("new_york", ("agent", "front_desk"))),
    token="tok_1",
    issued_at=AT,
    seen_at=AT + timedelta(microseconds=1),
)
ROBO = replace(ANA, person="robo", kind="ai", owner="größer", roles=None, token="tok_2")
LATER = timedelta(seconds=1)


@pytest.fixture
def store(store: SqlStore) -> SqlStore:
    with store.begin() as tx:
        tx.write(Writes(token_people=[ANA, ROBO]))
    return store


def test_people_come_back_as_they_were_written(store: SqlStore) -> None:
    """Every field, in a read and in a write transaction; others are absent."""
    wanted = {"ana", "robo", "nobody"}
    with store.read() as reader:
        assert reader.tokens.people(wanted) == {"ana": ANA, "robo": ROBO}
        assert reader.tokens.people(()) == {}
    with store.begin() as tx:
        assert tx.tokens.people(["ana"]) == {"ana": ANA}


def test_who_comes_again_takes_the_place_of_before(store: SqlStore) -> None:
    """One row for each person, with the roles of the token that was written last."""
    again = replace(ANA, roles=(), token="tok_3", issued_at=AT + LATER)
    with store.begin() as tx:
        tx.write(Writes(token_people=[again]))
    with store.read() as reader:
        assert reader.tokens.people({"ana"}) == {"ana": again}


def test_the_latest_people_come_first(store: SqlStore) -> None:
    """Since an instant, so many."""
    later = replace(ANA, person="zoe", issued_at=AT + LATER)
    with store.begin() as tx:
        tx.write(Writes(token_people=[later]))
    with store.read() as reader:
        assert [one.person for one in reader.tokens.latest_people(AT, 9)] == ["zoe", "robo", "ana"]
        assert reader.tokens.latest_people(AT, 1) == [later]
        assert reader.tokens.latest_people(AT + LATER, 9) == [later]
        assert reader.tokens.latest_people(AT + 2 * LATER, 9) == []


def test_revocations_are_found_by_id(store: SqlStore) -> None:
    """A token's and a person's; a later one of the same takes the place of the first."""
    person = person_id("ana")
    first = [
        TokenRevocationRecord(id="tok_1", revoked_at=AT),
        TokenRevocationRecord(id=person, revoked_at=AT),
    ]
    with store.begin() as tx:
        tx.write(Writes(token_revocations=first))
        tx.write(
            Writes(token_revocations=[TokenRevocationRecord(id=person, revoked_at=AT + LATER)])
        )
    with store.read() as reader:
        found = reader.tokens.revocations({"tok_1", "tok_2", person})
        assert found == {"tok_1": AT, person: AT + LATER}
        assert reader.tokens.revocations(()) == {}
