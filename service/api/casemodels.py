"""The JSON of inboxes and cases, as models: for documentation, clients and tests."""

from typing import Literal

from pydantic import Field

from service.api.budgetmodels import BudgetRow
from service.api.models import (
    Case,
    Decision,
    Escalation,
    EscalationState,
    Instant,
    Money,
    Outcome,
    Page,
    State,
    Wire,
)


class Mandate(Wire):
    """For whom somebody acts, through whom, with which roles, and until when."""

    # "for" is a word of the language
    for_: str = Field(alias="for")
    through: list[str]
    roles: list[str]
    until: Instant | None
    delegations: list[str]


class SiteMandate(Mandate):
    """And at which site."""

    site: str


class Objection(Wire):
    """Why the reader may not answer, and what to do instead."""

    code: str
    message: str
    remedy: str


class Outlook(Wire):
    """What an answer would do now. The decision has what it would leave in the budgets."""

    effect: Literal["approve", "concur", "move_up", "deny", "refused"]
    to: str | None
    decision: Decision | None


class Outlooks(Wire):
    """Approving as asked, and denying: that leaves every budget as it is."""

    approve: Outlook
    deny: Outlook


class You(Wire):
    """As whom the reader would answer, and what that would do; or what stands against it."""

    as_: str | None = Field(alias="as", examples=["mia for max"])
    objection: Objection | None
    answers: Outlooks | None
    acting_for: list[Mandate]


class Unasked(Wire):
    """What the proposer could be given without asking, under today's policy and balances."""

    outcome: Outcome
    without_escalation_up_to: Money | None
    counter_offer: Money | None


class Deadline(Wire):
    """Until when an answer is due, and what happens then."""

    answer_by: Instant | None
    remind_at: Instant | None
    overdue: bool
    on_timeout: Literal["next", "deny"] | None
    next: str | None


class BriefResolution(Wire):
    """One of the resolutions of the same subject."""

    id: str
    site: str
    resolution: str
    outcome: Outcome
    state: State | None
    value: Money | None
    proposer: str
    decided_at: Instant


class SubjectHistory(Wire):
    """The latest of them, and how many there are where the reader may look."""

    total: int
    resolutions: list[BriefResolution]


class Precedent(Wire):
    """A case of the same resolution and reason, and about as much: how it ended."""

    id: str
    site: str
    state: EscalationState
    value: Money | None
    answered_by: str | None
    answered_at: Instant | None


class Answerer(Wire):
    """Somebody who could answer now, on their own or for somebody until an instant."""

    id: str
    as_: str = Field(alias="as", examples=["mia for max"])
    until: Instant | None


class Answerers(Wire):
    """Who could answer now; the first of them by the access file."""

    total: int
    people: list[Answerer]


class Context(Wire):
    """What an approver needs besides the case, as it stands at this instant."""

    at: Instant
    you: You
    unasked_today: Unasked | None
    deadline: Deadline
    subject_history: SubjectHistory | None
    similar: list[Precedent]
    answerers: Answerers
    agent_budgets: list[BudgetRow]


class EscalationCase(Escalation):
    """With everything that an approver needs; the context is null for who only proposed it."""

    case: Case
    context: Context | None


class About(Wire):
    """What was asked, as far as a list tells."""

    resolution: str
    value: Money | None


class Waiting(Escalation):
    """An escalation in somebody's list; in an inbox with as whom they may answer it."""

    as_: str | None = Field(default=None, alias="as", examples=["mia for max"])
    overdue: bool | None = None
    about: About | None = None


class Counts(Wire):
    """How many wait over all pages; asked ones wait for their agents' replies.

    Beyond a thousand the counts are of the most urgent ones, and say so.
    """

    open: int
    overdue: int
    asked: int
    complete: bool


class EscalationPage(Page):
    """Escalations, newest first; an inbox by urgency, with counts and delegations received."""

    escalations: list[Waiting]
    counts: Counts | None = None
    acting_for: list[SiteMandate] | None = None
