"""Publications at several replicas: one after the other, seen by all at once."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier

import orjson
import pytest

from service.app.errors import Conflict
from service.app.principal import Principal
from service.app.publication import RequestPublication
from service.bootstrap import compile_files, open_services
from service.policyfile.digest import digest_changes
from tests.app.house import ACCESS, POLICY, House, shop_files, shop_settings, write_shop
from tests.databases import postgresql_url

__all__ = ["postgresql_url"]

REPLICAS = 3
AUTHORS = f"{ACCESS}p, author, policy, publish\ng, paula, author, *\n"


@pytest.fixture
def houses(tmp_path: Path, postgresql_url: str) -> Iterator[list[House]]:
    """Replicas of one shop."""
    settings = shop_settings(
        write_shop(tmp_path / "shop", shop_files(access=AUTHORS)), postgresql_url
    )
    with ExitStack() as stack:
        opened = [stack.enter_context(open_services(settings)) for _ in range(REPLICAS)]
        yield [House(services, tmp_path) for services in opened]


def asked(principal: Principal, limit: int, replaces: str | None = None) -> RequestPublication:
    policy = POLICY.replace("up_to: 100}", f"up_to: {limit}}}")
    snapshot = compile_files(shop_files(policy, AUTHORS))
    return RequestPublication(principal=principal, snapshot=snapshot, replaces=replaces)


def head(house: House) -> str:
    return house.services.library.in_force().rulebook.version


def test_every_replica_decides_under_it_at_once(houses: list[House]) -> None:
    """Whoever asks after the answer is decided under what was published, wherever they ask."""
    author = houses[0].principal("paula")
    for turn, house in enumerate([*houses, *houses]):
        answer = orjson.loads(house.decide(asked(author, 80 - turn)).body)
        assert answer["state"] == "published"
        for other in houses:
            decided = other.propose(amount="1.00", guest=f"G-{turn}")
            assert decided["policy"]["version"] == answer["version"]


def test_of_those_who_replace_the_same_version_one_does(houses: list[House]) -> None:
    """The others are told that the policy has moved on, and change nothing."""
    author, seen, begun = houses[0].principal("paula"), head(houses[0]), Barrier(REPLICAS)

    def one(number: int) -> str:
        command = asked(author, 80 - number, replaces=seen)
        begun.wait(10)
        try:
            houses[number].decide(command)
        except Conflict as refused:
            return refused.code
        return "published"

    with ThreadPoolExecutor(REPLICAS) as threads:
        told = list(threads.map(one, range(REPLICAS)))
    assert sorted(told) == ["policy_moved_on"] * (REPLICAS - 1) + ["published"]
    assert len(houses[0].entries(kind="policy")) == 2


def test_publications_at_once_follow_each_other(houses: list[House]) -> None:
    """Each entry names the one before it; none is lost, none has two successors."""
    author, begun = houses[0].principal("paula"), Barrier(REPLICAS)

    def one(number: int) -> None:
        command = asked(author, 80 - number)
        begun.wait(10)
        houses[number].decide(command)

    with ThreadPoolExecutor(REPLICAS) as threads:
        list(threads.map(one, range(REPLICAS)))
    bodies = [orjson.loads(entry.body) for entry in houses[0].entries(kind="policy")]
    assert len({body["before"] for body in bodies}) == len(bodies) == REPLICAS + 1


def test_the_digest_of_a_change_is_what_the_documentation_says() -> None:
    """One line for each file that differs; what belongs to no version does not count."""
    before = {"a.yaml": b"1", "b.yaml": b"2", "c.yaml": b"3", "README.md": b"x"}
    after = {"a.yaml": b"1", "b.yaml": b"4", "d.yaml": b"5"}

    def sha(data: bytes) -> str:
        return hashlib.sha256(data).hexdigest()

    lines = [
        f"b.yaml\0{sha(b'2')}\0{sha(b'4')}\n",
        f"c.yaml\0{sha(b'3')}\0-\n",
        f"d.yaml\0-\0{sha(b'5')}\n",
    ]
    assert digest_changes(before, after) == "sha256:" + sha("".join(lines).encode())
