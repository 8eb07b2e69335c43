"""A policy is put in force in one transaction, and kept for ever."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from threading import Barrier
from typing import Any

import orjson
import pytest

from service.adapters.ids import RandomIds
from service.adapters.sql.store import open_database
from service.app.errors import Forbidden, Unavailable
from service.app.ports import Filter, Page, Reader, Store, Transaction
from service.app.publish import Publisher
from service.app.snapshot import Library, Snapshot
from service.bootstrap import compile_files
from tests.app.house import POLICY, House, shop_files
from tests.fakes.clock import FakeClock

PROCESSES = 4


def test_a_published_policy_decides_the_next_proposal(house: House) -> None:
    """The batch reads the head in its own transaction."""
    assert house.propose(amount="90.00")["outcome"] == "approved"
    house.publish(("up_to: 100", "up_to: 80"), ("up_to: 200", "up_to: 85"))
    assert house.propose(amount="90.00")["outcome"] == "escalated"


def test_publishing_is_an_entry(house: House) -> None:
    """Who, what, and what was in force before."""
    before = house.services.library.in_force().rulebook.version
    house.publish(("limit: 2000", "limit: 2500"))
    newest, _seed = house.entries(kind="policy")
    body = orjson.loads(newest.body)
    assert (body["by"], body["effect"], body["before"]) == ({"id": "test"}, "published", before)
    assert body["version"] == house.services.library.in_force().rulebook.version


def test_publishing_what_is_in_force_changes_nothing(house: House) -> None:
    """The same files are the same version."""
    before = len(house.entries())
    assert not house.services.publisher.publish(compile_files(shop_files()), by="test")
    assert len(house.entries()) == before


class Together:
    """A store whose transactions have all begun before any of them goes on."""

    def __init__(self, store: Store, begun: Barrier) -> None:
        self._store = store
        self._begun = begun

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        with self._store.begin() as transaction:
            self._begun.wait(10)
            yield transaction

    def read(self) -> AbstractContextManager[Reader]:
        return self._store.read()

    def sweep(self) -> None:
        self._store.sweep()


def at_once(url: str, sets: Sequence[Snapshot], put: str) -> tuple[list[bool], list[Any]]:
    """What processes are told that publish at one instant, and the bodies of their entries."""
    begun = Barrier(len(sets))

    def one(snapshot: Snapshot) -> bool:
        with open_database(url, FakeClock()) as store:
            together = Together(store, begun)
            library = Library(together, compile_files)
            publisher = Publisher(together, library, RandomIds())
            told: bool = getattr(publisher, put)(snapshot, by="test")
            assert library.in_force().rulebook.version
            return told

    with ThreadPoolExecutor(len(sets)) as threads:
        told = list(threads.map(one, sets))
    with open_database(url, FakeClock()) as store, store.read() as reader:
        entries = reader.list_entries(Filter(kind="policy"), Page(limit=100))
    return told, [orjson.loads(entry.body) for entry in entries]


def versions(number: int) -> list[Snapshot]:
    """So many sets that differ."""
    changed = [POLICY.replace("limit: 2000", f"limit: {2_000 + n}") for n in range(number)]
    return [compile_files(shop_files(policy)) for policy in changed]


def test_processes_that_seed_together_publish_once(postgresql_url: str) -> None:
    """However many find an empty database, one publication is logged."""
    told, entries = at_once(postgresql_url, versions(1) * PROCESSES, "seed")
    assert sorted(told) == [False] * (PROCESSES - 1) + [True]
    assert [entry["before"] for entry in entries] == [None]


def test_of_different_folders_one_seeds_the_database(postgresql_url: str) -> None:
    """Whoever comes later leaves in force what it finds, whatever its own folder says."""
    sets = versions(PROCESSES)
    told, entries = at_once(postgresql_url, sets, "seed")
    assert sorted(told) == [False] * (PROCESSES - 1) + [True]
    (entry,) = entries
    assert entry["version"] == sets[told.index(True)].rulebook.version


def test_publications_follow_each_other(postgresql_url: str) -> None:
    """Each entry names what was in force before it: no two have the same predecessor."""
    told, entries = at_once(postgresql_url, versions(PROCESSES), "publish")
    assert told == [True] * PROCESSES
    after = {entry["before"]: entry["version"] for entry in entries}
    chain: list[str | None] = [None]
    while chain[-1] in after:
        chain.append(after[chain[-1]])
    assert len(chain) == PROCESSES + 1


def test_the_same_set_published_by_many_is_one_publication(postgresql_url: str) -> None:
    """Whoever comes second finds it in force."""
    told, entries = at_once(postgresql_url, versions(1) * PROCESSES, "publish")
    assert sorted(told) == [False] * (PROCESSES - 1) + [True]
    assert len(entries) == 1


def test_a_set_seeds_only_an_empty_database(house: House) -> None:
    """Where anything is in force already a seed changes nothing."""
    (other,) = versions(1)
    publisher = house.services.publisher
    assert publisher.publish(compile_files(shop_files(POLICY + "\n")), by="test")
    before = house.services.library.in_force().rulebook.version
    assert not publisher.seed(other, by="test")
    assert house.services.library.in_force().rulebook.version == before


def test_every_version_can_be_had_again(house: House) -> None:
    """A process that never saw a version compiles it from the database."""
    old = house.services.library.in_force().rulebook
    house.publish(("limit: 2000", "limit: 2500"))
    fresh = Library(house.services.store, compile_files)
    assert fresh.get(old.version).rulebook.rules == old.rules
    assert fresh.in_force().rulebook.version != old.version


def test_an_unknown_version_is_unavailable(house: House) -> None:
    """A version that the database does not hold is never guessed."""
    with pytest.raises(Unavailable):
        house.services.library.get("sha256:none")


def test_the_policy_tells_what_may_be_proposed(house: House) -> None:
    """Names and types, and no limit."""
    described = orjson.loads(house.services.policy.in_force(house.principal("ana")))
    assert described["name"] == "shop"
    assert [role["id"] for role in described["roles"]] == ["clerk", "manager", "owner"]
    assert described["resolutions"][1] == {
        "id": "night",
        "unit": "night",
        "entitlement": False,
        "held": False,
    }
    assert {fact["path"]: fact["personal"] for fact in described["facts"]}["guest.id"]
    assert "grants" not in described


def test_the_policy_is_not_told_to_everybody(house: House) -> None:
    """Who may read it at no site may not read it."""
    with pytest.raises(Forbidden):
        house.services.policy.in_force(house.principal("audra"))
