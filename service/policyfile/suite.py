"""Run suites: each step proposed in order, what came of it beside what was expected.

Prints nothing: results are data. Every test begins with unused budgets, an approval is
settled at once, and a step that fails does not stop the ones after it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from service.core.budget import Balance, BudgetKey
from service.core.decision import Decision, Outcome
from service.core.evaluate import walk
from service.core.message import message
from service.core.proposal import read_proposal
from service.core.refusal import Refused
from service.core.request import Agent, Request
from service.core.rulebook import Rulebook
from service.core.rung import Tried
from service.policyfile.expectation import Difference, differences, refusal_differences
from service.policyfile.suitedocument import (
    AgentDocument,
    CaseDocument,
    NestedFacts,
    StepDocument,
    SuiteDocument,
)
from service.policyfile.suitefile import SuiteFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A proposal that was decided, with every grant that was tried for it."""

    request: Request
    decision: Decision
    tried: tuple[Tried, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What came of one step. ``decided`` is ``None`` where the proposal was refused.

    ``number`` counts from 1. ``reasons`` are the decision's, in words, or why the proposal
    was refused.
    """

    number: int
    place: str
    proposal: str
    differences: tuple[Difference, ...]
    reasons: tuple[str, ...]
    decided: Decided | None

    @property
    def passed(self) -> bool:
        """Whether everything is as expected."""
        return not self.differences


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """One test of a suite."""

    name: str
    place: str
    steps: tuple[StepResult, ...]

    @property
    def passed(self) -> bool:
        """Whether every step is as expected."""
        return all(step.passed for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteResult:
    """One suite."""

    file: str
    name: str
    cases: tuple[CaseResult, ...]

    @property
    def passed(self) -> bool:
        """Whether every test passed."""
        return all(case.passed for case in self.cases)

    def decided(self) -> Iterator[Decided]:
        """Every proposal that was decided, in order."""
        for case in self.cases:
            for step in case.steps:
                if step.decided is not None:
                    yield step.decided


def run_suites(rulebook: Rulebook, suites: Sequence[SuiteFile]) -> tuple[SuiteResult, ...]:
    """Run every test of every suite. What a suite names must be there: see `suitecheck`."""
    return tuple(run_suite(rulebook, suite) for suite in suites)


def run_suite(rulebook: Rulebook, suite: SuiteFile) -> SuiteResult:
    """Run every test of one suite, in order."""
    document = suite.document
    return SuiteResult(
        file=suite.file,
        name=document.suite,
        cases=tuple(
            _run_case(rulebook, suite, number, case) for number, case in enumerate(document.tests)
        ),
    )


def _run_case(rulebook: Rulebook, suite: SuiteFile, number: int, case: CaseDocument) -> CaseResult:
    balances: dict[BudgetKey, Balance] = {}
    steps = []
    for index, step in enumerate(case.steps):
        outcome = _propose(rulebook, suite.document, case, step, balances)
        place = suite.place.child("tests", number, "steps", index).where()
        steps.append(_step_result(rulebook, index + 1, place, step, outcome))
    place = suite.place.child("tests", number).where()
    return CaseResult(name=case.name, place=place, steps=tuple(steps))


def _propose(
    rulebook: Rulebook,
    suite: SuiteDocument,
    case: CaseDocument,
    step: StepDocument,
    balances: dict[BudgetKey, Balance],
) -> Decided | Refused:
    """Decide one step and settle what it approves."""
    agent = suite.agents[step.by]
    try:
        request = read_proposal(
            rulebook, _body(suite, agent, step), _agent(rulebook, step.by, agent)
        )
    except Refused as refused:
        return refused
    decision, tried = walk(rulebook, request, balances, _instant(suite, case, step))
    if decision.outcome is Outcome.APPROVED:
        balances.update(
            (reading.key, reading.after) for reading in decision.readings if reading.charged
        )
    return Decided(request=request, decision=decision, tried=tried)


def _step_result(
    rulebook: Rulebook, number: int, place: str, step: StepDocument, outcome: Decided | Refused
) -> StepResult:
    if isinstance(outcome, Refused):
        found = refusal_differences(outcome, step.expect)
        reasons = tuple(f"{fault.pointer}: {fault.message}" for fault in outcome.faults)
    else:
        found = differences(rulebook, outcome.decision, step.expect)
        reasons = tuple(message(reason, rulebook) for reason in outcome.decision.reasons)
    return StepResult(
        number=number,
        place=place,
        proposal=_proposal(step),
        differences=found,
        reasons=reasons,
        decided=None if isinstance(outcome, Refused) else outcome,
    )


def _proposal(step: StepDocument) -> str:
    """The step in a few words."""
    size = step.amount if step.quantity is None else str(step.quantity)
    return " ".join(word for word in (step.by, "proposes", step.propose, size) if word)


def _instant(suite: SuiteDocument, case: CaseDocument, step: StepDocument) -> datetime:
    at = step.at or case.at or suite.at
    if at is None:  # such a suite does not load
        raise ValueError(case.name)
    return at.astimezone(UTC)


def _agent(rulebook: Rulebook, name: str, agent: AgentDocument) -> Agent:
    by_rank = sorted(agent.roles, key=lambda role: rulebook.roles[role].rank)
    return Agent(id=name, kind=agent.kind, roles=tuple(by_rank), owner=agent.owner)


def _body(suite: SuiteDocument, agent: AgentDocument, step: StepDocument) -> dict[str, Any]:
    """The step as the JSON of a proposal; what it leaves out is left out."""
    body: dict[str, Any] = {
        "site": step.site or agent.site,
        "resolution": step.propose,
        "amount": step.amount,
        "quantity": step.quantity,
        "currency": step.currency,
        "reason": step.reason,
        "channel": step.channel,
        "note": step.note,
        "evidence": [evidence.model_dump() for evidence in step.evidence],
        "unavailable": list(step.unavailable),
        "facts": _facts(suite, step),
    }
    return {name: value for name, value in body.items() if value is not None}


def _facts(suite: SuiteDocument, step: StepDocument) -> NestedFacts:
    merged: NestedFacts = {}
    for given in step.facts:
        merged = _merged(merged, suite.facts[given] if isinstance(given, str) else given)
    return merged


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Both, nested mappings too; where both say something ``above`` wins."""
    merged = dict(below)
    for name, value in above.items():
        under = merged.get(name)
        both = isinstance(under, dict) and isinstance(value, dict)
        merged[name] = _merged(under, value) if both and isinstance(under, dict) else value
    return merged
