"""Whoever waits to write gets their turn, however busy somebody else is."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

import pytest

from service.adapters.sql.store import open_database
from service.adapters.sql.turns import Turns
from tests.databases import sqlite_url
from tests.fakes.clock import FakeClock

__all__ = ["sqlite_url"]

WAIT_SECONDS = 30


def test_turns_come_in_the_order_of_asking() -> None:
    """Ten threads that wait get it one by one, first come, first served."""
    turns, served, pause = Turns(), list[int](), Event()

    def take(number: int) -> None:
        with turns:
            served.append(number)

    threads = [Thread(target=take, args=(number,)) for number in range(10)]
    with turns:
        for thread in threads:
            thread.start()
            pause.wait(0.02)
        assert served == []
    for thread in threads:
        thread.join(WAIT_SECONDS)
    assert served == list(range(10))


def test_one_has_it_at_a_time() -> None:
    """Nobody comes in while another is there."""
    turns, inside, most = Turns(), list[int](), list[int]()

    def take(number: int) -> None:
        for _ in range(200):
            with turns:
                inside.append(number)
                most.append(len(inside))
                inside.remove(number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(take, range(4)))
    assert max(most) == 1


def test_what_fails_in_its_turn_gives_it_back() -> None:
    """An exception is no reason to keep it."""
    turns = Turns()
    with pytest.raises(ZeroDivisionError), turns:
        raise ZeroDivisionError
    with turns:
        pass


def test_a_writer_without_a_pause_lets_others_write(sqlite_url: str) -> None:
    """A thread that begins the next transaction at once waits for one that came before."""
    with open_database(sqlite_url, FakeClock()) as store:
        is_over, begun = Event(), Event()

        def write_on() -> None:
            while not is_over.is_set():
                with store.begin():
                    begun.set()

        busy = Thread(target=write_on)
        busy.start()
        assert begun.wait(WAIT_SECONDS)
        for _ in range(20):
            with store.begin() as tx:
                assert tx.head() is None
        is_over.set()
        busy.join(WAIT_SECONDS)
