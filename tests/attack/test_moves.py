"""Everybody wants to settle, release or reverse the same approval at once: one of them does."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from json import dumps, loads
from threading import Barrier

import pytest

from tests.attack import replicas
from tests.attack.clients import Outcome, Wish
from tests.attack.policy import GUEST, proposal
from tests.attack.target import Target
from tests.attack.test_contention import said

Call = tuple[str, object]
"""A path and a body."""

SETTLE_40: Call = ("settle", {"amount": "40.00"})
RELEASE: Call = ("release", {})
REVERSE: Call = ("reverse", {"reason": "given twice by mistake"})


@pytest.fixture(scope="module")
def max_(three: Target) -> str:
    """The secret of somebody who may reverse what others proposed."""
    return replicas.key_for("max", three.database, three.policies)


def held(target: Target, amount: str = "100.00") -> tuple[str, Outcome]:
    """A guest for whom something is held, and that approval."""
    site = target.new_site()
    guest = f"{site}-guest"
    found = target.ask(Wish(body=proposal(site, guest, amount, "voucher"), key=f"{site}-hold"))
    assert found.answer["outcome"] == "approved"
    return guest, found


def at_once(
    target: Target, approval: Outcome, calls: Sequence[Call], secret: str | None = None
) -> Counter[str]:
    """What each of several callers is told who begin at one instant, at all replicas."""
    together = Barrier(len(calls))

    def one(number: int) -> str:
        move, body = calls[number]
        replica = target.replicas[number % len(target.replicas)]
        with replica.connected() as connection:
            together.wait(10)
            connection.request(
                "POST",
                f"/v1/resolutions/{approval.answer['id']}/{move}",
                dumps(body),
                {
                    "Authorization": f"Bearer {secret or target.secret}",
                    "Content-Type": "application/json",
                },
            )
            response = connection.getresponse()
            answer = loads(response.read())
        return f"{move} {answer['state'] if response.status == 200 else answer['code']}"

    with ThreadPoolExecutor(len(calls)) as threads:
        return Counter(threads.map(one, range(len(calls))))


def used(target: Target, approval: Outcome, budget: str) -> int:
    kept = target.kept()
    (line,) = [one for one in kept.entries[approval.answer["entry"]].lines if one.budget == budget]
    return kept.rows[line.row].used


def test_a_hold_is_settled_once(target: Target) -> None:
    """Of many partial settlements of one hold one is made, and the rest of the hold returns."""
    _, approval = held(target)
    told = at_once(target, approval, [SETTLE_40] * 6)
    assert told == {"settle settled": 1, "settle not_held": 5}
    assert used(target, approval, "guest") == used(target, approval, "till") == 4_000
    assert used(target, approval, "often") == 1


def test_a_hold_is_settled_or_released_and_never_both(target: Target) -> None:
    """Whoever is first ends it; the money is spent or back, and not some of each."""
    for _ in range(3):
        _, approval = held(target)
        told = at_once(target, approval, [SETTLE_40, RELEASE] * 3)
        settled, released = told["settle settled"], told["release released"]
        assert settled + released == 1
        assert used(target, approval, "guest") == 4_000 * settled
        assert used(target, approval, "often") == settled


def test_money_is_given_back_once(target: Target, max_: str) -> None:
    """Of many who reverse one resolution at once one does, and the budgets get it back once."""
    site = target.new_site()
    keep = target.ask(Wish(body=proposal(site, f"{site}-g", "50.00"), key=f"{site}-1"))
    back = target.ask(Wish(body=proposal(site, f"{site}-g", "70.00"), key=f"{site}-2"))
    told = at_once(target, back, [REVERSE] * 6, max_)
    assert told == {"reverse reversed": 1, "reverse not_settled": 5}
    assert used(target, keep, "guest") == used(target, keep, "till") == 5_000
    assert used(target, keep, "often") == 1


def test_what_returns_is_given_again_and_never_twice(target: Target) -> None:
    """While holds are settled for less others take what returns, and the limit holds."""
    guest, first = held(target)
    site = guest.removesuffix("-guest")
    holds = [first] + [
        target.ask(Wish(body=proposal(site, guest, "100.00", "voucher"), key=f"{site}-hold-{n}"))
        for n in range(2)
    ]
    wishes = [Wish(body=proposal(site, guest, "30.00"), key=f"{site}-{n}") for n in range(24)]
    running = target.begin(wishes, processes=2, threads=4)
    for hold in holds:
        assert at_once(target, hold, [SETTLE_40, SETTLE_40])["settle settled"] == 1
    target.end(running)
    last = target.end(target.begin([Wish(body=proposal(site, guest, "30.00"), key=f"{site}-z")]))
    rest = GUEST * 100 - used(target, first, "guest")
    assert 0 <= rest < 3_000
    assert said(last) == {"denied": 1}
