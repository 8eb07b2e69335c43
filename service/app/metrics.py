"""What a process tells about itself in numbers: for monitoring, and never about a person."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from service.app.standing import Standing

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus's text format, as every version of Prometheus reads it."""

ELSEWHERE: Final = "elsewhere"
"""The route of every path that there is no route for, whatever was asked."""


class Exchanged(NamedTuple):
    """One request that was answered. ``route`` is its pattern, and no path that somebody wrote.

    ``seconds`` is from its arrival to the first byte of its answer. ``status`` is 0 where
    whoever asked went away before.
    """

    route: str
    method: str
    status: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How one process stands. ``standing`` is ``None`` while the database cannot be asked.

    ``folder_refused`` says that what its folder holds now does not load, or fails its own
    tests, so that the last good set goes on deciding; ``folder_differs`` that another
    version is in force than the folder's last good one.
    """

    is_ready: bool
    policy: str | None
    folder_differs: bool
    folder_refused: bool
    log_alarm: bool
    standing: Standing | None


class Metrics(Protocol):
    """Counts and times, of this process since its start.

    Every label is one of a set that neither callers nor guests can make longer: routes,
    statuses, outcomes, kinds of entries, roles of the policy.
    """

    def ticks(self) -> float:
        """Seconds, to measure how long something takes; they begin anywhere."""

    def exchanged(self, exchange: Exchanged) -> None:
        """A request was answered."""

    def committed(self, outcomes: Sequence[str], kinds: Collection[str]) -> None:
        """A batch was committed, with decisions of these outcomes and entries of these kinds."""

    def answered(self, seconds: float, waited: Sequence[float], refused: int) -> None:
        """A batch took so long. Each of its commands ``waited`` from its arrival to its reply.

        So many were ``refused`` by a flood guard.
        """

    def exposition(self, condition: Condition) -> bytes:
        """Everything, as text of `MEDIA_TYPE`."""


class Unmeasured:
    """Keeps no numbers, for whoever decides without a service around it."""

    def ticks(self) -> float:
        """Always the same: nothing is measured."""
        return 0.0

    def exchanged(self, exchange: Exchanged) -> None:
        """Nothing."""

    def committed(self, outcomes: Sequence[str], kinds: Collection[str]) -> None:
        """Nothing."""

    def answered(self, seconds: float, waited: Sequence[float], refused: int) -> None:
        """Nothing."""

    def exposition(self, condition: Condition) -> bytes:
        """No line."""
        del condition
        return b""


UNMEASURED: Final[Metrics] = Unmeasured()
