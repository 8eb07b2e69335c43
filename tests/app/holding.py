"""The shop with resolutions that are held back, and a clock that a test moves."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from service.app.finish import Finish
from service.app.idempotency import claim_of
from service.app.propose import Answered
from service.bootstrap import open_services
from service.core.hold import Move
from service.services import Services
from tests.app.house import POLICY, House, shop_files, shop_settings, write_shop
from tests.fakes.clock import FakeClock
from tests.fakes.serverclock import ServerClock

LOAN = "  loan: {hold: {for: 48h, then: settle}}\n"
BOND = "  bond: {hold: {for: 24h, then: release}}\n"
HELD = (
    ("  cash: {}\n", f"  cash: {{}}\n{LOAN}{BOND}"),
    ("may: [credit, night, upgrade]", "may: [credit, night, upgrade, loan, bond]"),
)
"""What the shop's policy says besides: a loan is given at last, a bond is given back."""


class HoldingHouse(House):
    """Time stands still until `wait`."""

    def __init__(self, services: Services, folder: Path, clock: FakeClock) -> None:
        super().__init__(services, folder)
        self.clock = clock

    def publish(self, *changes: tuple[str, str]) -> None:
        super().publish(*HELD, *changes)

    def wait(self, **by: float) -> None:
        self.clock.advance(timedelta(**by))

    def sweep(self) -> None:
        self.services.sweeper.sweep()

    def finishing(
        self,
        person: str,
        resolution: str,
        move: Move,
        body: object = None,
        *,
        key: str | None = None,
    ) -> Finish:
        caller = self.principal(person)
        record = self.services.finder.find_resolution(self.principal("gus"), resolution)
        sent = {} if body is None else body
        claim = None
        if key is not None:
            route = f"/v1/resolutions/{resolution}/{move.value}"
            vault = self.services.vault
            claim = claim_of(vault, person=person, route=route, key=key, body=sent)
        return Finish(principal=caller, resolution=record, move=move, body=sent, claim=claim)

    def finish(
        self, person: str, resolution: str, move: Move, body: object = None
    ) -> dict[str, Any]:
        """The decision as it stands afterwards."""
        return self.named(self.decide(self.finishing(person, resolution, move, body)))

    def settle(self, resolution: str, **body: object) -> dict[str, Any]:
        return self.finish("ana", resolution, Move.SETTLE, body)

    def release(self, resolution: str) -> dict[str, Any]:
        return self.finish("ana", resolution, Move.RELEASE)

    def reverse(self, resolution: str, person: str = "max") -> dict[str, Any]:
        return self.finish(person, resolution, Move.REVERSE, {"reason": "a slip of the pen"})

    def named(self, answered: Answered) -> dict[str, Any]:
        found = self.services.finder.named(answered.unnamed or "", answered.body)
        told: dict[str, Any] = orjson.loads(found)
        return told

    def case(self, resolution: str) -> dict[str, Any]:
        finder = self.services.finder
        found: dict[str, Any] = orjson.loads(
            finder.get_resolution(self.principal("gus"), resolution)
        )
        return found

    def rows(self, guest: str = "G-1", stay: str = "S-1") -> dict[str, dict[str, Any]]:
        """The budget rows of a guest and stay at the main shop, by budget."""
        body = {"site": "main", "facts": {"guest": {"id": guest}, "stay": {"id": stay}}}
        found = self.services.budget_search.search(self.principal("gus"), body)
        return {row["budget"]: row for row in orjson.loads(found)["budgets"]}

    def used(self, guest: str = "G-1") -> dict[str, tuple[Any, Any, int]]:
        """Held, settled and version of each row."""
        rows = self.rows(guest)
        return {name: (row["held"], row["settled"], row["version"]) for name, row in rows.items()}


@contextmanager
def clock_for(database: str) -> Iterator[FakeClock]:
    """The clock of a database, at a stand. Make it before anything else connects."""
    if database.startswith("sqlite"):
        yield FakeClock()
        return
    clock = ServerClock(database)
    try:
        yield clock
    finally:
        clock.close()


@contextmanager
def open_holding(folder: Path, database: str, clock: FakeClock) -> Iterator[HoldingHouse]:
    """The shop over a database, with time under control."""
    policy = POLICY
    for old, new in HELD:
        policy = policy.replace(old, new)
    shop = write_shop(folder / "shop", shop_files(policy))
    with open_services(shop_settings(shop, database), clock) as services:
        yield HoldingHouse(services, folder, clock)
