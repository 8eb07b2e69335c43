"""Commands on their way to the committer: who repeats one that is still being decided."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from service.api.commands import Line
from service.app.committer import Committer
from service.app.errors import Conflict
from service.app.propose import Answered
from tests.api.door import Door
from tests.app.house import House


def alone(house: House, work: Callable[[Line, Committer], Awaitable[None]]) -> None:
    """Run work with a committer that decides nothing before it is started."""
    services = house.services
    committer = Committer(services.store, services.library, services.ids, services.vault, print)

    async def run() -> None:
        await work(Line(committer), committer)

    try:
        asyncio.run(run())
    finally:
        committer.stop()


def test_a_repetition_waits_a_second_and_is_turned_away(door: Door) -> None:
    """The first request goes on; so does another one, and the same key afterwards."""

    async def work(line: Line, committer: Committer) -> None:
        first = asyncio.create_task(line.send(door.house.command(key="k-1")))
        await asyncio.sleep(0)
        other = asyncio.create_task(line.send(door.house.command(key="k-2", guest="G-2")))
        started = time.monotonic()
        with pytest.raises(Conflict) as refused:
            await line.send(door.house.command(key="k-1"))
        assert refused.value.code == "in_progress"
        assert 1.0 <= time.monotonic() - started < 1.5
        committer.start()
        assert not (await first).replayed
        assert not (await other).replayed
        assert (await line.send(door.house.command(key="k-1"))).replayed

    alone(door.house, work)
    assert len(door.house.entries(kind="decision")) == 2


def test_a_repetition_gets_the_answer_that_comes_in_time(door: Door) -> None:
    """Whoever repeats a request is answered with the first one, as a replay."""

    async def work(line: Line, committer: Committer) -> None:
        first = asyncio.create_task(line.send(door.house.command(key="k-1")))
        again = asyncio.create_task(line.send(door.house.command(key="k-1")))
        await asyncio.sleep(0.2)
        committer.start()
        answers = [await first, await again]
        assert [answer.replayed for answer in answers] == [False, True]

    alone(door.house, work)


def test_a_caller_that_hung_up_is_still_being_decided(door: Door) -> None:
    """Its repetition waits no longer than any other, and finds the one decision in the end."""

    async def work(line: Line, committer: Committer) -> None:
        first = asyncio.create_task(line.send(door.house.command(key="k-1")))
        await asyncio.sleep(0.05)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        with pytest.raises(Conflict):
            await line.send(door.house.command(key="k-1"))
        committer.start()
        answer = await line.send(door.house.command(key="k-1"))
        assert isinstance(answer, Answered)
        assert answer.replayed

    alone(door.house, work)
    assert len(door.house.entries(kind="decision")) == 1


def test_a_refusal_that_nobody_heard_frees_the_key(door: Door) -> None:
    """A key whose first request was refused after its caller left is free for the next one."""

    async def work(line: Line, committer: Committer) -> None:
        first = asyncio.create_task(line.send(door.house.command(key="k-1", amount="1.234")))
        await asyncio.sleep(0.05)
        first.cancel()
        committer.start()
        await asyncio.sleep(0.3)
        assert not (await line.send(door.house.command(key="k-1", amount="1.23"))).replayed

    alone(door.house, work)
