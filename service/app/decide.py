"""Decide a stream: one proposal a line, one decision a line, budgets kept in memory."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

import orjson

from service.app.balances import Balances
from service.app.deadline import expected_json
from service.app.line import LineReader
from service.core.answer import answer_of
from service.core.decision import Decision, Outcome
from service.core.evaluate import evaluate
from service.core.proposal import read_proposal
from service.core.refusal import Fault, Refused
from service.core.request import Request
from service.core.rulebook import Rulebook
from service.core.rung import Tried
from service.policyfile.explain import Way, explain
from service.policyfile.explainwords import rung_json, way_json


def decide_lines(
    rulebook: Rulebook, lines: Iterable[bytes], *, explain: bool = False
) -> Iterator[bytes]:
    """One answer a line, without a line break, in order and as lines come; see `Decider`."""
    decider = Decider(rulebook, explain=explain)
    for line in lines:
        yield from decider.answers([line])


class Asked(NamedTuple):
    """A line that can be decided."""

    request: Request
    at: datetime


class Decided(NamedTuple):
    """A line that was decided; ``tried`` and ``ways`` only where it is to be explained."""

    decision: Decision
    at: datetime
    site: str
    tried: tuple[Tried, ...]
    ways: tuple[Way, ...]


class Decider:
    """Decides lines and carries the budgets from one to the next.

    An approval is settled at once. ``refused`` counts the lines that could not be decided.
    """

    def __init__(self, rulebook: Rulebook, *, explain: bool = False) -> None:
        """Begin with unused budgets. ``explain`` adds the walk and what would pass."""
        self.refused = 0
        self._rulebook = rulebook
        self._explain = explain
        self._reader = LineReader(rulebook)
        self._balances = Balances(rulebook)

    def answers(self, lines: Iterable[bytes]) -> list[bytes]:
        """The Decision of each line as JSON, or its refusal; none for a blank line.

        A line is what `LineReader.read` takes. A refusal is an object ``error`` with
        ``code``, ``pointer`` (into the line), ``message`` and ``remedy``; it changes no
        budget.

        The lines go through one stage after the other, since a processor runs the same
        code for many of them faster than all code for one: about a quarter.
        """
        asked = [self._read(line) for line in lines if line and not line.isspace()]
        decided = [one if isinstance(one, Refused) else self._decide(one) for one in asked]
        return [self._render(one) for one in decided]

    def _read(self, text: bytes) -> Asked | Refused:
        try:
            line = self._reader.read(text)
        except Refused as refusal:
            return refusal
        try:
            return Asked(read_proposal(self._rulebook, line.proposal, line.agent), line.at)
        except Refused as refusal:
            return Refused(tuple(_in_request(fault) for fault in refusal.faults))

    def _decide(self, asked: Asked) -> Decided | Refused:
        request, at = asked
        balances = self._balances
        try:
            balances.open(at)
        except Refused as refusal:
            return refusal
        tried: tuple[Tried, ...] = ()
        instead: tuple[Way, ...] = ()
        if self._explain:
            found = explain(self._rulebook, request, balances.kept, at)
            decision, tried, instead = found.decision, found.tried, found.ways
        else:
            decision = evaluate(self._rulebook, request, balances.kept, at)
        if decision.outcome is Outcome.APPROVED:
            balances.charge(decision)
        return Decided(decision, at, request.site, tried, instead)

    def _render(self, found: Decided | Refused) -> bytes:
        if isinstance(found, Refused):
            self.refused += 1
            return orjson.dumps({"error": _error(found.faults[0])})
        rulebook, (decision, at, site, tried, instead) = self._rulebook, found
        answer = answer_of(
            rulebook,
            decision,
            at,
            state="settled" if decision.outcome is Outcome.APPROVED else None,
            escalation=expected_json(rulebook, decision, site, at),
        )
        if self._explain:
            answer["explain"] = [rung_json(rulebook, one) for one in tried]
            answer["would_pass"] = [way_json(rulebook, way) for way in instead]
        return orjson.dumps(answer)


def _in_request(fault: Fault) -> Fault:
    return Fault(
        code=fault.code,
        pointer=f"/request{fault.pointer}",
        message=fault.message,
        remedy=fault.remedy,
    )


def _error(fault: Fault) -> dict[str, str]:
    return {
        "code": fault.code,
        "pointer": fault.pointer,
        "message": fault.message,
        "remedy": fault.remedy,
    }
