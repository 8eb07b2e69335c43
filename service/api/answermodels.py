"""The JSON of answers to escalations, as models: for documentation, clients and tests."""

from typing import Literal

from pydantic import Field

from service.api.models import Amount, Decision, EntryReference, EscalationState, Instant, Wire

Digest = Field(
    default=None,
    max_length=200,
    description="That of the case as it was looked at; another one is a conflict.",
)


class Answer(Wire):
    """What somebody above says. A denial has a reason, a question its text.

    A counter-offer has an amount (and the currency, if it is not the policy's own) or,
    where the resolution has a unit, a quantity.
    """

    answer: Literal["approve", "counter", "ask", "deny"]
    amount: Amount | None = None
    currency: str | None = Field(default=None, examples=["USD"])
    quantity: int | None = Field(default=None, ge=1, le=1_000_000)
    reason: str | None = Field(default=None, max_length=4_000)
    question: str | None = Field(default=None, max_length=4_000)
    digest: str | None = Digest


class Reply(Wire):
    """What who proposed says to a question. What was asked for stays as it was."""

    reply: str = Field(max_length=4_000)
    digest: str | None = Digest


class Withdrawal(Wire):
    """Taken back by who proposed, or by the owner of the agent that did."""

    reason: str | None = Field(default=None, max_length=4_000)
    digest: str | None = Digest


class AnswerTaken(Wire):
    """What was done by it: the event, where the escalation stands now, and the decision."""

    id: str
    state: EscalationState
    effect: Literal["approve", "counter", "concur", "move_up", "ask", "deny", "reply", "withdraw"]
    to: str
    answer_by: Instant | None
    answered_by: str | None
    answered_at: Instant | None
    approvals: list[str]
    message: str
    resolution: str
    decision: Decision
    entry: EntryReference
