"""Explanations: every suggestion passes when it is followed, and says what it takes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.core.budget import Balance, BudgetKey
from service.core.decision import Outcome
from service.core.evaluate import evaluate
from service.core.proposal import read_proposal
from service.core.request import Agent, Request
from service.policyfile.explain import Explanation, explain, ways
from service.policyfile.explainwords import as_json, lines
from service.policyfile.load import load_rulebook
from tests import strategies
from tests.core.test_evaluate_oracle import desk, request_of

AT = datetime(2026, 3, 2, 2, tzinfo=UTC)
BOOK = load_rulebook(
    {
        "p.yaml": b"""\
remit: 1
name: shop
currency: USD
timezone: UTC
roles: {clerk: {reports_to: lead}, lead: {reports_to: chief}, chief: {}}
facts:
  guest.id: {type: text, personal: true}
  guest.tier: {type: choice, of: [new, gold]}
  order.due: {type: money, optional: true}
subject: guest.id
resolutions:
  credit: {}
  voucher: {}
  hour: {unit: hour, worth: money("25.00")}
  owed: {entitlement: true}
  cash: {}
grants:
  - {id: small, role: clerk, may: [credit, hour], up_to: 100}
  - {id: proven, role: clerk, may: [credit], up_to: 300, needs: [photo, note]}
  - {id: gift, role: clerk, may: [voucher], up_to: 250}
  - {id: due, role: clerk, may: [owed], exactly: order.due}
  - {id: more, role: lead, may: [credit, hour], up_to: 500}
  - {id: all, role: chief, may: any}
prohibitions: [{id: no-cash, may_not: [cash], because: Cash leaves no trace.}]
"""
    }
)
UNUSED: dict[BudgetKey, Balance] = {}


HELD = {"ana": "clerk", "max": "lead", "mia": "lead", "grace": "chief", "zoe": "lead"}


class People:
    """Who works here: Ana proposes, three others may answer, and one more may not."""

    def roles(self, person: str, site: str) -> tuple[str, ...]:
        return (HELD[person],)

    def may(self, person: str, thing: str, action: str, site: str) -> bool:
        return person != "zoe"

    def people(self) -> Sequence[str]:
        return tuple(HELD)


def asked(amount: str | None = "400.00", **fields: Any) -> Request:
    body = {"site": "main", "resolution": "credit", "facts": {"guest": {"id": "G-1"}}, **fields}
    if amount is not None:
        body["amount"] = amount
    return read_proposal(BOOK, body, Agent(id="ana", roles=("clerk",)))


def explained(request: Request) -> Explanation:
    return explain(BOOK, request, UNUSED, AT, People())


def suggested(found: Explanation) -> list[tuple[str, str, int | None, tuple[str, ...]]]:
    return [
        (way.kind, way.request.resolution, way.decision.value_minor, way.brings)
        for way in found.ways
    ]


def test_what_would_pass_is_told_nearest_first() -> None:
    """Less of the same, more of it with evidence, then something else of as much worth."""
    found = explained(asked())
    assert found.decision.outcome is Outcome.ESCALATED
    assert suggested(found) == [
        ("amount", "credit", 10_000, ()),
        ("amount", "credit", 30_000, ("photo", "note")),
        ("resolution", "voucher", 25_000, ()),
        ("resolution", "hour", 10_000, ()),
    ]


def test_missing_evidence_comes_before_less() -> None:
    """Where a photo and a note would do, that is the first thing said, and only what is missing."""
    found = explained(asked("200.00", note="broken"))
    assert found.decision.missing == ("photo",)
    assert suggested(found)[0] == ("evidence", "credit", 20_000, ("photo",))


def test_evidence_that_cannot_be_had_is_not_suggested() -> None:
    """Nobody is asked for a photo that they said there is none of."""
    found = explained(asked("200.00", unavailable=["photo"]))
    assert all("photo" not in way.brings for way in found.ways)


def test_the_very_sum_that_is_owed_is_suggested() -> None:
    """An entitlement passes at one amount only, above or below what was asked."""
    facts = {"guest": {"id": "G-1"}, "order": {"due": "77.00"}}
    found = explained(asked("50.00", resolution="owed", facts=facts))
    assert suggested(found)[0] == ("amount", "owed", 7_700, ())


def test_what_is_prohibited_leads_to_something_else() -> None:
    """The reason is the policy's sentence, and other resolutions of that worth are named."""
    found = explained(asked("40.00", resolution="cash"))
    assert [way.request.resolution for way in found.ways] == ["credit", "voucher", "hour"]
    told = list(lines(BOOK, asked("40.00", resolution="cash"), found))
    assert told[0] == "cash of 40.00 USD at main, by ana (clerk): denied"
    assert told[1] == "  Cash leaves no trace."


