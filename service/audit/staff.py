"""Who examines chunks: this process, or several others, always in the order of the log."""

import gc
import multiprocessing
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from types import TracebackType
from typing import Final, Self

from service.audit.chunk import Chunk, Job, examine
from service.audit.source import Source

_AHEAD: Final = 3
"""How many chunks for each process may be examined before they are asked for."""

_sources: list[Source] = []
"""The source of a process of the staff, set when it starts."""


class Staff:
    """``processes`` of them; with 0 the work is done here."""

    def __init__(self, source: Source, processes: int) -> None:
        """Nobody starts before there is work."""
        self._source = source
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        """Started afresh and not forked: a fork would take threads and connections along."""
        if self._processes:
            self._pool = ProcessPoolExecutor(
                self._processes,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_begin,
                initargs=(self._source,),
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Whatever is not examined yet will not be."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def examined(self, jobs: Sequence[Job]) -> Iterator[Chunk]:
        """The chunks of jobs, in their order. Raises `SourceError`."""
        if self._pool is None:
            for job in jobs:
                yield examine(self._source, job)
            return
        waiting: deque[Future[Chunk]] = deque()
        for job in jobs:
            waiting.append(self._pool.submit(_examine, job))
            if len(waiting) > _AHEAD * self._processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _begin(source: Source) -> None:
    _sources[:] = [source]
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)  # entries leave no cycles behind


def _examine(job: Job) -> Chunk:
    return examine(_sources[0], job)
