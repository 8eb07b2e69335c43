"""A naive model, SQLite and PostgreSQL agree on every escalation after every step."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import orjson
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from service.app.answering import AnswerKind
from service.app.batch import Command
from service.app.delegate import Delegate
from service.app.errors import ServiceError
from service.app.ownmove import OwnEvent
from service.app.snapshot import Snapshot
from service.bootstrap import compile_files, open_services
from service.core.escalation import Event
from service.core.factvalue import rfc3339
from tests.app.holding import HoldingHouse, clock_for
from tests.app.house import shop_files, shop_settings, write_shop
from tests.app.upwards import answering, owning, record_of
from tests.oracle.upwards import OWNER_OF, ROLES, Case, Shop

_CASES = count()
CASES_MAX = 5
MANDATES_MAX = 6

POLICY = """\
remit: 1
name: upwards
currency: USD
timezone: America/New_York
sites: {main: {hours: "07:00-23:00"}}
roles: {clerk: {reports_to: manager}, manager: {reports_to: owner}, owner: {}}
facts:
  guest.id: {type: text, personal: true}
  case.id: {type: text}
subject: guest.id
resolutions: {credit: {}}
grants:
  - {id: small, role: clerk, may: any, up_to: 100}
  - {id: more, role: manager, may: any, up_to: 500}
  - {id: all, role: owner, may: any, up_to: 5000}
budgets:
  - {id: case, limit: 3000, per: [case.id]}
escalation:
  manager: {answer_within: 20m, on_timeout: next}
  owner: {answer_within: 4h, on_timeout: deny, approvals: 2}
"""
ACCESS = "\n".join(
    [
        "p, agent, resolution, propose",
        "p, approver, escalation, answer",
        "p, approver, escalation, read",
        "g, clerk, agent, *",
        "g, manager, agent, *",
        "g, manager, approver, *",
        "g, owner, approver, *",
        *[f"g, {person}, {role}, *" for person, role in ROLES.items()],
        "",
    ]
)
LIMITS = (500, 250)
PEOPLE = st.sampled_from(["max", "mia", "gus", "gus", "grace", "grace", "ben", "ana"])
PROPOSERS = st.sampled_from(["ana", "robo", "max"])
WHICH = st.integers(0, 599)
"""Which of the escalations there are by then: what is drawn must not depend on the time."""
SELDOM = st.integers(0, 3).map(lambda number: not number)
AMOUNTS = st.sampled_from([100, 101, 250, 251, 300, 500, 501, 900, 1_500])


@pytest.fixture
def houses(tmp_path: Path, sqlite_url: str, postgresql_url: str) -> Iterator[list[HoldingHouse]]:
    """The same shop on both databases, and one time for both."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(opened(tmp_path / str(number), url))
            for number, url in enumerate((sqlite_url, postgresql_url))
        ]


@contextmanager
def opened(folder: Path, url: str) -> Iterator[HoldingHouse]:
    shop = write_shop(folder, shop_files(POLICY, ACCESS))
    with clock_for(url) as clock, open_services(shop_settings(shop, url), clock) as services:
        services.sweeper.stop()  # nobody looks but when it is time to
        house = HoldingHouse(services, folder, clock)
        for agent, owner in OWNER_OF.items():
            house.key(agent, "ai", owner)
        yield house


