"""One process's share of a replay, and whether there can be more than one."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final

from service.app.line import LINE_BYTES_MAX
from service.app.ports import Store
from service.app.replay import Replay, Window
from service.app.replaycase import Event
from service.app.replaylines import Lines
from service.app.replaylog import Log, asks_people
from service.app.replaytally import FLIPS_KEPT, Tally
from service.core.rulebook import Budget, Rulebook
from service.core.window import LASTS_MAX
from service.policyfile.load import load_rulebook

Advance = Callable[[int], object]
"""Told how much more was done: bytes of a file, or entries of a log."""

STEP: Final = 1_000
"""How many lines or entries are done between two tellings."""


class ReplayFailed(Exception):  # noqa: N818 - named for what happened
    """A process of a replay ended before its time. The message says how, and no fact."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Stream:
    """What is replayed: a file of proposals, or the log of a database. Shows no password."""

    path: Path | None = None
    database: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one process does. Sets are given as files, since compiled ones stay where they are.

    Of a file ``part`` of ``parts`` takes the requests of its own sites; of a log those of
    ``sites``, or all.
    """

    candidate: Mapping[str, bytes]
    baseline: Mapping[str, bytes] | None
    window: Window
    flips_max: int = FLIPS_KEPT
    part: int = 0
    parts: int = 1
    sites: frozenset[str] | None = None


def why_not_split(rulebooks: Iterable[Rulebook]) -> str | None:
    """Why the sites of a file cannot be replayed apart; ``None`` where they can."""
    shared = [
        budget.id for book in rulebooks for budget in book.budgets if "site.id" not in budget.per
    ]
    if not shared:
        return None
    named = ", ".join(dict.fromkeys(shared))
    return f"one process, since sites share budgets: {named}"


def replay_lines(share: Share, path: Path, advance: Advance) -> Tally:
    """Replay a file of proposals. Raises `OSError`."""
    candidate, baseline = _books(share)
    books = (candidate,) if baseline is None else (baseline, candidate)
    with path.open("rb") as stream:
        lines = Lines(books, part=share.part, parts=share.parts)
        events = lines.events(_lines(stream, advance))
        return _run(share, candidate, baseline, events, frozenset())


def replay_log(share: Share, store: Store, advance: Advance) -> Tally:
    """Replay the log of a database."""
    candidate, baseline = _books(share)
    books = (candidate,) if baseline is None else (candidate, baseline)
    log = log_of(store, books, share.window, sites=share.sites, advance=advance)
    tally = _run(share, candidate, baseline, log.events(), log.returning())
    tally.notes.update(log.notes)
    return tally


def log_of(
    store: Store,
    books: tuple[Rulebook, ...],
    window: Window,
    *,
    sites: frozenset[str] | None = None,
    advance: Advance = int,
) -> Log:
    """What of a log has to be read, so that every budget is as it was when the window begins."""
    return Log(
        store=store,
        since=begins(books, window.since),
        until=window.until,
        notes={},
        asks_people=asks_people(books),
        sites=sites,
        advance=advance,
    )


def begins(rulebooks: Iterable[Rulebook], since: datetime | None) -> datetime | None:
    """From where on the log has to be read: so long before ``since`` as money can count.

    ``None`` is from its first entry on, where a budget lasts as long as its key.
    """
    if since is None:
        return None
    longest = timedelta(days=1)
    for book in rulebooks:
        for budget in book.budgets:
            lasts = _lasts(budget)
            if lasts is None:
                return None
            longest = max(longest, lasts)
    return since - longest


def _lasts(budget: Budget) -> timedelta | None:
    return budget.within if budget.every is None else LASTS_MAX[budget.every]


def _books(share: Share) -> tuple[Rulebook, Rulebook | None]:
    """The candidate and the baseline; one where both have the same rules."""
    candidate = load_rulebook(share.candidate)
    return candidate, None if share.baseline is None else load_rulebook(share.baseline)


def _run(
    share: Share,
    candidate: Rulebook,
    baseline: Rulebook | None,
    events: Iterable[Event],
    returning: frozenset[str],
) -> Tally:
    replay = Replay(
        candidate,
        baseline,
        window=share.window,
        returning=returning,
        tally=Tally(flips_max=share.flips_max),
    )
    for event in events:
        replay.take(event)
    return replay.finish()


def _lines(stream: BinaryIO, advance: Advance) -> Iterator[bytes]:
    """The lines of a file. One that is too long is cut, which leaves it too long."""
    done = read = 0
    while line := stream.readline(LINE_BYTES_MAX + 2):
        read += len(line)
        kept = line
        while not line.endswith(b"\n") and (line := stream.readline(LINE_BYTES_MAX + 2)):
            read += len(line)
        yield kept
        done += 1
        if done % STEP == 0:
            advance(read)
            read = 0
    advance(read)
