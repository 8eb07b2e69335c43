"""A replay that is asked for over HTTP: bounded, and in a process of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Final, Protocol

import orjson

from service.app.committer import Report
from service.app.entryports import EntryFilter
from service.app.errors import TooMany, Unavailable
from service.app.policycheck import does_not_load
from service.app.policycommand import EVERYWHERE
from service.app.ports import Store
from service.app.principal import Principal, require
from service.app.replay import Window
from service.app.replayreport import report_of
from service.app.replaytally import Tally
from service.app.replaywork import ReplayFailed, Share, Stream, begins
from service.app.snapshot import Compile, Library
from service.core.factvalue import parse_timestamp
from service.core.refusal import Fault, Refused
from service.core.rulebook import Rulebook
from service.policyfile.problem import PolicyErrors

ENTRIES_MAX: Final = 100_000
"""How many entries a replay over HTTP may read: some ten seconds of one core."""

RETRY_AFTER_SECONDS: Final = 10
HOW: Final = "one process"

_ELSEWHERE: Final = "or replay beside the database: remit policy replay --candidate DIR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody wants replayed. ``since`` and ``until`` are days, or instants, as text."""

    files: Mapping[str, bytes]
    since: str | None = None
    until: str | None = None
    site: str | None = None


class Run(Protocol):
    """Runs parts of a replay elsewhere, so that nobody here waits for the processor."""

    def __call__(self, shares: Sequence[Share], stream: Stream) -> Tally:
        """What all parts came to. Raises `ReplayFailed`."""


class Replays:
    """Replays candidates over the log. Changes nothing; one at a time in each process."""

    def __init__(
        self,
        store: Store,
        library: Library,
        compile_files: Compile,
        run: Run,
        report: Report,
        *,
        entries_max: int = ENTRIES_MAX,
    ) -> None:
        """``report`` is told of what failed. No more than ``entries_max`` are read."""
        self._entries_max = entries_max
        self._store = store
        self._library = library
        self._compile = compile_files
        self._run = run
        self._report = report
        self._turn = Lock()

    def replay(self, principal: Principal, asked: Asked, stream: Stream) -> bytes:
        """What the candidate would have decided, as ``remit policy replay`` tells it in JSON.

        Raises `Forbidden`, `PolicyRefused` where the candidate does not load, `Refused`
        for a window that is none or holds too much, `TooMany` while another one runs, and
        `Unavailable` where it ended before its time.
        """
        in_force = self._library.in_force()
        require(in_force.access, principal, "policy", "publish", EVERYWHERE)
        if not self._turn.acquire(blocking=False):
            raise TooMany(
                "replay_running",
                "another replay runs in this process",
                f"send it again in {RETRY_AFTER_SECONDS} seconds",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )
        try:
            return self._replayed(asked, in_force.rulebook, stream)
        finally:
            self._turn.release()

    def _replayed(self, asked: Asked, in_force: Rulebook, stream: Stream) -> bytes:
        try:
            candidate = self._compile(asked.files).rulebook
        except PolicyErrors as errors:
            raise does_not_load(errors.problems) from None
        window = _window(candidate, in_force, asked)
        self._check_size(candidate, window)
        share = Share(candidate=asked.files, baseline=None, window=window)
        try:
            tally = self._run([share], stream)
        except ReplayFailed as failure:
            self._report(failure)
            raise Unavailable(
                "replay_failed",
                "the replay ended before its time; nothing was changed",
                "try again; if it happens again, tell the operator the request id",
            ) from failure
        return orjson.dumps(report_of(tally, candidate, None, how=HOW))

    def _check_size(self, candidate: Rulebook, window: Window) -> None:
        """Whether it is little enough, with what has to be read before the window begins."""
        since = begins((candidate,), window.since)
        wanted = EntryFilter(since=since, until=window.until)
        with self._store.read() as reader:
            count = reader.entries.count(wanted, self._entries_max + 1)
        if count > self._entries_max:
            raise Refused((_too_long(since, window, self._entries_max),))


def _too_long(since: datetime | None, window: Window, entries_max: int) -> Fault:
    """What to ask for instead; a window may be short and all before it count."""
    message = f"more than {entries_max:,} entries would have to be read"
    remedy = f"ask for less with since and until, {_ELSEWHERE}"
    if window.since is not None:
        before = "from the log's beginning on" if since is None else f"from {since:%Y-%m-%d} on"
        message = f"{message}: what the candidate's budgets count is read {before}"
        remedy = f"end sooner with until, {_ELSEWHERE}"
    return Fault(code="replay_too_long", pointer="/since", message=message, remedy=remedy)


def _window(candidate: Rulebook, in_force: Rulebook, asked: Asked) -> Window:
    """What is reported. Raises `Refused` with every fault."""
    faults: list[Fault] = []
    found: dict[str, datetime | None] = {}
    for name, text in (("since", asked.since), ("until", asked.until)):
        try:
            found[name] = None if text is None else instant_of(candidate, text)
        except ValueError as error:
            found[name] = None
            faults.append(_fault("not_a_date", f"/{name}", str(error), "write 2026-01-01"))
    if asked.site is not None and candidate.sites is not None and asked.site not in candidate.sites:
        declared = ", ".join(candidate.sites)
        said = "the candidate declares no such site"
        faults.append(_fault("unknown_site", "/site", said, f"name one of: {declared}"))
    if candidate.currency != in_force.currency:
        said = f"the log is in {in_force.currency}, and the candidate in {candidate.currency}"
        faults.append(_fault("other_currency", "/files", said, "keep the currency"))
    if faults:
        raise Refused(tuple(faults))
    return Window(since=found["since"], until=found["until"], site=asked.site)


def _fault(code: str, pointer: str, message: str, remedy: str) -> Fault:
    return Fault(code=code, pointer=pointer, message=message, remedy=remedy)


def instant_of(book: Rulebook, text: str) -> datetime:
    """An instant (RFC 3339), or the beginning of a day where the set's clocks are.

    Raises `ValueError` with what is wrong.
    """
    found = parse_timestamp(text)
    if found is not None:
        return found
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=book.zone)
    except ValueError:
        shown = text[:40]
        raise ValueError(
            f"{shown} is no day like 2026-01-01, and no instant like 2026-01-01T00:00:00Z."
        ) from None
