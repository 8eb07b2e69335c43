"""A naive model, SQLite and PostgreSQL agree on every balance after every step."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import orjson
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from service.app.errors import Conflict
from service.app.snapshot import Snapshot
from service.bootstrap import compile_files, open_services
from service.core.hold import Move
from service.core.money import parse_minor
from service.core.refusal import Refused
from tests.app.holding import HoldingHouse, clock_for
from tests.app.house import shop_files, shop_settings, write_shop
from tests.app.life import ACCESS, HOLDS, LIMITS, POLICY, Approval, Life

_STAYS = count()
_MOVES = st.sampled_from(list(Move))


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
        yield HoldingHouse(services, folder, clock)


class Lives(RuleBasedStateMachine):
    """One stay's life on both databases, step by step."""

    houses: ClassVar[list[HoldingHouse]]
    sets: ClassVar[dict[str, Snapshot]]

    def __init__(self) -> None:
        super().__init__()
        self.stay = f"S-{next(_STAYS)}"
        self.life = Life(self.houses[0].clock.now())
        self.ids: list[tuple[Approval, list[str]]] = []
        self.limit("usual")

    @rule(resolution=st.sampled_from(list(HOLDS)), amount=st.integers(1, 60))
    def propose(self, resolution: str, amount: int) -> None:
        approval = self.life.propose(resolution, amount * 100)
        fields: dict[str, Any] = {
            "resolution": resolution,
            "amount": f"{amount}.00",
            "facts": {"stay": {"id": self.stay}},
        }
        answers = [house.propose(**fields) for house in self.houses]
        told = None if approval is None else approval.state
        assert [answer["state"] for answer in answers] == [told] * 2
        if approval is not None:
            self.ids.append((approval, [answer["id"] for answer in answers]))

    @rule(data=st.data(), move=_MOVES, amount=st.integers(1, 60))
    def move(self, data: st.DataObject, move: Move, amount: int) -> None:
        if self.ids:
            chosen = data.draw(st.sampled_from(range(len(self.ids))))
            self._move(chosen, move, amount * 100)

    @rule(data=st.data(), move=_MOVES)
    def move_too_late(self, data: st.DataObject, move: Move) -> None:
        """As `move`, with everything overdue that is held, and nobody told to look."""
        if self.ids:
            self._wait(48)
            self._move(data.draw(st.sampled_from(range(len(self.ids)))), move, 100)
            self._sweep()

    @rule(hours=st.integers(0, 100))
    def wait(self, hours: int) -> None:
        self._wait(hours)
        self._sweep()

    @rule(name=st.sampled_from(list(LIMITS)))
    def limit(self, name: str) -> None:
        self.life.limit = LIMITS[name]
        for house in self.houses:
            house.services.publisher.publish(self.sets[name], by="test")

    def _wait(self, hours: int) -> None:
        self.life.now += timedelta(hours=hours)
        for house in self.houses:
            house.wait(hours=hours)

    def _sweep(self) -> None:
        self.life.expire()
        for house in self.houses:
            house.sweep()

    def _move(self, chosen: int, move: Move, amount: int) -> None:
        approval, ids = self.ids[chosen]
        refused = self.life.move(approval, move, amount)
        told = [
            moved(house, id_, move, amount) for house, id_ in zip(self.houses, ids, strict=True)
        ]
        assert told == [refused or approval.state] * 2

    @invariant()
    def agree(self) -> None:
        first, second = [searched(house, self.stay) for house in self.houses]
        assert balances(first) == balances(second) == self.life.balances()
        assert versions(first) == versions(second)


def with_limit(minor: int) -> Snapshot:
    policy = POLICY.replace("limit: 100", f"limit: {minor // 100}")
    return compile_files(shop_files(policy, ACCESS))


def moved(house: HoldingHouse, id_: str, move: Move, amount: int) -> str:
    """The state after a move, or the code that it was refused with."""
    bodies = {
        Move.SETTLE: {"amount": f"{amount // 100}.00"},
        Move.RELEASE: {},
        Move.REVERSE: {"reason": "x"},
    }
    try:
        return str(house.finish("gus", id_, move, bodies[move])["state"])
    except Conflict as conflict:
        return conflict.code
    except Refused as refused:
        return refused.faults[0].code


Rows = dict[str, dict[str, Any]]
"""What the budgets of a stay tell, by their ids."""


def balances(rows: Rows) -> dict[str, tuple[int, int]]:
    """What each budget holds and has settled, in minor units."""

    def minor(shown: str | int) -> int:
        return shown if isinstance(shown, int) else parse_minor(shown, 2)

    return {name: (minor(row["held"]), minor(row["settled"])) for name, row in rows.items()}


def versions(rows: Rows) -> dict[str, int]:
    return {name: row["version"] for name, row in rows.items()}


def searched(house: HoldingHouse, stay: str) -> Rows:
    body = {"site": "main", "facts": {"stay": {"id": stay}}}
    found = orjson.loads(house.services.budget_search.search(house.principal("gus"), body))
    return {row["budget"]: row for row in found["budgets"]}


def test_model_and_databases_agree(houses: list[HoldingHouse]) -> None:
    """Through proposals, settlements, releases, ends, reversals, limits and time."""
    sets = {name: with_limit(minor) for name, minor in LIMITS.items()}
    run_state_machine_as_test(
        type("Lives", (Lives,), {"houses": houses, "sets": sets}),
        settings=settings(
            max_examples=15,
            stateful_step_count=30,
            deadline=None,
            database=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )
