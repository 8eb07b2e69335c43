"""How the whole service stands: what waits, as the database has it, for monitoring."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from typing import Final

from service.app.deskports import Pile
from service.app.ports import Reader, Store
from service.app.trialtally import TrialTally

KEPT_SECONDS: Final = 1
"""How long what was read is told again: whoever asks more often costs the database nothing."""

_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialStanding:
    """How the candidate that is tried compares so far, in decisions.

    ``flipped`` came out otherwise; ``failed`` could not be decided again.
    """

    decisions: int
    flipped: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What waits at one instant. The same for every process of a database.

    ``unpublished_microseconds`` is for how long the oldest entry has waited that no
    checkpoint covers; 0 where each is covered. ``trial`` is the one that runs, if any.
    """

    piles: Sequence[Pile]
    notices: Mapping[str, int]
    erasures: Mapping[str, int]
    log_size: int
    log_published: int
    unpublished_microseconds: int
    trial: TrialStanding | None = None

    def waiting_by_role(self) -> Mapping[str, int]:
        """How many escalations wait for each role, over all sites."""
        found: dict[str, int] = {}
        for pile in self.piles:
            found[pile.role] = found.get(pile.role, 0) + pile.waiting
        return found


class Standings:
    """Reads how the service stands, at most once in `KEPT_SECONDS` however many ask."""

    def __init__(self, store: Store, ticks: Callable[[], float]) -> None:
        """``ticks`` are seconds that never go back."""
        self._store = store
        self._ticks = ticks
        self._turn = Lock()
        self._kept: tuple[float, Standing] | None = None

    def latest(self) -> Standing:
        """As of a moment ago. Raises `Unavailable` while the database is away."""
        with self._turn:
            now = self._ticks()
            if self._kept is None or now - self._kept[0] >= KEPT_SECONDS:
                with self._store.read() as reader:
                    self._kept = (now, _read(reader))
            return self._kept[1]


def _read(reader: Reader) -> Standing:
    last = reader.log.last_checkpoint()
    published = 0 if last is None else last.size
    oldest = reader.standing.first_unpublished(published)
    waited = timedelta(0) if oldest is None else max(timedelta(0), reader.now() - oldest)
    return Standing(
        piles=reader.desk.piles(),
        notices=reader.standing.notices(),
        erasures=reader.standing.erasures(),
        log_size=reader.log.extent().size,
        log_published=published,
        unpublished_microseconds=waited // _MICROSECOND,
        trial=_trial(reader),
    )


def _trial(reader: Reader) -> TrialStanding | None:
    running = reader.trials.running()
    figures = None if running is None else reader.trials.find_figures(running)
    if figures is None:
        return None
    tally = TrialTally.load(figures.figures)
    return TrialStanding(decisions=tally.decisions, flipped=tally.flipped, failed=tally.failed)
