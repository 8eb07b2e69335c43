"""Replay: what another policy would have decided, request by request, as the money went on."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from service.app.replaycase import (
    APPROVED,
    ESCALATED,
    Answered,
    Asked,
    Ended,
    Event,
    Verdict,
    refused,
    verdict_of,
)
from service.app.replaydesk import Desk, with_authority
from service.app.replaytally import Flip, Tally
from service.core.refusal import Refused
from service.core.request import Request
from service.core.rulebook import Rulebook

PENDING_MAX: Final = 100_000
"""How many escalations may wait for an answer at once; the oldest is forgotten then."""


class Window(NamedTuple):
    """What is reported: decisions from ``since`` on, before ``until``, at one site or at all.

    The rest is decided all the same, since it spends the same budgets.
    """

    since: datetime | None = None
    until: datetime | None = None
    site: str | None = None

    def has(self, at: datetime, site: str) -> bool:
        """Whether a decision is reported."""
        return (
            (self.since is None or self.since <= at)
            and (self.until is None or at < self.until)
            and (self.site is None or site == self.site)
        )


class _Pending(NamedTuple):
    """A request that waits for somebody above, on either side or on both.

    ``is_history`` was asked before the candidate came into force. ``is_done`` says that the
    candidate's side waits no more.
    """

    asked: Asked
    request: Request | None
    before: Verdict
    after: Verdict
    is_history: bool = False
    is_done: bool = False


class Replay:
    """One pass over a stream.

    Each request is decided anew by the candidate, against the budgets as the candidate
    would have left them. The other side is what the log recorded, or what the ``baseline``
    decides. Before ``since`` the candidate was not in force: there its budgets are charged
    with what the other side approved.
    """

    def __init__(
        self,
        candidate: Rulebook,
        baseline: Rulebook | None = None,
        *,
        window: Window = Window(),  # noqa: B008 - it has nothing that could change
        returning: Collection[str] = (),
        tally: Tally | None = None,
    ) -> None:
        """Begin with unused budgets on both sides."""
        self.tally = Tally() if tally is None else tally
        self._candidate = Desk(candidate, returning)
        self._baseline = None if baseline is None else Desk(baseline, returning)
        self._window = window
        self._pending: dict[str, _Pending] = {}
        self._is_shared = baseline is not None and reads_alike(candidate, baseline)

    def take(self, event: Event) -> None:
        """The next event of the stream."""
        match event:
            case Asked():
                self._ask(event)
            case Answered():
                self._answer(event)
            case Ended():
                for desk in self._desks():
                    desk.end(event.about, event.left_minor, event.at)

    def finish(self) -> Tally:
        """What it came to. Escalations that nobody answered are counted as unmeasured."""
        for pending in self._pending.values():
            self._unanswered(pending)
        self._pending.clear()
        return self.tally

    def _desks(self) -> tuple[Desk, ...]:
        return (self._candidate,) if self._baseline is None else (self._baseline, self._candidate)

    def _ask(self, asked: Asked) -> None:
        is_held = asked.state == "held"
        before, given = self._before(asked, is_held=is_held)
        if self._window.since is not None and asked.at < self._window.since:
            self._remember(asked, before)
            return
        after, request = self._decided(self._candidate, asked, given, is_held=is_held)
        if self._window.has(asked.at, asked.site):
            known = request or given
            self.tally.note(
                Flip(
                    max(before.value_minor or 0, after.value_minor or 0),
                    -asked.number,
                    asked.id,
                    asked.at,
                    asked.site,
                    "" if known is None else known.agent.id,
                    "" if known is None else known.resolution,
                    before,
                    after,
                )
            )
        if ESCALATED in (before.outcome, after.outcome):
            self._wait(_Pending(asked, request, before, after))

    def _before(self, asked: Asked, *, is_held: bool) -> tuple[Verdict, Request | None]:
        """What the other side says, and the request where the candidate would read the same."""
        if self._baseline is None:
            return asked.recorded or Verdict(""), None
        verdict, request = self._decided(self._baseline, asked, None, is_held=is_held)
        return verdict, request if self._is_shared else None

    def _decided(
        self, desk: Desk, asked: Asked, given: Request | None, *, is_held: bool
    ) -> tuple[Verdict, Request | None]:
        try:
            request = asked.request(desk.rulebook) if given is None else given
            decision = desk.decide(request, asked.at, about=asked.about, is_held=is_held)
        except Refused as refusal:
            return refused(refusal), None
        return verdict_of(decision), request

    def _remember(self, asked: Asked, before: Verdict) -> None:
        """Spend what the other side approved before the candidate came into force."""
        try:
            request = asked.request(self._candidate.rulebook)
        except Refused:
            return
        if before.outcome == APPROVED:
            self._spend(asked.about, request, before, asked.at, is_held=asked.state == "held")
        elif before.outcome == ESCALATED and asked.about:
            self._wait(_Pending(asked, request, before, before, is_history=True))

    def _spend(
        self, about: str, request: Request, given: Verdict, at: datetime, *, is_held: bool
    ) -> None:
        if given.role is not None:
            value = given.value_minor or 0
            self._candidate.charge_as(given.role, request, value, at, about=about, is_held=is_held)

    def _wait(self, pending: _Pending) -> None:
        if not pending.asked.about:  # a stream of proposals has no answers
            self._unanswered(pending)
            return
        self._pending[pending.asked.about] = pending
        if len(self._pending) > PENDING_MAX:
            self._unanswered(self._pending.pop(next(iter(self._pending))))

    def _unanswered(self, pending: _Pending) -> None:
        if pending.is_history or not self._window.has(pending.asked.at, pending.asked.site):
            return
        if pending.before.outcome == ESCALATED:
            self.tally.before.unmeasured[pending.before.role or ""] += 1
        if pending.after.outcome == ESCALATED and not pending.is_done:
            self.tally.after.unmeasured[pending.after.role or ""] += 1

    def _answer(self, answered: Answered) -> None:
        """An answer of the log, on both sides.

        Where the candidate escalates too, to a role that the approver reaches, the approver
        is taken to approve there as well, at the same moment, and the request is decided
        anew with that authority, as the service does it.
        """
        pending = self._pending.get(answered.about)
        if pending is None:
            return
        if answered.is_final:
            del self._pending[answered.about]
        given = answered.recorded
        is_given = given is not None and given.outcome == APPROVED
        if pending.is_history:
            if given is not None and is_given and pending.request is not None:
                held = answered.state == "held"
                self._spend(answered.about, pending.request, given, answered.at, is_held=held)
            return
        after = self._answered_by(pending, answered)
        if self._window.has(pending.asked.at, pending.asked.site):
            self._count_before(pending, answered)
            self._count_after(pending, answered, after)
        if after is not None and after.outcome == APPROVED and not answered.is_final:
            self._pending[answered.about] = pending._replace(is_done=True)

    def _count_before(self, pending: _Pending, answered: Answered) -> None:
        """The recorded answer, where the other side waited for it."""
        if pending.before.outcome != ESCALATED or not answered.is_final:
            return
        side, seconds = self.tally.before, _seconds(pending, answered)
        self.tally.waited(pending.before.role or "", seconds)
        side.waited_seconds += seconds
        given = answered.recorded
        if given is not None and given.outcome == APPROVED:
            side.answered += 1
            side.answered_minor += given.value_minor or 0

    def _count_after(self, pending: _Pending, answered: Answered, after: Verdict | None) -> None:
        """What the candidate's side has of it. An approval that does not reach answers nothing."""
        if pending.after.outcome != ESCALATED or pending.is_done:
            return
        side = self.tally.after
        if after is not None and after.outcome == APPROVED:
            side.waited_seconds += _seconds(pending, answered)
            side.answered += 1
            side.answered_minor += after.value_minor or 0
        elif answered.is_final and answered.roles:
            side.unmeasured[pending.after.role or ""] += 1
        elif answered.is_final:
            side.waited_seconds += _seconds(pending, answered)

    def _answered_by(self, pending: _Pending, answered: Answered) -> Verdict | None:
        """What the candidate makes of the approval; nothing where it does not wait for it."""
        request, role = pending.request, pending.after.role
        waits = pending.after.outcome == ESCALATED and not pending.is_done
        if request is None or not waits or not answered.roles:
            return None
        known = self._candidate.rulebook.roles
        roles = tuple(held for held in answered.roles if held in known)
        if role not in self._candidate.rulebook.ladder(roles).reach:
            return None
        if answered.offer is not None:
            amount, quantity = answered.offer
            request = replace(request, amount_minor=amount, quantity=quantity)
        try:
            decision = self._candidate.decide(
                with_authority(request, roles),
                answered.at,
                about=answered.about,
                is_held=answered.state == "held",
            )
        except Refused:
            return None
        return verdict_of(decision)


def _seconds(pending: _Pending, answered: Answered) -> int:
    return (answered.at - pending.asked.at) // timedelta(seconds=1)


def reads_alike(one: Rulebook, other: Rulebook) -> bool:
    """Whether both read every proposal the same, so that one request does for both."""
    return one is other or all(
        _reading(one, name) == _reading(other, name)
        for name in ("facts", "currency", "rates", "sites", "roles", "resolutions")
    )


def _reading(book: Rulebook, name: str) -> object:
    if name == "sites":
        return None if book.sites is None else list(book.sites)
    if name == "resolutions":
        return {it.id: it.unit for it in book.resolutions.values()}
    found: object = getattr(book, name)
    return found
