"""Processes are killed in the middle of their work: whatever was acknowledged is there, whole."""

import resource
import sqlite3
import time
from collections.abc import Callable, Sequence
from random import Random

from tests.attack.clients import START_SECONDS, Attack, Outcome, Wish
from tests.attack.policy import proposal
from tests.attack.server import Server
from tests.attack.target import Target

PROCESSES = 4
WISHES = 400
GONE = {
    "BrokenPipeError",
    "ConnectionRefusedError",
    "ConnectionResetError",
    "IncompleteRead",
    "RemoteDisconnected",
}
"""What a client sees of a service that was killed."""
NOT_NOW = {"outcome_unknown", "not_decided"}
"""What a service answers that lost its database."""


def load(target: Target, site: str) -> Attack:
    """More than one site's till, with a key on every request; at work when this returns."""
    wishes = [
        Wish(body=proposal(f"{site}-{n % 4}", f"{site}-{n % 60}", "5.00"), key=f"{site}-{n}")
        for n in range(WISHES)
    ]
    running = target.begin(wishes, processes=PROCESSES, threads=4)
    time.sleep(START_SECONDS + 0.25)
    assert running.is_on, "everything was decided before anything was killed"
    return running


def setbacks(outcomes: Sequence[Outcome]) -> set[str]:
    return {code for outcome in outcomes for code in outcome.setbacks}


def all_decided(target: Target, running: Attack) -> list[Outcome]:
    """Every key has one decision in the end, and nothing else was decided."""
    outcomes = target.end(running)
    assert {outcome.status for outcome in outcomes} == {201}
    assert len({outcome.answer["id"] for outcome in outcomes}) == WISHES
    return outcomes


def test_two_of_three_replicas_are_killed(target: Target) -> None:
    """Clients go on elsewhere with the same keys; what the dead had acknowledged is all there."""
    site = target.new_site()
    running = load(target, site)
    for replica in target.replicas[:2]:
        replica.kill()
        replica.launch()
        time.sleep(0.15)
    for replica in target.replicas[:2]:
        replica.wait()
    seen = setbacks(all_decided(target, running))
    assert seen & GONE, "no client noticed: the test killed nobody at work"
    assert seen <= GONE | NOT_NOW


def test_the_one_process_on_sqlite_is_killed_and_goes_on(alone: Target) -> None:
    """A database that was being written is sound, and holds exactly what was acknowledged."""
    site = alone.new_site()
    running = load(alone, site)
    alone.replicas[0].kill()
    with sqlite3.connect(alone.database.removeprefix("sqlite:///")) as file:
        assert list(file.execute("PRAGMA integrity_check")) == [("ok",)]
    file.close()
    alone.replicas[0].start()
    seen = setbacks(all_decided(alone, running))
    assert seen & GONE, "no client noticed: the test killed nobody at work"
    assert seen <= GONE


def test_connections_are_ended_by_the_server(target: Target, postgresql: Server) -> None:
    """An operator who ends connections costs nobody a decision, and nobody gets two."""
    unkind(target, postgresql, postgresql.terminate, times=30)


def test_a_server_process_is_killed(target: Target, postgresql: Server) -> None:
    """The server starts anew and recovers; the replicas find their way back by themselves."""
    unkind(target, postgresql, postgresql.kill, times=2)


def unkind(target: Target, server: Server, end: Callable[[int], None], times: int) -> None:
    site, random = target.new_site(), Random(3)  # noqa: S311 — a load, no secret
    running = load(target, site)
    for _ in range(times):
        end(random.choice(server.backends(target.database)))
        time.sleep(0.03)
    assert setbacks(all_decided(target, running)) <= NOT_NOW


def test_a_full_disk_costs_nobody_a_decision(alone: Target) -> None:
    """While nothing can be written nobody is told that it was; room again, and it goes on."""
    process = alone.replicas[0].process
    assert process is not None
    unbounded = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    site, before = alone.new_site(), alone.decided()
    for turn in range(2):
        wishes = [
            Wish(body=proposal(site, f"{site}-{n}"), key=f"{site}-{turn}-{n}") for n in range(4)
        ]
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1, unbounded[1]))
        running = alone.begin(wishes, threads=4)
        time.sleep(START_SECONDS + 0.4)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, unbounded)
        outcomes = alone.end(running)
        assert [outcome.answer.get("outcome") for outcome in outcomes] == ["approved"] * 4
        assert setbacks(outcomes) == {"outcome_unknown"}
    assert alone.decided() == before + 8
