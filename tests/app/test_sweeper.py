"""What is overdue ends by itself, once, whoever looks, and whoever was away meanwhile."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Event

import orjson
import pytest

from service.app.batch import Command
from service.app.errors import Conflict
from service.app.finish import Expire
from service.app.ports import Reader
from service.app.sweeper import Sweeper
from service.core.hold import Move
from tests.app.holding import HoldingHouse, clock_for, open_holding

WAIT_SECONDS = 30


def held(house: HoldingHouse, resolution: str = "bond", guest: str = "G-1") -> str:
    return str(house.propose(resolution=resolution, guest=guest)["id"])


def kinds(house: HoldingHouse, resolution: str) -> list[str]:
    return [entry.kind for entry in house.entries(about=resolution)]


def versions(house: HoldingHouse, budget: str) -> list[int]:
    """The versions that expiries gave to the rows of a budget."""
    bodies = [orjson.loads(entry.body) for entry in house.entries(kind="expire")]
    return [
        line["version"] for body in bodies for line in body["budgets"] if line["budget"] == budget
    ]


@pytest.mark.parametrize(("resolution", "state"), [("bond", "released"), ("loan", "settled")])
def test_a_hold_ends_as_the_policy_says(holding: HoldingHouse, resolution: str, state: str) -> None:
    """Released or settled, whole, in the name of nobody, at its end and not before."""
    id_ = held(holding, resolution)
    holding.wait(hours=24 if resolution == "bond" else 48, microseconds=-1)
    holding.sweep()
    assert holding.case(id_)["state"] == "held"
    holding.wait(microseconds=1)
    holding.sweep()
    case = holding.case(id_)
    assert (case["state"], case["history"][-1]["kind"]) == (state, "expire")
    entry = holding.entries(about=id_)[0]
    assert orjson.loads(entry.body)["by"]["kind"] == "service"
    assert (entry.agent, entry.outcome) == (None, state)
    spent = "50.00" if state == "settled" else "0.00"
    assert holding.used()["stay"] == ("0.00", spent, 2)


def test_a_hold_keeps_the_end_that_it_began_with(holding: HoldingHouse) -> None:
    """A policy that changes meanwhile moves neither the end nor what happens then."""
    id_ = held(holding)
    holding.publish(("{for: 24h, then: release}", "{for: 1h, then: settle}"))
    holding.wait(hours=2)
    holding.sweep()
    assert holding.case(id_)["state"] == "held"
    holding.wait(hours=22)
    holding.sweep()
    assert holding.case(id_)["state"] == "released"


def test_a_budget_that_is_gone_gets_its_money_back(holding: HoldingHouse) -> None:
    """The rows that were charged are known to the hold, whatever the policy says today."""
    id_ = held(holding)
    holding.publish(("  - {id: day, limit: 2000, per: [site.id], every: day}\n", ""))
    holding.release(id_)
    lines = {line["budget"]: line for line in orjson.loads(holding.entries()[0].body)["budgets"]}
    assert (lines["day"]["limit"], lines["day"]["before"], lines["day"]["after"]) == (None, 5000, 0)
    assert lines["stay"]["limit"] == 30_000


@pytest.mark.parametrize("move", [Move.SETTLE, Move.RELEASE])
@pytest.mark.parametrize("swept", [False, True])
def test_what_comes_too_late_is_told_so(holding: HoldingHouse, move: Move, swept: bool) -> None:
    """Whether the end was committed or not, the hold ends as it must and nothing else is done."""
    id_ = held(holding)
    late = holding.finishing("ana", id_, move)
    holding.wait(hours=24)
    if swept:
        holding.sweep()
    with pytest.raises(Conflict) as refused:
        holding.decide(late)
    assert refused.value.code == "hold_expired"
    assert holding.case(id_)["state"] == "released"
    assert kinds(holding, id_) == ["expire", "decision"]
    assert holding.used()["stay"] == ("0.00", "0.00", 2)


def test_what_expired_into_a_settlement_can_be_reversed(holding: HoldingHouse) -> None:
    """The end of a loan is a settlement like any other."""
    id_ = held(holding, "loan")
    holding.wait(hours=48)
    holding.sweep()
    with pytest.raises(Conflict) as refused:
        holding.settle(id_)
    assert refused.value.code == "hold_expired"
    assert holding.reverse(id_)["state"] == "reversed"
    assert holding.used()["stay"][:2] == ("0.00", "0.00")


def test_an_end_that_is_asked_for_twice_happens_once(holding: HoldingHouse) -> None:
    """In one batch and in another, before it is due and after."""
    id_ = held(holding)
    submit = holding.services.committer.submit
    assert submit(Expire(id_)).result(WAIT_SECONDS) is False
    holding.wait(hours=24)
    ends = [submit(Expire(id_)) for _ in range(3)]
    holding.sweep()
    assert sum(bool(end.result(WAIT_SECONDS)) for end in ends) <= 1
    assert submit(Expire("res_none")).result(WAIT_SECONDS) is False
    assert kinds(holding, id_) == ["expire", "decision"]


def test_the_thread_looks_by_itself(holding: HoldingHouse) -> None:
    """Nobody asks: what is overdue is ended within a second or so."""
    id_ = held(holding)
    holding.wait(hours=24)
    pause = Event()
    for _ in range(WAIT_SECONDS * 20):
        if holding.case(id_)["state"] != "held":
            break
        pause.wait(0.05)
    assert kinds(holding, id_) == ["expire", "decision"]


def test_what_was_overdue_ends_after_a_restart(tmp_path: Path, database_url: str) -> None:
    """A process that was away ends what should have ended meanwhile."""
    with clock_for(database_url) as clock:
        with open_holding(tmp_path, database_url, clock) as house:
            ids = [held(house, guest=f"G-{number}") for number in range(3)]
        clock.advance(timedelta(days=3))
        with open_holding(tmp_path, database_url, clock) as house:
            house.sweep()
            assert [house.case(id_)["state"] for id_ in ids] == ["released"] * 3
            assert all(kinds(house, id_) == ["expire", "decision"] for id_ in ids)


def test_two_replicas_end_each_hold_once(tmp_path: Path, postgresql_url: str) -> None:
    """Both look at the same rows at the same instant, and one of them ends each."""
    url = postgresql_url
    with (
        clock_for(url) as clock,
        open_holding(tmp_path, url, clock) as first,
        open_holding(tmp_path, url, clock) as second,
        ThreadPoolExecutor(2) as threads,
    ):
        ids = [held(first, guest=f"G-{number}") for number in range(12)]
        first.wait(hours=24)
        together = Barrier(2)

        def look(house: HoldingHouse) -> None:
            together.wait(WAIT_SECONDS)
            house.sweep()

        list(threads.map(look, (first, second)))
        assert all(kinds(first, id_) == ["expire", "decision"] for id_ in ids)
        assert sorted(versions(first, "day")) == list(range(13, 25))


def test_a_failure_is_reported_and_looked_at_again(holding: HoldingHouse) -> None:
    """A database that is away for a moment does not end the thread."""
    asked, reported = Event(), Event()

    def failing(_: Reader) -> Sequence[Command]:
        if not asked.is_set():
            asked.set()
            raise OSError("away")
        reported.set()
        return []

    failures: list[Exception] = []
    services = holding.services
    sweeper = Sweeper(services.store, services.committer, failures.append, due=(failing,))
    sweeper.start()
    assert reported.wait(WAIT_SECONDS)
    sweeper.stop()
    assert [str(failure) for failure in failures] == ["away"]
