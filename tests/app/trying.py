"""The shop with authors, and how a candidate is tried in it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from service.app.propose import Answered
from service.app.trialend import EndTrial
from service.app.trialkeeper import TrialKeeper
from service.app.trialrecords import TrialCounts, TrialMode
from service.app.trialstart import StartTrial, Terms
from service.bootstrap import compile_files, open_services
from tests.app.authors import AUTHORS
from tests.app.holding import HELD, HoldingHouse, clock_for
from tests.app.house import POLICY, House, shop_files, shop_settings, write_shop
from tests.app.test_logkeeper import until
from tests.fakes.clock import FakeClock

RAISED = (("up_to: 100}", "up_to: 180}"),)
"""A clerk gives 180 instead of 100 without a note."""

LOWERED = (("up_to: 100}", "up_to: 40}"), ("may: [credit], up_to: 200", "may: [credit], up_to: 50"))
"""A clerk gives 40, and 50 with a note; what is more goes up."""


def shop(*changes: tuple[str, str], access: str = AUTHORS) -> dict[str, bytes]:
    """The shop's files, with held resolutions and texts replaced by others."""
    policy = POLICY
    for old, new in (*HELD, *changes):
        assert old in policy, old
        policy = policy.replace(old, new)
    return shop_files(policy, access)


@contextmanager
def open_trying(
    folder: Path, database: str, clock: FakeClock | None = None, access: str = AUTHORS
) -> Iterator[HoldingHouse]:
    """The shop over a database."""
    with open_replicas(folder, database, 1, clock, access) as (house,):
        yield house


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[HoldingHouse]:
    """The shop over either database, with a clock to turn on the embedded one."""
    with (
        clock_for(database_url) as clock,
        open_trying(tmp_path, database_url, clock) as opened,
    ):
        yield opened


@contextmanager
def open_replicas(
    folder: Path,
    database: str,
    number: int,
    clock: FakeClock | None = None,
    access: str = AUTHORS,
) -> Iterator[list[HoldingHouse]]:
    """Several processes' worth of the shop over one database."""
    settings = shop_settings(write_shop(folder / "shop", shop(access=access)), database)
    with ExitStack() as stack:
        opened = [stack.enter_context(open_services(settings, clock)) for _ in range(number)]
        yield [HoldingHouse(services, folder, clock or FakeClock()) for services in opened]


def told(answered: Answered) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(answered.body)
    return found


def try_out(
    house: House,
    *changes: tuple[str, str],
    mode: TrialMode = "pilot",
    person: str = "paula",
    access: str = AUTHORS,
    **terms: Any,
) -> dict[str, Any]:
    """Start a trial; what is answered. A pilot without any other scope is for the main site."""
    snapshot = compile_files(shop(*changes, access=access))
    if mode == "pilot" and not {"sites", "share_percent"} & terms.keys():
        terms["sites"] = ("main",)
    command = StartTrial(
        principal=house.principal(person), snapshot=snapshot, terms=Terms(mode=mode, **terms)
    )
    return told(house.decide(command))


def end(house: House, trial: str, person: str = "paula") -> dict[str, Any]:
    return told(house.decide(EndTrial(principal=house.principal(person), id=trial)))


def shown(house: House, trial: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(house.services.trials.one(house.principal("paula"), trial))
    return found


def counts(house: House, trial: str) -> TrialCounts:
    with house.services.store.read() as reader:
        return reader.trials.counts(trial)


def compared(
    house: House, trial: str, ready: Callable[[dict[str, Any]], bool] | None = None
) -> dict[str, Any]:
    """The figures, once everything that was decided is in them."""
    store = house.services.store

    def is_all() -> bool:
        with store.read() as reader:
            waits = reader.log.is_waiting()
        figures = shown(house, trial)["compared"]
        return not waits and figures["entries_left"] == 0 and (ready is None or ready(figures))

    until(is_all)
    found: dict[str, Any] = shown(house, trial)["compared"]
    return found


def keeper(house: House, step_entries: int = 200) -> TrialKeeper:
    """One that a test drives by hand."""
    services = house.services
    failures: list[Exception] = []
    return TrialKeeper(services.store, services.library, failures.append, step_entries=step_entries)
