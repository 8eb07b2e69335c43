"""The JSON that goes over the wire, as models: for documentation, clients and tests.

Bodies are read against the policy in force and not against these models: which facts
there are, and of which type, is the policy's to say.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.app.records import EntryKind

Outcome = Literal["approved", "escalated", "denied", "incomplete"]
State = Literal["settled", "held", "released", "reversed", "pending"]
EscalationState = Literal["open", "asked", "approved", "denied", "withdrawn", "expired"]
Amount = Annotated[
    str,
    Field(
        pattern=r"^(0|[1-9][0-9]{0,15})(\.[0-9]{1,6})?$",
        description="Money as a text in major units, never a number.",
        examples=["150.00"],
    ),
]
Instant = Annotated[str, Field(description="RFC 3339, UTC.", examples=["2026-03-02T02:00:00Z"])]


class Wire(BaseModel):
    """Exactly these fields."""

    model_config = ConfigDict(extra="forbid")


class Evidence(Wire):
    """Something that proves the case: a reference to it, never the thing itself."""

    kind: str = Field(examples=["photo"])
    reference: str = Field(examples=["case/991/1"])


class Circumstances(Wire):
    """Where somebody is served, and what is known of the case."""

    site: str = Field(examples=["new_york"], max_length=200)
    reason: str | None = Field(default=None, examples=["noise"], max_length=200)
    channel: str | None = Field(default=None, examples=["front_desk"], max_length=200)
    facts: dict[str, Any] | None = Field(
        default=None,
        description="The facts that the policy declares, nested by the dots of their paths.",
        examples=[{"guest": {"id": "G-1029", "tier": "gold"}, "incident": {"severity": 2}}],
    )
    unavailable: list[str] | None = Field(
        default=None,
        description="What cannot be had: a kind of evidence, or `fact:` and a path.",
        max_length=50,
    )


class Proposal(Circumstances):
    """What a colleague wants to give. An amount of money, or a quantity where there is a unit."""

    resolution: str = Field(examples=["goodwill_credit"], max_length=200)
    amount: Amount | None = None
    quantity: int | None = Field(default=None, ge=1, le=1_000_000)
    currency: str | None = Field(default=None, examples=["USD"])
    note: str | None = Field(default=None, max_length=4_000)
    evidence: list[Evidence] | None = Field(default=None, max_length=20)


class Money(Wire):
    """An amount in the policy's currency; with the quantity where there is a unit."""

    amount: str
    currency: str
    quantity: int | None = None


class Authority(Wire):
    """Under which role and grant."""

    role: str
    grant: str


class Reason(Wire):
    """A rule and what it said. The code is stable, the message is for people."""

    code: str
    rule: str | None
    message: str


class Budget(Wire):
    """A budget that was charged, or, where nothing was, that was read."""

    budget: str
    per: dict[str, str]
    limit: str | int
    charged: str | int
    used: str | int
    remaining: str | int
    version: int
    # "from" is a word of the language
    from_: Instant | None = Field(alias="from")
    until: Instant | None


class Opened(Wire):
    """Who was asked; the id is null in a check, where nobody was.

    Once something happened: what, by whom, and in one sentence. `asked` is what was
    proposed where another value was approved; `alone` says that by then the agent could
    have given it without asking.
    """

    id: str | None
    to: str
    answer_by: Instant | None
    state: EscalationState | None = None
    effect: str | None = Field(default=None, examples=["counter"])
    by: str | None = Field(default=None, examples=["mia for max"])
    asked: Money | None = None
    alone: bool | None = None
    message: str | None = None


class Policy(Wire):
    """The policy that decided. `rules` changes only when a rule does."""

    name: str
    version: str
    rules: str


class EntryReference(Wire):
    """Where it stands in the log, and the hash of what stands there."""

    id: str
    leaf: str


class Decision(Wire):
    """The answer. `id` and `entry` are null in a check."""

    id: str | None
    outcome: Outcome
    state: State | None
    value: Money | None
    authority: Authority | None
    reasons: list[Reason]
    missing: list[str]
    budgets: list[Budget]
    without_escalation_up_to: Money | None
    counter_offer: Money | None
    escalation: Opened | None
    policy: Policy
    entry: EntryReference | None
    decided_at: Instant


class Person(Wire):
    """Who proposed, with the roles held then."""

    id: str
    kind: Literal["human", "ai"]
    owner: str | None
    roles: list[str]


class Step(Wire):
    """One line of a case's history."""

    entry: EntryReference
    kind: str
    at: Instant
    by: str
    effect: str | None
    text: str | None


class Hold(Wire):
    """Until when it is held, exclusively, and what happens then."""

    until: Instant
    then: Literal["settle", "release"]


class Case(Decision):
    """A decision with what was proposed and what happened since. Erased values are null."""

    proposal: dict[str, Any]
    proposed_by: Person
    hold: Hold | None
    history: list[Step]


class Page(Wire):
    """`next` is the cursor of the following page: send it as `after`. Null at the end."""

    next: str | None


class ResolutionPage(Page):
    """Decisions, newest first."""

    resolutions: list[Decision]


class Allowed(Wire):
    """What passes unasked for one resolution; `up_to` null is no cap."""

    resolution: str
    unit: str | None
    up_to: Money | None
    exactly: bool
    authority: Authority | None
    needs: list[str]
    missing: list[str]
    next: str | None


class Holder(Wire):
    """Whose allowance it is."""

    id: str
    roles: list[str]


class Allowance(Wire):
    """What the caller may do for somebody, resolution by resolution."""

    site: str
    agent: Holder
    allowance: list[Allowed]
    policy: Policy
    at: Instant


class Escalation(Wire):
    """A request on its way upwards."""

    id: str
    state: EscalationState
    to: str
    site: str
    resolution: str
    proposer: str
    opened_at: Instant
    answer_by: Instant | None
    approvals: list[str]
    answered_by: str | None
    answered_at: Instant | None
    digest: str
    policy_version: str


class Site(Wire):
    """A place where people serve."""

    id: str
    timezone: str


class Role(Wire):
    """A rung of a ladder; ranks begin at 0, the lowest."""

    id: str
    reports_to: str | None
    rank: int


class Resolution(Wire):
    """Something that may be proposed. `held` says that an approval is kept back for a time."""

    id: str
    unit: str | None
    entitlement: bool
    held: bool


class Fact(Wire):
    """Something that a proposal may tell."""

    path: str
    type: str
    personal: bool
    optional: bool
    choices: list[str]
    # "from" is a word of the language
    from_: int | None = Field(alias="from")
    to: int | None


class PolicyInForce(Wire):
    """What may be proposed, where, and with which facts."""

    name: str
    description: str
    version: str
    rules: str
    currency: str
    currencies: list[str]
    timezone: str
    subject: str | None
    sites: list[Site] | None
    roles: list[Role]
    resolutions: list[Resolution]
    facts: list[Fact]


class Entry(Wire):
    """One entry of the log: `leaf` is the RFC 6962 hash of its bytes."""

    id: str
    kind: EntryKind
    at: Instant
    about: str
    leaf: str
    body: dict[str, Any]


class ExactEntry(Entry):
    """With the bytes that were hashed."""

    bytes: str


class EntryPage(Page):
    """Entries, newest first."""

    entries: list[Entry]


class ProblemPlace(Wire):
    """One place where the fault lies: a JSON pointer into the body, or a parameter."""

    code: str
    pointer: str
    message: str
    remedy: str


class Problem(Wire):
    """RFC 9457, with a stable code and what to do instead."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    remedy: str
    request_id: str
    errors: list[ProblemPlace]
