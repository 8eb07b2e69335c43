"""Processes that integrate and publish, each killing itself a step later than the one before.

    python -m tests.attack.dying URL COPY

A step is a call of the store's log, the end of a transaction on either side, or the
writing of the copy. New entries come before each process, which is a fork of this one, so
that only the first takes time to load. Prints how many had died when one lived.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from service.adapters.checkpointcopy import CheckpointFile
from service.adapters.clock import SystemClock
from service.adapters.ids import RandomIds
from service.adapters.signer import verify_ed25519
from service.adapters.sql.store import SqlStore, open_database
from service.app.checkpoints import CheckpointPublisher
from service.app.integrate import Integrator
from service.app.logkeys import LogKeys
from service.app.signing import Signing
from tests.fakes.clock import FakeClock
from tests.logged import ORIGIN, SEED, Logged, sign_with

STEPS_MAX = 200


class Fate:
    """Counts steps, and ends the process at one of them."""

    def __init__(self, step: int) -> None:
        self._left = step

    def step(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class Dying:
    """Whatever is called of it, a step comes before and one after."""

    def __init__(self, inside: Any, fate: Fate) -> None:
        self._inside = inside
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inside, name)
        if name == "log":
            return Dying(found, self._fate)
        return self._stepped(found) if callable(found) else found

    def _stepped(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*given: Any, **named: Any) -> Any:
            self._fate.step()
            found = call(*given, **named)
            self._fate.step()
            return found

        return stepped


class DyingStore:
    """A store whose transactions are dangerous: each statement, and the commit."""

    def __init__(self, store: SqlStore, fate: Fate) -> None:
        self._store = store
        self._fate = fate

    @contextmanager
    def begin(self) -> Iterator[Any]:
        with self._store.begin() as tx:
            yield Dying(tx, self._fate)
            self._fate.step()
        self._fate.step()

    def read(self) -> Any:
        return self._store.read()


def main(url: str, copy: str) -> None:
    for step in range(1, STEPS_MAX):
        with open_database(url, SystemClock()) as store:
            Logged(store, FakeClock(), url).write(2, 60)
        child = os.fork()
        if not child:
            keep(url, copy, Fate(step))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            sys.stdout.write(f"{step - 1 if status == 0 else 'failed'}\n")
            return


def keep(url: str, copy: str, fate: Fate) -> None:
    """Announce, integrate and publish once."""
    with open_database(url, SystemClock()) as opened:
        store: Any = DyingStore(opened, fate)
        signing = Signing(ORIGIN, sign_with(SEED), None, verify_ed25519)
        LogKeys(store, RandomIds(), signing).announce()
        file: Any = Dying(CheckpointFile(Path(copy)), fate)
        Integrator(store).integrate()
        CheckpointPublisher(store, signing, file).publish()


if __name__ == "__main__":
    main(*sys.argv[1:])
