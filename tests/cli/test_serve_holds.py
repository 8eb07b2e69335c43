"""Two services on one database end every hold, once and on time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from subprocess import Popen
from threading import Event

import httpx
import orjson
import pytest

from service.app.records import EntryRecord
from service.core.factvalue import parse_timestamp
from tests.app.house import MASTER_KEY, SIGNING_KEY, House, open_house, proposal
from tests.cli.terminal import start
from tests.databases import postgresql_url

__all__ = ["postgresql_url"]

HOLDS = 12
SECONDS_MAX = 1.0
"""How late a hold may end; at least every other one, since this machine may be busy."""


@contextmanager
def serving(folder: Path, database: str) -> Iterator[str]:
    """The address of a service in a process of its own."""
    process = start("serve", "--policies", folder, "--database", database, "--port", "0")
    try:
        yield address(process)
    finally:
        process.terminate()
        process.communicate(timeout=30)


def address(process: Popen[bytes]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().decode().split()[-1]


@pytest.fixture
def house(tmp_path: Path, postgresql_url: str) -> House:
    """Opens the database, publishes holds of a second, and is gone when the services come."""
    with open_house(tmp_path, postgresql_url) as opened:
        opened.publish(("hold: {for: 72h, then: release}", "hold: {for: 1s, then: release}"))
        opened.key("ana")
    return opened


def expired(folder: Path, database: str) -> list[EntryRecord]:
    with open_house(folder, database) as again:
        return again.entries(kind="expire")


def test_every_hold_ends_once_and_on_time(
    house: House, tmp_path: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of the two is faster, and within a second."""
    monkeypatch.setenv("REMIT_MASTER_KEY", MASTER_KEY)
    monkeypatch.setenv("REMIT_SIGNING_KEY", SIGNING_KEY)
    folder = tmp_path / "shop"
    headers = {"Authorization": f"Bearer {house.key('ana').secret}"}
    with serving(folder, postgresql_url) as first, serving(folder, postgresql_url) as second:
        ids = [
            propose(at, headers, number) for number in range(HOLDS // 2) for at in (first, second)
        ]
        for id_ in ids:
            released(second, headers, id_)
    entries = expired(tmp_path / "again", postgresql_url)
    assert sorted(entry.about for entry in entries) == sorted(ids)
    assert median(map(lateness, entries)) <= SECONDS_MAX


def propose(at: str, headers: dict[str, str], number: int) -> str:
    body = proposal(None, f"G-{number}-{at}", resolution="upgrade", quantity=1)
    answer = httpx.post(f"{at}/v1/resolutions", json=body, headers=headers, timeout=30).json()
    assert answer["state"] == "held"
    return str(answer["id"])


def released(at: str, headers: dict[str, str], id_: str) -> None:
    """Wait until it is; for so long that only a service that never looks is too late."""
    pause = Event()
    for _ in range(600):
        answer = httpx.get(f"{at}/v1/resolutions/{id_}", headers=headers, timeout=30)
        if answer.json()["state"] == "released":
            return
        pause.wait(0.05)
    raise AssertionError(f"{id_} is still held")


def lateness(entry: EntryRecord) -> float:
    ends_at = parse_timestamp(orjson.loads(entry.body)["hold_ends_at"])
    assert ends_at is not None
    return (entry.at - ends_at).total_seconds()
