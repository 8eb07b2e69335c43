"""The log of a running shop, replayed: under its own policy nothing changes, ever."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.app.errors import ServiceError
from service.app.records import EntryRecord
from service.app.replay import Replay, Window
from service.app.replaylog import Log, asks_people
from service.app.replayorder import in_order
from service.app.replaytally import Tally
from service.app.replaywork import Share, replay_log
from service.core.hold import Move
from service.core.refusal import Refused
from service.core.rulebook import Rulebook
from service.policyfile.load import load_rulebook
from tests.app.holding import HELD, HoldingHouse
from tests.app.house import POLICY, shop_files

GUESTS = ("G-1", "G-2")
AMOUNTS = ("20.00", "90.00", "110.00", "180.00", "260.00", "600.00", "6000.00")


def shop(*changes: tuple[str, str]) -> dict[str, bytes]:
    """The files of the shop with held resolutions, some texts replaced."""
    policy = POLICY
    for old, new in (*HELD, *changes):
        assert old in policy
        policy = policy.replace(old, new)
    return shop_files(policy)


def replayed(house: HoldingHouse, files: dict[str, bytes], window: Window = Window()) -> Tally:  # noqa: B008 - it cannot change
    share = Share(candidate=files, baseline=None, window=window, flips_max=1_000)
    return replay_log(share, house.services.store, lambda _: None)


def unchanged(tally: Tally) -> None:
    assert tally.flips == []
    assert tally.before == tally.after


class Life:
    """Random things that people of the shop do, and time that passes."""

    def __init__(self, house: HoldingHouse, draw: Callable[[Any], Any]) -> None:
        self.house = house
        self.draw = draw
        self.escalated: list[str] = []
        self.approved: list[str] = []

    def step(self) -> None:
        kinds = ("propose", "propose", "answer", "finish", "finish", "wait")
        step: Callable[[], None] = getattr(self, self.draw(st.sampled_from(kinds)))
        with suppress(ServiceError, Refused):  # not today, and nothing was written
            step()

    def propose(self) -> None:
        kind = self.draw(st.sampled_from(("credit", "credit", "upgrade", "loan", "bond", "cash")))
        size: dict[str, Any] = {"amount": self.draw(st.sampled_from(AMOUNTS))}
        if kind == "upgrade":
            size = {"amount": None, "quantity": self.draw(st.integers(1, 30))}
        note = self.draw(st.sampled_from(({}, {"note": "it was late"})))
        who, where = self.draw(
            st.sampled_from((("ana", "main"), ("max", "main"), ("vera", "annex")))
        )
        guest = self.draw(st.sampled_from(GUESTS))
        told = self.house.propose(who, guest=guest, resolution=kind, site=where, **size, **note)
        if told["outcome"] == "escalated":
            self.escalated.append(told["escalation"]["id"])
        elif told["outcome"] == "approved":
            self.approved.append(told["id"])

    def answer(self) -> None:
        if self.escalated:
            escalation = self.draw(st.sampled_from(self.escalated))
            kind = self.draw(st.sampled_from(("approve", "approve", "deny")))
            who = self.draw(st.sampled_from(("mia", "gus", "grace")))
            told = self.house.answer(who, escalation, kind)
            if told["effect"] == "approve":
                self.approved.append(told["resolution"])

    def finish(self) -> None:
        if self.approved:
            resolution = self.draw(st.sampled_from(self.approved))
            move = self.draw(st.sampled_from(tuple(Move)))
            if move is Move.REVERSE:
                self.house.reverse(resolution, self.draw(st.sampled_from(("max", "gus"))))
            elif move is Move.RELEASE:
                self.house.release(resolution)
            else:
                less = self.draw(st.sampled_from(({}, {"amount": "10.00"})))
                self.house.settle(resolution, **less)

    def wait(self) -> None:
        self.house.wait(hours=self.draw(st.sampled_from((1, 20, 49, 24 * 40))))
        self.house.sweep()


steadily = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def test_a_log_under_its_own_policy_changes_nothing(holding_embedded: HoldingHouse) -> None:
    """Proposals, answers, quorums, holds, settlements for less, reversals, expiry: all as it was.

    The log grows from example to example, and is replayed whole each time, and from its middle.
    """
    house = holding_embedded

    @steadily
    @given(st.data())
    def lives_on(data: st.DataObject) -> None:
        life = Life(house, data.draw)
        for _ in range(12):
            life.step()
        unchanged(replayed(house, shop()))
        entries = house.entries(kind="decision")
        if entries:
            middle = entries[len(entries) // 2].at
            unchanged(replayed(house, shop(), Window(since=middle)))

    lives_on()
    first, second, third = (_held(house, guest) for guest in ("G-7", "G-8", "G-9"))
    house.release(first)
    house.settle(second, amount="0.40")
    house.settle(third)
    house.reverse(third)
    unchanged(replayed(house, shop()))
    seen = {entry.kind for entry in house.entries()}
    assert {"decision", "answer", "settle", "release", "expire", "reverse", "timeout"} <= seen


def _held(house: HoldingHouse, guest: str) -> str:
    told = house.propose(resolution="bond", amount="1.00", guest=guest)
    assert told["state"] == "held"
    return str(told["id"])


def test_both_databases_are_replayed_alike(holding: HoldingHouse) -> None:
    """Oldest first, page after page, on SQLite and on PostgreSQL."""
    for amount in ("90.00", "150.00", "90.00", "90.00", "90.00"):
        holding.propose(amount=amount)
    tally = replayed(holding, shop())
    assert tally.decisions == 5
    assert tally.before.outcomes == {"approved": 3, "escalated": 1, "incomplete": 1}
    unchanged(tally)


def test_a_higher_limit_saves_an_escalation_and_the_wait(holding_embedded: HoldingHouse) -> None:
    """What somebody waited an hour for is approved at once, and the money is the same."""
    house = holding_embedded
    told = house.propose(amount="260.00")
    house.wait(minutes=10)
    house.answer("max", told["escalation"]["id"])
    tally = replayed(
        house, shop(("may: [credit], up_to: 200, needs: [note]", "may: [credit], up_to: 300"))
    )
    assert (tally.before.answered_minor, tally.before.waited_seconds) == (26_000, 600)
    assert (tally.after.approved_minor, tally.after.waited_seconds) == (26_000, 0)
    (flip,) = tally.flips
    assert (flip.before.outcome, flip.before.role) == ("escalated", "manager")
    assert (flip.after.outcome, flip.after.rule) == ("approved", "noted")
    assert flip.id == told["entry"]["id"]


def test_who_approved_approves_what_the_candidate_sends_to_them(
    holding_embedded: HoldingHouse,
) -> None:
    """An approval counts where the candidate asks the same role or a lower one, at that moment."""
    house = holding_embedded
    told = house.propose(amount="600.00")
    house.wait(hours=2)
    for owner in ("gus", "grace"):
        house.answer(owner, told["escalation"]["id"])
    lower = replayed(house, shop(("may: any, up_to: 500", "may: any, up_to: 700")))
    assert [(it.before.role, it.after.role) for it in lower.flips] == [("owner", "manager")]
    assert (lower.before.answered_minor, lower.after.answered_minor) == (60_000, 60_000)
    assert lower.after.waited_seconds == lower.before.waited_seconds == 7_200


def test_an_approval_from_too_low_answers_nothing(holding_embedded: HoldingHouse) -> None:
    """Where the candidate asks a higher role, nobody has answered there: that wait is a guess."""
    house = holding_embedded
    told = house.propose(amount="260.00")
    house.wait(minutes=10)
    house.answer("max", told["escalation"]["id"])
    tally = replayed(house, shop(("may: any, up_to: 500", "may: any, up_to: 200")))
    assert tally.after.answered == 0
    assert tally.after.unmeasured == {"owner": 1}


def test_what_is_newly_sent_upwards_has_no_answer(holding_embedded: HoldingHouse) -> None:
    """A tighter limit escalates what was approved: its money is gone, its wait is reckoned."""
    house = holding_embedded
    house.propose(amount="90.00")
    tally = replayed(house, shop(("up_to: 100}", "up_to: 80}")))
    assert [(it.before.outcome, it.after.outcome) for it in tally.flips] == [
        ("approved", "incomplete")
    ]
    assert (tally.before.money_minor, tally.after.money_minor) == (9_000, 0)


def test_facts_that_the_candidate_does_not_declare_are_left_out(
    holding_embedded: HoldingHouse,
) -> None:
    """A fact that nobody asks for any more is no reason to refuse what was asked then."""
    house = holding_embedded
    facts = {"guest": {"id": "G-1"}, "stay": {"id": "S-1", "weight": 1.5}}
    house.propose(amount="50.00", facts=facts)
    tally = replayed(house, shop(("  stay.weight: {type: number, optional: true}\n", "")))
    assert tally.flipped == 0
    assert dict(tally.notes) == {"stay.weight is not declared, and was left out": 1}
    unchanged(replayed(house, shop()))


def test_a_resolution_that_is_gone_is_refused(holding_embedded: HoldingHouse) -> None:
    """The candidate cannot decide what it does not name, and says so."""
    house = holding_embedded
    house.propose(amount=None, resolution="night", quantity=1, facts=_night())
    gone = (("  night: {unit: night, worth: stay.rate}\n", ""), ("[credit, night,", "[credit,"))
    tally = replayed(
        house, shop(*gone[:1], ("may: [credit, night, upgrade", "may: [credit, upgrade"))
    )
    (flip,) = tally.flips
    assert (flip.before.outcome, flip.after.outcome) == ("approved", "refused")
    assert flip.after.rule == "unknown_resolution"


def _night() -> dict[str, Any]:
    return {"guest": {"id": "G-1"}, "stay": {"id": "S-1", "rate": "40.00"}}


def test_budgets_per_another_personal_fact_find_their_rows(holding_embedded: HoldingHouse) -> None:
    """A cap per telephone holds in a replay too, although no entry tells the number."""
    house = holding_embedded
    for phone in ("1", "1", "2"):
        facts = {"guest": {"id": "G-1", "phone": phone}, "stay": {"id": "S-1"}}
        house.propose(amount="50.00", facts=facts)
    per_phone = shop(("budgets:\n", "budgets:\n  - {id: phone, count: 1, per: [guest.phone]}\n"))
    assert asks_people((load_rulebook(per_phone),))
    tally = replayed(house, per_phone)
    assert [it.after.outcome for it in tally.flips] == ["denied"]


def test_a_baseline_is_decided_anew_in_place_of_what_was_recorded(
    holding_embedded: HoldingHouse,
) -> None:
    """With another set to compare with, neither side is what the log says."""
    house = holding_embedded
    house.propose(amount="90.00")
    tight = shop(("up_to: 100}", "up_to: 80}"))
    share = Share(candidate=shop(), baseline=tight, window=Window())
    tally = replay_log(share, house.services.store, lambda _: None)
    assert [(it.before.outcome, it.after.outcome) for it in tally.flips] == [
        ("incomplete", "approved")
    ]


# ── The order in which budgets changed ──


def entry(number: int, *rows: tuple[str, int, int]) -> tuple[EntryRecord, dict[str, Any]]:
    """An entry that found rows at one version and left them at another."""
    budgets = [
        {"row": row, "version": after, "charged": after - before} for row, before, after in rows
    ]
    body = {"budgets": budgets}
    at = datetime.fromisoformat("2026-03-01T00:00:00+00:00") + timedelta(seconds=number)
    record = EntryRecord(
        id=f"ent_{number}",
        kind="decision",
        at=at,
        body=orjson.dumps(body),
        leaf=b"",
        about=f"res_{number}",
    )
    return record, body


def ids(entries: Iterable[tuple[EntryRecord, Any]], *, is_whole: bool = True) -> list[str]:
    return [record.id for record, _ in in_order(entries, is_whole=is_whole)]


@pytest.mark.parametrize(
    ("found", "order"),
    [
        ([entry(1, ("a", 0, 1)), entry(2, ("a", 1, 2))], ["ent_1", "ent_2"]),
        ([entry(1, ("a", 1, 2)), entry(2, ("a", 0, 1))], ["ent_2", "ent_1"]),
        ([entry(1, ("a", 1, 1)), entry(2, ("a", 0, 1))], ["ent_2", "ent_1"]),
        (
            [entry(1, ("a", 1, 2)), entry(2, ("b", 0, 1)), entry(3, ("a", 0, 1))],
            ["ent_2", "ent_3", "ent_1"],
        ),
        ([entry(1, ("a", 5, 6)), entry(2, ("b", 0, 1))], ["ent_2", "ent_1"]),
    ],
)
def test_a_transaction_that_began_earlier_may_come_later(
    found: list[tuple[EntryRecord, Any]], order: list[str]
) -> None:
    """The versions of the rows tell who was first, and what never comes is not waited for."""
    assert ids(found) == order


def test_a_log_that_does_not_begin_here_takes_rows_as_they_are() -> None:
    """Whatever came before is out of sight, so the first that is seen of a row is the first."""
    assert ids([entry(1, ("a", 5, 6)), entry(2, ("a", 6, 7))], is_whole=False) == ["ent_1", "ent_2"]


def test_requests_are_read_as_the_rulebook_has_them(holding_embedded: HoldingHouse) -> None:
    """Notes and evidence are there or not, roles are those held then, nobody's name is known."""
    house = holding_embedded
    house.propose(
        amount="50.00", note="it was late", evidence=[{"kind": "photo", "reference": "x/1"}]
    )
    log = Log(store=house.services.store, since=None, until=None, notes={})
    (asked,) = list(log.events())
    book: Rulebook = load_rulebook(shop())
    request = asked.request(book)  # type: ignore[union-attr]
    assert (request.note, [it.kind for it in request.evidence]) == ("there", ["photo"])
    assert request.agent.roles == ("clerk",)
    assert request.facts["guest.id"] != "G-1"
    run = Replay(book)
    run.take(asked)
    unchanged(run.finish())