class Lives(RuleBasedStateMachine):
    """The escalations of one case on both databases, step by step."""

    houses: ClassVar[list[HoldingHouse]]
    sets: ClassVar[dict[int, Snapshot]]

    def __init__(self) -> None:
        super().__init__()
        self.case = f"C-{next(_CASES)}"
        self.wait(minutes=90)  # whatever was delegated before is over
        self.shop = Shop(self.houses[0].clock.now())
        self.ids: list[list[str]] = []
        self.limit(LIMITS[0])
        for person, amount in (("ana", 300), ("robo", 900), ("max", 1_500)):
            self.propose(person, amount)

    @rule(person=PROPOSERS, amount=AMOUNTS)
    def propose(self, person: str, amount: int) -> None:
        before = len(self.shop.cases)
        if before == CASES_MAX:
            return
        outcome = self.shop.propose(person, amount)
        facts = {"guest": {"id": "G-1"}, "case": {"id": self.case}}
        told = [
            house.propose(person, amount=f"{amount}.00", resolution="credit", facts=facts)
            for house in self.houses
        ]
        assert [answer["outcome"] for answer in told] == [outcome] * 2
        if len(self.shop.cases) > before:
            self.ids.append([answer["escalation"]["id"] for answer in told])

    @rule(which=WHICH, person=PEOPLE)
    def approve(self, which: int, person: str) -> None:
        self._answer(which, person, "approve", self.shop.approve)

    @rule(which=WHICH, person=PEOPLE, amount=AMOUNTS)
    def counter(self, which: int, person: str, amount: int) -> None:
        offered = partial(self.shop.approve, amount=amount)
        self._answer(which, person, "counter", offered, {"amount": f"{amount}.00"})

    @rule(which=WHICH, person=PEOPLE)
    def ask(self, which: int, person: str) -> None:
        self._answer(which, person, "ask", self.shop.ask)

    @rule(which=WHICH, person=PEOPLE, really=SELDOM)
    def deny(self, which: int, person: str, really: bool) -> None:
        if really:
            self._answer(which, person, "deny", self.shop.deny)

    @rule(which=WHICH, person=PROPOSERS)
    def reply(self, which: int, person: str) -> None:
        self._own(which, person, Event.REPLY, self.shop.reply)

    @rule(which=WHICH, person=PROPOSERS, really=SELDOM)
    def withdraw(self, which: int, person: str, really: bool) -> None:
        if really:
            self._own(which, person, Event.WITHDRAW, self.shop.withdraw)

    @rule(delegator=st.sampled_from(["max", "gus"]), delegate=st.sampled_from(["ben", "mia"]))
    def delegate(self, delegator: str, delegate: str) -> None:
        if len(self.shop.mandates) == MANDATES_MAX:
            return
        self.shop.delegate(delegator, delegate, 60)
        until = rfc3339(self.shop.now + timedelta(minutes=60))
        for house in self.houses:
            caller = house.principal(delegator)
            house.decide(Delegate(principal=caller, body={"to": delegate, "until": until}))

    @rule(minutes=st.sampled_from([0, 1, 10, 20, 30, 240, 700]), look=st.booleans())
    def pass_time(self, minutes: int, look: bool) -> None:
        """Nobody may have looked when the next answer comes."""
        self.wait(minutes)
        self.shop.now += timedelta(minutes=minutes)
        if look:
            self.shop.sweep()
            for house in self.houses:
                house.sweep()

    @rule(limit=st.sampled_from(LIMITS))
    def limit(self, limit: int) -> None:
        self.shop.manager_limit = limit
        for house in self.houses:
            house.services.publisher.publish(self.sets[limit], by="test")

    def wait(self, minutes: int) -> None:
        for house in self.houses:
            house.wait(minutes=minutes)

    def _chosen(self, which: int) -> int | None:
        """An escalation, if there is any: mostly one that waits."""
        every = range(len(self.ids))
        waiting = [number for number in every if not self.shop.cases[number].is_over]
        among = waiting if waiting and which % 6 else every
        return among[which // 6 % len(among)] if among else None

    def _answer(
        self,
        which: int,
        person: str,
        answer: AnswerKind,
        model: Callable[[str, Case], str],
        offer: dict[str, Any] | None = None,
    ) -> None:
        def command(house: HoldingHouse, id_: str) -> Command:
            return answering(house, person, id_, answer, "words", offer=offer)

        self._same(which, partial(model, person), command)

    def _own(
        self, which: int, person: str, event: OwnEvent, model: Callable[[str, Case], str]
    ) -> None:
        def command(house: HoldingHouse, id_: str) -> Command:
            return owning(house, person, id_, event, "words")

        self._same(which, partial(model, person), command)

    def _same(
        self,
        which: int,
        model: Callable[[Case], str],
        command: Callable[[HoldingHouse, str], Command],
    ) -> None:
        """The model and both databases say the same of what somebody does."""
        chosen = self._chosen(which)
        if chosen is None:
            return
        expected = model(self.shop.cases[chosen])
        for house, id_ in zip(self.houses, self.ids[chosen], strict=True):
            assert said(house, command(house, id_)) == expected

    @invariant()
    def agree(self) -> None:
        for case, ids in zip(self.shop.cases, self.ids, strict=True):
            for house, id_ in zip(self.houses, ids, strict=True):
                assert standing(house, id_) == modelled(case)


def said(house: HoldingHouse, command: Command) -> str:
    """What an answer did, or the code that it was refused with."""
    try:
        return str(orjson.loads(house.decide(command).body)["effect"])
    except ServiceError as refused:
        return refused.code


def standing(house: HoldingHouse, id_: str) -> dict[str, Any]:
    """What a database has of an escalation, and of what became of it."""
    record = record_of(house, id_)
    with house.services.store.read() as reader:
        resolution = reader.find_resolution(record.resolution)
    assert resolution is not None
    is_open, given = record.state == "open", resolution.outcome == "approved"
    return {
        "state": record.state,
        "role": record.role,
        "votes": list(record.approvals),
        "offer": None if record.offer_minor is None else record.offer_minor // 100,
        "answer_by": record.answer_by if is_open else None,
        "remind_at": record.remind_at if is_open else None,
        "given": (resolution.value_minor or 0) // 100 if given else None,
        "over": resolution.state is None or given,
    }


def modelled(case: Case) -> dict[str, Any]:
    is_open = case.state == "open"
    return {
        "state": case.state,
        "role": case.role,
        "votes": case.votes,
        "offer": case.offer,
        "answer_by": case.answer_by if is_open else None,
        "remind_at": case.remind_at if is_open else None,
        "given": case.given,
        "over": case.is_over,
    }


def with_limit(limit: int) -> Snapshot:
    return compile_files(shop_files(POLICY.replace("up_to: 500}", f"up_to: {limit}}}"), ACCESS))


def test_model_and_databases_agree(houses: list[HoldingHouse]) -> None:
    """Through answers of all kinds, delegations, questions, policies, nights and deadlines."""
    sets = {limit: with_limit(limit) for limit in LIMITS}
    run_state_machine_as_test(
        type("Lives", (Lives,), {"houses": houses, "sets": sets}),
        settings=settings(
            max_examples=10,
            stateful_step_count=30,
            deadline=None,
            database=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )
