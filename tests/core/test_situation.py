"""A situation's value reaches the rules that read it, and only then are answers kept apart."""

from datetime import UTC, datetime

from service.core.decision import Decision
from service.core.evaluate import evaluate
from service.core.proposal import read_proposal
from service.core.request import Agent
from service.core.rulebook import Rulebook
from service.policyfile.load import load_rulebook

POLICY = """\
remit: 1
name: inn
currency: USD
timezone: UTC
roles: {clerk: {}}
facts: {stay.rate: {type: money}}
resolutions: {night: {unit: night, worth: stay.rate}, credit: {}}
grants:
  - {id: cheap, role: clerk, may: any, up_to: 500, when: 'request.amount <= money("300.00")'}
"""


def _book() -> Rulebook:
    return load_rulebook({"inn.yaml": POLICY.encode()})


def _decide(**proposal: object) -> Decision:
    body = {"site": "main", "facts": {"stay": {"rate": "100.00"}}, **proposal}
    book = _book()
    request = read_proposal(book, body, Agent(id="ana", roles=("clerk",)))
    return evaluate(book, request, {}, datetime(2026, 3, 1, tzinfo=UTC))


def test_a_condition_reads_the_value_of_a_quantity() -> None:
    """The worth is computed first, and the value that follows is what conditions see."""
    assert _decide(resolution="night", quantity=3).outcome == "approved"
    refused = _decide(resolution="night", quantity=4)
    assert [reason.code for reason in refused.reasons] == ["beyond_every_remit", "condition_false"]


def test_what_would_pass_is_tried_where_a_condition_reads_the_value() -> None:
    """The cap of 500.00 does not pass the condition, so nothing is promised."""
    assert _decide(resolution="credit", amount="300.00").without_escalation_up_to.amount_minor == 0
