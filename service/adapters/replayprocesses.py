"""Parts of a replay, each in a process of its own: whoever waits for them does nothing else."""

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, Final

from service.adapters.clock import SystemClock
from service.adapters.sql.store import open_database
from service.app.replaytally import Tally
from service.app.replaywork import (
    Advance,
    ReplayFailed,
    Share,
    Stream,
    replay_lines,
    replay_log,
)

ASIDE: Final = 10
"""How far a process steps back that is to leave room to one which serves (``nice``)."""


def replay_aside(shares: Sequence[Share], stream: Stream) -> Tally:
    """The same, with the processor first for others. Raises `ReplayFailed`."""
    return replay_parts(shares, stream, lambda _: None, nice=ASIDE)


def replay_parts(
    shares: Sequence[Share], stream: Stream, advance: Advance, *, nice: int = 0
) -> Tally:
    """Every part in a process of its own; what all of them came to.

    Raises `ReplayFailed` where a process fails or is ended; the others are ended then, too.
    """
    whole = Tally(flips_max=shares[0].flips_max)
    with _running(shares, stream, nice) as running:
        while running:
            ready_now = connection.wait(running)
            for ready in [it for it in running if it in ready_now]:
                told = _received(ready)
                if isinstance(told, Tally):
                    whole.add(told)
                    running.remove(ready)
                else:
                    advance(told)
    return whole


@contextmanager
def _running(shares: Sequence[Share], stream: Stream, nice: int) -> Iterator[list[Connection]]:
    """Where each process tells from. Those that still run at the end are ended."""
    context = get_context("spawn")
    started: list[tuple[Connection, SpawnProcess]] = []
    try:
        for share in shares:
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(
                target=_work, args=(share, stream, theirs, nice), name="replay", daemon=True
            )
            process.start()
            theirs.close()  # so that the end of the process is the end of what it tells
            started.append((ours, process))
        yield [ours for ours, _ in started]
    finally:
        for ours, process in started:
            ours.close()
            process.terminate()
            process.join()


def _received(ready: Connection) -> int | Tally:
    """What a process tells: how much more was done, or all it came to."""
    try:
        told: Any = ready.recv()
    except EOFError:
        raise ReplayFailed("a process of the replay was ended") from None
    if isinstance(told, int | Tally):
        return told
    raise ReplayFailed(f"a process of the replay failed: {told}")


def _work(share: Share, stream: Stream, tell: Connection, nice: int) -> None:
    """What a process does. Where nobody listens any more it ends."""
    os.nice(nice)
    gc.freeze()
    gc.set_threshold(50_000, 20, 1_000)  # decisions make no cycles, and looking costs a tenth
    with suppress(BrokenPipeError):
        try:
            tell.send(_replayed(share, stream, tell))
        except BrokenPipeError:
            raise
        except Exception as failure:  # noqa: BLE001 - its text may repeat what somebody sent
            tell.send(type(failure).__qualname__)


def _replayed(share: Share, stream: Stream, tell: Connection) -> Tally:
    if stream.path is not None:
        return replay_lines(share, stream.path, tell.send)
    with open_database(stream.database, SystemClock(), serving=False) as store:
        return replay_log(share, store, tell.send)
