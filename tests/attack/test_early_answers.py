"""Nobody is told of a decision before it is kept: not by a hundredth of a second."""

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest

from tests.attack.clients import Client, Outcome, Wish
from tests.attack.policy import proposal
from tests.attack.proxy import Proxy
from tests.attack.target import Target

TURNS = 5
AT_ONCE = 6
ANSWER_SECONDS = 30
A_MOMENT = 0.03
"""Longer than anybody takes to be answered who is answered too early."""


@contextmanager
def asking(target: Target, site: str, keys: list[str]) -> Iterator[list[Future[Outcome]]]:
    """Requests on their way, each in a thread of its own."""
    with ThreadPoolExecutor(len(keys)) as threads:
        wishes = [Wish(body=proposal(site, key), key=key) for key in keys]
        yield [threads.submit(target.ask, wish) for wish in wishes]


@pytest.mark.parametrize("number", [1, AT_ONCE])
def test_nobody_is_answered_before_the_commit_left(cut: Target, way: Proxy, number: int) -> None:
    """While a COMMIT is on its way nobody of its batch is answered, nor of one that follows it."""
    site = cut.new_site()
    for turn in range(TURNS):
        held = way.hold(site.encode())
        keys = [f"{site}-{turn}-{n}" for n in range(number)]
        with asking(cut, site, keys) as pending:
            held.wait()
            time.sleep(A_MOMENT)
            answered = [one for one in pending if one.done()]
            held.let_go()
            outcomes = [one.result(ANSWER_SECONDS) for one in pending]
        assert answered == [], "somebody was answered, and nothing was committed"
        assert {outcome.answer["outcome"] for outcome in outcomes} == {"approved"}
        assert min(outcome.answered_at for outcome in outcomes) > held.passed_at


SEEN = """
SELECT (SELECT count(*) FROM resolutions WHERE id = ?),
       (SELECT count(*) FROM entries WHERE id = ?),
       (SELECT count(*) FROM idempotency WHERE resolution = ? AND answer IS NOT NULL)
"""
"""How many resolutions, entries and answered keys there are of a decision."""


@contextmanager
def onlooker(target: Target) -> Iterator[sqlite3.Connection]:
    """Somebody else who reads the file of an embedded database."""
    path = target.database.removeprefix("sqlite:///")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)) as file:
        file.execute(SEEN, ("", "", "")).fetchone()  # the file is open, the statement known
        yield file


def test_what_is_answered_can_be_seen_by_everybody(alone: Target) -> None:
    """At the instant of its answer a decision is there for whoever reads the database besides."""
    site = alone.new_site()
    ports = [replica.port for replica in alone.replicas]

    def one(number: int) -> list[tuple[int, ...]]:
        seen: list[tuple[int, ...]] = []
        with closing(Client(ports, alone.secret)) as client, onlooker(alone) as looks:
            for turn in range(TURNS):
                name = f"{site}-{number}-{turn}"
                outcome = client.fulfil(Wish(body=proposal(site, name, "1.00"), key=name))
                told = outcome.told
                row = looks.execute(SEEN, (told.resolution, told.entry, told.resolution)).fetchone()
                seen.append(row)
                alone.told.append(told)
        return seen

    for number in (1, AT_ONCE):
        with ThreadPoolExecutor(number) as threads:
            for seen in threads.map(one, range(number) if number > 1 else [AT_ONCE]):
                assert seen == [(1, 1, 1)] * TURNS