def test_the_lowest_people_who_can_say_yes_are_named() -> None:
    """Not the proposer, nobody who may not answer, and nobody higher than it takes."""
    assert [it.id for it in explained(asked()).people] == ["max", "mia"]
    assert [(it.id, it.gives) for it in explained(asked("900.00")).people] == [("grace", "chief")]
    owned = asked()
    owned = replace(owned, agent=replace(owned.agent, kind="ai", owner="max"))
    assert [it.id for it in explained(owned).people] == ["mia"]


def test_what_passes_needs_no_suggestion() -> None:
    """An approval is explained by the ladder alone."""
    found = explained(asked("20.00"))
    assert (found.ways, found.people) == ((), ())
    told = list(lines(BOOK, asked("20.00"), found))
    assert told[0].endswith("approved under small (clerk)")


def test_the_ladder_is_told_rung_by_rung() -> None:
    """Every grant that was tried, with its sign and why, under its role."""
    told = list(lines(BOOK, asked(), explained(asked())))
    assert told[1:6] == [
        "clerk",
        "  ✗ small   small lets clerk give up to 100.00 USD; this is worth 400.00 USD.",
        "  ✗ proven  proven lets clerk give up to 300.00 USD; this is worth 400.00 USD.",
        "lead",
        "  ✓ more    passes.",
    ]
    assert told[-1] == "Who can say yes: max (lead), mia (lead)"


def test_programs_get_the_same() -> None:
    """Rungs, ways and people as JSON."""
    told = as_json(BOOK, explained(asked()))
    assert [it["verdict"] for it in told["rungs"]] == ["fails", "fails", "passes"]
    assert told["would_pass"][1] == {
        "kind": "amount",
        "resolution": "credit",
        "value": {"amount": "300.00", "currency": "USD"},
        "quantity": None,
        "brings": ["photo", "note"],
        "authority": {"role": "clerk", "grant": "proven"},
    }
    assert told["people"][0] == {"id": "max", "roles": ["lead"], "gives": "lead"}


@pytest.mark.parametrize("amount", ["100.01", "300.01", "5000.00"])
def test_suggestions_of_an_amount_are_the_largest(amount: str) -> None:
    """A cent more of what is suggested would not pass with the same evidence."""
    for way in explained(asked(amount)).ways:
        if way.kind == "amount" and way.request.amount_minor is not None:
            more = replace(way.request, amount_minor=way.request.amount_minor + 1)
            assert evaluate(BOOK, more, UNUSED, AT).outcome is not Outcome.APPROVED


@settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.data())
def test_whatever_is_suggested_passes(data: st.DataObject) -> None:
    """In random sets, with budgets partly used, every way is approved when it is gone."""
    policy = data.draw(strategies.policies())
    real = desk(policy)
    for at, proposal in data.draw(strategies.streams(policy, longest=4)):
        proposal["authority"] = None
        request = request_of(proposal, real.rulebook)
        for way in ways(real.rulebook, request, real.balances, at):
            decision = evaluate(real.rulebook, way.request, real.balances, at)
            assert decision.outcome is Outcome.APPROVED
            assert way.request.agent == request.agent
        real.propose(proposal, at)
