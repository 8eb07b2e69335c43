"""Many want the same money at once: what is given never exceeds what there was."""

from collections import Counter
from collections.abc import Sequence
from random import Random

from tests.attack.clients import Outcome, Wish
from tests.attack.policy import GUEST, TILL, proposal
from tests.attack.server import Server
from tests.attack.target import Target

PROCESSES = 8


def said(outcomes: Sequence[Outcome]) -> Counter[str]:
    """How often each answer was given: an outcome, or what came instead of one."""
    return Counter(
        outcome.answer["outcome"] if outcome.status == 201 else f"{outcome.status} {outcome.answer}"
        for outcome in outcomes
    )


def setbacks(outcomes: Sequence[Outcome]) -> Counter[str]:
    """What got no decision at first."""
    return Counter(code for outcome in outcomes for code in outcome.setbacks)


def test_one_hot_budget_is_spent_to_the_cent(target: Target, postgresql: Server) -> None:
    """Processes on every replica empty one budget together: exactly what is in it is given."""
    site = target.new_site()
    wishes = [Wish(body=proposal(site, f"{site}-{n}"), key=f"{site}-{n}") for n in range(240)]
    outcomes = target.end(target.begin(wishes, processes=PROCESSES, threads=2))
    assert said(outcomes) == {"approved": TILL // 10, "denied": 240 - TILL // 10}
    assert setbacks(outcomes) == {}
    assert postgresql.deadlocks(target.database) == 0


def test_uneven_amounts_fill_a_budget_and_never_overfill_it(target: Target) -> None:
    """What is left at the end is less than the least that was refused."""
    site, random = target.new_site(), Random(7)  # noqa: S311 — a load, no secret
    amounts = [random.randint(1, 10_000) for _ in range(120)]
    wishes = [
        Wish(
            body=proposal(site, f"{site}-{n}", f"{cents // 100}.{cents % 100:02}"),
            key=f"{site}-{n}",
        )
        for n, cents in enumerate(amounts)
    ]
    outcomes = target.end(target.begin(wishes, processes=PROCESSES, threads=2))
    by_key = {outcome.key: outcome.answer["outcome"] for outcome in outcomes}
    given = [cents for n, cents in enumerate(amounts) if by_key[f"{site}-{n}"] == "approved"]
    refused = [cents for n, cents in enumerate(amounts) if by_key[f"{site}-{n}"] == "denied"]
    assert len(given) + len(refused) == len(amounts)
    assert 0 <= TILL * 100 - sum(given) < min(refused)


def test_many_budgets_at_once_each_keep_to_their_limit(target: Target) -> None:
    """Guests, sites and counts are charged together, or none of them is."""
    site, random = target.new_site(), Random(11)  # noqa: S311 — a load, no secret
    wishes = [
        Wish(
            body=proposal(
                f"{site}-{random.randrange(6)}", f"{site}-{random.randrange(8)}", "25.00"
            ),
            key=f"{site}-{n}",
        )
        for n in range(240)
    ]
    outcomes = target.end(target.begin(wishes, processes=PROCESSES, threads=2))
    assert set(said(outcomes)) == {"approved", "denied"}
    assert said(outcomes)["approved"] == 8 * GUEST // 25
    assert setbacks(outcomes) == {}


def test_opposite_orders_of_the_same_budgets_never_deadlock(
    target: Target, postgresql: Server
) -> None:
    """Whoever wants a and b, and whoever wants b and a, take turns; the server resolves nothing."""
    site = target.new_site()
    cases = [f"{site}-{n:02}" for n in range(10)]
    pairs = [(a, b) for a in cases for b in cases if a != b]
    wishes = [
        Wish(
            body=proposal(f"{site}-{n % 4}", f"{site}-{n}", "1.00", "pair", id=a, **{"with": b}),
            key=f"{site}-{n}",
        )
        for n, (a, b) in enumerate([*pairs, *reversed(pairs)])
    ]
    outcomes = target.end(target.begin(wishes, processes=PROCESSES, threads=3))
    assert said(outcomes) == {"approved": len(wishes)}
    assert setbacks(outcomes) == {}
    assert postgresql.deadlocks(target.database) == 0


def test_first_requests_of_a_guest_share_one_limit(target: Target) -> None:
    """However many processes are the first to name a guest, they find one budget and one row."""
    site = target.new_site()
    for turn in range(2):
        wishes = [
            Wish(body=proposal(site, f"{site}-new-{turn}", "80.00"), key=f"{site}-{turn}-{n}")
            for n in range(PROCESSES)
        ]
        outcomes = target.end(target.begin(wishes, processes=PROCESSES))
        assert said(outcomes) == {"approved": GUEST // 80, "denied": PROCESSES - GUEST // 80}
        assert setbacks(outcomes) == {}


def test_one_key_is_one_decision_wherever_it_is_sent(target: Target) -> None:
    """Every process sends every request, to different replicas at once: each is decided once."""
    site = target.new_site()
    wishes = [
        Wish(body=proposal(site, f"{site}-{n % 5}"), key=f"{site}-{n}", replica=n)
        for n in range(25)
    ]
    before = target.decided()
    outcomes = target.end(target.begin(wishes, processes=PROCESSES, threads=2, split=False))
    assert said(outcomes) == {"approved": PROCESSES * 25}
    assert sum(not outcome.replayed for outcome in outcomes) == 25
    assert target.decided() == before + 25


def test_who_stops_waiting_may_ask_again(target: Target) -> None:
    """A client that hangs up early and repeats itself elsewhere gets one decision, charged once."""
    site = target.new_site()
    wishes = [
        Wish(
            body=proposal(site, f"{site}-{n}"),
            key=f"{site}-{n}",
            patience=0.0005 * (n % 12 + 1),
            replica=n,
        )
        for n in range(120)
    ]
    outcomes = target.end(target.begin(wishes, processes=PROCESSES, threads=2))
    assert said(outcomes) == {"approved": 100, "denied": 20}
    assert setbacks(outcomes)["TimeoutError"] > 0, "nobody hung up: the test tried nothing"
    assert set(setbacks(outcomes)) == {"TimeoutError"}


def test_one_process_on_sqlite_spends_to_the_cent(alone: Target) -> None:
    """The same on the embedded database: keys sent twice, clients that hang up, one budget."""
    site, before = alone.new_site(), alone.decided()
    wishes = [
        Wish(
            body=proposal(site, f"{site}-{n}"),
            key=f"{site}-{n}",
            patience=0.001 if n % 5 == 0 else 30,
        )
        for n in range(160)
    ]
    outcomes = alone.end(alone.begin([*wishes, *wishes], processes=4, threads=4))
    assert said(outcomes) == {"approved": 200, "denied": 120}
    assert set(setbacks(outcomes)) <= {"TimeoutError"}
    assert alone.decided() == before + 160
